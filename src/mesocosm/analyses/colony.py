"""Does the colony follow its food around? Where the living are, how soon they are where a source has jumped to.

The mean distance to the food hardly knows: the many who have not found it are as far away as a torus permits, whatever
the few do. So other numbers, from a film of all bodies, each against the blind run where one follows:

*share*: of the bodies near a source (within eight cells, in its own torus), over the second half; and what a colony
that is spread evenly would have there.
*recaptured*: of the jumps of a source (farther than twice that) the share after which, before the next jump or the
end, more bodies are near its new place than near its old one; *recapture*: after how many ticks, the median over jumps.
Where most jumps have no answer there is no median, and those are the colonies that do worst: so that means of
*recapture* flatter whoever recaptures less, the number of worlds stands beside them, and the share is what is judged.
*lag*: by how many ticks the centre of the colony follows the source (the shift at which the two are, in the mean over
time, closest in direction on the torus).

Blind colonies follow as well, for bodies are born where food is: what senses add is the difference. NumPy, no jax.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.claim import Claim
from mesocosm.findings.intervals import finite_interval, show_mean
from mesocosm.findings.outcomes import plain_lists
from mesocosm.instruments.places import Places, filmed, places
from mesocosm.protocol.catalogue import Analysis, Result
from mesocosm.protocol.reading import follow_ups_of
from mesocosm.protocol.story import Axis, Strips
from mesocosm.record import Record
from mesocosm.record.configuration import Range

BLIND = "blind"
"""The run that follows, in which nothing is sensed."""
AXES = {
    "share": Axis("share near the food", low=0),
    "recaptured": Axis("share of jumps recaptured", low=0),
    "recapture": Axis("recapture", "ticks", low=0),
}
NUMBERS = ("share", "recaptured", "recapture", "lag")

CLAIMS = (
    Claim(
        "colony",
        "share of the living near the food",
        control="the blind colonies of the same seeds",
        statistic="ln(share / share of the blind), second half of the run",
        delta=1.25,
        kind="ratio",
        declared=False,
    ),
    Claim(
        "recaptured",
        "jumps after which a majority is at the new place before the next",
        control="the blind colonies of the same seeds",
        statistic="share of the jumps of a world, less the same of the blind",
        delta=0.1,
        declared=False,
    ),
)


@dataclass(frozen=True)
class Settings:
    """What is near."""

    near: Annotated[int, Range(1, 2**15, "cells")] = 8
    """Within how many cells of a source a body has found it."""
    longest: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 2000
    """The longest lag that is looked for."""


def has_sources(record: Record) -> str:
    """A need: that there is food to follow."""
    names = [told["name"] for told in record.header.get("scene", {}).get("populations", [{"name": "sources"}])]
    return "" if "sources" in names else f"is a run of {record.header['experiment']}, which has no sources of food"


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    out = {"run": measured(record, settings), "even": _even(record, settings.near)}
    blind = follow_ups_of(record).get(BLIND)
    if blind is not None and not filmed(blind):
        out["blind"] = measured(blind, settings)
    return out


def measured(record: Record, settings: Settings) -> dict[str, Any]:
    """Share, recapture and lag of each replicate, how many jumps were seen, and how many were never recaptured."""
    numbers = np.full((len(NUMBERS), record.replicates), np.nan)
    jumps, never = np.zeros(record.replicates, int), np.zeros(record.replicates, int)
    for r, (film, sources) in enumerate(zip(places(record) or [], _sources(record), strict=True)):
        if not film.ticks.size:
            continue
        near = [_is_near(cell, at, film.side, settings.near) for cell, at in zip(film.cell, sources, strict=True)]
        late = film.ticks > record.tick // 2
        shares = np.array([found.any(axis=1).mean() for found in near])
        numbers[0, r] = shares[late].mean() if late.any() else np.nan
        times = np.array(list(recaptures(film, sources, settings.near)), float)
        jumps[r], never[r] = times.size, int(np.isnan(times).sum())
        numbers[1, r] = np.isfinite(times).mean() if times.size else np.nan
        numbers[2, r] = np.median(np.where(np.isnan(times), np.inf, times)) if times.size else np.nan
        numbers[3, r] = lag(film, sources[:, 0], settings.longest) if sources.shape[1] == 1 else np.nan
    numbers[~np.isfinite(numbers)] = np.nan  # of most jumps nothing was recaptured
    return {**dict(zip(NUMBERS, plain_lists(numbers), strict=True)), "jumps": jumps.tolist(), "never": never.tolist()}


def recaptures(film: Places, sources: np.ndarray, near: int) -> Iterator[float]:
    """Ticks to a majority at the new place, for each jump farther than twice `near`; NaN where none came in time.

    Args:
      sources: cells at the times of the film. [times, sources, 2]
    """
    step = np.sqrt((_apart(sources[1:], sources[:-1], film.side) ** 2).sum(axis=2))
    for j in range(sources.shape[1]):
        when = (np.flatnonzero(step[:, j] > 2 * near) + 1).tolist()
        for k, end in pairwise([*when, film.ticks.size]):
            old = sources[k - 1, j][None, :]
            for t in range(k, end):
                here = _is_near(film.cell[t], sources[t, j][None, :], film.side, near).sum()
                if here > _is_near(film.cell[t], old, film.side, near).sum():
                    yield float(film.ticks[t] - film.ticks[k - 1])
                    break
            else:
                yield float("nan")


def lag(film: Places, source: np.ndarray, longest: int) -> float:
    """By how many ticks the centre of the colony follows the source; NaN for too few frames, or one that stands still.

    Args:
      source: its cell at the times of the film. [times, 2]
    """
    if film.ticks.size < 8 or (source == source[0]).all():
        return float("nan")
    angle = 2j * np.pi / film.side
    centre = np.array([np.exp(angle * (cell % film.side)).mean(axis=0) for cell in film.cell])
    centre = centre / np.maximum(np.abs(centre), 1e-12)
    goal = np.exp(angle * (source % film.side))
    every = int(film.ticks[1] - film.ticks[0])
    most = min(film.ticks.size // 2, longest // every)
    likeness = [float(np.real(np.conj(centre[k:]) * goal[: goal.shape[0] - k]).mean()) for k in range(most + 1)]
    return float(every * int(np.argmax(likeness)))


def _apart(a: np.ndarray, b: np.ndarray, side: int) -> np.ndarray:
    """The shortest way between cells of a torus, by axis."""
    return (a - b + side // 2) % side - side // 2


def _is_near(cell: np.ndarray, at: np.ndarray, side: int, near: int) -> np.ndarray:
    """Whether bodies [n, 2] are near sources [s, 2] of the torus they live in (one lies beneath the other). [n, s]"""
    is_there = cell[:, None, 1] // side == at[None, :, 1] // side
    return is_there & ((_apart(cell[:, None], at[None], side) ** 2).sum(axis=2) <= near**2)


def _even(record: Record, near: int) -> float:
    """The share that bodies spread evenly over their tori would have near the sources, as if these never overlapped."""
    world = record.header["configuration"]["world"]
    return float(min(1.0, world["n_sources"] * np.pi * near**2 / world["side"] ** 2))


def _sources(record: Record) -> list[np.ndarray]:
    """The cells of the sources at the times of the film, of each replicate. [times, sources, 2]"""
    film = record.frames("sources")
    out = []
    for replicate in range(record.replicates):
        mine = film["replicate"] == replicate
        order = np.lexsort((film["source"][mine], film["tick"][mine]))
        cell = np.stack([film[axis][mine][order] >> 8 for axis in "xy"], axis=1)
        times = np.unique(film["tick"][mine]).size
        out.append(cell.reshape(max(times, 1) if cell.size else 0, -1, 2))
    return out


def show(record: Record, values: Mapping[str, Any]) -> Result:
    from mesocosm.findings.verdicts import judge

    run, blind = values["run"], values.get("blind")
    of_run = {name: np.array(run[name], float) for name in NUMBERS}
    said = _said(of_run, sum(run["never"]), sum(run["jumps"]), values["even"])
    if blind is None:
        return Result(
            f"{said} Its controls were off: there is no blind run to compare with.", values, (), _figures(of_run, None)
        )
    of_blind = {name: np.array(blind[name], float) for name in NUMBERS}
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = {
            "colony": np.log(of_run["share"] / of_blind["share"]),
            "recaptured": of_run["recaptured"] - of_blind["recaptured"],
        }
    statistics = {name: np.where(np.isfinite(x), x, np.nan) for name, x in statistics.items()}
    there = int(np.isfinite(statistics["colony"]).sum())
    findings = judge(CLAIMS, statistics, record.replicates, there)
    other = _said(of_blind, sum(blind["never"]), sum(blind["jumps"]), values["even"])
    return Result(f"{said} Of the blind: {other}", values, tuple(findings), _figures(of_run, of_blind))


def _said(numbers: Mapping[str, np.ndarray], never: int, jumps: int, even: float) -> str:
    there = {name: x[np.isfinite(x)] for name, x in numbers.items()}
    parts = []
    if there["share"].size:
        parts.append(f"{show_mean(there['share'])} of the living are near the food ({even:.3f} if spread evenly)")
    if there["recapture"].size:
        worlds = f"{there['recapture'].size} of {numbers['recapture'].size} colonies in which most jumps have an answer"
        parts.append(f"a majority is where it jumped to after {show_mean(there['recapture'])} ticks ({worlds})")
    if jumps:
        parts.append(f"in {never} of {jumps} jumps nobody arrived before the next")
    if there["lag"].size:
        parts.append(f"the centre follows by {show_mean(there['lag'])} ticks")
    return "; ".join(parts).capitalize() + "." if parts else "Nobody was filmed."


def _figures(run: Mapping[str, np.ndarray], blind: Mapping[str, np.ndarray] | None) -> tuple[Strips, ...]:
    out = []
    for name, axis in AXES.items():
        rows = [("who sense", run[name])] + ([("the blind", blind[name])] if blind else [])
        values = np.array([row for _, row in rows])
        if not np.isfinite(values).any():
            continue
        alt = ", ".join(f"{of_whom} {np.nanmean(v):.3g}" for of_whom, v in rows if np.isfinite(v).any())
        intervals = [finite_interval(row) for row in values]
        out.append(
            Strips(axis.label, alt, [words for words, _ in rows], axis, values, intervals, paired=blind is not None)
        )
    return tuple(out)


ANALYSIS = Analysis(
    "colony",
    "whether the colony follows its food: who is near it, how soon after a jump, by how much the centre lags",
    compute,
    show,
    Settings,
    needs=(has_sources, filmed),
)
