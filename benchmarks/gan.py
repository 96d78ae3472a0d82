"""Which learners let an artist keep all modes? `python -m benchmarks.gan FOLDER [ring|grid ...]`.

Every learner has its step chosen by a few pairs of seed 1, and is then tried on 24 pairs of seed 2 that nobody has
looked at. What is finished in FOLDER is not run again. The table is in docs/results/gan.md.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.analyses.modes import Settings, compute
from mesocosm.experiments.gan.declaration import TARGETS, GanConfiguration
from mesocosm.findings.claim import Claim, show_interval
from mesocosm.findings.intervals import show_mean
from mesocosm.findings.verdicts import judge
from mesocosm.protocol.launch import begin, proceed
from mesocosm.record import Record, load

CONTROL = "simultaneous"
STEPS = {"plain": (0.03, 0.1, 0.3), "scaled": (0.001, 0.003, 0.01)}
PLAIN = (CONTROL, "alternating", "optimistic", "extragradient", "consensus(weight=0.1)", "sga")
SCALED = ("rmsprop", "adam(first=0.5)", "alternating+adam(first=0.5)", "sga+rmsprop")
TREATMENTS = [
    *((name, 0.0, STEPS["plain"]) for name in PLAIN),
    (CONTROL, 0.3, STEPS["plain"]),
    *((name, 0.0, STEPS["scaled"]) for name in SCALED),
]
TICKS = {"ring": 2000, "grid": 4000}
TUNED_ON, TRIED_ON = 4, 24
KEPT = Claim(
    "kept",
    "modes that the artist keeps",
    "artists of simultaneous descent",
    "modes held in every window of the last quarter, less those of the same seed under the control, each with its step",
    delta=1.0,
    unit="modes",
)


def run(folder: Path, name: str, **changes: Any) -> Record:
    """A run without what follows it: begun, gone on with, or as it is there."""
    there = folder / name
    c = replace(GanConfiguration(), **changes)
    if (there / "run.json").exists():
        return proceed(there)
    return begin("gan", c, there)


def kept(record: Record) -> np.ndarray:
    return np.array(compute(record, Settings())["kept"], float)


def best_step(folder: Path, target: str, number: int) -> float:
    """The step under which the pairs of seed 1 keep most modes; of equals the one in the middle."""
    learner, r1, steps = TREATMENTS[number]
    common = {"target": target, "learner": learner, "r1": r1, "ticks": TICKS[target], "every": TICKS[target] // 40}
    found = []
    for step in steps:
        record = run(folder, f"{target}-{number}-{step:g}", step=step, seed=1, replicates=TUNED_ON, **common)
        found.append((kept(record).mean(), -abs(np.log(step / steps[1])), step))
    print(f"  {target} {learner} r1={r1:g}: kept {', '.join(f'{f[2]:g}: {f[0]:.2f}' for f in found)}", flush=True)
    return max(found)[2]


def tried(folder: Path, target: str) -> None:
    """The table of a target: each learner against simultaneous descent, each with its own step."""
    n, values, steps = TARGETS[target], {}, {}
    for number, (learner, r1, _) in enumerate(TREATMENTS):
        step = best_step(folder, target, number)
        record = run(
            folder, f"{target}-{number}", target=target, learner=learner, r1=r1, step=step, seed=2,
            replicates=TRIED_ON, ticks=TICKS[target], every=TICKS[target] // 40,
        )  # fmt: skip
        values[number], steps[number] = kept(load(record.folder)), step
    claims = {k: replace(KEPT, name=f"kept-{k}") for k in values if k}
    effects = {claims[k].name: values[k] - values[0] for k in claims}
    found = judge(list(claims.values()), effects, TRIED_ON, seed=2)
    print(f"\n| learner, {target} of {n} | step | modes kept | all kept | against {CONTROL} | verdict |")
    print("|---|---|---|---|---|---|")
    for k, (learner, r1, _) in enumerate(TREATMENTS):
        finding = None if k == 0 else found[k - 1]
        words = show_interval(finding.estimate, finding.low, finding.high, signed=True) if finding else ""
        whole = int((values[k] == n).sum())
        name = f"{learner}{f', R1 {r1:g}' if r1 else ''}"
        print(
            f"| {name} | {steps[k]:g} | {show_mean(values[k])} | {whole} of {TRIED_ON} | {words} | "
            f"{finding.verdict if finding else 'control'} |"
        )


if __name__ == "__main__":
    where = Path(sys.argv[1])
    where.mkdir(parents=True, exist_ok=True)
    for wanted in sys.argv[2:] or list(TARGETS):
        tried(where, wanted)
