"""Two runs of one experiment against each other: paired by replicate where they share a seed. No jax."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mesocosm.experiments.assay.analysis import assays_of
from mesocosm.experiments.reading import claims_of, configuration_of, difference
from mesocosm.experiments.registry import declaration
from mesocosm.findings.claim import Claim, Finding
from mesocosm.findings.comparison import compare as judged
from mesocosm.findings.multiplicity import benjamini_hochberg
from mesocosm.record import FolderError, Record


@dataclass(frozen=True)
class Comparison:
    """Differences A less B, all exploratory; how they were paired; in what the configurations differ."""

    findings: list[Finding]
    pairing: str
    differs: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(a: Record, b: Record) -> Comparison:
    """The statistic of each claim in A less that in B; of every measure at the end where nothing is claimed.

    Raises:
      FolderError: for runs of different experiments, or one whose assays are not there.
    """
    names = a.header["experiment"], b.header["experiment"]
    if names[0] != names[1]:
        raise FolderError(
            f"{a.folder} is a run of {names[0]}, {b.folder} of {names[1]}; only runs of one can be compared"
        )
    x, y = _values(a), _values(b)
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
    for name, claim in _claims(a).items():
        own, other = (x[name][:n], y[name][:n]) if is_paired else (x[name], y[name])
        findings.append(judged(claim, own, other, paired=is_paired))
    pairing += _warning(a, b)
    return Comparison(_adjusted(findings), pairing, differs)


def _adjusted(findings: list[Finding]) -> list[Finding]:
    """All are exploratory: one family, after Benjamini and Hochberg."""
    tested = [finding.p for finding in findings if finding.p is not None]
    adjusted = iter(benjamini_hochberg(tested).tolist())
    return [f if f.p is None else replace(f, p_adjusted=next(adjusted)) for f in findings]


def _warning(a: Record, b: Record) -> str:
    """What makes two runs of one experiment less alike than their configurations say."""
    out = ""
    if a.tick != b.tick:
        out += f" A goes up to tick {a.tick}, B up to tick {b.tick}: each is taken at its own end."
    ours, theirs = (r.header["versions"].get("mesocosm", "unknown") for r in (a, b))
    if ours != theirs:
        out += f" A was run with mesocosm {ours}, B with {theirs}: a difference may be the program's."
    return out


def _values(record: Record) -> dict[str, np.ndarray]:
    declared = declaration(record.header["experiment"])
    if declared.results is None or not claims_of(record):
        return _at_the_end(record)
    assays, needed = assays_of(record), declared.results().assays(record)
    if missing := [name for name in needed if name not in assays]:
        raise FolderError(
            f"{record.folder}: has no assay {missing[0]}; `mesocosm resume {record.folder}` runs what is missing, "
            "unless it was run with assays = false: run it again with them"
        )
    return {name: np.asarray(v, float) for name, v in declared.results().values(record, assays).items()}


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
