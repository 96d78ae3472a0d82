"""What follows a run of `school`, and the blocks of its page. NumPy, no jax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.ecology.assay.call import follow_ups_from
from mesocosm.ecology.blocks import films, lineages, population_and_ledger
from mesocosm.protocol.blocks import Analysed, Gardens, OverTime, Told, band, median_replicate, ticks
from mesocosm.protocol.measure import measure_named
from mesocosm.protocol.registry import declaration_of
from mesocosm.protocol.story import Axis, Section, Trajectories
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.protocol.declaration import FollowUp
    from mesocosm.protocol.story import Replay

HALF, LIFE = 300, 600
"""Ticks of a life in a garden, and when those who stop learning stop."""
FROZEN = "mind.learns_until=0"


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """The evolved in a garden: learning, stopped at half time, as born; the founders as born.

    All are filmed, so that they are one program.
    """
    filmed = {"frames_every": 4, "frames_of": median_replicate(declaration_of(record), record)}
    garden: dict[str, Any] = {"kind": "garden", "ticks": LIFE, **filmed}
    return follow_ups_from(
        record,
        {
            "garden-free": {**garden, "changes": (f"mind.learns_until={LIFE}",)},
            "garden-kept": {**garden, "changes": (f"mind.learns_until={HALF}",)},
            "garden-born": {**garden, "changes": (FROZEN,)},
            "garden-founders": {**garden, "population": "founders", "changes": (FROZEN,)},
        },
    )


def replay(told: Told) -> Replay | None:
    caption = (
        f"World {told.median}: the evolved as newborns in one fresh garden. Left they stay as they were born, right "
        "they learn; half of them have crossed wires. The shading is food: who comes to stay on it, who never leaves "
        "an empty place?"
    )
    return films(told, {"garden-born": "as born", "garden-free": "learning"}, caption)


def life(told: Told) -> Section | None:
    """What is eaten at each age, by those who learn and by those who do not."""
    free, born = (told.runs.get(name) for name in ("garden-free", "garden-born"))
    if free is None or born is None:
        return None
    intake = measure_named(told.declared, told.record, "intake")
    lines, still = intake.windows(free), intake.windows(born)
    if not np.isfinite(lines).any():
        return None
    figure = Trajectories(
        title="Food eaten by age",
        alt=f"Food per body and tick at the end of a life of {LIFE} ticks: {np.nanmean(lines[:, -1]):.1f} quanta "
        f"learning, {np.nanmean(still[:, -1]):.1f} as born.",
        x_axis=Axis("age"),
        y_axis=Axis("food eaten", "quanta per body and tick", low=0),
        x=ticks(free),
        lines=lines,
        control=band(f"as born, 90 % of {told.noun}", still),
        label=told.noun,
    )
    text = (
        "The evolved as newborns in a fresh garden, genomes frozen: nobody is born, pays or dies. The band holds the "
        "same bodies whose synapses stay as they were born."
    )
    return Section("A life", text, [figure])


BLOCKS = (
    OverTime(
        ("actor", "food", "instinct"),
        "Rule, feeling and instinct",
        "Means of the living. Each thin line is a world, the bold line their median; the band holds the shadow genes "
        "of 90 % of the worlds.",
    ),
    life,
    Gardens(
        ("intake",),
        {
            "garden-founders": "founders, as born",
            "garden-born": "evolved, as born",
            "garden-kept": "stopped at half time",
            "garden-free": "learning",
        },
        "Instinct against learning",
        "Newborn bodies in one fresh garden, the second half of their lives.",
        over="late",
    ),
    Gardens(
        ("population", "actor", "instinct"),
        {"": "crossed wires", "straight": "straight wires", "unlearned": "nobody learns"},
        "What crossed wires do",
        "Whole runs with the same seed, their second half. Where nobody learns the rate of learning is inherited and "
        "never used.",
        over="late",
    ),
    Gardens(
        ("share",),
        {"rivals": "crossed wires", "rivals-straight": "straight wires"},
        "Learners among instincts",
        "Half of the founders learn from nothing, half have the instinct that is right for straight wires; neither "
        "mutates. Their share at the end.",
        over="late",
    ),
    Gardens(
        ("young",),
        {"young": "among the young", "beside": "beside the old"},
        "Young beside old",
        "Food eaten by young learners in their first 200 ticks, where their neighbours are young like them, and where "
        "they have learnt already.",
    ),
    Analysed("price", "What was selected", only_kept=True),
    lineages,
    population_and_ledger,
)
