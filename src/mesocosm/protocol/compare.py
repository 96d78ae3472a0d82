"""Runs of one experiment against each other: paired by replicate where they share a seed. No jax."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mesocosm.findings.claim import Claim, Finding
from mesocosm.findings.comparison import compare as judged
from mesocosm.findings.multiplicity import benjamini_hochberg, holm
from mesocosm.protocol.derived import follow_ups_declared, values_of
from mesocosm.protocol.reading import claims_of, configuration_of, difference, follow_ups_of
from mesocosm.protocol.registry import declaration_of, trouble_with
from mesocosm.record import FolderError, Record


@dataclass(frozen=True)
class Comparison:
    """Differences A less B, all exploratory; how they were paired; in what the configurations differ."""

    findings: list[Finding]
    pairing: str
    differs: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Pair:
    """The run `a` less the run `b`, by their places in a list."""

    a: int
    b: int
    comparison: Comparison


def compare(a: Record, b: Record) -> Comparison:
    """The statistic of each claim in A less that in B; of every measure at the end where nothing is claimed.

    Raises:
      FolderError: for runs of different experiments, or one whose assays are not there.
    """
    _refuse_others(a, b)
    found = _between(a, b, statistics(a), statistics(b))
    tested = [f.p for f in found.findings if f.p is not None]
    return _adjusted(found, benjamini_hochberg(tested).tolist())  # a screen: one family


def compare_all(runs: Sequence[Record], against: int | None) -> list[Pair]:
    """Every run less the one at `against`; None: every run less every later one. One family, after Holm.

    Raises:
      FolderError: as `compare` does.
    """
    n = len(runs)
    for run in runs[1:]:
        _refuse_others(runs[0], run)
    of = [statistics(run) for run in runs]
    pairs = itertools.combinations(range(n), 2) if against is None else ((k, against) for k in range(n) if k != against)
    found = [Pair(a, b, _between(runs[a], runs[b], of[a], of[b])) for a, b in pairs]
    adjusted = iter(holm([f.p for pair in found for f in pair.comparison.findings if f.p is not None]).tolist())
    out = []
    for pair in found:
        own = list(itertools.islice(adjusted, sum(f.p is not None for f in pair.comparison.findings)))
        out.append(replace(pair, comparison=_adjusted(pair.comparison, own)))
    return out


def _between(a: Record, b: Record, x: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray]) -> Comparison:
    """One pair, its p not adjusted yet; x, y: the statistics of A and of B."""
    is_paired = a.header["seed"] == b.header["seed"]
    n = min(a.replicates, b.replicates)
    differs = difference(configuration_of(a), configuration_of(b)).replace(" there", " in A").replace(" here", " in B")
    alike = (
        "common random numbers; what is set differently differs" if differs else "founded alike, their worlds the same"
    )
    pairing = (
        f"Paired: {n} replicates with the same seed and number ({alike})."
        if is_paired
        else f"Not paired: seeds {a.header['seed']} and {b.header['seed']}; two independent samples (Welch)."
    )
    if is_paired and a.replicates != b.replicates:
        pairing += f" {abs(a.replicates - b.replicates)} replicates of one run have no partner and are left out."
    findings = []
    asked = {name: claim for name, claim in _claims(a).items() if name in x and name in y}
    if not asked:
        there = [", ".join(values) or "nothing" for values in (x, y)]
        raise FolderError(f"{a.folder} is judged by {there[0]}, {b.folder} by {there[1]}: nothing is in common")
    for name, claim in asked.items():
        own, other = (x[name][:n], y[name][:n]) if is_paired else (x[name], y[name])
        findings.append(judged(claim, own, other, paired=is_paired))
    return Comparison(findings, pairing + _warning(a, b), differs)


def _refuse_others(a: Record, b: Record) -> None:
    """Runs of different experiments, before anything of them is read."""
    names = a.header["experiment"], b.header["experiment"]
    if names[0] != names[1]:
        raise FolderError(
            f"{a.folder} is a run of {names[0]}, {b.folder} of {names[1]}; only runs of one experiment can be compared"
        )


def _adjusted(found: Comparison, p: Sequence[float]) -> Comparison:
    """With these adjusted p, in the order of the findings that have one."""
    left = iter(p)
    return replace(found, findings=[f if f.p is None else replace(f, p_adjusted=next(left)) for f in found.findings])


def _warning(a: Record, b: Record) -> str:
    """What makes two runs of one experiment less alike than their configurations say."""
    out = ""
    if a.tick != b.tick:
        out += f" A goes up to tick {a.tick}, B up to tick {b.tick}: each is taken at its own end."
    ours, theirs = (r.header["versions"].get("mesocosm", "unknown") for r in (a, b))
    if ours != theirs:
        out += f" A was run with mesocosm {ours}, B with {theirs}: a difference may be the program's."
    return out


def statistics(record: Record) -> dict[str, np.ndarray]:
    """What is compared, by claim or measure [replicates]; NaN where a replicate has none.

    Raises:
      FolderError: if an assay that it needs is not there.
    """
    declared = declaration_of(record)
    if not claims_of(record):
        return _at_the_end(record)
    if all(claim.value is None for claim in declared.claims) and declared.part("values") is None:
        raise FolderError(f"{record.folder}: cannot be compared by its claims. {trouble_with(record)}".strip())
    assays, needed = follow_ups_of(record), follow_ups_declared(declared, record)
    if missing := [name for name in needed if name not in assays]:
        raise FolderError(
            f"{record.folder}: has no assay {missing[0]}; `mesocosm resume {record.folder}` runs what is missing, "
            "unless it was run with assays = false: run it again with them"
        )
    return values_of(declared, record, assays)


def _claims(record: Record) -> dict[str, Claim]:
    """Claims on differences: nothing was declared of two runs, so all are exploratory."""
    declared = {claim.name: claim for claim in claims_of(record)}
    if not declared:
        return {
            name: Claim(name, name, "B", f"{name} at the end", delta=0.0, declared=False)
            for name in _at_the_end(record)
        }
    return {
        name: replace(c, control="B", declared=False, kind="mean", delta=0.0)
        if c.kind == "fraction"
        else replace(c, control="B", declared=False)
        for name, c in declared.items()
    }


def _at_the_end(record: Record) -> dict[str, np.ndarray]:
    """Every measure in the last window; NaN for a replicate that did not live to see it. [replicates]"""
    metrics, every = record.metrics, int(record.header["every"])
    alive = np.array([s.status == "alive" for s in record.statuses], bool)
    rows = np.flatnonzero(metrics["tick"] == record.tick // every * every)
    rows = rows[alive[metrics["replicate"][rows].astype(int)]]
    out = {}
    for name in metrics:
        if name not in ("replicate", "tick"):
            out[name] = np.full(record.replicates, np.nan)
            out[name][metrics["replicate"][rows].astype(int)] = metrics[name][rows]
    return out
