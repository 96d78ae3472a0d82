"""From a record of `rewards` to its findings and its page. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.ecology.assay.call import follow_ups_from
from mesocosm.ecology.blocks import films, lineages, population_and_ledger
from mesocosm.experiments.rewards.analysis import (
    FREE,
    above_shadow,
    clusters,
    lives_on,
    modulo_gauge,
    population,
    spread,
    typical,
    variance_ratio,
    ways,
    weight,
)
from mesocosm.experiments.rewards.declaration import NEEDED, SIGNS, WEIGHTS
from mesocosm.findings.claim import show_interval
from mesocosm.findings.intervals import finite_interval
from mesocosm.protocol.blocks import Analysed, OverTime, Told, strips
from mesocosm.protocol.story import Axis, Section, Strips, Table
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.protocol.declaration import FollowUp
    from mesocosm.protocol.story import Replay

CLONE_TICKS, LIVES, FILM_TICKS = 400, 4, 200
ELSEWHERE = ("world.drop_spread=4096", "world.jump_probability=0.0")
"""Another world for the same genotypes: food falls far from the source, which never jumps."""


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """The commonest genotype of each world alone, in a world of its kind and in another; films of ways of living.

    All that is filmed or logged is so in each of them: they are one program.
    """
    seen = ("mind.thinks_every=1", f"lives={LIVES}", "log_births_and_deaths=true")
    here = {"kind": "monoculture", "population": "clones", "ticks": CLONE_TICKS, "changes": seen}
    out: dict[str, dict[str, Any]] = {}
    labels = clusters(record)
    for cluster in range(int(labels.max()) + 1):
        filmed = {"frames_every": 1, "frames_of": typical(record, labels, cluster)}
        out[f"life-{cluster + 1}"] = {**here, "ticks": FILM_TICKS, **filmed}
    if record.header["configuration"]["mind"]["kind"] == "planner":
        adapts = CLONE_TICKS // 2
        away = {**here, "ticks": CLONE_TICKS + adapts, "changes": (*seen, f"mind.adapts={adapts}", *ELSEWHERE)}
        out |= {"clones": here, "clones-elsewhere": away}
    return follow_ups_from(record, out)


def values(record: Record, runs: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """The statistic of each claim in each replicate, NaN where a replicate has died out."""
    out = {name: above_shadow(record, name) for name in (*SIGNS, "alive")}
    out |= {"spread": spread(record), "viable": lives_on(runs["monoculture"]).astype(float)}
    out["model"] = weight(record, "food")[0] - weight(runs["no-trend"], "food")[0]
    own = population(record)
    return out | {claim: own - population(runs[arm]) for claim, arm in NEEDED.items()}


# -- the page ----------------------------------------------------------------------------------------------------------


def _said(row: np.ndarray, signed: bool = False) -> str:
    found = finite_interval(row)
    return show_interval(*found, signed=signed) if found else "unknown"


def all_over_the_map(told: Told) -> Section | None:
    """The weights of each world beside their shadows."""
    if not told.alive:
        return None
    both = [(name, *weight(told.record, name)) for name in WEIGHTS]
    rows = np.array([row for _, evolved, shadow in both for row in (shadow, evolved)])
    figure = Strips(
        title="The weights of each world",
        alt="Mean weights at the end, means over worlds: "
        + ", ".join(f"{name} {np.nanmean(evolved):+.0f}" for name, evolved, _ in both),
        conditions=[words for name in WEIGHTS for words in (f"{name} shadow", name)],
        y_axis=Axis("mean weight", "of 128", -128, 127),
        values=rows,
        intervals=[finite_interval(row) for row in rows],
    )
    text = "A dot is a world: the mean weight of those who live in it at the end, beside that of their shadow genes."
    return Section("All over the map?", text, [figure])


def modulo(told: Told) -> Section | None:
    """How widely worlds differ, and the weights that act without scale and shaping."""
    if not told.alive:
        return None
    record = told.record
    ratios = {name: variance_ratio(record, name, int(record.header["seed"])) for name in (*WEIGHTS, "alive")}
    spreads = Table(
        "Spread between worlds: variance of the evolved over that of their shadows",
        ("reward of", "ratio [95 %]", "mean, evolved less shadow"),
        [
            (name, show_interval(*ratio) if ratio else "too few worlds", _said(above_shadow(record, name), signed=True))
            for name, ratio in ratios.items()
        ],
    )
    rows = [(name, _said(row, signed=True)) for name, row in modulo_gauge(record).items()]
    shares = Table("Share of the reward, evolved less shadow", ("reward of", "share [95 %]"), rows)
    text = (
        "A ratio of variances below 1 says that selection holds a weight to a value, 1 that it drifts, above 1 that "
        "worlds are driven apart. But rewards have a gauge. A planner feels survival and death only together (alive: "
        "survival less (1 - discount) death), so that each of them alone may drift; and twice a reward is the same "
        "reward. So, on the right, death is shaped to 0 in each body, and the four weights are scaled to a sum of 1."
    )
    return Section("How widely, and modulo gauge", text, [spreads, shares])


def without(told: Told) -> Section | None:
    """Population of the arms."""
    arms = {"intact": told.record} | {
        arm: told.runs[arm] for arm in (*NEEDED.values(), "monoculture") if arm in told.runs
    }
    if len(arms) < 2:
        return None
    figure = strips(list(arms.items()), population, "population in the second half", Axis("bodies", low=0), told.noun)
    lived = ", ".join(f"{name} {int(lives_on(run).sum())} of {run.replicates}" for name, run in arms.items())
    text = (
        "In an arm one weight counts as zero from the first tick, or all founders of a world have one random reward map"
        f" (monoculture). Extinct worlds count as 0. Lived to the end: {lived}."
    )
    return Section("What can be done without?", text, [figure])


def strategies(told: Told) -> Section | None:
    """Ways of living: clusters of worlds."""
    record, labels = told.record, clusters(told.record)
    if labels.max() < 1:
        return None
    rows = []
    for cluster in range(int(labels.max()) + 1):
        mine = labels == cluster
        numbers = [f"{np.mean(row[mine]):.3g}" for row in ways(record).values()]
        rows.append((f"{cluster + 1} (world {typical(record, labels, cluster)})", int(mine.sum()), *numbers))
    table = Table("Ways of living", ("cluster (typical world)", "worlds", *ways(record)), rows)
    text = (
        "Worlds clustered by population, distance and signals (Ward's method, three clusters whatever the data: a "
        "description, no claim); what they fear and value had no part in it. Distance in cells, signals per body and "
        "tick, fear and worth in units of the genes."
    )
    return Section("Strategies", text, [table])


def replay(told: Told) -> Replay | None:
    labels = clusters(told.record)
    named = {f"life-{k + 1}": f"way {k + 1}: world {typical(told.record, labels, k)}" for k in range(labels.max() + 1)}
    caption = (
        "Clones of the commonest genotype of a typical world of each cluster, in a fresh world: who hugs the food, who "
        "roams, who signals? The rings are sources of food."
    )
    return films(told, named, caption)


BLOCKS = (
    OverTime(
        ("food", "mating", "survival", "death", "signalling"),
        "What became good",
        "Mean weights of the living. Each thin line is a world, the bold line their median; the band holds the shadow "
        "genes of 90 % of the worlds.",
    ),
    all_over_the_map,
    modulo,
    without,
    strategies,
    Analysed("inverse", "What do they want? Inferred from behaviour alone"),
    Analysed("transfer", "The same reward in another world"),
    Analysed("price", "What was selected"),
    Analysed("kin", "Who gains", only_kept=True),
    Analysed("individuality", "Who is an individual", only_kept=True),
    Analysed("interest", "Whose interest?", only_kept=True),
    lineages,
    population_and_ledger,
)

__all__ = ["BLOCKS", "FREE", "follow_ups", "replay", "values"]
