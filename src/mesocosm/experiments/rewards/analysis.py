"""What the record of `rewards` says of each world: weights, spread, modulo gauge, ways of living. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesocosm.minds.parameters import WEIGHTS
from mesocosm.protocol.measure import measure_named
from mesocosm.protocol.registry import declaration_of
from mesocosm.record import Record

FREE = ("signalling", "mating", "alive", "food")
"""What acts, of a planner: survival and death only together (`alive`)."""
DONE = ("population", "distance", "signals")
"""Ways of living by which worlds are clustered."""
RESAMPLES = 2000


def lives_on(record: Record) -> np.ndarray:
    """Which worlds live at the end. [replicates]"""
    return np.array([s.status == "alive" for s in record.statuses], bool)


def weight(record: Record, name: str) -> np.ndarray:
    """Mean weight of the living at the end and of their shadow genes. [2, replicates], NaN where a world died out."""
    measure = measure_named(declaration_of(record), record, name)
    return np.stack([measure.reduced(record), measure.reduced(record, of_control=True)])


def above_shadow(record: Record, name: str) -> np.ndarray:
    """The same, evolved less shadow. [replicates]"""
    evolved, shadow = weight(record, name)
    return evolved - shadow


def late(record: Record, column: str, per: str = "") -> np.ndarray:
    """Mean of a column over the windows of the second half; per another one, if named. [replicates], NaN if none."""
    metrics = record.metrics
    counts = metrics["tick"] > record.tick // 2
    who = metrics["replicate"][counts].astype(int)
    total = np.bincount(who, metrics[column][counts].astype(float), record.replicates)
    n = np.bincount(who, metrics[per][counts].astype(float) if per else None, record.replicates)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def population(record: Record) -> np.ndarray:
    """Mean population in the second half of a run, 0 where a world has died out. [replicates]"""
    return np.where(lives_on(record), np.nan_to_num(late(record, "population")), 0.0)


def spread(record: Record) -> np.ndarray:
    """How much further from the mean of all worlds the weights lie than the shadows do: squared deviation over the
    shadows' variance, evolved less shadow, mean of the four that act. [replicates]; its mean is a ratio of variances
    less 1.
    """
    return np.mean([_deviation(*weight(record, name)) for name in FREE], axis=0)


def _deviation(evolved: np.ndarray, shadow: np.ndarray) -> np.ndarray:
    """The same of one weight; (n - 3) / (n - 1) takes the bias of a ratio of variances of n normal numbers."""
    there = np.isfinite(evolved)
    n = int(there.sum())
    if n < 4 or not (variance := np.var(shadow[there])):
        return np.full(evolved.shape, np.nan)
    unbiased = (n - 3) / (n - 1)
    mean, other = evolved[there].mean(), shadow[there].mean()
    return (unbiased * (evolved - mean) ** 2 - (shadow - other) ** 2) / variance


def variance_ratio(record: Record, name: str, seed: int = 0) -> tuple[float, float, float] | None:
    """Variance between worlds of a weight over the shadows': estimate and 95 % percentile interval over resampled
    worlds; None for fewer than eight worlds."""
    evolved, shadow = (row[np.isfinite(row)] for row in weight(record, name))
    if evolved.size < 8:
        return None
    drawn = np.random.default_rng(seed).integers(0, evolved.size, (RESAMPLES, evolved.size))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = evolved[drawn].var(axis=1) / shadow[drawn].var(axis=1)
        estimate = evolved.var() / shadow.var()
    if not np.isfinite(estimate):
        return None
    low, high = np.quantile(ratios[np.isfinite(ratios)], [0.025, 0.975])
    return float(estimate), float(low), float(high)


def modulo_gauge(record: Record) -> Mapping[str, np.ndarray]:
    """Mean over the living of each weight that acts, after shaping death to 0 and scaling the four to a sum of absolute
    values of 1; evolved less shadow, by name. [replicates], NaN where a world has died out."""
    state = record.state
    discount = record.header["configuration"]["mind"]["discount"] / 256
    out = {name: np.full(record.replicates, np.nan) for name in FREE}
    for lane, r in enumerate(state["replicate"] if "state.genomes" in state else ()):
        alive = state["state.world.bodies.id"][lane] > 0
        if not alive.any():
            continue
        w = dict(zip(WEIGHTS, np.moveaxis(state["state.genomes"][lane][:, : len(WEIGHTS), alive], 1, 0), strict=True))
        w = {name: values.astype(float) for name, values in w.items()}
        w["alive"] = w["survival"] - (1 - discount) * w["death"]
        size = np.maximum(sum(np.abs(w[name]) for name in FREE), 1e-9)
        for name in FREE:
            evolved, shadow = (w[name] / size).mean(axis=1)
            out[name][int(r)] = evolved - shadow
    return out


def ways(record: Record) -> dict[str, np.ndarray]:
    """How each world lives: population, distance to food, signals, what it rewards in life and food. [replicates]"""
    return {
        "population": late(record, "population"),
        "distance": late(record, "distance") / (16.0 * int(record.header["every"])),
        "signals": late(record, "emitted", "agent_ticks"),
        "fear of death": -weight(record, "death")[0],
        "worth of life": weight(record, "alive")[0],
    }


def _done(record: Record) -> np.ndarray:
    return np.array([values for name, values in ways(record).items() if name in DONE])


def clusters(record: Record, most: int = 3) -> np.ndarray:
    """To which of so many ways of living each world belongs, the largest being 0. [replicates], -1 where it died out.

    J. H. Ward's method (1963) on what is done alone (`DONE`, standardised): what is felt is then no part of it.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    out = np.full(record.replicates, -1)
    rows = _done(record)
    there = np.isfinite(rows).all(axis=0) & lives_on(record)
    if there.sum() < 2 * most:
        out[there] = 0
        return out
    x = rows[:, there]
    x = (x - x.mean(axis=1, keepdims=True)) / np.maximum(x.std(axis=1, keepdims=True), 1e-12)
    found = fcluster(linkage(x.T, "ward"), most, "maxclust")
    order = np.argsort(-np.bincount(found)[1:], kind="stable")
    out[there] = np.argsort(order)[found - 1]
    return out


def typical(record: Record, labels: np.ndarray, cluster: int) -> int:
    """The world nearest to the mean of its cluster."""
    rows = _done(record)
    mine = np.flatnonzero(labels == cluster)
    scale = np.maximum(np.nanstd(rows, axis=1, keepdims=True), 1e-12)
    away = (((rows[:, mine] - rows[:, mine].mean(axis=1, keepdims=True)) / scale) ** 2).sum(axis=0)
    return int(mine[np.argmin(away)])
