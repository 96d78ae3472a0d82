"""Rules on ten tables of measurements, whose columns differ in kind: beside classical rivals on the same streams.

    python -m benchmarks.tables [STREAMS]

Tables of the folder that MESOCOSM_DATA names, all of numbers alone, named here before any was run. In each stream rows
come in a new order; after 10, 20, 50 and 100 of them others are judged, 500 at most. Rules learn in one pass, columns
scaled by what was seen so far; rivals store all and are fitted anew, on columns scaled likewise.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mesocosm.findings.intervals import mean_interval
from mesocosm.rules import RuleClassifier
from mesocosm.studies import tabular

TABLES = ("breast.w", "diabetes", "ecoli", "glass", "ionosphere", "iris", "segment", "sonar", "vehicle", "wine")
SHOWN, TESTS, JUDGED = (10, 20, 50, 100), 500, "prototypes-0"
RULES: dict[str, Callable[[], RuleClassifier]] = {
    "class-mean": RuleClassifier,
    "prototypes-0": lambda: RuleClassifier("prototypes-0", (64,)),
    "lstm-0": lambda: RuleClassifier("lstm-0"),
}
RIVALS: dict[str, Callable[[], Any]] = {
    "nearest neighbour": lambda: KNeighborsClassifier(1),
    "shrinkage LDA": lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    "ridge": RidgeClassifier,
    "RBF machine": lambda: SVC(C=10),
    "gradient, one pass": lambda: SGDClassifier("log_loss", max_iter=1, tol=0.0, shuffle=False, random_state=0),
}


def streams(name: str, count: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Rows and classes to learn, and to be judged on; what is missing is the median of what is learnt from."""
    table = tabular.load(name)
    for k in range(count):
        order = np.random.default_rng([k, len(table.labels)]).permutation(len(table.labels))
        learnt, judged = order[: SHOWN[-1]], order[SHOWN[-1] : SHOWN[-1] + TESTS]
        usual = np.nan_to_num(np.nanmedian(table.inputs[learnt], axis=0))
        x = np.where(np.isnan(table.inputs), usual, table.inputs)
        yield x[learnt], table.labels[learnt], x[judged], table.labels[judged]


def of_rule(make: Callable[[], RuleClassifier], stream: tuple[np.ndarray, ...], classes: np.ndarray) -> list[float]:
    x, y, tests, truth = stream
    rule, out, before = make(), [], 0
    for n in SHOWN:
        rule.partial_fit(x[before:n], y[before:n], classes=classes)
        out.append(float(rule.score(tests, truth)))
        before = n
    return out


def of_rival(make: Callable[[], Any], stream: tuple[np.ndarray, ...]) -> list[float]:
    x, y, tests, truth = stream
    out = []
    for n in SHOWN:
        if len(set(y[:n])) < 2:
            out.append(float(np.mean(truth == y[0])))
            continue
        out.append(float(make_pipeline(StandardScaler(), make()).fit(x[:n], y[:n]).score(tests, truth)))
    return out


def measured(name: str, count: int) -> dict[str, np.ndarray]:
    """Accuracies [streams, numbers shown] of every learner on one table."""
    classes = np.unique(tabular.load(name).labels)
    scores: dict[str, list[list[float]]] = {learner: [] for learner in (*RULES, *RIVALS)}
    for stream in streams(name, count):
        for learner, make in RULES.items():
            scores[learner].append(of_rule(make, stream, classes))
        for learner, make in RIVALS.items():
            scores[learner].append(of_rival(make, stream))
    return {learner: 100 * np.array(rows) for learner, rows in scores.items()}


def rows(title: str, how: str, of: dict[str, np.ndarray]) -> None:
    """A row a learner: its mean over tables after so many rows, and the interval. `of`: [tables, numbers shown] each"""
    print(f"| {title} | " + " | ".join(map(str, SHOWN)) + " |\n|---" + "|---" * len(SHOWN) + "|")
    for learner, values in of.items():
        told = ("{} [{}, {}]".format(*map(how.format, mean_interval(column))) for column in values.T)
        print(f"| {learner} | " + " | ".join(told) + " |")
    print()


def main(count: int) -> None:
    """In Markdown: means over tables with intervals; one rule less each other learner, paired; each table after 50."""
    warnings.filterwarnings("ignore")  # classes of one row
    found = {name: measured(name, count) for name in TABLES}
    means = {x: np.array([found[name][x].mean(axis=0) for name in TABLES]) for x in (*RULES, *RIVALS)}
    rows("rows seen", "{:.1f}", means)
    rows(f"{JUDGED} less", "{:+.1f}", {x: means[JUDGED] - of for x, of in means.items() if x != JUDGED})
    at = SHOWN.index(50)
    print("| after 50 | " + " | ".join((*RULES, *RIVALS)) + " |\n|---" + "|---" * len(RULES | RIVALS) + "|")
    for name in TABLES:
        of = [found[name][learner][:, at].mean() for learner in (*RULES, *RIVALS)]
        print(f"| `{name}` | " + " | ".join(f"{mean:.1f}" for mean in of) + " |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
