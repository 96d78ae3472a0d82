"""From a record of `latent-rule` to its page: who comes to the ceiling, who passes it, what data do. No jax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mesocosm.analyses.data_law import Law, fitted
from mesocosm.experiments.latent_rule.declaration import MEASURES
from mesocosm.experiments.latent_rule.questions import question_of
from mesocosm.findings.intervals import mean_interval
from mesocosm.player.encoder.panel import Replay, panel_of
from mesocosm.player.encoder.recording import Recording
from mesocosm.protocol.blocks import Analysed, OverTime, Told, at_the_end, strips
from mesocosm.protocol.declaration import FollowUp
from mesocosm.protocol.measure import value_of
from mesocosm.protocol.reading import configuration_of
from mesocosm.protocol.registry import find
from mesocosm.protocol.scenes import about_of, filmed
from mesocosm.protocol.story import Axis, Section, Table
from mesocosm.record import Record
from mesocosm.record.configuration import from_dict

_OF = {measure.name: measure for measure in MEASURES}


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """The runs that stand beside it, by what it asks: the same seed, some of it changed."""
    own = configuration_of(record)
    question = question_of(vars(own))
    if question is None:
        return {}
    arms = question.arms(own.imitator)
    alone = replace(own, probe_every=0)
    return {name: FollowUp("latent-rule", from_dict(type(own), dict(sets), alone)) for name, sets in arms.items()}


def values(record: Record, runs: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """The statistic of each claim in each replicate, by what is asked."""
    question, declared = question_of(record.header["configuration"]), find("latent-rule").declaration
    claims = () if question is None else question.claims
    return {claim.name: value_of(claim, declared, record, runs) for claim in claims}


def beside(told: Told) -> list[tuple[str, Record]]:
    """The run and what stands beside it, with what each is called."""
    question = question_of(told.world)
    words: Mapping[str, str] = {"": str(told.world["imitator"])} if question is None else question.words
    runs = {"": told.record, **told.runs}
    return [(said, runs[name]) for name, said in words.items() if name in runs]


def ceilings(told: Told) -> Section | None:
    """Every run beside its exact ceiling, and whether it is above: leakage, said in so many words."""
    runs = beside(told)
    name = "late" if told.world["rule"] == "doors" else "in-loop"
    rows = [[words, *_held(record, name)] for words, record in runs]
    axis = Axis("share of right acts", "", 0.0, 1.0)
    title = f"{_OF[name].label}, at the end"
    figure = strips(runs, _OF[name].reduced, title, axis, told.noun)
    columns = ["who", _OF[name].label, "95 % interval", "exact ceiling", "", "offline", "light severed"]
    text = "No driver who sees the cues alone can do better than the ceiling. " + leakage(rows) + recorded(rows)
    return Section("Beside the exact ceiling", text, [figure, Table("Who comes to the ceiling", columns, rows)])


def _held(record: Record, name: str) -> list[str]:
    """Mean, interval, ceiling and what follows from them; then offline agreement, light as it was and severed."""
    values = {key: of.reduced(record) for key, of in _OF.items()}
    right = values[name][np.isfinite(values[name])]
    top = np.nanmean(values["ceiling"]) if right.size else np.nan
    others = [f"{np.nanmean(values[key]):.3f}" if right.size else "" for key in ("offline", "severed")]
    if right.size < 2:
        return ["", "", f"{top:.3f}", "too few to tell", *others]
    found = mean_interval(right)
    verdict = LEAKS if found.low > top else "below it" if found.high < top else "at it"
    return [f"{found.estimate:.3f}", f"[{found.low:.3f}, {found.high:.3f}]", f"{top:.3f}", verdict, *others]


LEAKS = "above it: leakage"


def leakage(rows: list[list[str]]) -> str:
    """What must be said of whoever does better than can be."""
    above = [row[0] for row in rows if row[4] == LEAKS]
    if not above:
        return "Here nobody does."
    return (
        f"{', '.join(above).capitalize()}: above the ceiling, beyond the interval. It has seen something besides the "
        "cues that gives the answer away: leakage."
    )


def recorded(rows: list[list[str]]) -> str:
    """Who agrees with the expert on its own trips more often than the cues allow: the record gives answers away."""
    above = [row[0] for row in rows if row[5] and float(row[5]) > float(row[3]) + NEAR]
    if not above:
        return ""
    return (
        f" On the expert's own trips {', '.join(above)} agree with it more often than the ceiling allows: what was "
        "recorded there, its acts among it, gives the answer away, and will not in a trip of one's own."
    )


def said(told: Told) -> Section | None:
    """What a reader must be told where there is nothing to learn, or nothing to learn it from."""
    world, record = told.world, told.record
    notes = []
    if float(str(world["reliability"])) == 0.5 and world["rule"] != "doors":
        notes.append("A cue of reliability 0.5 says nothing: the ceiling is what the rule's own odds give.")
    if float(str(world["reliability"])) in (0.0, 1.0) and world["rule"] != "doors":
        notes.append("Cues are never wrong, so nothing is hidden: the ceiling is 1.")
    disagreed = _OF["disagreed"].windows(record)
    if disagreed.size and np.all(np.nan_to_num(disagreed[:, -1]) == 0):
        notes.append(
            "In the last update of every imitator, it and the expert never disagree: there is no act left to correct."
        )
    arrived = int(str(world["fleet"])) * int(str(world["junctions"]))
    learnt = int(str(world["budget"])) * int(str(world["junctions"]))
    notes.append(
        f"In each tick {arrived:,} examples arrive and {learnt:,} are learnt from, "
        f"{100 * learnt / arrived:.1f} % of them; each once, at most."
    )
    return Section("What it learns from", " ".join(notes))


def laws(told: Told) -> Section | None:
    """What each shortfall does as examples grow: its exponent, with an interval over replicates."""
    rows = []
    for words, record in beside(told):
        law: Law = fitted(record)
        rows.append([words, _first_within(law), law.exponent_words, law.shortfall_words, law.held_out_words, law.note])
    columns = ["who", f"within {NEAR} after", "exponent a", "at the end", "last window, foretold and seen", ""]
    text = (
        "What is still lacking to the ceiling where it drives itself, as A n^-a of the n examples that it has learnt "
        "from; intervals by bootstrap over replicates. The last window is not fitted but foretold."
    )
    return Section("How it goes with data", text, [Table("Scaling with examples", columns, rows)])


NEAR = 0.02


def _first_within(law: Law) -> str:
    """After how many examples the mean shortfall is small for the first time."""
    near = [n for n, lacking in zip(law.examples, law.shortfall, strict=True) if lacking < NEAR]
    return f"{near[0]:,.0f} examples" if near else "never"


def replay(told: Told) -> Replay | None:
    """Drivers of the run, beside those of the runs that stand beside it."""
    panels = []
    for words, record in beside(told):
        replicate = filmed(record)
        if replicate is not None:
            shown = panel_of(Recording(record, replicate, words, about_of(record)))
            panels.append(replace(shown, series={}))
    caption = "Drivers on trips of their own, a column each, while the imitator learns: red is against the rule."
    return Replay(caption, panels[:3]) if panels else None


BLOCKS = (
    ceilings,
    laws,
    OverTime(("in-loop", "offline", "severed"), "While it learns"),
    Analysed("probe", "What it knows of what is hidden"),
    said,
    at_the_end,
)
