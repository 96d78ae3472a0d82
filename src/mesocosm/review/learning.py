"""How the reader of prose is taught: `python -m mesocosm.review.learning FOLDER` writes `weights.npz` beside this file.

What is learnt from lies in the folder: `phrases.txt`, sentences in which a fault stands (`+`) or is averted (`-`), and
`strangers/*.toml`, plans by people who never saw the program, with the fault that was planted and the sentence it lies
in. Ridge regression of each fault, and of each aversion, on the terms of sentences, in closed form; nothing is random.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesocosm.review.reader import FAULTS, FLOOR, WEIGHTS
from mesocosm.review.sentences import sentences
from mesocosm.review.terms import terms

PENALTY, RAREST, LEVELS = 0.8, 3, 9
"""Of squared weights; occurrences below which a term is not learnt; sizes of a weight that are told apart."""
EMPHASIS = 2.0
"""How much more an example of a fault, or a sentence that somebody wrote in a plan, counts than another."""
MAKERS = ("learning.py", "lexicon.toml", "sentences.py", "terms.py")
"""Files that make the weights; of `reader.py` its list of faults, and `FLOOR`."""
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
    """A sentence to learn from: 1, 0 or unknown (nan) for each fault, then for the aversion of each."""

    sentence: str
    labels: NDArray[np.float64]
    weight: float = 1.0


def plans(folder: Path) -> dict[str, list[Plan]]:
    """The plans of a folder, by set (a file each)."""
    out = {}
    for path in sorted(folder.glob("*.toml")):
        rows = tomllib.loads(path.read_text("utf-8"))["plan"]
        out[path.stem] = [Plan(f"{path.stem}/{r['name']}", r["text"], tuple(r["faults"]), r["quote"]) for r in rows]
    return out


def phrases(folder: Path) -> list[Row]:
    """The sentences of `phrases.txt`."""
    out, fault = [], ""
    for line in (folder / "phrases.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            fault = line.strip("[]")
        elif line[:2] in ("+ ", "- "):
            out.append(_phrase(fault, line[2:], is_fault=line[0] == "+"))
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


def examples(folder: Path) -> list[Row]:
    """All sentences that are learnt from."""
    told = [row for each in plans(folder / "strangers").values() for plan in each for row in rows_of(plan)]
    return phrases(folder) + told


def learnt(rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
    """Weights of terms, as `weights.npz` holds them."""
    found = [terms(row.sentence) for row in rows]
    counts = Counter(term for each in found for term in each)
    words = sorted(term for term, n in counts.items() if n >= RAREST)
    rarity = np.log((len(rows) + 1) / (np.array([counts[word] for word in words]) + 1.0))
    x = _matrix(found, words, rarity)
    labels = np.array([row.labels for row in rows])
    is_known = ~np.isnan(labels)
    mean = np.where(is_known, labels, 0).sum(0) / np.maximum(is_known.sum(0), 1)
    y = np.where(is_known, labels - mean, 0.0)
    scale = np.sqrt([row.weight for row in rows])[:, None]
    gram = (x @ x.T).toarray() * scale * scale.T + PENALTY * np.eye(len(rows))
    weights = (x.T @ (np.linalg.solve(gram, y * scale) * scale)) * rarity[:, None]
    step = np.abs(weights).max(0) / LEVELS + 1e-12
    return {
        "words": np.frombuffer("\n".join(words).encode(), np.uint8),
        "rarity": rarity.astype(np.float16),
        "weights": np.round(weights / step).astype(np.int8).T.copy(),
        "step": step.astype(np.float32),
    }


def _matrix(found: Sequence[set[str]], words: Sequence[str], rarity: NDArray[np.float64]) -> Any:
    """Sentences by terms, each row scaled to about unit length by the rarity of its terms."""
    from scipy.sparse import csr_array

    place = {word: k for k, word in enumerate(words)}
    at = [[place[term] for term in sorted(each) if term in place] for each in found]
    lengths = [np.sqrt(np.sum(rarity[k] ** 2) + FLOOR**2) for k in at]
    values = np.concatenate([rarity[k] / length for k, length in zip(at, lengths, strict=True)])
    return csr_array(
        (values, np.concatenate(at).astype(int), np.cumsum([0, *map(len, at)])), shape=(len(found), len(words))
    )


def fingerprint(folder: Path) -> str:
    """Of all that makes the weights: what is learnt from, and the code that learns, splits texts, and finds terms."""
    paths = [folder / "phrases.txt", *sorted((folder / "strangers").glob("*.toml"))]
    paths += [Path(__file__).with_name(name) for name in MAKERS]
    told = repr((FAULTS, FLOOR)).encode()
    return hashlib.sha256(told + b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def main(folder: Path) -> None:
    """Learn from a folder, and write what was learnt."""
    rows = examples(folder)
    found = learnt(rows)
    np.savez_compressed(WEIGHTS, allow_pickle=False, of=np.array(fingerprint(folder)), **found)
    print(f"{len(rows)} sentences, {WEIGHTS.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
