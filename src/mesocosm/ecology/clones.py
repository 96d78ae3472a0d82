"""What clones of one genotype were seen to do, beside the rewards that their genes truly hold: NumPy, no jax.

A run of minds with reward maps (`mesocosm.minds.rewards`) is followed by a monoculture of the commonest genotype of
each world, with heredity frozen and, for planners, the colony's model too. This is its record as arrays: here a method
that infers rewards from behaviour can be held against rewards that nobody chose and that are known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesocosm.ecology.analysis import senses_of, stimulus_names
from mesocosm.minds.parameters import WEIGHTS
from mesocosm.minds.policy import softmax_weight
from mesocosm.protocol.reading import follow_ups_of
from mesocosm.record import FolderError, Record

ACTS = ("runs", "tumbles", "runs, emits", "tumbles, emits")
_P, _E = 2**13, 2**12

Episode = tuple[np.ndarray, np.ndarray, bool]
"""Stimuli [T] and acts [T] of a life, from its first tick that was logged, and whether it ended in death."""


@dataclass(frozen=True)
class Clones:
    """Clones of one genotype in each of C worlds; S stimuli, A acts.

    Args:
      stimuli, acts: what they are called.
      replicate: which one each is of [C]; where nobody lived there is none.
      weights: the true rewards, in the order of `WEIGHTS` [C, 5].
      visits: how often a stimulus and act were followed by each stimulus; the last is death [C, S, A, S + 1].
      events: the mean of each event under a stimulus and act [C, S, A, 5], NaN where it was never met; food is a share
        of a full bite, survival is 1 less death.
      model, model_events: likewise as the planners' colony had them, prior included; None where minds do not plan.
      policy: how likely each act is [C, S, A], without the blind ones; None where minds do not plan.
      discount: of the true minds; temperature: of a softmax, in units of reward, None for the best act.
      exploration: share of acts that are blind.
      episodes: lives of a sample of bodies, of each clone.
    """

    stimuli: tuple[str, ...]
    acts: tuple[str, ...]
    replicate: np.ndarray
    weights: np.ndarray
    visits: np.ndarray
    events: np.ndarray
    model: np.ndarray | None
    model_events: np.ndarray | None
    policy: np.ndarray | None
    discount: float
    temperature: float | None
    exploration: float
    episodes: tuple[tuple[Episode, ...], ...]


def clones(record: Record, name: str = "clones") -> Clones:
    """The clones that follow a finished run.

    Args:
      name: `clones`, in worlds of the run's kind; `clones-elsewhere`, the same genotypes in others.

    Raises:
      FolderError: if the run is followed by none, or none of them lived.
    """
    there = follow_ups_of(record).get(name)
    if there is None:
        raise FolderError(
            f"{record.folder}: has no finished follow-up {name}; `mesocosm run rewards` with assays = true makes it"
        )
    settings = there.header["configuration"]["resolved"]
    mind, stimuli = settings["mind"], tuple(stimulus_names(senses_of(there)))
    state = there.state
    replicates, weights, is_alive = _genotypes(record, there)
    if not replicates.size:
        raise FolderError(f"{there.folder}: no clone lives at the end; there is no behaviour to speak of")
    shape = (len(stimuli), 4 if settings["world"]["signal"] else 2)
    seen, food, mating = (_tallies(state, name, shape)[:, is_alive] for name in ("next", "food", "mating"))
    plans = mind["kind"] == "planner"
    return Clones(
        stimuli,
        ACTS[: shape[1]],
        replicates,
        weights,
        seen[1],
        seen_events(seen[1], food[1], mating[1]),
        modelled(seen[0], mind["prior"]) if plans else None,
        modelled_events(seen[0], food[0], mating[0], mind["prior"]) if plans else None,
        _policy(state, mind, is_alive) if plans else None,
        mind["discount"] / 256,
        8 / (np.log(2) * mind["sharpness"]) if plans and mind["policy"] == "softmax" else None,
        float(mind["exploration"]),
        _episodes(there, replicates),
    )


def _genotypes(record: Record, there: Record) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which replicates live, their weights [C, 5], and which lanes of the state those are."""
    state = there.state
    if "state.genomes" not in state:
        return np.zeros(0, int), np.zeros((0, len(WEIGHTS)), int), np.zeros(0, bool)
    alive = state["state.world.bodies.id"] > 0
    is_alive = np.asarray(alive.any(axis=1))
    first = alive.argmax(axis=1)
    genomes = state["state.genomes"][np.arange(first.size), 0, : len(WEIGHTS), first]
    return state["replicate"][is_alive].astype(int), genomes[is_alive].astype(int), is_alive


