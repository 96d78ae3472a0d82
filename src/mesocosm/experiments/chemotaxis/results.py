"""What follows a run of `chemotaxis` (or `trend`), and the blocks of its page. NumPy, no jax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesocosm.ecology.assay.analysis import under_both_marks
from mesocosm.ecology.assay.call import follow_ups_from
from mesocosm.ecology.blind import beside_blind
from mesocosm.ecology.blocks import ACTIVITY, DIVERSITY, OPTIMISED, films, lineages, population_and_ledger
from mesocosm.experiments.chemotaxis.figures import best, genotypes
from mesocosm.protocol.blocks import Gardens, OverTime, Told, median_replicate
from mesocosm.protocol.registry import declaration_of
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.protocol.declaration import FollowUp
    from mesocosm.protocol.story import Replay

_GARDEN_TICKS = 600


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """Common gardens of the evolved, their shadows and the founders; a competition under both assignments of marks."""
    filmed = {"frames_every": 1, "frames_of": median_replicate(declaration_of(record), record)}
    out: dict[str, dict[str, Any]] = {}
    for population in ("evolved", "shadow", "founders"):
        out[f"garden-{population}"] = {"kind": "garden", "population": population, "ticks": _GARDEN_TICKS}
        out[f"garden-{population}"] |= filmed if population != "shadow" else {}
    follow = follow_ups_from(record, out | under_both_marks(record, "competition-founders", "founders"))
    return beside_blind(record, follow)


def replay(told: Told) -> Replay | None:
    caption = (
        f"World {told.median}, whose outcome is the median. Left its founders, right what they became after "
        f"{told.record.tick:,} ticks: in one fresh world, frozen. The ring is the source of food: who stays with it?"
    )
    return films(told, {"garden-founders": "founders", "garden-evolved": "evolved"}, caption)


BLOCKS = (
    OverTime(
        ("effect",),
        "What evolved, over time",
        "Each thin line is one world, the bold line their median. The band holds the shadow genes of 90 % of the "
        "worlds: what chance and descent alone have done there.",
    ),
    genotypes,
    Gardens(
        ("intake", "found", "distance"),
        {"garden-founders": "founders", "garden-shadow": "shadow", "garden-evolved": "evolved"},
        "In the common garden",
        "Copies of founders, of shadow genes put to use, and of the evolved in fresh worlds, the same for all, and "
        "frozen: nobody is born, dies, pays or changes. A dot is a world; thin lines join the same world.",
    ),
    best,
    lineages,
    *OPTIMISED,
    DIVERSITY,
    ACTIVITY,
    population_and_ledger,
)
