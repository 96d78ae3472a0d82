"""An environment of Gymnasium as the world of an experiment: a search for a mind that lives well in it.

A tick is a generation: a searcher proposes minds, each lives through the same episodes, and those that gained more
shape the next. The environment is Python of other people and runs on the host; random bits say which episodes are
played, so a run is repeated as far as the environment keeps its seeds.

Minds: `net`, whose strengths are searched; and `rule`, whose strengths begin at random in every life and are changed
while it lives by a Hebbian rule of each connection, which is what is searched: nobody tells it a loss or a label
(E. Najarro, S. Risi, "Meta-learning through Hebbian plasticity in random networks", 2020).
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Discrete
from jaxtyping import Array, Float32

from mesocosm.core import Bits, Experiment, Scene, Tick
from mesocosm.evolution.searcher import Searcher
from mesocosm.record import ConfigurationError, Status

EPISODES, MEMBERS, FOUNDING = 1, 2, 3  # purposes of random bits
COEFFICIENTS = 5
"""Of a Hebbian rule at a connection: rate, and what before times after, before, after and nothing weigh."""
_here = threading.local()


@dataclass(frozen=True)
class Environment:
    """An environment by its name, and the minds that live in it. Hashable: a program is kept by it.

    Args:
      name: as for `gymnasium.make`.
      mind: `net` or `rule`.
      hidden: neurons between observation and act; none: straight from one to the other.
      longest: steps of an episode at most.
      settings: further arguments of `gymnasium.make`, as JSON: lists and tables have no hash.
    """

    name: str
    mind: Literal["net", "rule"] = "net"
    hidden: tuple[int, ...] = ()
    longest: int = 500
    settings: str = "{}"

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Neurons from observation (and a one) to act.

        Raises:
          ConfigurationError: for an environment that is not there, or whose spaces no net can read.
        """
        env = self.made()
        seen, done = env.observation_space, env.action_space
        if isinstance(seen, Box):
            n_seen = int(np.prod(seen.shape))
        elif isinstance(seen, Discrete):
            n_seen = int(seen.n)
        else:
            raise ConfigurationError(f"{self.name}: observes {seen}; a net reads a Box or a Discrete")
        if not isinstance(done, Box | Discrete):
            raise ConfigurationError(f"{self.name}: acts by {done}; a net gives a Box or a Discrete")
        n_done = int(done.n) if isinstance(done, Discrete) else int(np.prod(done.shape))
        return (n_seen, *self.hidden, n_done)

    @cached_property
    def dimension(self) -> int:
        """Numbers of a mind."""
        n = sum((a + 1) * b for a, b in zip(self.sizes[:-1], self.sizes[1:], strict=True))
        return n * (COEFFICIENTS if self.mind == "rule" else 1)

    def made(self) -> gymnasium.Env[Any, Any]:
        """The environment of this thread: several may live at once."""
        there = _here.__dict__.setdefault("environments", {})
        if self not in there:
            try:
                there[self] = gymnasium.make(self.name, **json.loads(self.settings))
            except Exception as error:  # other people's code: anything
                said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                raise ConfigurationError(f"{self.name}: Gymnasium does not make it ({said:.200})") from None
        return there[self]

    def returns(self, members: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """What each mind gains in an episode, on the mean over these; NaN where the environment fails.

        Returns:
          float32 [members].
        """
        lives = [[self._lived(member, int(seed)) for seed in seeds] for member in np.asarray(members, np.float32)]
        return np.asarray(lives, np.float32).mean(axis=1)

    def _lived(self, numbers: np.ndarray, seed: int) -> float:
        """A life; what other people's code raises in it ends the search, not the run."""
        try:
            return self._life(numbers, seed)
        except Exception as error:  # other people's code: anything
            said = str(error).strip().splitlines()[0] if str(error).strip() else ""
            warnings.warn(f"{self.name}: fails ({type(error).__name__}: {said:.200}); searches in it end", stacklevel=2)
            _here.__dict__.get("environments", {}).pop(self, None)  # who knows what state it is in
            return float("nan")

    def _life(self, numbers: np.ndarray, seed: int) -> float:
        env, act = self.made(), self._mind(numbers, seed)
        seen, _ = env.reset(seed=seed)
        gained = 0.0
        for _ in range(self.longest):
            seen, reward, is_dead, is_cut, _ = env.step(
                self._as_an_act(env.action_space, act(self._as_numbers(env, seen)))
            )
            gained += float(reward)
            if is_dead or is_cut:
                break
        return gained

    def _as_numbers(self, env: Any, seen: Any) -> np.ndarray:
        if isinstance(env.observation_space, Discrete):
            return np.eye(1, self.sizes[0], int(seen) - int(env.observation_space.start), dtype=np.float32)[0]
        return np.asarray(seen, np.float32).ravel()

    def _as_an_act(self, space: Any, out: np.ndarray) -> Any:
        if isinstance(space, Discrete):
            return int(space.start) + int(np.argmax(out))
        share = (np.tanh(out).reshape(space.shape) + 1) / 2
        low, high = np.maximum(space.low, -1e3), np.minimum(space.high, 1e3)
        return (low + share * (high - low)).astype(space.dtype)

    def _mind(self, numbers: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
        """From what is seen to what is done; a rule keeps what it has learnt in this life."""
        pairs = list(zip(self.sizes[:-1], self.sizes[1:], strict=True))
        cuts = np.cumsum([(a + 1) * b for a, b in pairs])[:-1]
        if self.mind == "net":
            layers = [w.reshape(b, a + 1) for w, (a, b) in zip(np.split(numbers, cuts), pairs, strict=True)]
            return lambda seen: _passed(layers, seen)[-1]
        rules = [
            w.reshape(b, a + 1, COEFFICIENTS)
            for w, (a, b) in zip(np.split(numbers.reshape(-1, COEFFICIENTS), cuts), pairs, strict=True)
        ]
        random = np.random.default_rng(seed)
        strengths = [random.uniform(-0.1, 0.1, rule.shape[:2]).astype(np.float32) for rule in rules]

        def live(seen: np.ndarray) -> np.ndarray:
            levels = _passed(strengths, seen)
            for k, rule in enumerate(rules):
                before, after = _and_one(levels[k])[None, :], np.tanh(levels[k + 1])[:, None]
                change = rule[..., 1] * before * after + rule[..., 2] * before + rule[..., 3] * after + rule[..., 4]
                strengths[k] = np.clip(strengths[k] + rule[..., 0] * change, -8, 8)
            return levels[-1]

        return live


def _and_one(level: np.ndarray) -> np.ndarray:
    return np.append(level, np.float32(1))


def _passed(layers: list[np.ndarray], seen: np.ndarray) -> list[np.ndarray]:
    """Levels from what is seen to what is given; between them tanh."""
    levels = [np.clip(seen, -1e3, 1e3)]
    for k, layer in enumerate(layers):
        given = layer @ _and_one(levels[-1])
        levels.append(given if k == len(layers) - 1 else np.tanh(given))
    return levels


class GenerationState(eqx.Module):
    search: Any
    gained: Float32[Array, ""]  # on the mean by the last generation's minds
    best: Float32[Array, ""]
    centre: Float32[Array, ""]  # by the mind that the search stands for, in episodes that nobody is selected by
    founder: Float32[Array, ""]  # by the one that it began as, in the same


class Schooling(Experiment):
    """A search for a mind in an environment of Gymnasium.

    Args:
      searcher: over `environment.dimension` numbers; none that follows a gradient.
      episodes: that all minds of a generation live through.
      judged: seeds of episodes by which the centre is judged, the same in every generation and replicate.
      spread: standard deviation of a founder's numbers.
    """

    exact: ClassVar[bool] = False
    endings: ClassVar[dict[int, str]] = {
        Status.DIVERGED: "the environment failed (a warning says how), or gave a reward that is no number"
    }

    environment: Environment = eqx.field(static=True)
    searcher: Searcher
    episodes: int = eqx.field(static=True, default=2)
    judged: tuple[int, ...] = eqx.field(static=True, default=(1001, 1002, 1003, 1004))
    spread: float = eqx.field(static=True, default=0.1)

    def init(self, bits: Bits) -> GenerationState:
        founder = self.spread * bits.normals(FOUNDING, self.searcher.dimension)
        gained = self._judged(founder)
        return GenerationState(self.searcher.found(founder), gained, gained, gained, gained)

    def tick(self, bits: Bits, state: GenerationState) -> tuple[GenerationState, Tick]:
        seeds = (bits.of(jnp.arange(self.episodes, dtype=jnp.uint32), EPISODES)[0] >> 1).astype(jnp.int32)
        search, losses = self.searcher.step(
            bits.key(MEMBERS), state.search, lambda members: -self._returns(members, seeds)
        )
        centre = self._judged(self.searcher.centre(search))
        return GenerationState(search, -jnp.mean(losses), -jnp.min(losses), centre, state.founder), Tick()

    def status(self, state: GenerationState) -> Array:
        """Ended where the environment failed, or rewards by no number: no mind is better than another then."""
        gained = jnp.stack([state.gained, state.best, state.centre, state.founder])
        return jnp.where(jnp.isfinite(gained).all(), Status.ALIVE, Status.DIVERGED).astype(jnp.int32)

    def scene(self, state: GenerationState) -> Scene:
        return Scene(curves={name: getattr(state, name) for name in ("gained", "best", "centre", "founder")})

    def _judged(self, numbers: Array) -> Array:
        return self._returns(numbers[None, :], jnp.array(self.judged, jnp.int32))[0]

    def _returns(self, members: Array, seeds: Array) -> Array:
        """By the host, one replicate after the other."""
        shape = jax.ShapeDtypeStruct(members.shape[:1], jnp.float32)
        return jax.pure_callback(self.environment.returns, shape, members, seeds, vmap_method="sequential")


_MOST = 1 << 20


def _whole_numbers(values: Any) -> tuple[int, ...] | None:
    """They as a tuple, or none if they are no such."""
    if not isinstance(values, tuple | list) or any(isinstance(v, bool) or not isinstance(v, int) for v in values):
        return None
    return tuple(values)


def schooling(
    name: str,
    searcher: Callable[[int], Searcher],
    *,
    mind: Literal["net", "rule"] = "net",
    hidden: tuple[int, ...] = (),
    longest: int = 500,
    episodes: int = 2,
    settings: Mapping[str, Any] | None = None,
) -> Schooling:
    """The law of an experiment whose world is an environment of Gymnasium; see `mesocosm.faces.schooling`."""
    if mind not in ("net", "rule"):
        raise ConfigurationError(f"mind = {mind!r}: must be net or rule")
    sizes = _whole_numbers(hidden)
    if sizes is None or any(not 1 <= n <= _MOST for n in sizes):
        raise ConfigurationError(
            f"hidden = {hidden!r:.80}: must be numbers of neurons, each 1 ... {_MOST}, such as (16,)"
        )
    for field, value in (("longest", longest), ("episodes", episodes)):
        if _whole_numbers((value,)) is None or not 1 <= value <= _MOST:
            raise ConfigurationError(f"{field} = {value!r:.80}: must be a whole number in 1 ... {_MOST}")
    try:
        plain = json.dumps(dict(settings or {}), sort_keys=True)
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"settings = {settings!r:.80}: must be numbers, words, and lists and tables of them, by name"
        ) from None
    environment = Environment(name, mind, sizes, longest, plain)
    return Schooling(environment, searcher(environment.dimension), episodes)
