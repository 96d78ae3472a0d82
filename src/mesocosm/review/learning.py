"""How the reader of prose is taught: `python -m mesocosm.review.learning FOLDER` writes `weights.npz` beside this file.

What is learnt from lies in the folder: `phrases.txt`, sentences in which a fault stands (`+`) or is averted (`-`), and
`strangers/*.toml`, plans by people who never saw the program, with the fault that was planted and the sentence it lies
in. Ridge regression of each fault, and of each aversion, on the terms of sentences, and of each fault on the words of
whole plans. How both are weighed is learnt from what they say of each set of plans when it is left out.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesocosm.review.reader import FAULTS, FLOOR, WEIGHTS
from mesocosm.review.ridge import Ridge, logistic
from mesocosm.review.sentences import sentences
from mesocosm.review.terms import plain, terms
from mesocosm.review.weighing import FEATURES, features

RAREST = 3
"""Occurrences below which a term is not learnt."""
PENALTY, OF_PLANS, OF_FEATURES = 0.8, 0.5, 0.1
"""Of squared weights: of terms of sentences, of those of plans, and of features."""
EMPHASIS = 2.0
"""How much more an example of a fault, or a sentence that somebody wrote in a plan, counts than another."""
MAKERS = ("learning.py", "lexicon.toml", "ridge.py", "sentences.py", "terms.py", "weighing.py")
"""Files that make the weights; of `reader.py` its list of faults, and `FLOOR`, are told to the fingerprint."""
_N = len(FAULTS)
_KIN = (
    {"control", "confounded", "control-is-treatment", "shared-seeds", "prediction", "borrowed-baseline"},
    {"confounded", "unequal-budget", "unequal-tuning"},
    {"tuned-on-test", "looked-at-during-tuning", "shared-seeds"},
    {"pseudo-replication", "too-few-replicates", "optional-stopping"},
    {"multiple-comparisons", "no-primary-metric"},
    {"regression-to-the-mean", "control"},
)
"""Faults that one sentence may well avert together: of the others nothing is then known."""


@dataclass(frozen=True)
class Plan:
    """A plan of somebody's, with the faults planted in it, and the words in which they lie."""

    name: str
    text: str
    faults: tuple[str, ...]
    quote: str = ""


@dataclass(frozen=True)
class Row:
    """A sentence to learn from: 1, 0 or unknown (nan) for each fault, then for the aversion of each.

    Args:
      seen: sets of plans that whoever wrote the sentence had before them.
    """

    sentence: str
    labels: NDArray[np.float64]
    weight: float = 1.0
    seen: tuple[str, ...] = ()


def plans(folder: Path) -> dict[str, list[Plan]]:
    """The plans of a folder, by set (a file each)."""
    out = {}
    for path in sorted(folder.glob("*.toml")):
        rows = tomllib.loads(path.read_text("utf-8"))["plan"]
        out[path.stem] = [Plan(f"{path.stem}/{r['name']}", r["text"], tuple(r["faults"]), r["quote"]) for r in rows]
    return out