def _tallies(state: dict[str, np.ndarray], name: str, shape: tuple[int, int]) -> np.ndarray:
    """A tally of each replicate as [2, C, S, A] or [2, C, S, A, S + 1]: in the model, and of the frozen."""
    flat = state[f"state.colony.{name}"]
    after = (shape[0] + 1,) if name == "next" else ()
    return np.moveaxis(flat.reshape(flat.shape[0], 2, *shape, *after), 1, 0).astype(np.int64)


def modelled(visits: np.ndarray, prior: int) -> np.ndarray:
    """The transition model of a planner [..., S, A, S + 1]."""
    seen = visits.sum(axis=-1) + prior
    share = _P * visits // seen[..., None]
    stays = np.eye(visits.shape[-3], visits.shape[-1], dtype=np.int64)[:, None, :]
    ahead = share + stays * (_P - share.sum(axis=-1))[..., None]
    return ahead / _P


def modelled_events(visits: np.ndarray, food: np.ndarray, mating: np.ndarray, prior: int) -> np.ndarray:
    """The events that a planner expects [..., S, A, 5], in the order of `WEIGHTS`."""
    seen = visits.sum(axis=-1) + prior
    death, mates = _E * visits[..., -1] // seen, _E * mating // seen
    eats = (_E // 128) * food // seen
    return np.stack([death, _E * _emits(seen), mates, _E - death, eats], axis=-1) / _E


def seen_events(visits: np.ndarray, food: np.ndarray, mating: np.ndarray) -> np.ndarray:
    """The means of events [..., S, A, 5]; NaN where a stimulus and act were never met."""
    seen = visits.sum(axis=-1)
    n = np.where(seen > 0, seen, np.nan)
    death = visits[..., -1] / n
    return np.stack([death, _emits(seen) + 0 * n, mating / n, 1 - death, food / (128 * n)], axis=-1)


def events_of_part(events: np.ndarray, visits: np.ndarray, part: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What would have been seen of the events, had only a part of the visits been watched.

    Deaths are those of the part, matings are drawn from those that there were. Of food the sums alone are known: a
    bite counts as a full one or none, which is the noisiest that food of this mean can be.

    Args:
      events: their means over all visits [S, A, 5]; visits, part: [S, A, S + 1].

    Returns:
      [S, A, 5], NaN where the part has no visit.
    """
    n, of_all = part.sum(axis=2), visits.sum(axis=2)
    mean = np.nan_to_num(events)
    mated = np.rint(mean[..., WEIGHTS.index("mating")] * of_all).astype(np.int64)
    mated = rng.hypergeometric(mated, of_all - mated, n)
    bites = rng.binomial(n, np.clip(mean[..., WEIGHTS.index("food")], 0, 1))
    return seen_events(part, 128 * bites, mated)


def _emits(like: np.ndarray) -> np.ndarray:
    return np.broadcast_to((np.arange(like.shape[-1]) >> 1) & 1, like.shape)


def _policy(state: dict[str, np.ndarray], mind: dict, is_alive: np.ndarray) -> np.ndarray:
    """The policy of the clones that have a plan, the same for all of a world [C, S, A]."""
    gaps, waits = state["state.brains.gaps"][is_alive], state["state.brains.waits"][is_alive]
    ids = state["state.world.bodies.id"][is_alive]
    has_plan = (ids > 0) & (waits == 0)
    body = np.where(has_plan.any(axis=1), has_plan.argmax(axis=1), (ids > 0).argmax(axis=1))
    rows = gaps[np.arange(body.size), :, :, body].astype(np.int64)
    if mind["policy"] == "argmax":
        return (rows.argmin(axis=2)[..., None] == np.arange(rows.shape[2])).astype(float)
    weights = softmax_weight(rows, mind["sharpness"])
    return weights / weights.sum(axis=2, keepdims=True)


def _episodes(there: Record, replicates: np.ndarray) -> tuple[tuple[Episode, ...], ...]:
    """The lives that were logged, of each of these replicates."""
    if "lives" not in there.header["logs"]:
        return tuple(() for _ in replicates)
    rows, deaths = there.log("lives"), there.log("deaths")
    dead = set(zip(deaths["replicate"].tolist(), deaths["id"].tolist(), strict=True))
    order = np.lexsort((rows["tick"], rows["id"], rows["replicate"]))
    who = np.stack([rows["replicate"][order], rows["id"][order]], axis=1)
    starts = np.flatnonzero(np.r_[True, (who[1:] != who[:-1]).any(axis=1)]) if who.size else np.zeros(0, int)
    out: dict[int, list[Episode]] = {int(r): [] for r in replicates}
    for a, b in zip(starts, [*starts[1:], who.shape[0]], strict=True):
        r, body = (int(v) for v in who[a])
        if r in out:
            some = order[a:b]
            out[r].append((rows["stimulus"][some].astype(int), rows["act"][some].astype(int), (r, body) in dead))
    return tuple(tuple(out[int(r)]) for r in replicates)


__all__ = ["ACTS", "Clones", "Episode", "clones", "modelled", "modelled_events", "seen_events"]
