"""What follows a run of `calling`, and the blocks of its page. NumPy, no jax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.ecology.assay.analysis import WINDOW, contest_ticks, intake
from mesocosm.ecology.assay.call import follow_ups_from
from mesocosm.ecology.blocks import OPTIMISED, films, lineages, population_and_ledger
from mesocosm.experiments.calling.colonies import living
from mesocosm.protocol.blocks import Analysed, OverTime, Told, median_replicate, strips
from mesocosm.protocol.registry import declaration_of
from mesocosm.protocol.story import Axis, Section, Table
from mesocosm.record import Record

if TYPE_CHECKING:
    from mesocosm.protocol.declaration import FollowUp
    from mesocosm.protocol.story import Replay

GARDENS: dict[str, tuple[str, ...]] = {
    "intact": (),
    "mute": ("mute=true",),
    "deaf": ('ears="deaf"',),
    "noise": ('ears="noise"',),
}
WHOSE: dict[str, tuple[str, ...]] = {"own": ('ears="own"',), "others": ('ears="others"',)}
"""What is changed in the common gardens of the evolved; whose signal they hear there is looked at in long runs only."""
CONTESTS = {"rare-callers": 1, "rare-mutes": 9}
_GARDEN_TICKS, _LONG = 400, 10_000


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """The evolved in common gardens, intact, mute, deaf, with noise (and hearing themselves, or others); callers among
    mutes."""
    if not record.header["configuration"].get("knock_outs", True):
        return {}
    filmed = {"frames_every": 1, "frames_of": median_replicate(declaration_of(record), record)}
    out: dict[str, dict[str, Any]] = {}
    for name, changes in (GARDENS | (WHOSE if record.tick >= _LONG else {})).items():
        out[f"garden-{name}"] = {"kind": "garden", "ticks": _GARDEN_TICKS, "changes": changes}
        out[f"garden-{name}"] |= filmed if name in ("intact", "mute") else {}
    contest = {"kind": "competition", "against": "mute", "ticks": contest_ticks(record), "every": WINDOW}
    out |= {name: {**contest, "tenths": tenths} for name, tenths in CONTESTS.items()}
    return follow_ups_from(record, out)


def replay(told: Told) -> Replay | None:
    caption = (
        f"World {told.median}: the evolved in one fresh world, frozen; left nothing they emit adds signal, right "
        "they call. The rings are sources of food, the light is the signal: who stays where somebody called?"
    )
    return films(told, {"garden-mute": "mute", "garden-intact": "calling"}, caption)


ARMS = {"deaf": "the deaf", "noise": "free noise", "mute": "the mute", "unheard": "who pay unheard"}


def colonies(told: Told) -> Section | None:
    """How many live, where the same founders hear, and where they do not."""
    runs = {"who hear": told.record} | {words: told.runs[name] for name, words in ARMS.items() if name in told.runs}
    if len(runs) == 1:
        return None
    rows = [
        [words, int((living(run) > 0).sum()), run.replicates, round(float(living(run).mean()), 1)]
        for words, run in runs.items()
    ]
    table = Table("Colonies at the end", ["", "alive", "of", "bodies, mean over all worlds"], rows)
    text = (
        "The same worlds and seeds. The deaf all read the level of one body, drawn anew in every tick; free noise is a "
        "level drawn evenly for each body; the mute emit at no cost what adds no signal; the last pay for it, and it "
        "adds none either. A world that died out counts as none."
    )
    return Section("Does the colony live by it?", text, [table])


def whose(told: Told) -> Section | None:
    """What is eaten in the common garden by who is heard."""
    names = {
        "mute": "mute",
        "deaf": "deaf",
        "noise": "free noise",
        "own": "only their own",
        "others": "only others",
        "intact": "intact",
    }
    gardens = [(words, told.runs[f"garden-{n}"]) for n, words in names.items() if f"garden-{n}" in told.runs]
    if not gardens or not any(np.isfinite(intake(run)).any() for _, run in gardens):
        return None
    axis = Axis("intake", "quanta per body and tick", low=0)
    figure = strips(gardens, intake, "Food eaten per body and tick", axis, told.noun)
    text = "The evolved in fresh worlds, frozen: nobody is born, dies or pays."
    if WHOSE.keys() & {name.removeprefix("garden-") for name in told.runs}:
        text += (
            " Only their own and only others part signals among eight fields by the id of who emits: is it a memory "
            "outside the body, or is it told to others?"
        )
    return Section("For whom it is", text, [figure])


BLOCKS = (
    OverTime(
        ("honest", "calls", "answer"),
        "Is it kept, honest and answered?",
        "Each thin line is one world, the bold line their median. The band holds the shadow genes of 90 % of the "
        "worlds: of seeded founders they begin as callers too, and drift away.",
    ),
    colonies,
    whose,
    Analysed("callers", "Whom a call pays", only_kept=True),
    *OPTIMISED,
    lineages,
    population_and_ledger,
)
