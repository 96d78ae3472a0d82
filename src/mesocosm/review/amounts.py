"""Numbers in running prose: which are replicates, and which is the smallest effect that matters.

A number is read only where grammar ties it to what it is taken for. Where a plan counts several things, what it calls
independent is taken before worlds and data sets, and those before trials; steps are never taken.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mesocosm.review.wording import word

_NAMED = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_DIGITS = {name: n for n, name in enumerate(_NAMED)}
_DIGITS |= {"fifteen": 15, "sixteen": 16, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60}
_DIGITS |= {"hundred": 100}

_NUMBER = rf"\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|{'|'.join(_NAMED[1:])}"
_VALUE = rf"(?P<n>{_NUMBER})(?![\w.]*\d)(?!\w)\s*(?P<percent>%|per ?cent)?"
_TIE = r"(?:(?:at least|at the least|more than|less than|no less than|under|below|about) )?"
_DIFFERENCE = r"(?:differ(?:s|ences?)?|changes?|effects?|gains?|improvements?|increases?|decreases?|margin)"
_MORE = r"(?:more|less|fewer|better|worse|up|down|[a-z]{3,}er)"
_TIED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:smallest|minimal|minimum|least)(?: [\w-]+){{0,4}}?(?: (?:is|are|of)|:| =)\s*{_TIE}{_VALUE}",
        rf"\b{_DIFFERENCE}\b(?: in (?:[\w-]+ ){{1,4}}?)? ?(?:of|by|:|=|below|under)\s*{_TIE}{_VALUE}",
        rf"\b(?:below|under|less than|at least) {_VALUE}(?: [\w-]+){{0,5}}? (?:of|as an?) {_DIFFERENCE}\b",
        rf"\b{_MORE}\b[^.;?]{{0,90}}\bby\s+{_TIE}{_VALUE}",
        rf"\bby\s+{_TIE}{_VALUE}(?=[^.;?]* or more\b)",
        rf"\bat least {_VALUE}(?: [\w-]+){{0,3}}? {_MORE}\b",
        rf"\b(?:more than|less than|at least) {_VALUE}(?: [\w-]+){{0,3}}? (?:above|below|{_MORE} than)\b",
        rf"\b{_VALUE}(?: (?!or\b)[\w-]+){{0,4}}? or more\b",
    )
)
"""A number and what ties it to a difference: `a difference of 10 %`, `longer by 3`, `at least 2 more`, `4 or more`."""

_IS_N = re.compile(
    r"\bn (?:is|=|counts)(?: the)?(?: number of)? (?P<unit>[a-z]\w+)|"
    r"\bunit of (?:replication|analysis)\b(?: is|:) (?:the |an? )?(?:independent )?(?P<named>[a-z]+(?: sets?)?)|"
    r"\b(?:the|each) (?P<told>[a-z]+(?: set)?) is the (?:experimental )?(?:unit|replicate)\b",
    re.IGNORECASE,
)
_NO_NOUN = (
    r"(?!(?:than|in|of|at|on|with|without|and|or|for|from|to|by|per|get|more|less|is|are|was|were|which|that|each)\b)"
)
_SOURCE = (
    r"\bindependent|\bfounded\b|\breplicate|\bper arm\b|\bin each arm\b|\bfor each (?:arm|kind)|\bof each\b|\bown seed"
)
_NOT_THESE = r"\bpilot\b|\bthe same \d|\brandom search\b|\btun(?:ed|ing)\b|\bgrid\b"


class Count(NamedTuple):
    """How many of what a plan speaks of, and how surely these are its replicates: 0 hardly, 2 or more surely."""

    n: int
    unit: str
    surely: int


def smallest(said: list[str]) -> float | None:
    """The smallest effect that matters, from sentences; of what is in per cent a fraction. None where none is said."""
    for pattern in _TIED:
        for sentence in said:
            for found in pattern.finditer(sentence):
                if not re.match(rf"[\s%]*(?:[a-z]+ )?(?:{word('whole').pattern})\b", sentence[found.end("n") :], re.I):
                    return _value(found["n"]) / (100 if found["percent"] else 1)
    return None


def only_number(sentence: str) -> float | None:
    """The number of a sentence that has one alone; of what is in per cent a fraction."""
    found = list(re.finditer(rf"(?<![\w.-]){_VALUE}", sentence, re.IGNORECASE))
    if len(found) != 1 or found[0]["n"].lower() == "one":
        return None
    return _value(found[0]["n"]) / (100 if found[0]["percent"] else 1)


def _value(text: str) -> float:
    return float(_DIGITS[text.lower()] if text.lower() in _DIGITS else text.replace(",", ""))


def counted(said: list[str]) -> dict[str, Any]:
    """`n` and `unit` as prose tells them: the surest count of what is founded on its own, the first of equals."""
    unit = next((found.group(found.lastgroup or 0) for s in said if (found := _IS_N.search(s))), None)
    counts = [count for sentence in said for count in _counts(sentence, unit)]
    out: dict[str, Any] = {}
    if counts:
        best = max(counts, key=lambda c: c.surely)
        out |= {"n": best.n, "unit": best.unit}
    return out | ({"unit": unit} if unit else {})


def _counts(sentence: str, unit: str | None) -> list[Count]:
    whole, part = word("whole").pattern, word("part").pattern
    number = rf"\b(?P<n>\d{{1,3}}(?:,\d{{3}})+|\d+|{'|'.join(_DIGITS)})"
    between = rf"(?: {_NO_NOUN}(?!(?:{part})\b(?! (?:{whole})\b))[a-z-]+){{0,3}}?"
    every = re.finditer(rf"(?<![\d.,]){number}{between} (?:replicate )?(?P<unit>{whole})\b", sentence, re.IGNORECASE)
    out = []
    for found in every:
        before, after = sentence[max(0, found.start() - 25) : found.start()], sentence[found.end() : found.end() + 35]
        is_source = re.search(_SOURCE, found[0] + after, re.IGNORECASE) is not None
        is_named = unit is not None and _stem(found["unit"]) == _stem(unit)
        is_small = re.match(r"trials?|seeds?|runs?|models?|nets?|networks?|tasks?$", found["unit"], re.I) is not None
        is_within = re.match(r"\s*(?:per|each|apiece|in each|which are averaged|on each)\b", after, re.I) is not None
        is_other = re.search(_NOT_THESE, f"{before}{found[0]}{after}", re.IGNORECASE) is not None
        surely = 1 + 3 * is_named + 2 * is_source - is_small - 2 * (is_within and not is_source) - 4 * is_other
        if (n := number_of(found["n"])) and surely > -2:
            out.append(Count(n, found["unit"], surely))
    return out


def _stem(noun: str) -> str:
    return re.sub(r"(?:ies|y|es|s)$", "", noun.lower())


def number_of(text: str) -> int | None:
    """A number in digits or in letters, as it stands at the beginning of a text."""
    found = re.match(r"\s*(?:n ?= ?)?(\d[\d,]*|[a-z]+)\b", text, re.IGNORECASE)
    if not found:
        return None
    if found[1][0].isdigit():
        return int(found[1].replace(",", ""))
    return _DIGITS.get(found[1].lower())
