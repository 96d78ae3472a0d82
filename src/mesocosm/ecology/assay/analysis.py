"""What the records of assays say: intake, distance, behaviour, survival, selection. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mesocosm.ecology.analysis import by_level, level_names, senses_of
from mesocosm.ecology.assay.population import places_of_first
from mesocosm.protocol.declaration import Summary
from mesocosm.record import FolderError, Record

Array = np.ndarray


def totals(record: Record, measure: str) -> Array:
    """A measure added up over the windows of each replicate; NaN where a replicate has no row. [replicates]"""
    return _added(record, measure, np.ones(record.metrics["replicate"].size, bool))


def _added(record: Record, measure: str, counts: Array) -> Array:
    out = np.full(record.replicates, np.nan)
    replicate = record.metrics["replicate"].astype(int)[counts]
    there = np.unique(replicate)
    out[there] = np.bincount(replicate, record.metrics[measure][counts].astype(float), record.replicates)[there]
    return out


def intake(record: Record) -> Array:
    """Food eaten per body and tick, in quanta. [replicates], NaN where nobody lived."""
    return _ratio(totals(record, "eaten"), totals(record, "agent_ticks"))


def distance(record: Record) -> Array:
    """Mean distance to the nearest source, in cells, over the windows that somebody outlived. [replicates]"""
    metrics = record.metrics
    lived = metrics["population"] > 0
    windows = np.bincount(metrics["replicate"].astype(int)[lived], minlength=record.replicates)
    return _ratio(_added(record, "distance", lived), 16.0 * int(record.header["every"]) * windows)


def tumbling(record: Record) -> Array:
    """P(tumble) at each level of the first sense, of the expressed genomes. [replicates, levels]"""
    senses = senses_of(record)
    out = np.full((record.replicates, len(level_names(senses))), np.nan)
    for replicate, values in by_level(record, "evolved", senses).items():
        out[replicate] = values
    out[~np.isfinite(intake(record))] = np.nan
    return out


def survival(record: Record) -> Array:
    """Share of the founders that lives at the end of each window. [replicates, windows]

    NaN where nobody was founded.
    """
    every, n = int(record.header["every"]), int(record.header["ticks"]) // int(record.header["every"])
    out = np.zeros((record.replicates, n))
    metrics = record.metrics
    out[metrics["replicate"].astype(int), metrics["tick"].astype(int) // every - 1] = metrics["population"]
    out[[s.replicate for s in record.statuses if s.status == "extinct" and s.tick == 0]] = np.nan
    return out / world_of(record)["founders"]


RESERVES, WINDOW, LONGEST = 2, 50, 1 << 14
"""A competition lasts so many times as long as reserves, in whole windows, and no longer than this (ticks)."""


def contest_ticks(source: Record) -> int:
    """Ticks of a competition between bodies of a run: twice what the reserves of a founder last.

    Shorter ones contain no death and are a race of births. Where living costs nothing, as if it cost one quantum.

    Raises:
      FolderError: for a run without bodies.
    """
    world = source.header["configuration"].get("world", {})
    if "founding_energy" not in world:
        raise FolderError(f"{source.folder}: is a run of {source.header['experiment']}, which has no bodies to assay")
    lasts = -(-int(world["founding_energy"]) // max(1, int(world["metabolism"])))
    return min(LONGEST // WINDOW, -(-RESERVES * lasts // WINDOW)) * WINDOW


def selection(record: Record) -> Array:
    """Selection coefficient of the first population of a competition, per tick: the change of ln((a + 1/2)/(b + 1/2)).

    It counts until one of the two is gone. [replicates], NaN where a replicate was not founded, or died out before its
    first window closed.
    """
    scores, statuses, until = _ended(record)
    scores[(statuses == "both died") & (until == 0)] = np.nan
    return scores


def outcomes(record: Record) -> tuple[Array, Array]:
    """Score per tick of the first population of each match, and how it ended. [matches] each

    The score counts up to the first window at whose end one population is gone (`fixed`); where both went in the same
    window (`both died`), up to the window before it. It is NaN where a population was not there (`absent`).
    """
    return _ended(record)[:2]


def _ended(record: Record) -> tuple[Array, Array, Array]:
    """The outcome of each match, and the window up to which its score counts. [matches] each"""
    own, n = record.header["configuration"], int(world_of(record)["founders"])
    every = int(record.header["every"])
    windows = int(record.header["ticks"]) // every
    first = int(places_of_first(n, int(own["tenths"]), own["marks_swapped"]).sum())
    marked, others = (np.zeros((record.replicates, windows + 1), int) for _ in range(2))
    marked[:, 0], others[:, 0] = (n - first, first) if own["marks_swapped"] else (first, n - first)
    metrics = record.metrics
    at = (metrics["replicate"].astype(int), metrics["tick"].astype(int) // every)
    marked[at], others[at] = metrics["marked"], metrics["population"] - metrics["marked"]
    is_over = (marked == 0) | (others == 0)
    last = np.where(is_over.any(axis=1), is_over.argmax(axis=1), windows)
    row = np.arange(record.replicates)
    both_died = (marked[row, last] + others[row, last]) == 0
    last = last - both_died
    a, b = (others, marked) if own["marks_swapped"] else (marked, others)
    began = np.log((a[:, 0] + 0.5) / (b[:, 0] + 0.5))
    change = np.log((a[row, last] + 0.5) / (b[row, last] + 0.5)) - began
    scores = change / np.maximum(last * every, 1)
    statuses = np.select(
        [both_died, is_over[row, last], change == 0], ["both died", "fixed", "tie"], default="met"
    ).astype(object)
    absent = np.zeros(record.replicates, bool)
    absent[[s.replicate for s in record.statuses if s.status == "extinct" and s.tick == 0]] = True
    scores[absent], statuses[absent] = np.nan, "absent"
    return scores, statuses, last


def under_both_marks(source: Record, name: str, against: str) -> dict[str, dict[str, Any]]:
    """A competition of the evolved under both assignments of marks, so that no mark counts: two assays to declare."""
    what = {"kind": "competition", "against": against, "ticks": contest_ticks(source), "every": WINDOW}
    return {assay: {**what, "marks_swapped": k == 1} for k, assay in enumerate(both(name))}


def selection_under_both_marks(assays: Mapping[str, Record], name: str) -> Array:
    """Selection coefficient per 100 ticks, mean of both assignments. [replicates]"""
    return 100 * np.mean([selection(assays[assay]) for assay in both(name)], axis=0)


def both(name: str) -> tuple[str, str]:
    """What a competition is called under either assignment of marks."""
    return name, f"{name}-swapped"


def world_of(record: Record) -> dict:
    """The plain values of the world in which an assay ran."""
    return record.header["configuration"]["resolved"]["world"]


def _ratio(a: Array, b: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b > 0, a / b, np.nan)


def summarise(record: Record) -> Summary:
    """One row a replicate: intake, distance, P(tumble) by level; selection where two populations meet."""
    own = record.header["configuration"]
    competes = own["kind"] == "competition"
    columns = {"intake": intake(record), "distance": distance(record)}
    if competes:
        columns["selection per 100"] = 100 * selection(record)
    elif "tumble_evolved_0" in record.metrics:
        names = level_names(senses_of(record))
        columns |= {f"tumble {name}": p for name, p in zip(names, tumbling(record).T, strict=True)}
    rows = []
    for status in record.statuses:
        values = [float(c[status.replicate]) for c in columns.values()]
        shown = [v if np.isfinite(v) else None for v in values]
        rows.append((status.replicate, status.status, *shown))
    kept = [c[np.isfinite(c)] for c in columns.values()]
    total = [("mean", "", *(float(c.mean()) if c.size else None for c in kept))]
    who = f"{own['population']} against {own['against']}" if competes else own["population"]
    sentence = (
        f"{own['kind']} of {who}: {sum(s.status == 'alive' for s in record.statuses)} of {record.replicates} lived."
    )
    notes = ("intake: quanta per body and tick; distance to the nearest source in cells.",)
    return Summary(sentence, ("replicate", "status", *columns), rows, total, notes)
