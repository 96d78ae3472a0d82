"""What is said to a reading of prose: an objection where it is sure, a pointed question where it is not.

A question names the fault that may be there and what it would cost, so that one who knows the answer need not know the
name of the fault.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mesocosm.review.aims import ANY_WAY
from mesocosm.review.design import Design
from mesocosm.review.faults import rival_count
from mesocosm.review.reader import Reading, telling


class Said(NamedTuple):
    """Of one fault: what is objected, what is asked, and the fact of a plan under which an answer is kept."""

    objection: str
    question: str
    fact: str


SAID = {
    "pseudo-replication": Said(
        "What is counted is not independent",
        "Are these your replicates, or are several of them parts of one world, run or training? If parts, n is the "
        "number of the latter.",
        "unit",
    ),
    "optional-stopping": Said(
        "Replicates are added, or runs ended, by what is seen",
        "Does the result, once seen, decide how many you run? If so, p = 0.05 comes in the end without any effect.",
        "stopping",
    ),
    "multiple-comparisons": Said(
        "Several tests, and none is paid for",
        "How many tests can count as a finding, and how is that paid for? Of twenty unpaid ones, one comes by chance.",
        "correction",
    ),
    "control": Said(
        "Nothing is held against it",
        "Is there an arm without the treatment, run as long? If not, time alone may do what you see.",
        "control",
    ),
    "control-is-treatment": Said(
        "It is compared with itself",
        "Does what you change take effect in one arm alone? If both come to the same, they differ by noise only.",
        "treatment",
    ),
    "confounded": Said(
        "Two things change together",
        "Do the arms differ in anything but the cause you ask about? If so, neither can be called the cause.",
        "setup",
    ),
    "unequal-tuning": Said(
        "One side is tuned more than the other",
        "Were as many settings tried for the one as for the other? If not, the maximum of more tries wins by itself.",
        "training",
    ),
    "unequal-budget": Said(
        "One side has more",
        "Does each get as many examples, evaluations and steps in all? If not, the one with more may win by them.",
        "procedure",
    ),
    "tuned-on-test": Said(
        "What is tested had a part in the choice",
        "Is anything chosen by the data that then judge it? If so, the score flatters what was chosen.",
        "tuned_on",
    ),
    "survivorship": Said(
        "Replicates that fail are lost to the count",
        "Does each that was started enter, with a value, even if it fails? If not, a treatment that kills looks good.",
        "failures",
    ),
    "shared-seeds": Said(
        "Copies of one run are one run, and seeds that chose cannot judge",
        "Has every replicate a seed of its own that played no part in tuning? If not, n is smaller than it looks.",
        "sampling",
    ),
    "borrowed-baseline": Said(
        "What it is held against was measured elsewhere",
        "Do you run the rival yourself, in the same code? If its number is borrowed, the difference may be the code's.",
        "control",
    ),
    "prediction": Said(
        "No outcome is predicted, so none can surprise",
        "Which way do you expect it, and which outcome would be against you? If either would do, nothing is tested.",
        "prediction",
    ),
    "minimal-effect": Said(
        "It is not said how large an effect must be to matter",
        "By how much, at least, to matter? If any amount will do, enough replicates make any difference significant.",
        "minimal_effect",
    ),
    "too-few-replicates": Said(
        "Too few are independent for what is to be told",
        "How large is the spread between replicates beside the effect you look for? If as large, these are too few.",
        "n",
    ),
    "saturated-metric": Said(
        "There is no room to differ",
        "Where on its scale does the control lie? If at the end of it, no treatment can show.",
        "evaluation",
    ),
    "regression-to-the-mean": Said(
        "The extreme are measured again",
        "Were treated and untreated chosen alike, by lot? What is chosen for being extreme returns untreated.",
        "selection",
    ),
    "extrapolation": Said(
        "Spoken of beyond what is measured",
        "Is anything said of sizes or times that are not run? If so, a law that holds in between need not hold there.",
        "limits",
    ),
    "no-primary-metric": Said(
        "No measure is named that decides",
        "Which one measure decides, whatever the others show? If any may, one will come out well by chance.",
        "primary",
    ),
    "one-data-set": Said(
        "Nothing is said of another",
        "Is the claim about this one task or about methods? If about methods, n is the number of tasks.",
        "data",
    ),
    "looked-at-during-tuning": Said(
        "The outcome is looked at while knobs are turned",
        "Are settings fixed before the runs that count, which then are fresh? If not, choices follow the outcome.",
        "looks",
    ),
}
"""By fault."""


def check_of(reading: Reading) -> str:
    """The check that a reading belongs to: of a prediction, whether there is none, or one without a sign."""
    is_any = reading.fault == "prediction" and re.search(ANY_WAY, reading.sentence, re.IGNORECASE)
    return "prediction-without-a-sign" if is_any else reading.fault


def objection(reading: Reading, d: Design) -> str:
    """What stands in the plan, with its sentence."""
    words = ", ".join(telling(reading))
    said = f"{SAID[reading.fault].objection}: “{reading.sentence.rstrip('.')}” (told by: {words})."
    rival = rival_count(d) if reading.fault == "pseudo-replication" else None
    return f"Are the {rival} your replicates, or the {d.n} {d.unit}? {said}" if rival else said


def question(reading: Reading, d: Design) -> str:
    """What is asked of a sentence that may mean a fault."""
    asked = SAID[reading.fault].question
    if reading.fault == "pseudo-replication" and (rival := rival_count(d)):
        asked = f"Are the {rival} your replicates, or the {d.n} {d.unit}? If the former, n is {d.n}."
    return f"“{reading.sentence.rstrip('.')}”: {asked[0].lower()}{asked[1:]}"
