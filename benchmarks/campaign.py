"""What helps a search for a learning rule? `python -m benchmarks.campaign FOLDER [NAME ...]`, without names: every one.

One thing is changed at a time; every search of a variation has the same number of evaluations (genomes x examples), and
its centre is judged on the same held-out Omniglot tasks. What is finished in FOLDER is not run again, what is not goes
on. Needs MESOCOSM_DATA. The table is in docs/results/digits-campaign.md.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.experiments.digits.declaration import DigitsConfiguration, curves
from mesocosm.findings import welch_interval
from mesocosm.protocol.launch import begin, proceed
from mesocosm.record import Record, load
from mesocosm.record.configuration import check, from_dict

SEARCHES, GENERATIONS, TASKS, EXAMPLES = 6, 150, 4, 50
EVALUATIONS = GENERATIONS * TASKS * EXAMPLES
SHOWN = [10, 20, 50, 100]

BASE: dict[str, Any] = {
    "replicates": SEARCHES,
    "ticks": GENERATIONS,
    "every": GENERATIONS,
    "founding": "centred-class-mean",
    "spread": 0.03,
    "analysis": False,
    "form": {"cell": "lstm", "messages": 2, "hidden": 4, "memory": 2},
    "search": {"searcher": "meta-gradient", "rate": 0.004, "decay": GENERATIONS},
    "schooling": {
        "source": "omniglot+clouds",
        "side": 14,
        "examples": EXAMPLES,
        "tasks": TASKS,
        "shown": SHOWN,
        "judged_tasks": 64,
        "judged_images": 100,
    },
}


def evolution(searcher: str, population: int, times: int = 1, **search: Any) -> dict[str, Any]:
    """As many evaluations as the base has, or so many times as many."""
    generations = times * EVALUATIONS // (population * TASKS * EXAMPLES)
    search |= {"searcher": searcher, "population": population, "decay": 0}
    return {"ticks": generations, "every": generations, "search": search}


VARIATIONS: dict[str, dict[str, Any]] = {
    "base: lstm, meta-gradient": {},
    "bilinear": {"form": {"cell": "bilinear"}},
    "hebbian": {"form": {"cell": "hebbian"}},
    "fast lstm": {"form": {"fast": True}},
    "one message": {"form": {"messages": 1}},
    "no memory at neurons": {"form": {"memory": 0}, "founding": "class-mean"},
    "two ticks an example": {"form": {"ticks": 2}},
    "symmetric": {"form": {"symmetric": True}},
    "symmetric, four messages": {"form": {"symmetric": True, "messages": 4}},
    "a genome for each role": {"form": {"per_role": True}},
    "plain messages, random genome": {"form": {"normalise": False}, "founding": "random", "spread": 0.0},
    "random genome": {"founding": "random", "spread": 0.0},
    "hidden level of 32": {"schooling": {"hidden": [32]}},
    "hidden level of 32, a genome for each role": {"schooling": {"hidden": [32]}, "form": {"per_role": True}},
    "hidden level of 32, symmetric": {"schooling": {"hidden": [32]}, "form": {"symmetric": True}},
    "tasks: Omniglot only": {"schooling": {"source": "omniglot"}},
    "short horizon: 10 examples": {"schooling": {"examples": 10, "tasks": 20}},
    "long horizon: 100 examples": {"schooling": {"examples": 100, "tasks": 2}},
    "cma-es": evolution("cma-es", 15, sigma=0.03),
    "cma-es, ten times the evaluations": evolution("cma-es", 15, 10, sigma=0.03),
    "ga": evolution("ga", 15, sigma=0.03),
    "sep-cma-es": evolution("sep-cma-es", 15, sigma=0.03),
    "snes": evolution("snes", 15, sigma=0.03),
    "openai-es": evolution("openai-es", 16, sigma=0.03, rate=0.004),
}


def configured(changes: dict[str, Any]) -> DigitsConfiguration:
    tables = {key: BASE[key] | changes.get(key, {}) for key in ("form", "search", "schooling")}
    configuration = from_dict(DigitsConfiguration, BASE | changes | tables)
    check(configuration)
    return configuration


def record_of(name: str, folder: Path) -> tuple[Record, float | None]:
    """The finished searches, and the seconds that they took if they were run now."""
    place = folder / name.replace(":", "").replace(",", "").replace(" ", "-")
    began = time.perf_counter()
    if (place / "run.json").exists():
        there = load(place)
        return (there, None) if there.status == "finished" else (proceed(place), time.perf_counter() - began)
    return begin("digits", configured(VARIATIONS[name]), place), time.perf_counter() - began


def accuracy(record: Record) -> np.ndarray:
    """Of the centres of the last generation, [searches, n]; what has diverged has the accuracy of a guess."""
    return np.nan_to_num(curves(record)["rule"][:, -1], nan=0.1)


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:] or list(VARIATIONS)
    base = accuracy(record_of(next(iter(VARIATIONS)), folder)[0])
    print(f"| after {' / '.join(map(str, SHOWN))} | per cent | less the base after {SHOWN[-1]}, points | worst |")
    print("|---|---|---|---|")
    for name in names:
        record, seconds = record_of(name, folder)
        found = accuracy(record)
        told = welch_interval(100 * found[:, -1], 100 * base[:, -1])
        each = " / ".join(f"{100 * v:.1f}" for v in found.mean(axis=0))
        print(f"| {name} | {each} | {told.estimate:+.1f} [{told.low:+.1f}, {told.high:+.1f}]", end=" | ")
        print(f"{100 * found[:, -1].min():.1f} |" + (f" <!-- {seconds:.0f} s -->" if seconds else ""), flush=True)
    print(f"\nclass mean: {' / '.join(f'{100 * v:.1f}' for v in curves(record)['control'][0, -1])}")


if __name__ == "__main__":
    main()
