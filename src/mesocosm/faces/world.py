"""One world of bodies on the host, a tick at a time: what both faces stand on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.core.checkpoint import unnamed
from mesocosm.core.flags import as_it_comes
from mesocosm.core.programs import devices, make_room
from mesocosm.core.random import seed_words
from mesocosm.ecology.ecology import Ecology
from mesocosm.ecology.words import ACTS
from mesocosm.faces import led
from mesocosm.protocol.preparing import check_plan, law_of
from mesocosm.protocol.reading import after, configuration_of
from mesocosm.protocol.registry import find
from mesocosm.record import ConfigurationError, FolderError, Record
from mesocosm.record import load as load_record
from mesocosm.record.configuration import from_dict

DOINGS = ("eaten", "met", "exchanged", "emitted", "children", "lived", "died")


@dataclass(frozen=True)
class Moment:
    """What is there before anybody acts, and what came of the last acts.

    Args:
      ids, slots: of the living, in the order of their ids [k]; the newborn come last.
      seen, energy, parent: of the same.
      rewards, died: by slot, of those who acted [n]; nothing at the beginning.
      next_id: of the next birth.
    """

    ids: np.ndarray
    slots: np.ndarray
    seen: np.ndarray
    energy: np.ndarray
    parent: np.ndarray
    next_id: int
    rewards: np.ndarray
    died: np.ndarray


class World:
    """A world that others drive. Not thread-safe; one episode at a time.

    Args:
      reward: weights by doing.
      among: a finished run whose bodies begin, or None.
      configuration: plain values.
    """

    def __init__(self, name: str, reward: Mapping[str, float], among: Any, configuration: Mapping[str, Any]):
        self.entry, self.reward = find(name), _checked(reward)
        self.record = None if among is None else _record_of(among, self.entry.declaration.name)
        if self.record is None:
            self.base = from_dict(self.entry.declaration.configuration, {"every": 1, **configuration})
        else:
            own = configuration_of(self.record)
            own = replace(after(own, own.parsed_interventions()), interventions=())
            self.base = from_dict(type(own), {"every": 1, **configuration}, own)
        self.name = self.entry.declaration.name
        self._build(self.base)
        law = self.law
        self.stimuli = tuple(", ".join(s) or "always" for s in product(*(s.told() for s in law.world.senses)))
        self.acts = tuple(_act(act) for act in range(law.mind.n_acts))
        self.n_founders = law.world.founders

    def _build(self, configuration: Any) -> None:
        """The law of a configuration, refused here where it is none that can be driven."""
        check_plan(self.entry, configuration)
        if configuration.interventions:
            raise ConfigurationError(
                f"interventions = {configuration.interventions}: a face has none; change the configuration at `reset`"
            )
        devices()
        setup = law_of(self.entry, configuration)
        if not isinstance(setup.experiment, Ecology):
            raise ConfigurationError(
                f"{self.name}: has no bodies that act on what they sense, so there is nothing to drive; faces are of "
                "ecologies, such as chemotaxis, trend, signalling, symbiont and rewards"
            )
        self.configuration, self.law, self.founding = configuration, setup.experiment, setup.founding

    # -- an episode ------------------------------------------------------------------------------------------------

    @as_it_comes
    def begin(self, seed: int, options: Mapping[str, Any] | None) -> Moment:
        """Found the world, and let everybody sense.

        Raises:
          ConfigurationError: for changes that are not permitted, or that need other observations or acts.
        """
        make_room()
        changes = (options or {}).get("configuration", {})
        if not isinstance(changes, Mapping):
            raise ConfigurationError(f"options: configuration = {changes!r}: must be a table of fields")
        shape = self.law.world.n_stimuli, self.law.mind.n_acts
        built = from_dict(type(self.base), dict(changes), self.base)
        if built != self.configuration:
            self._build(built)
            if (now := (self.law.world.n_stimuli, self.law.mind.n_acts)) != shape:
                self._build(self.base)
                raise ConfigurationError(
                    f"options: that world has {now[0]} stimuli and {now[1]} acts, not {shape[0]} and {shape[1]}; "
                    "make another environment for it"
                )
        self.seed, self.ticks = seed_words(seed), 0
        state, self.tick = self._first(seed)
        self.before = np.array(state.world.bodies.id)
        return self._moment(self._sense(state), None)

    def _first(self, seed: int) -> tuple[Any, int]:
        """The state that an episode begins with, and its tick."""
        if self.record is None:
            return led.founded(self.law, self.founding, self.seed), 0
        arrays = self.record.state
        living = arrays["replicate"].size
        if not living:
            raise FolderError(f"{self.record.folder}: nobody lives at its end; take a run in which somebody does")
        lane = seed % living
        own = {k.removeprefix("state."): np.asarray(v[lane]) for k, v in arrays.items() if k.startswith("state.")}
        template = jax.eval_shape(lambda: led.founded(self.law, self.founding, seed_words(0)))
        return jax.tree.map(jnp.asarray, unnamed(template, own)), self.record.tick

    @as_it_comes
    def step(self, acts: np.ndarray, is_led: np.ndarray) -> Moment:
        """Let everybody act, and sense again.

        Args:
          acts, is_led: by slot [n].
        """
        state, happened = led.acted(self.law, self.seed, np.int32(self.tick), self.waiting, acts, is_led)
        self.tick, self.ticks = self.tick + 1, self.ticks + 1
        return self._moment(self._sense(state), happened)

    def _sense(self, state: Any) -> led.Bodies:
        """The next tick's first half, with room for everybody's division: nobody divides twice in a tick."""
        population, n = int(np.count_nonzero(self.before)), self.before.size
        while min(2 * population, max(population, int(self.law.world.ceiling))) > n:
            state, n = led.grown(self.law, state), 2 * n
        self.waiting, there = led.sensed(self.law, self.seed, np.int32(self.tick), state)
        return there

    def _moment(self, there: led.Bodies, happened: led.Happened | None) -> Moment:
        id, parent, energy, seen = (np.array(x) for x in (there.id, there.parent, there.energy, there.seen))
        slots = np.flatnonzero(id)
        slots = slots[np.argsort(id[slots])]
        rewards, died = np.zeros(id.size), np.zeros(id.size, bool)
        if happened is not None:
            n = happened.died.size
            died[:n] = happened.died
            doings = {name: np.asarray(x) for name, x in happened.doings.items()}
            rewards[:n] = self._rewards(doings, died[:n], id, parent)
        self.before, self.newest = id, int(there.next_id)
        return Moment(id[slots], slots, seen[slots], energy[slots], parent[slots], self.newest, rewards, died)

    def _rewards(self, doings: dict[str, np.ndarray], died: np.ndarray, id: np.ndarray, parent: np.ndarray) -> Any:
        """By slot, of those who acted: a child that is born with the next sensing is a reward of this act."""
        n = died.size
        doings |= {"died": died, "lived": ~died}
        if "children" in self.reward:
            order = np.argsort(self.before)
            at = order[np.searchsorted(self.before, parent[id >= self.newest], sorter=order)]
            doings["children"] = np.bincount(at, minlength=n)
        return sum((weight * doings[name] for name, weight in self.reward.items()), np.zeros(n))


def _act(act: int) -> str:
    moves = "tumbles" if act & ACTS["tumbles"] else "runs"
    return f"{moves} and emits" if act & ACTS["emits"] else moves


def _checked(reward: Any) -> dict[str, float]:
    """Weights of known doings."""
    if not isinstance(reward, Mapping) or not reward:
        raise ConfigurationError(f"reward = {reward!r}: must be weights by name, such as {{'eaten': 1.0}}")
    for name, weight in reward.items():
        if name not in DOINGS:
            raise ConfigurationError(f"reward: {name!r} is nothing that happens to a body; known: {', '.join(DOINGS)}")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
            raise ConfigurationError(f"reward[{name!r}] = {weight!r}: must be a finite number")
    return {name: float(weight) for name, weight in reward.items()}


def _record_of(among: Any, name: str) -> Record:
    """The record of a finished run of this experiment."""
    record = getattr(among, "record", among)
    if not isinstance(record, Record):
        try:
            record = load_record(Path(record))
        except TypeError:
            raise ConfigurationError(f"among = {among!r}: must be a run, or the path of its folder") from None
    if (kind := record.header["experiment"]) != name:
        raise ConfigurationError(f"among: {record.folder} is a run of {kind}, not of {name}")
    if record.status != "finished":
        raise FolderError(f"{record.folder}: is {record.status}; finish it first, `mesocosm resume`")
    return record


def acts_of(given: Iterable[Any], acts: tuple[str, ...]) -> np.ndarray:
    """Acts as numbers.

    Raises:
      ConfigurationError: for one that is none.
    """
    values = np.array(list(given))
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise ConfigurationError(f"acts must be whole numbers 0 ... {len(acts) - 1}: {', '.join(acts)}")
    if values.size and not 0 <= values.min() <= values.max() < len(acts):
        wrong = values[(values < 0) | (values >= len(acts))][0]
        raise ConfigurationError(f"an act is {wrong}: must be 0 ... {len(acts) - 1}: {', '.join(acts)}")
    return values.astype(np.int32)
