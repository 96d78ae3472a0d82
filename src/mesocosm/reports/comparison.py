"""Many runs of one experiment as one HTML, offline: every difference, every run, every replicate, the dead among them.

Every table can be sorted and filtered. No jax.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mesocosm.findings.claim import Finding, show_interval
from mesocosm.protocol.compare import Pair, statistics
from mesocosm.protocol.registry import declaration_of
from mesocosm.record import Record
from mesocosm.record.status import RunStatus
from mesocosm.reports.board import Board, page
from mesocosm.reports.lines import Line, forest, stacked, svg


def labels(runs: Sequence[Record]) -> list[str]:
    """What each run is called: its folder's name, with its number where two are named alike."""
    names = [run.folder.name or str(run.folder) for run in runs]
    return [name if names.count(name) == 1 else f"{name} ({k + 1})" for k, name in enumerate(names)]


def words(runs: Sequence[Record], pairs: Sequence[Pair]) -> str:
    """The comparisons for a terminal."""
    names, out = labels(runs), [f"{name}  {run.folder}" for name, run in zip(labels(runs), runs, strict=True)]
    for pair in pairs:
        out += ["", f"A = {names[pair.a]}, B = {names[pair.b]}: they differ in: {pair.comparison.differs or 'nothing'}"]
        out += [pair.comparison.pairing]
        for f in pair.comparison.findings:
            adjusted = f"; p {f.p_adjusted:.2g} (Holm)" if f.p_adjusted is not None else ""
            out.append(f"  {f.name:10s} {f.words('worlds')}{adjusted}")
    return "\n".join(out)


def comparison(runs: Sequence[Record], pairs: Sequence[Pair]) -> str:
    """The page."""
    names = labels(runs)
    boards = [_differences(names, pairs), _runs(names, runs), _replicates(names, runs)]
    declared = declaration_of(runs[0])
    title = f"{declared.title}: {len(runs)} runs"
    return page(title, declared.question, words(runs, pairs), boards, figure(names, pairs))


def figure(names: Sequence[str], pairs: Sequence[Pair]) -> str:
    """One SVG: for each claim a line a pair."""
    claims: dict[str, list[tuple[str, Finding]]] = {}
    for pair in pairs:
        for f in pair.comparison.findings:
            claims.setdefault(f.name, []).append((f"{names[pair.a]} / {names[pair.b]}", f))
    drawn = []
    for name, several in claims.items():
        f = several[0][1]
        is_ratio = f.kind == "ratio"
        band = (1 / f.delta, f.delta) if is_ratio and f.delta else (-f.delta, f.delta)
        lines = [Line(told, g.estimate, g.low, g.high) for told, g in several]
        how = "A over B" if is_ratio else "A less B"
        drawn.append(
            forest(lines, f"{name}: {f.statistic}", f"{how}, 95 %; grey: too small to matter", band, +is_ratio)
        )
    return svg(*stacked(drawn), "Differences between runs")


def _differences(names: Sequence[str], pairs: Sequence[Pair]) -> Board:
    head = ["A", "B", "claim", "A against B", "95 %", "verdict", "p", "p (Holm)", "used", "started", "paired", "note"]
    body: list[list[Any]] = []
    for pair in pairs:
        is_paired = pair.comparison.pairing.startswith("Paired")
        for f in pair.comparison.findings:
            is_known = f.estimate is not None
            over = show_interval(f.estimate, f.low, f.high, signed=f.kind != "ratio") if is_known else None
            line = [names[pair.a], names[pair.b], f.name, f.estimate, over, f.verdict, f.p, f.p_adjusted]
            body.append([*line, f.n_used, f.n_started, "yes" if is_paired else "no", f.note or None])
    return Board("Differences", head, body, [f.n_used < f.n_started for p in pairs for f in p.comparison.findings])


def _runs(names: Sequence[str], runs: Sequence[Record]) -> Board:
    head = ["run", "status", "seed", "ticks", "replicates", "alive", "ended early", "how", "mesocosm"]
    body: list[list[Any]] = []
    for name, run in zip(names, runs, strict=True):
        ended = [s.status for s in run.statuses if s.status != "alive"]
        how = ", ".join(f"{ended.count(status)} {status}" for status in dict.fromkeys(ended))
        alive = run.replicates - len(ended)
        version = run.header["versions"].get("mesocosm")
        line = [name, str(run.status), run.header["seed"], run.tick, run.replicates, alive]
        body.append([*line, len(ended), how or None, version])
    failed = [bool(line[6]) or run.status != RunStatus.FINISHED for line, run in zip(body, runs, strict=True)]
    return Board("Runs", head, body, failed)


def _replicates(names: Sequence[str], runs: Sequence[Record]) -> Board:
    """What was compared in each replicate, and what became of it."""
    of = [statistics(run) for run in runs]
    claims = list(dict.fromkeys(name for values in of for name in values))
    body, failed = [], []
    for name, run, values in zip(names, runs, of, strict=True):
        for s in run.statuses:
            own = [float(values[c][s.replicate]) if c in values else float("nan") for c in claims]
            body.append(
                [name, s.replicate, s.status, s.tick, *(v if math.isfinite(v) else None for v in own), s.cause or None]
            )
            failed.append(s.status != "alive")
    return Board("Replicates", ["run", "replicate", "status", "last tick", *claims, "cause"], body, failed)
