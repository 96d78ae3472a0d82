"""What is an individual here: a body, a neighbourhood, a deme, the colony, an element? Information on one's own future.

D. Krakauer, N. Bertschinger, E. Olbrich, J. C. Flack and N. Ay, "The information theory of individuality", Theory in
Biosciences 139, 2020. With S the state of a system, E that of its surroundings, and S' the system's state a step later:

    A* = I(S'; S)        what it carries on into its future
    A  = I(S'; S | E)    of that, what its surroundings do not say already: autonomy
    nC = I(S'; E | S)    what its surroundings add: control from without

A machine that keeps its state has (1, 1, 0) bits, one that copies its surroundings (0, 0, 1), one that does S xor E
(0, 1, 1). States are in classes of equal size. Estimates have Miller's correction, and stand beside what is left when
the relation is broken by permutation; the replicate is the unit. A step is the time from frame to frame; of a colony
from window to window of the second half of a run, and its linear trend is taken off first. NumPy, no jax.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.information import entropy, mutual
from mesocosm.findings.intervals import finite_interval, show_mean
from mesocosm.findings.outcomes import plain_lists
from mesocosm.instruments.places import demes, filmed
from mesocosm.protocol.catalogue import Analysis, Result, columns
from mesocosm.protocol.story import Axis, Strips, Table
from mesocosm.record import Record
from mesocosm.record.configuration import Range, resolved

LEVELS = {
    "body": "energy; the crowd around it",
    "neighbourhood": "how many bodies are in it; how many in the four beside it",
    "deme": "how many bodies are in it; how many in all others",
    "colony": "how many bodies there are, late, from window to window; how much food (trends taken off)",
    "element": "whether a body carries one; the share of carriers around it",
}
"""The state of a system, and of its surroundings."""
MEASURES = ("A*", "A", "nC")
ENOUGH = 10
"""Samples for each combination of classes, or there are fewer classes."""
LEAST = 16
"""Samples of one replicate; of fewer nothing is said."""

Triples = tuple[np.ndarray, np.ndarray, np.ndarray]
"""S, E and S' of each sample, as classes. [n] each"""


@dataclass(frozen=True)
class Settings:
    """Into how many classes, and how large a neighbourhood is."""

    classes: Annotated[int, Range(2, 16, "classes")] = 4
    """Of each state, equally frequent ones; fewer where samples are few."""
    neighbourhood: Annotated[int, Range(1, 2**15, "cells")] = 8
    """Side of a square."""
    permutations: Annotated[int, Range(1, 10_000, "permutations")] = 10
    """For what is left where the relation is broken."""
    most: Annotated[int, Range(100, 10**7, "samples")] = 20_000
    """Samples of a level in one replicate; more are drawn from."""


def individuality(s: np.ndarray, e: np.ndarray, after: np.ndarray, draws: int = 10, seed: int = 0) -> np.ndarray:
    """A*, A and nC in bits: corrected, plain, and where the relation is broken. [3, 3]

    Args:
      s, e, after: S, E and S' of each sample. [n] each

    >>> bits = np.array([(s, e) for s in (0, 1) for e in (0, 1)] * 50)
    >>> individuality(bits[:, 0], bits[:, 1], bits[:, 0] ^ bits[:, 1], draws=1)[:, 1].round(12).tolist()
    [0.0, 1.0, 1.0]
    """
    found = [
        mutual(s, after, None, draws, seed),
        mutual(s, after, e, draws, seed),
        mutual(e, after, s, draws, seed),
    ]
    return np.array([[f.bits, f.plain, f.null] for f in found])


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    shape = (len(LEVELS), len(MEASURES), record.replicates)
    bits, null, plain = (np.full(shape, np.nan) for _ in range(3))
    whole, samples = np.full((len(LEVELS), record.replicates), np.nan), np.zeros((len(LEVELS), record.replicates))
    for i, name in enumerate(LEVELS):
        for r, triples in _of_level(record, name, settings):
            s, e, after = _drawn(triples, settings.most, r)
            samples[i, r] = s.size
            if s.size >= LEAST and np.unique(after).size > 1:
                bits[i, :, r], plain[i, :, r], null[i, :, r] = individuality(s, e, after, settings.permutations, r).T
                whole[i, r] = entropy(np.unique(after, return_counts=True)[1])
    return {
        "levels": list(LEVELS),
        "measures": list(MEASURES),
        **{name: plain_lists(x) for name, x in (("bits", bits), ("null", null), ("plain", plain), ("whole", whole))},
        "samples": plain_lists(samples),
        "is_filmed": not filmed(record),
    }