def phrases(folder: Path) -> list[Row]:
    """The sentences of `phrases.txt`; after a line `seen: seven eight` those written with these sets in view."""
    out, fault, seen = [], "", ()
    for line in (folder / "phrases.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            fault = line.strip("[]")
        elif line.startswith("seen:"):
            seen = tuple(line.split()[1:])
        elif line[:2] in ("+ ", "- "):
            out.append(replace(_phrase(fault, line[2:], is_fault=line[0] == "+"), seen=seen))
    return out


def _phrase(fault: str, sentence: str, is_fault: bool) -> Row:
    labels = np.zeros(2 * _N)
    if fault == "none":
        labels[_N:] = np.nan
        return Row(sentence, labels)
    k = FAULTS.index(fault)
    if not is_fault:
        for group in (group for group in _KIN if fault in group):
            labels[[_N + FAULTS.index(other) for other in group]] = np.nan
    labels[k if is_fault else _N + k] = 1.0
    return Row(sentence, labels, EMPHASIS)


def rows_of(plan: Plan) -> list[Row]:
    """The sentences of a plan: in those that are quoted its fault stands, in the others none; aversions are unknown."""
    own = [FAULTS.index(fault) for fault in plan.faults]
    said = sentences(plan.text)
    quotes = re.split(r"\[\.\.\.\]", plan.quote) if len(own) > 1 else [plan.quote]
    is_told = len(quotes) == len(own) and all(quotes)
    out = []
    for sentence in said:
        labels = np.full(2 * _N, np.nan)
        labels[:_N] = 0.0
        labels[own] = [float(is_quoted(sentence, q)) for q in quotes] if is_told else np.nan
        out.append(Row(sentence, labels, EMPHASIS))
    if len(own) == 1 and sum(row.labels[own[0]] for row in out) > 1:
        out.append(_phrase(plan.faults[0], plan.quote.replace("[...]", " "), is_fault=True))
    return out


def is_quoted(sentence: str, quote: str) -> bool:
    """Whether a sentence is part of what is quoted, or the quotation part of it."""
    said, told = re.findall(r"[a-z0-9]+", sentence.lower()), re.findall(r"[a-z0-9]+", quote.lower())
    if not said or not told:
        return False
    begins = (" ".join(said)[:60] in " ".join(told), " ".join(told)[:60] in " ".join(said))
    return any(begins) or (len(said) > 3 and len({*said} & {*told}) > 0.8 * len({*said}))


@dataclass(frozen=True)
class Examples:
    """All that is learnt from.

    Args:
      rows: sentences: `phrases.txt`, then those of plans.
      plan_of: of each sentence in which plan it stands, by number; -1 where in none.
      plans: all plans; `set_of`: of each by which hand it is.
    """

    rows: list[Row]
    plan_of: NDArray[np.intp]
    plans: list[Plan]
    set_of: NDArray[np.str_]

    @property
    def sets(self) -> list[str]:
        return sorted({*self.set_of.tolist()})

    def of_set(self, name: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows of a set, and those that were written with it in view."""
        own = (self.plan_of >= 0) & (self.set_of[self.plan_of] == name)
        return np.flatnonzero(own), np.flatnonzero([name in row.seen for row in self.rows])


def examples(folder: Path) -> Examples:
    """All that is learnt from."""
    rows = phrases(folder)
    plan_of, all_plans, set_of = [-1] * len(rows), [], []
    for name, own in plans(folder / "strangers").items():
        for plan in own:
            said = rows_of(plan)
            rows += said
            plan_of += [len(all_plans)] * len(said)
            all_plans.append(plan)
            set_of.append(name)
    return Examples(rows, np.array(plan_of), all_plans, np.array(set_of))


def learnt(told: Examples) -> dict[str, NDArray[Any]]:
    """What `weights.npz` holds: weights of terms of sentences and of plans, and of what is weighed."""
    found = [terms(row.sentence) for row in told.rows]
    labels = np.array([row.labels for row in told.rows])
    common: dict[str, Any] = {"rarest": RAREST, "floor": FLOOR}
    weights = [row.weight for row in told.rows]
    of_sentences = Ridge.of(found, labels, weights=weights, penalty=PENALTY, **common)
    inverse = of_sentences.inverse()
    out = {f"sentence_{name}": value for name, value in of_sentences.weights(inverse).items()}
    scores = of_sentences.left_out(inverse, [told.of_set(name) for name in told.sets])
    rows_of_plan = [np.flatnonzero(told.plan_of == k) for k in range(len(told.plans))]
    is_at_fault = np.array([[fault in plan.faults for fault in FAULTS] for plan in told.plans])
    whole = [plain([found[row] for row in rows]) for rows in rows_of_plan]
    of_plans = Ridge.of(whole, is_at_fault.astype(float), penalty=OF_PLANS, **common)
    inverse = of_plans.inverse()
    out |= {f"plan_{name}": value for name, value in of_plans.weights(inverse).items()}
    alone = [(np.flatnonzero(told.set_of == name), np.zeros(0, int)) for name in told.sets]
    wholes = of_plans.left_out(inverse, alone)
    own = [rows[: len(sentences(plan.text))] for rows, plan in zip(rows_of_plan, told.plans, strict=True)]
    weighed = np.array([features(scores[rows], said) for rows, said in zip(own, wholes, strict=True)])
    return out | weighing(weighed, is_at_fault)


def weighing(found: NDArray[np.float64], is_at_fault: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """How features ([plan, fault, feature]) are weighed, and how common each fault is."""
    spread = found.std((0, 1)) + 1e-9
    own = np.tile(np.eye(len(FAULTS)), (len(found), 1))  # of each fault its own constant
    x = np.hstack([(found / spread).reshape(-1, len(FEATURES)), own, np.ones((len(own), 1))])
    weights = logistic(x, is_at_fault.ravel(), OF_FEATURES)
    return {"weighing": weights[: len(FEATURES)] / spread, "bias": weights[len(FEATURES) : -1] + weights[-1]}


def fingerprint(folder: Path) -> str:
    """Of all that makes the weights: what is learnt from, and the code that learns, splits texts, and finds terms."""
    paths = [folder / "phrases.txt", *sorted((folder / "strangers").glob("*.toml"))]
    paths += [Path(__file__).with_name(name) for name in MAKERS]
    told = repr((FAULTS, FLOOR)).encode()
    return hashlib.sha256(told + b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def main(folder: Path) -> None:
    """Learn from a folder, and write what was learnt."""
    told = examples(folder)
    found = learnt(told)
    np.savez_compressed(WEIGHTS, allow_pickle=False, of=np.array(fingerprint(folder)), **found)
    print(f"{len(told.rows)} sentences, {len(told.plans)} plans, {WEIGHTS.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
