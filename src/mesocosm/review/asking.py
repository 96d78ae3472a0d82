"""What an advisor asks back: of each fact that a plan leaves open, and of each fault that an answer would mend.

A conversation is a mapping of facts (words of a plan) to answers; `questions` says what is asked next, `answered` puts
an answer in. Nothing here reads or prints: the command line does, and so can a notebook.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesocosm.findings.claim import floor_replicates
from mesocosm.record import ConfigurationError
from mesocosm.review.amounts import number_of
from mesocosm.review.checks import CHECKS, objections
from mesocosm.review.design import ALIASES, FACTS, Design, of_facts, value_of
from mesocosm.review.faults import is_part, rival_count
from mesocosm.review.pointed import SAID, question
from mesocosm.review.prose import ANSWERED, DECLARED
from mesocosm.review.wording import word


@dataclass(frozen=True)
class Question:
    """Something that is asked back.

    Args:
      fact: the word under which the answer is kept.
      words: the question, made of what the plan says.
      why: what rests on it.
    """

    fact: str
    words: str
    why: str


MENDED_BY = {fault: said.fact for fault, said in SAID.items() if said.fact in FACTS} | {
    "question": "question",
    "prediction-without-a-sign": "prediction",
    "cannot-be-significant": "n",
}
"""Which fact mends which objection, where one does."""


def questions(d: Design) -> list[Question]:
    """What is asked of a plan, in the order in which one leads to the next: what is doubtful, open, then wrong."""
    first = pointed(d)
    asked = {q.fact for q in first}
    open_ = [q for q in _open(d) if q.fact not in asked]
    asked |= {q.fact for q in open_}
    return [*first, *open_, *(q for q in _wrong(d) if q.fact not in asked)]


def pointed(d: Design) -> list[Question]:
    """Of prose: what is asked of sentences that may mean a fault, the likeliest first."""
    why = {check.name: check.why for check in CHECKS}
    doubtful = [r for r in d.readings if not r.is_sure and SAID[r.fault].fact not in d.answered]
    return [Question(SAID[r.fault].fact, question(r, d), why[r.fault]) for r in doubtful]


def _open(d: Design) -> Iterator[Question]:
    """What the plan does not say, each in words of what it says."""
    for fact, words in (*_of_the_claim(d), *_of_the_sample(d), *_of_the_test(d)):
        if words:
            yield Question(fact, words, _WHY[fact])


def _of_the_claim(d: Design) -> Iterator[tuple[str, str]]:
    what = d.statistic or d.primary or "what you measure"
    yield "question", "" if d.question else "What do you want to know? Ask it so that the answer is yes or no."
    yield "prediction", "" if d.prediction else "What do you expect, and which way? (A is above B)"
    yield "control", "" if d.control else "Against what is it held? Name what differs in the cause alone."
    is_open = d.minimal_effect is None
    yield "minimal_effect", f"By how much, in {what}, at least, to matter? (a number)" if is_open else ""


def _of_the_sample(d: Design) -> Iterator[tuple[str, str]]:
    unit = d.unit or ""
    if not unit:
        yield "unit", "What is founded, trained or drawn anew for each replicate? (world, training, data set)"
    elif not is_part(unit) and not word("whole").search(unit):
        yield "unit", f"Is each {unit} founded on its own, or do several share a world? Name what is."
    elif rival := rival_count(d):
        yield "unit", f"Are the {rival} your replicates, or the {d.n} {unit}? Name what is founded on its own."
    least = floor_replicates(d.n_declared)
    asked = f"How many of them ({unit or 'replicates'}), in each arm? {least} are the fewest that can count."
    yield "n", asked if d.n is None else ""
    yield "failures", "" if d.failures else "What becomes of those that die out, diverge or crash?"
    yield "stopping", "" if d.stopping else "When do you stop? (a number fixed beforehand is the best answer)"


def _of_the_test(d: Design) -> Iterator[tuple[str, str]]:
    several = len(d.claims) > 1 or len(d.metrics) > 1 or len(d.treatments or ()) > 2 or (d.comparisons or 0) > 1
    if several and not d.correction:
        yield "correction", "There are several tests: how is that paid for? (holm; one declared primary)"
    learns = any(w in text.lower() for _, text in d.texts for w in ("train", "tune", "tuned", "learn", "accuracy"))
    if learns and not d.tuned_on and not d.tested_on:
        yield "tuned_on", "On which data is anything chosen (steps, epochs, sizes)?"
        yield "tested_on", "And on which is it judged?"


def _wrong(d: Design) -> Iterator[Question]:
    seen = set()
    for objection in objections(d):
        fact = MENDED_BY.get(objection.check)
        if fact and fact not in seen:
            seen.add(fact)
            yield Question(fact, f"{objection.what} {objection.change}", objection.why)


_WHY = {
    "question": "A question that every outcome answers is tested by none.",
    "prediction": "An explanation found after the result fits it whatever it is.",
    "control": "Drift, time and the machinery alone also change things; only a control tells how much.",
    "minimal_effect": "With enough replicates every difference is significant; this says which one matters.",
    "unit": "n counts what is independent: 20,000 bacteria of one world are one.",
    "n": "Below that number no outcome can become significant.",
    "failures": "If what fails is left out, a treatment that kills looks better than it is.",
    "stopping": "To add until it is significant makes anything significant in the end.",
    "correction": "Among twenty tests one is positive by chance.",
    "tuned_on": "What was chosen by the test data is no longer tested by them.",
    "tested_on": "What was chosen by the test data is no longer tested by them.",
}


def answered(values: Mapping[str, Any], fact: str, said: str) -> dict[str, Any]:
    """The plan with an answer in it, under the word of its fact; what stood there under another word goes.

    Raises:
      ConfigurationError: if a number is needed, and it is none.
    """
    if fact == "n" and number_of(said) is None:
        raise ConfigurationError(f"n = {said!r:.60}: must begin with a whole number")
    without = {k: v for k, v in values.items() if k != fact and k not in ALIASES.get(fact, ())}
    out = {**without, fact: value_of(fact, said)}
    if DECLARED in out:  # what is answered is no longer read from sentences
        out[DECLARED] = [*out[DECLARED], fact]
        out[ANSWERED] = [*out.get(ANSWERED, ()), fact]
    of_facts(Path("the plan"), out)
    return out