def _of_level(record: Record, name: str, settings: Settings) -> Iterator[tuple[int, Triples]]:
    """The samples of each replicate; none where the record does not show this level."""
    if name == "colony":
        yield from _colonies(record, settings)
    elif not filmed(record):
        film = record.frames("bodies")
        needed = {"body": "energy", "element": "element"}.get(name, "x")
        if needed in film and (name != "deme" or demes(record) > 1):
            for r in range(record.replicates):
                mine = film["replicate"] == r
                rows = {k: v[mine].astype(np.int64) for k, v in film.items() if k != "replicate"}
                if mine.any():
                    yield r, _SAMPLES[name](rows, record, settings)


def _colonies(record: Record, settings: Settings) -> Iterator[tuple[int, Triples]]:
    """From window to window of the second half, each less its linear trend: what merely grows, as a colony does till it
    has filled its world, would tell its future too."""
    metrics = record.metrics
    for r in range(record.replicates):
        mine = metrics["replicate"] == r
        late = mine & (metrics["tick"] > metrics["tick"][mine].max(initial=0) // 2)
        people, food = (metrics[name][late].astype(float) for name in ("population", "food"))
        if people.size > 2:
            people, food = (_without_trend(x) for x in (people, food))
            k = _classes(people.size - 1, settings.classes)
            level = classes(people, k)
            yield r, (level[:-1], classes(food[:-1], k), level[1:])


def _without_trend(x: np.ndarray) -> np.ndarray:
    t = np.arange(x.size) - (x.size - 1) / 2
    return x - x.mean() - t * (t @ x) / (t @ t)


def _bodies(rows: Mapping[str, np.ndarray], record: Record, settings: Settings) -> Triples:
    """Energy now and in the next frame (one that has died by then is in a class of its own), among how many."""
    crowd = _count_near(rows, record, settings)
    now, after = _next(rows)
    k = _classes(now.size, settings.classes)
    energy = classes(rows["energy"].astype(float), k)
    then = np.where(after >= 0, energy[np.maximum(after, 0)], -1)
    return energy[now], classes(crowd[now].astype(float), k), then


def _elements(rows: Mapping[str, np.ndarray], record: Record, settings: Settings) -> Triples:
    carried = (rows["element"] > 0).astype(np.int64)
    groups = _groups(rows, record, settings)
    _, place = np.unique(groups, return_inverse=True)
    n = np.bincount(place)[place]
    near = (np.bincount(place, weights=carried)[place] - carried) / np.maximum(n - 1, 1)
    now, after = _next(rows)
    k = _classes(now.size, settings.classes)
    then = np.where(after >= 0, carried[np.maximum(after, 0)], -1)
    return carried[now], classes(near[now], k), then


def _squares(rows: Mapping[str, np.ndarray], record: Record, settings: Settings) -> Triples:
    """Bodies in a square now and in the next frame, and in the four squares beside it."""
    grid = _grid(rows, record, settings)  # [frames, demes, rows, columns]
    beside = sum(np.roll(grid, shift, axis) for axis in (2, 3) for shift in (1, -1))
    return _triples(grid[:-1], np.asarray(beside)[:-1], grid[1:], settings)


def _of_demes(rows: Mapping[str, np.ndarray], record: Record, settings: Settings) -> Triples:
    people = _grid(rows, record, settings).sum(axis=(2, 3))  # [frames, demes]
    others = people.sum(axis=1, keepdims=True) - people
    return _triples(people[:-1], others[:-1], people[1:], settings)


def _triples(now: np.ndarray, around: np.ndarray, after: np.ndarray, settings: Settings) -> Triples:
    k = _classes(now.size, settings.classes)
    both = classes(np.concatenate([now.ravel(), after.ravel()]).astype(float), k)
    return both[: now.size], classes(around.ravel().astype(float), k), both[now.size :]


_SAMPLES = {"body": _bodies, "element": _elements, "neighbourhood": _squares, "deme": _of_demes}


def classes(values: np.ndarray, k: int) -> np.ndarray:
    """Classes 0 ... k - 1 of equal size, ties together. [n]"""
    if not values.size:
        return np.zeros(0, np.int64)
    edges = np.unique(np.quantile(values, np.arange(1, k) / k))
    return np.searchsorted(edges, values, side="right")


def _classes(samples: int, most: int) -> int:
    """As many as leave enough samples for every combination of three; two at least."""
    return max(2, min(most, int((samples / ENOUGH) ** (1 / 3))))


def _next(rows: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Places of all rows but those of the last frame, and of the same body in the next frame; -1 where it has died."""
    ticks, time = np.unique(rows["tick"], return_inverse=True)
    key = rows["id"] * (ticks.size + 1) + time
    order = np.argsort(key)
    now = np.flatnonzero(time < ticks.size - 1)
    at = np.minimum(np.searchsorted(key[order], key[now] + 1), key.size - 1)
    return now, np.where(key[order][at] == key[now] + 1, order[at], -1)


def _groups(rows: Mapping[str, np.ndarray], record: Record, settings: Settings) -> np.ndarray:
    """A number for each square and frame; none lies in two demes. [rows]"""
    x, y = (rows[axis] >> 8 for axis in "xy")
    side, width = int(resolved(record)["world"]["side"]), 1 << 20
    row = y // side * (-(-side // settings.neighbourhood)) + y % side // settings.neighbourhood
    return (rows["tick"] * width + row) * width + x // settings.neighbourhood


def _count_near(rows: Mapping[str, np.ndarray], record: Record, settings: Settings) -> np.ndarray:
    _, place = np.unique(_groups(rows, record, settings), return_inverse=True)
    return np.bincount(place)[place]


def _grid(rows: Mapping[str, np.ndarray], record: Record, settings: Settings) -> np.ndarray:
    """Bodies in each square: [frames, demes, rows, columns]."""
    ticks, time = np.unique(rows["tick"], return_inverse=True)
    side = int(resolved(record)["world"]["side"])
    n = -(-side // settings.neighbourhood)
    x, y = (rows[axis] >> 8 for axis in "xy")
    out = np.zeros((ticks.size, demes(record), n, n), np.int64)
    at = (time, y // side, y % side // settings.neighbourhood, x // settings.neighbourhood)
    np.add.at(out, at, 1)
    return out


def _drawn(triples: Triples, most: int, seed: int) -> Triples:
    n = triples[0].size
    if n <= most:
        return triples
    some = np.random.default_rng(seed).choice(n, most, replace=False)
    return triples[0][some], triples[1][some], triples[2][some]


def show(record: Record, values: Mapping[str, Any]) -> Result:
    bits, null = np.array(values["bits"], float), np.array(values["null"], float)
    whole = np.array(values["whole"], float)
    told = [i for i in range(len(values["levels"])) if np.isfinite(bits[i]).any()]
    if not told:
        return Result("There are too few samples of any level to say what carries itself on.", values)
    share = bits / whole[:, None]
    said = [f"{values['levels'][i]} {show_mean(share[i, 1])} (from without {show_mean(share[i, 2])})" for i in told]
    sentence = (
        f"Of what comes next, the share that a system itself tells and its surroundings do not (autonomy, "
        f"I(S'; S | E) / H(S')): {', '.join(said)}. {_foremost(values['levels'], share, told)}"
    )
    if not values["is_filmed"]:
        sentence += " Bodies were not filmed (--frames-every 50 --frames-of -1), so of smaller levels nothing is known."
    figures = (_figure(values, share, told), _table(values, bits, null, told), _states(values, told))
    return Result(sentence, values, figures=figures)


def _foremost(levels: Sequence[str], share: np.ndarray, told: list[int]) -> str:
    """Which level is more of an individual than the next one, if the worlds tell them apart."""
    order = sorted(told, key=lambda i: -float(np.nanmean(share[i, 1])))
    if len(order) < 2:
        return ""
    first, second = order[:2]
    ahead = finite_interval(share[first, 1] - share[second, 1])
    names = f"{levels[first]} and {levels[second]}"
    if ahead is not None and ahead[1] > 0:
        return f"Most of an individual by this measure: {levels[first]}."
    return f"Which is most of an individual by this measure is not told: {names} are not apart."


def _figure(values: Mapping[str, Any], share: np.ndarray, told: list[int]) -> Strips:
    said = ", ".join(f"{values['levels'][i]} {show_mean(share[i, 1])}" for i in told)
    return Strips(
        title="What a system tells of its own future",
        alt=f"Autonomy as a share of H(S'), a dot a world: {said}.",
        conditions=[values["levels"][i] for i in told],
        y_axis=Axis("I(S'; S | E) / H(S')"),
        values=np.array([share[i, 1] for i in told]),
        intervals=[finite_interval(share[i, 1]) for i in told],
    )


def _table(values: Mapping[str, Any], bits: np.ndarray, null: np.ndarray, told: list[int]) -> Table:
    rows = [
        [f"{values['levels'][i]}: {m}", show_mean(bits[i, j]), show_mean(null[i, j])]
        for i in told
        for j, m in enumerate(values["measures"])
    ]
    return Table("Bits, means over worlds with 95 % intervals", ["", "bits", "relation broken"], rows)


def _states(values: Mapping[str, Any], told: list[int]) -> Table:
    samples = np.array(values["samples"], float)
    rows = [[values["levels"][i], LEVELS[values["levels"][i]], _median(samples[i])] for i in told]
    return Table("What is taken for state and surroundings", ["", "state; surroundings", "samples a world"], rows)


def _median(samples: np.ndarray) -> int:
    return int(np.median(samples[samples > 0]))


ANALYSIS = Analysis(
    "individuality",
    "what carries itself on, and is told least by its surroundings: body, neighbourhood, deme, colony, element",
    compute,
    show,
    Settings,
    needs=(columns("population", "food"),),
)
