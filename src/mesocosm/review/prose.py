"""A plan in plain prose (`.md`, `.txt`) as facts: what each sentence is about, by the words that it is about it with.

Lines `Unit: world` are facts under that word; the rest is read sentence by sentence. What is not found is not said, and
is asked for.
"""

from __future__ import annotations

import re
from typing import Any

from mesocosm.review.wording import sentences, word

_ASKED = re.compile(r"\?\s*$")
_FORETOLD = re.compile(r"\b(?:predict|expect|hypothes|anticipat|should be|will be|foresee)\w*", re.IGNORECASE)
_HELD = re.compile(r"\b(?:control|baseline|compared (?:with|to)|reference group|as against)\b", re.IGNORECASE)
_SET_AGAINST = re.compile(
    r"\b(?:compar(?:e[sd]?|ing|ison)|versus|vs|against|without|with no|rather than|instead of)\b", re.IGNORECASE
)
"""Words of a comparison, where nothing is called a control."""
_NUMBER = r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?"
_MORE = r"(?:at least |more than |less than )?"
_AMOUNT = re.compile(
    rf"(?:\b(?:by|of|at least|more than|less than|than|under|below|above)|[:=])\s+{_MORE}"
    rf"(?P<n>{_NUMBER})(?!\w)\s*(?P<percent>%|per ?cent)?",
    re.IGNORECASE,
)
"""A number that grammar ties to a difference: `by more than 0.01`, `a difference of 10 %`."""
_LEAST = re.compile(
    r"\b(?:smallest|minimal|minimum|least|margin|worth|matters?|relevant|meaningful|care about|or more|"
    r"(?:higher|lower|larger|smaller|better) by)\b",
    re.IGNORECASE,
)
_IS_N = re.compile(r"\bn (?:is|=|counts)(?: the)?(?: number of)? (?P<unit>[a-z]\w+)", re.IGNORECASE)
_LINE = re.compile(
    r"^\s*(?:[-*]\s*)?(?:\*\*)?(?P<word>[A-Za-z][\w -]{0,38}?)(?:\*\*)?\s*[:=]\s+(?P<said>\S.*)$", re.MULTILINE
)
_DIGITS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_DIGITS |= {
    "eleven": 11,
    "twelve": 12,
    "fifteen": 15,
    "sixteen": 16,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
}
_DIGITS |= {"sixty": 60, "hundred": 100, "no": 0}


def facts_of(text: str, known: set[str]) -> dict[str, Any]:
    """What a plan in prose says, under the words of facts; the whole of it under `text`.

    Args:
      known: words for facts, under which a line may say one.
    """
    out: dict[str, Any] = {}
    for found in _LINE.finditer(text):
        name = re.sub(r"[ -]+", "_", found["word"].strip().lower())
        if name in known:
            out.setdefault(name, found["said"].strip())
    said = sentences(_LINE.sub(lambda m: m[0].rstrip(". ") + ".", text))
    for name, sign in (("question", _ASKED), ("prediction", _FORETOLD), ("control", _HELD)):
        if name not in out and (hit := next((s for s in said if sign.search(s)), None)):
            out[name] = hit
    if "control" not in out and (hit := next((s for s in said if _SET_AGAINST.search(s)), None)):
        out["control"] = hit
    if not known & {"minimal_effect"} & out.keys() and (least := _smallest(said)) is not None:
        out.setdefault("minimal_effect", least)
    out |= {k: v for k, v in _counted(said).items() if k not in out}
    return {**out, "text": text}


def _smallest(said: list[str]) -> float | None:
    for sentence in said:
        if _LEAST.search(sentence) and (found := _AMOUNT.search(sentence)):
            return float(found["n"].replace(",", "")) / (100 if found["percent"] else 1)
    return None


def _counted(said: list[str]) -> dict[str, Any]:
    """How many of what is founded on its own: the first number that stands before such a word."""
    whole = word("whole").pattern
    number = rf"\b(?P<n>\d[\d,]*|{'|'.join(_DIGITS)})\b(?: [a-z-]+){{0,3}}? (?P<unit>{whole})\b"
    out: dict[str, Any] = {}
    for sentence in said:
        if "n" not in out and (found := re.search(number, sentence, re.IGNORECASE)):
            out |= {"n": number_of(found["n"]), "unit": found["unit"]}
        if declared := _IS_N.search(sentence):
            out["unit"] = declared["unit"]
    return out


def number_of(text: str) -> int | None:
    """A number in digits or in letters, as it stands at the beginning of a text."""
    found = re.match(r"\s*(?:n ?= ?)?(\d[\d,]*|[a-z]+)\b", text, re.IGNORECASE)
    if not found:
        return None
    if found[1][0].isdigit():
        return int(found[1].replace(",", ""))
    return _DIGITS.get(found[1].lower())
