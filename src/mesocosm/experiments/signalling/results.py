"""From a record of `signalling` to its findings: the deaf control, the knock-outs, who gains. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.ecology.assay.analysis import distance, intake, selection_under_both_marks, survival, under_both_marks
from mesocosm.ecology.assay.call import follow_ups_from
from mesocosm.ecology.blind import beside_blind
from mesocosm.ecology.blocks import OPTIMISED, films, lineages, population_and_ledger
from mesocosm.experiments.signalling.analysis import NEAR, emission, retained, tells
from mesocosm.experiments.signalling.declaration import OF_ASSAYS
from mesocosm.experiments.signalling.figures import arms, behaviour, knock_outs
from mesocosm.instruments.relatedness import relatedness
from mesocosm.protocol.blocks import Analysed, OverTime, Told, median_replicate
from mesocosm.protocol.registry import declaration_of
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.protocol.declaration import FollowUp
    from mesocosm.protocol.story import Replay

SILENCE = "world.emission_quanta=0"
KNOCK_OUTS: dict[str, tuple[str, ...]] = {
    "intact": (),
    "mute": (SILENCE, "world.emission_cost=0"),
    "deaf": ("deaf=true",),
}
"""What is changed in the worlds of the evolved. Mute bodies emit at no cost what nobody can sense: they do not emit."""
JUMPS = "world.jump_probability=0.01"
_GARDEN_TICKS, _SURVIVAL_TICKS = 400, 400


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """The evolved intact, mute and deaf, in the common garden and while the source jumps; emitters among mutes."""
    if not record.header["configuration"]["knock_outs"]:
        return {}
    filmed = {"frames_every": 1, "frames_of": median_replicate(declaration_of(record), record)}
    out: dict[str, dict[str, Any]] = {}
    for name, changes in KNOCK_OUTS.items():
        out[f"garden-{name}"] = {"kind": "garden", "ticks": _GARDEN_TICKS, "changes": changes}
        out[f"garden-{name}"] |= filmed if name != "deaf" else {}
        out[f"survival-{name}"] = {"kind": "survival", "ticks": _SURVIVAL_TICKS, "changes": (*changes, JUMPS)}
    if record.header["configuration"].get("blind", False):
        out["garden-founders"] = {"kind": "garden", "population": "founders", "ticks": _GARDEN_TICKS}
    follow = follow_ups_from(record, out | under_both_marks(record, "among-mutes", "mute"))
    return beside_blind(record, follow, knock_outs=False)


def replay(told: Told) -> Replay | None:
    caption = (
        f"World {told.median}: the evolved in one fresh world, frozen; left they signal, right they are mute. The "
        "rings are sources of food, the light is what is smelt and heard."
    )
    return films(told, {"garden-intact": "intact", "garden-mute": "mute"}, caption)


def values(record: Record, assays: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """The statistic of each claim in each replicate, and the emissions that they come from. [replicates]"""
    deaf = assays["deaf"]
    own, theirs = emission(record), emission(deaf)
    calls, their_calls = (emission(r, in_food=True) for r in (record, deaf))
    out = {
        "kept": own - theirs,
        "retained": retained(own, theirs),
        "calls": calls - their_calls,
        "tells": tells(record, "evolved") - tells(record, "shadow"),
        **{name: np.full(record.replicates, np.nan) for name in OF_ASSAYS},
        "emission": own,
        "emission of the deaf": theirs,
        "emission in food": calls,
        "emission in food of the deaf": their_calls,
    }
    if "births" in record.header["logs"]:
        kin = relatedness(record, NEAR)
        out |= {f"relatedness by {how}": np.array([getattr(r, how) for r in kin]) for how in ("genes", "pedigree")}
    if not record.header["configuration"]["knock_outs"]:
        return out
    intact, mute = assays["garden-intact"], assays["garden-mute"]
    with np.errstate(divide="ignore", invalid="ignore"):
        out["intake"] = np.log(intake(intact) / intake(mute))
    out["distance"] = distance(intact) - distance(mute)
    alive = [survival(assays[f"survival-{name}"])[:, -1] for name in ("intact", "mute")]
    out["survival"] = np.where(np.isfinite(own), alive[0] - alive[1], np.nan)
    out["private"] = selection_under_both_marks(assays, "among-mutes")
    return out


BLOCKS = (
    OverTime(
        ("emission",),
        "Is the signal kept?",
        "Each thin line is one world; the bold line is the median. The band holds 90 % of the deaf worlds: bodies emit "
        "and pay alike, but all read the signal of one body, drawn anew in every tick. Founders emit in half of "
        "all ticks.",
        beside="deaf",
    ),
    arms,
    behaviour,
    knock_outs,
    Analysed(
        "relatedness",
        "Who hears it: relatedness",
        "What the neighbours of an emitter gain counts for its genes only by this part. By genes: at loci that nobody "
        "reads; by pedigree: what division alone would make of it.",
    ),
    *(replace(block, only_kept=True) for block in OPTIMISED),  # 64 loci take their time
    lineages,
    population_and_ledger,
)
