"""From a record of `arrow-of-time` and its controls to findings and a page. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.analyses import direction
from mesocosm.experiments.arrow_of_time.declaration import CONSERVED
from mesocosm.player.encoder.panel import Replay, panel_of
from mesocosm.player.encoder.recording import Recording
from mesocosm.protocol import catalogue
from mesocosm.protocol.blocks import OverTime, Told, at_the_end, band, over_time, sentence_case, ticks
from mesocosm.protocol.declaration import FollowUp
from mesocosm.protocol.measure import in_windows
from mesocosm.protocol.reading import configuration_of
from mesocosm.protocol.registry import entry_of
from mesocosm.protocol.scenes import about_of, replay_of
from mesocosm.protocol.story import Axis, Curve, Curves, Section, Trajectories
from mesocosm.record import Record
from mesocosm.record.configuration import from_dict

if TYPE_CHECKING:
    from mesocosm.experiments.arrow_of_time.declaration import ArrowConfiguration

BY_CHANCE, VELOCITIES, FLIPPED, EQUILIBRIUM = "chance", "velocities", "flipped", "equilibrium"
FILM, FILM_FLIPPED = "film", "film-flipped"
SERIES = ("entropy", "wrong_bits")
"""Drawn beneath the slider of time."""
FRAMES = 128
"""Of a film."""


def follow_ups(record: Record) -> dict[str, FollowUp]:
    """The controls that the claims of this run need: whole runs of their own, with its seed."""
    own: Any = configuration_of(record)
    if own.start != "prepared":
        return {}
    filmed = {"replicates": 1, "frames_every": max(1, own.ticks // FRAMES), "film_every": 0}
    wanted: dict[str, dict[str, Any]] = {EQUILIBRIUM: {"start": "equilibrium", "tape_start": "blank"}, FILM: filmed}
    if _comes_back(own):
        wanted |= {
            BY_CHANCE: {"collisions": "chance"},
            VELOCITIES: {"reversor": "velocities"},
            FLIPPED: {"flips": 1},
            FILM_FLIPPED: {"flips": 1, **filmed},
        }
    cls, reference = type(own), entry_of(record).reference
    alone = {"assays": False, "frames_every": 0}
    return {name: FollowUp(reference, from_dict(cls, {**alone, **c}, own)) for name, c in wanted.items()}


def _comes_back(c: ArrowConfiguration) -> bool:
    is_plain = c.collisions == "law" and c.reversor == "whole" and not c.flips
    return is_plain and c.law != "urn" and c.turn > 0 and c.ticks == 2 * c.turn


def values(record: Record, runs: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """The statistic of each claim in each replicate, NaN where it has none. [replicates] each"""
    at = _turn(record)
    rise = in_windows(record, record.metrics["rise"])[:, at]
    out = {"rises": (rise > 0).astype(float), "returns": _returned(record)}
    if record.header["configuration"]["film_every"] and not direction.lacks_films(record):
        is_prepared = record.header["configuration"]["start"] == "prepared"
        if is_prepared:
            out["told"] = direction.accuracy(record) - 0.5
        if (rest := runs.get(EQUILIBRIUM) if is_prepared else record) is not None:
            out["untold"] = direction.accuracy(rest) - 0.5
    for claim, name in (("chance-returns", BY_CHANCE), ("velocities-return", VELOCITIES)):
        if name in runs:
            out[claim] = _returned(runs[name])
    if FLIPPED in runs:
        left = in_windows(runs[FLIPPED], runs[FLIPPED].metrics["rise"])[:, -1]
        out["fragile"] = left / np.where(rise > 0, rise, np.nan)
    nothing = np.full(record.replicates, np.nan)
    names = ("rises", "returns", "chance-returns", "velocities-return", "fragile", "told", "untold")
    return {name: out.get(name, nothing) for name in names}


def _turn(record: Record) -> int:
    """The last window before time is turned round; the last of all where it never is."""
    c, every = record.header["configuration"], int(record.header["every"])
    last = record.tick // every - 1
    return max(0, min(last, int(c["turn"]) // every - 1)) if c["turn"] else last


def _returned(record: Record) -> np.ndarray:
    """1 where the last window ends with no bit other than at the start. [replicates]"""
    return (in_windows(record, record.metrics["wrong_bits"])[:, -1] == 0).astype(float)


# -- the page ----------------------------------------------------------------------------------------------------------


def replay(told: Told) -> Replay | None:
    """The world there and back, beside the same with one bit flipped; entropy beneath the slider of time."""
    comes_back = FILM_FLIPPED in told.runs
    titles = {
        FILM: "there and back" if comes_back else "world 0",
        FILM_FLIPPED: "the same, one bit flipped at the turn",
    }
    runs = {title: told.runs[name] for name, title in titles.items() if name in told.runs}
    if not runs:
        return replay_of(told.record)
    panels = [panel_of(Recording(run, 0, title, about_of(run))) for title, run in runs.items()]
    panels = [replace(panel, series={n: panel.series[n] for n in SERIES if n in panel.series}) for panel in panels]
    way = f"forward to tick {told.world['turn']}, then turned round" if comes_back else "as it went"
    caption = f"World 0, {way}. The key r turns the film round; the lines beneath share the slider of time."
    return Replay(caption, panels)


def echoes(told: Told) -> Section | None:
    """Entropy in the run and in its controls: medians over worlds."""
    if not told.runs:
        return None
    words = {
        BY_CHANCE: "collisions by chance",
        VELOCITIES: "velocities alone turned round",
        FLIPPED: "one bit flipped",
    }
    figures = [_beside(told, told.runs[name], name, said) for name, said in words.items() if name in told.runs]
    text = (
        "The bold line comes back to where it began. The band is the control: the same worlds, but for one thing. "
        "The reversor is the collision and then the velocities, R = V C: a tick collides, then moves, so who turns "
        "only velocities round moves before the collision is undone."
    )
    return Section("Echoes", text, figures)


def _beside(told: Told, run: Record, name: str, words: str) -> Trajectories:
    lines, control = (in_windows(r, r.metrics["rise"]) for r in (told.record, run))
    said = f"{np.nanmedian(lines[:, -1]):.4g} and, with {words}, {np.nanmedian(control[:, -1]):.4g} bits at the end"
    return Trajectories(
        title=f"Rise of entropy; band: {words}",
        alt=f"Rise of the coarse entropy in {told.record.replicates} {told.noun}: {said}.",
        x_axis=Axis("tick"),
        y_axis=Axis("entropy above the start", "bits", low=0),
        x=ticks(told.record),
        lines=lines,
        control=band(f"{words}, 90 % of {told.noun}", control),
        label=told.noun,
        marks=[(float(told.world["turn"]), "turn")],  # type: ignore[arg-type]
    )


def films(told: Told) -> Section | None:
    """Of films that begin at each tick, the share whose direction is seen rightly; from equilibrium beside it."""
    runs = {"from the start of this run": told.record}
    if EQUILIBRIUM in told.runs:
        runs["from equilibrium"] = told.runs[EQUILIBRIUM]
    if any("film" not in run.header["logs"] or direction.lacks_films(run) for run in runs.values()):
        return None
    results = {words: catalogue.measure(run, "direction") for words, run in runs.items()}
    said = " ".join(f"{sentence_case(words)}: {result.sentence}" for words, result in results.items())
    curves = [
        Curve(words, np.array(result.values["rightly"]), is_control=words == "from equilibrium")
        for words, result in results.items()
    ]
    figure = Curves(
        title="Films whose direction is seen rightly",
        alt=said,
        categories=[str(tick) for tick in next(iter(results.values())).values["ticks"]],
        x_axis=Axis("tick at which a film begins"),
        y_axis=Axis("share of worlds", low=0, high=1),
        curves=curves,
    )
    text = "A classifier is shown four frames of coarse cells, in their order or in the opposite one; 1/2 is chance."
    return Section("Which way does a film run?", f"{text} {said}", [figure])


def remembers(told: Told) -> Section:
    """What readers of the tape know, before and after each cell is written."""
    figures = [
        over_time(told, measure, EQUILIBRIUM) for measure in told.measures if measure.name in ("later", "earlier")
    ]
    text = (
        "In each tick what happens at one place is written into the next cell of the tape, by exclusive or. On a blank "
        "cell, 0 before, that leaves just what happened: a later reader knows it, an earlier one does not, and on the "
        "way back it is the other way round. This is arithmetic, so nothing is claimed. It holds beside a world in "
        "equilibrium as well (the band, with a blank tape): a record is of the side on which the tape was blank."
    )
    return Section("Memory", text, figures)


def kept(told: Told) -> Section | None:
    """What no tick may change: the largest change in any world, apart from signs that are turned round."""
    names = CONSERVED[str(told.world["law"])]
    if not names or told.world["collisions"] != "law":
        return None
    changes = []
    for name in names:
        size = np.abs(in_windows(told.record, told.record.metrics[name]))
        changes.append(f"{name.replace('_', ' ')} {int(np.nanmax(size.max(axis=1) - size.min(axis=1)))}")
    return Section("What is conserved", f"Largest change in any window of any world: {', '.join(changes)}.")


BLOCKS = (
    OverTime(("entropy",), "There and back", "Coarse entropy: the logarithm of the number of states that look alike."),
    echoes,
    films,
    remembers,
    kept,
    at_the_end,
)
