"""What a plan in prose says of each fault: sentence by sentence, by weights of terms that were learnt (`learning`).

A fault is *objected* to where some sentence clearly commits it, *asked* about where one may, and passed over where the
sentences speak of something else or avert it. Each reading holds the sentence, and the words in it that weigh most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesocosm.review.sentences import sentences
from mesocosm.review.terms import terms

FAULTS = (
    *("pseudo-replication", "optional-stopping", "multiple-comparisons", "control", "control-is-treatment"),
    *("confounded", "unequal-tuning", "unequal-budget", "tuned-on-test", "survivorship", "shared-seeds"),
    *("borrowed-baseline", "prediction", "minimal-effect", "too-few-replicates", "saturated-metric"),
    *("regression-to-the-mean", "extrapolation", "no-primary-metric", "one-data-set", "looked-at-during-tuning"),
)
WEIGHTS = Path(__file__).with_name("weights.npz")
FLOOR = 30.0
"""Length of a sentence, in rarity of its terms, below which it says proportionally less."""
SURE, DOUBTFUL = 0.31, 0.1
"""Scores from which a fault is objected to, and asked about."""
AVERTED = 0.3
"""Of the score of the sentence that averts a fault most, what is taken off."""
SPARED = 0.2
"""What is taken off if the sentence itself averts a fault, be it another."""
BESIDE = 0.3
"""What is added of the score of a sentence before or after."""
SPOKEN = 0.18
"""Score from which a sentence surely says what averts a fault."""
MOST = 2
"""Questions that are asked back of one plan; more would make it a form."""


@dataclass(frozen=True)
class Reading:
    """What was read of one fault.

    Args:
      sentence: where it stands, as far as it does.
      score: about 1 where it surely stands, 0 where it does not.
    """

    fault: str
    sentence: str
    score: float
    is_sure: bool


@dataclass(frozen=True)
class Learnt:
    """Weights (term, fault then aversion), and how rare each term is, by its place."""

    place: dict[str, int]
    rarity: NDArray[np.float64]
    weights: NDArray[np.float64]

    @staticmethod
    def of(words: bytes, rarity: NDArray, weights: NDArray, step: NDArray) -> Learnt:
        place = {word: k for k, word in enumerate(words.decode().split("\n"))}
        return Learnt(place, rarity.astype(np.float64), weights.T.astype(np.float64) * step)

    def scores(self, said: Sequence[str]) -> NDArray[np.float64]:
        """Of each sentence (row) for each fault, then for the aversion of each."""
        out = np.zeros((len(said), self.weights.shape[1]))
        for row, sentence in zip(out, said, strict=True):
            at = [self.place[term] for term in sorted(terms(sentence)) if term in self.place]
            row += self.weights[at].sum(0) / np.sqrt(np.sum(self.rarity[at] ** 2) + FLOOR**2)
        return out


@lru_cache(maxsize=1)
def learnt() -> Learnt:
    """What the package was taught."""
    with np.load(WEIGHTS) as data:
        return Learnt.of(data["words"].tobytes(), data["rarity"], data["weights"], data["step"])


def telling(reading: Reading, n: int = 3) -> list[str]:
    """The words without which its sentence would say least of the fault, as they stand in it."""
    words = reading.sentence.split()
    shorter = [" ".join(words[:k] + words[k + 1 :]) for k in range(len(words))]
    scores = learnt().scores(shorter)[:, FAULTS.index(reading.fault)]
    bare = [word.strip(".,;:()*“”\"'") for word in words]
    most = [int(k) for k in np.argsort(scores, kind="stable") if len(bare[k]) > 2 or bare[k].isdigit()]
    return [bare[k] for k in sorted(most[:n])]


def averting(said: Sequence[str], fault: str) -> str | None:
    """The sentence that surely says what a plan with this fault would not: a prediction, a size that matters."""
    if not said:
        return None
    scores = learnt().scores(said)[:, len(FAULTS) + FAULTS.index(fault)]
    best = int(scores.argmax())
    return said[best] if scores[best] >= SPOKEN else None


def of_plan(scores: NDArray[np.float64], text_of: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Of each fault in a plan, from the scores of its sentences: the most telling one, and those beside it.

    Args:
      scores: [sentence, fault then aversion].
      text_of: of each sentence in which text it stands; those of other texts are not beside it. None: all in one.
    """
    own = np.zeros(len(scores), int) if text_of is None else np.asarray(text_of)
    is_next = own[1:] == own[:-1]
    faults, averted = scores[:, : len(FAULTS)], np.maximum(scores[:, len(FAULTS) :], 0)
    at, each = faults.argmax(0), np.arange(len(FAULTS))
    before, after = np.zeros_like(faults), np.zeros_like(faults)
    before[1:], after[:-1] = faults[:-1] * is_next[:, None], faults[1:] * is_next[:, None]
    beside = np.maximum(np.maximum(before, after)[at, each], 0)
    return faults.max(0) + BESIDE * beside - AVERTED * averted.max(0) - SPARED * averted[at].max(1)


def readings(*texts: str) -> list[Reading]:
    """What is objected to, and what is asked about, the surest first; at most `MOST` of the latter.

    Args:
      texts: of one plan, such as what stands under its headings.
    """
    pairs = [(sentence, k) for k, text in enumerate(texts) for sentence in sentences(text)]
    if not pairs:
        return []
    said, text_of = zip(*pairs, strict=True)
    all_scores = learnt().scores(said)
    faults, score = all_scores[:, : len(FAULTS)], of_plan(all_scores, text_of)
    order = [int(k) for k in np.argsort(-score, kind="stable") if score[k] >= DOUBTFUL]
    at, is_sure = faults.argmax(0).tolist(), (score >= SURE).tolist()
    found = [Reading(FAULTS[k], said[at[k]], float(score[k]), is_sure[k]) for k in order]
    sure = [each for each in found if each.is_sure]
    return sure + [each for each in found if not each.is_sure][:MOST]
