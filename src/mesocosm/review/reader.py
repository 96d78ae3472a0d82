"""What a plan in prose says of each fault: by weights of terms that were learnt (`learning`), sentence by sentence.

A fault is *objected* to where some sentence clearly commits it, *asked* about where one may, and passed over where the
sentences speak of something else or avert it. Each reading holds the sentence, and the words in it that weigh most.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesocosm.review.sentences import sentences
from mesocosm.review.terms import plain, terms
from mesocosm.review.weighing import Weighing, features

FAULTS = (
    *("pseudo-replication", "optional-stopping", "multiple-comparisons", "control", "control-is-treatment"),
    *("confounded", "unequal-tuning", "unequal-budget", "tuned-on-test", "survivorship", "shared-seeds"),
    *("borrowed-baseline", "prediction", "minimal-effect", "too-few-replicates", "saturated-metric"),
    *("regression-to-the-mean", "extrapolation", "no-primary-metric", "one-data-set", "looked-at-during-tuning"),
)
WEIGHTS = Path(__file__).with_name("weights.npz")
FLOOR = 30.0
"""Length of a sentence, in rarity of its terms, below which it says proportionally less."""
SURE, DOUBTFUL = 0.75, 0.013
"""Probabilities from which a fault is objected to, and asked about."""
SPOKEN = 0.18
"""Score from which a sentence surely says what averts a fault."""
MOST = 3
"""Questions that are asked back of one plan; more would make it a form."""


@dataclass(frozen=True)
class Reading:
    """What was read of one fault.

    Args:
      sentence: where it stands, as far as it does.
      score: how probable it is that it stands, by plans of hands that were not learnt from.
    """

    fault: str
    sentence: str
    score: float
    is_sure: bool


@dataclass(frozen=True)
class Learnt:
    """Weights (term, then what is told), and how rare each term is, by its place."""

    place: dict[str, int]
    rarity: NDArray[np.float64]
    weights: NDArray[np.float64]

    @staticmethod
    def of(words: bytes, rarity: NDArray, weights: NDArray, step: NDArray) -> Learnt:
        place = {word: k for k, word in enumerate(words.decode().split("\n"))}
        return Learnt(place, rarity.astype(np.float64), weights.T.astype(np.float64) * step)

    def scores(self, found: Sequence[Set[str]]) -> NDArray[np.float64]:
        """Of each set of terms (row) for each fault; of those of sentences then for the aversion of each."""
        out = np.zeros((len(found), self.weights.shape[1]))
        for row, own in zip(out, found, strict=True):
            at = [self.place[term] for term in sorted(own) if term in self.place]
            row += self.weights[at].sum(0) / np.sqrt(np.sum(self.rarity[at] ** 2) + FLOOR**2)
        return out


@dataclass(frozen=True)
class Taught:
    """What the package was taught: of sentences, of whole plans, and how both are weighed."""

    sentence: Learnt
    plan: Learnt
    weighing: Weighing

    def weighed(
        self, found: Sequence[Set[str]], text_of: Sequence[int] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores of sentences, from their terms ([sentence, fault then aversion]), and log odds of faults."""
        scores = self.sentence.scores(found)
        (whole,) = self.plan.scores([plain(found)])
        return scores, self.weighing(features(scores, whole, text_of))


@lru_cache(maxsize=1)
def learnt() -> Taught:
    """What the package was taught."""
    with np.load(WEIGHTS) as data:
        parts = [[data[f"{of}_{k}"] for k in ("words", "rarity", "weights", "step")] for of in ("sentence", "plan")]
        weighing = Weighing(data["weighing"], data["bias"])
    sentence, plan = (Learnt.of(words.tobytes(), *rest) for words, *rest in parts)
    return Taught(sentence, plan, weighing)


def telling(reading: Reading, n: int = 3) -> list[str]:
    """The words without which its sentence would say least of the fault, as they stand in it."""
    words = reading.sentence.split()
    shorter = [" ".join(words[:k] + words[k + 1 :]) for k in range(len(words))]
    scores = learnt().sentence.scores([*map(terms, shorter)])[:, FAULTS.index(reading.fault)]
    bare = [word.strip(".,;:()*“”\"'") for word in words]
    most = [int(k) for k in np.argsort(scores, kind="stable") if len(bare[k]) > 2 or bare[k].isdigit()]
    return [bare[k] for k in sorted(most[:n])]


def averting(said: Sequence[str], fault: str) -> str | None:
    """The sentence that surely says what a plan with this fault would not: a prediction, a size that matters."""
    if not said:
        return None
    scores = learnt().sentence.scores([*map(terms, said)])[:, len(FAULTS) + FAULTS.index(fault)]
    best = int(scores.argmax())
    return said[best] if scores[best] >= SPOKEN else None


def readings(*texts: str) -> list[Reading]:
    """What is objected to, and what is asked about, the surest first; at most `MOST` of the latter.

    Args:
      texts: of one plan, such as what stands under its headings.
    """
    pairs = [(sentence, k) for k, text in enumerate(texts) for sentence in sentences(text)]
    if not pairs:
        return []
    said, text_of = zip(*pairs, strict=True)
    scores, odds = learnt().weighed([*map(terms, said)], text_of)
    at, probability = scores[:, : len(FAULTS)].argmax(0).tolist(), 1 / (1 + np.exp(-odds))
    order = [int(k) for k in np.argsort(-odds, kind="stable") if probability[k] >= DOUBTFUL]
    is_sure = (probability >= SURE).tolist()
    found = [Reading(FAULTS[k], said[at[k]], float(probability[k]), is_sure[k]) for k in order]
    sure = [each for each in found if each.is_sure]
    return sure + [each for each in found if not each.is_sure][:MOST]
