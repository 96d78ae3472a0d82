"""A plan in plain prose (`.md`, `.txt`) as facts: what each sentence is about, by the words that it is about it with.

Lines `Unit: world` are facts under that word; the rest is read sentence by sentence. What is not found is not said, and
is asked for.
"""

from __future__ import annotations

import re
from typing import Any

from mesocosm.review.amounts import counted, only_number, smallest
from mesocosm.review.reader import averting
from mesocosm.review.sentences import sentences
from mesocosm.review.wording import word

DECLARED = "_declared"
"""Under which `facts_of` tells what a plan says in lines of their own; no word of a plan begins so."""
ANSWERED = "_answered"
"""Likewise, the facts that were asked back and answered."""
_ASKED = (re.compile(r"(?:\S+\s+){4,}\S*\?\s*$"),)
_FORETOLD = (
    re.compile(r"\b(?:predict(?:s|ed|ions?)?|hypothes\w+)\b", re.IGNORECASE),
    re.compile(r"\b(?:expect|anticipat|foresee|should be|will be \w+er\b|bet\b)\w*", re.IGNORECASE),
)
_HELD = (
    re.compile(r"\b(?:control|baseline|compared (?:with|to)|reference group|as against)\b", re.IGNORECASE),
    re.compile(
        r"\b(?:compar(?:e[sd]?|ing|ison)|versus|vs|against|without|with no|rather than|instead of|contrast\w*|"
        r"reference|both|two kinds|one with\b[^.;]*\bone with|(?:in|on|for) the other|differences? between|"
        r"(?:more|less|fewer|better|worse|[a-z]{3,}er)\b[^.;]{0,80}\bthan)\b",
        re.IGNORECASE,
    ),
)
"""Words of a comparison: where something is called a control, and where nothing is."""
_ENDS = (
    re.compile(
        r"\bfixed (?:in advance|beforehand)|\bnumber (?:of \w+ )?(?:is|was) fixed|\b(?:decided|settled|set) beforehand|"
        r"\bno interim looks?|\banaly[sz]e\w* (?:only )?after all|\blooked at (?:only )?once|"
        r"\bends? after [\d,]+ \w+ for all|\bonly after (?:all|the last)|\bwhen all [\d,]+ (?:are|have)",
        re.IGNORECASE,
    ),
)
_KEPT = r"\b(?:counts?|counted|scored?|enters?|gets?|kept|keeps|included|stays?|zero|0|at chance)\b"
_LINE = re.compile(
    r"^\s*(?:[-*]\s*)?(?:\*\*)?(?P<word>[A-Za-z][\w -]{0,38}?)(?:\*\*)?\s*[:=]\s+(?P<said>\S.*)$", re.MULTILINE
)
_ONE_SENTENCE = {"question", "prediction", "hypothesis", "control"}
"""Facts of which a line says one: the rest of its paragraph is about something else."""


def facts_of(text: str, known: set[str]) -> dict[str, Any]:
    """What a plan in prose says, under the words of facts; the whole of it under `text`.

    Args:
      known: words for facts, under which a line may say one.

    Returns: facts by their words; under `DECLARED` those that stand in lines of their own; the others are
      read doubtfully.
    """
    text = re.sub(r"<!--[^>]{0,2000}-->", "", text)
    out: dict[str, Any] = {}
    for found in _LINE.finditer(text):
        name = re.sub(r"[ -]+", "_", found["word"].strip().lower())
        if name in known:
            line = found["said"].strip()
            told = sentences(line)[:1] if name in _ONE_SENTENCE else []
            out.setdefault(name, told[0] if told else line)  # a dash is no sentence, and says none
    declared = sorted(out)
    said = sentences(_LINE.sub(lambda m: m[0].rstrip(". ") + "." if re.search(r"\w", m["said"]) else "", text))
    headings = set(sentences("\n\n".join(re.findall(r"^#+ .*$", text, re.MULTILINE))))
    told = [s for s in said if s.rstrip(".") not in headings and s not in headings]
    for name, signs in (("prediction", _FORETOLD), ("stopping", _ENDS)):
        if not {name, "hypothesis"} & out.keys() and (hit := _first(told, signs)):
            out[name] = hit
    if "question" not in out and (hit := _first(said, _ASKED)):
        out["question"] = re.sub(r"^\W*(?:question|aim)\s*:\s*", "", hit, flags=re.IGNORECASE)
    if "control" not in out and (hit := _first(told, _HELD) or _first(said, _HELD)):
        out["control"] = _named_control(told) or _named_control(said) or hit
    if "failures" not in out and (hit := next((s for s in told if _says_of_failures(s)), None)):
        out["failures"] = hit
    if "prediction" not in out and "hypothesis" not in out and (hit := averting(told, "prediction")):
        out["prediction"] = hit
    if "minimal_effect" not in out and (least := _least(told)) is not None:
        out["minimal_effect"] = least
    out |= {k: v for k, v in counted(told).items() if k not in out}
    return {**out, "text": text, DECLARED: declared}


def _least(told: list[str]) -> float | None:
    """The smallest effect that matters: a number that grammar ties to a difference, or that of a sentence about it."""
    if (least := smallest(told)) is not None:
        return least
    sentence = averting(told, "minimal-effect")
    return only_number(sentence) if sentence else None


def _first(said: list[str], signs: tuple[re.Pattern[str], ...]) -> str | None:
    """The first sentence with the first of these signs that any has."""
    return next((s for sign in signs for s in said if sign.search(s)), None)


def _says_of_failures(sentence: str) -> bool:
    failed = re.compile(rf"{word('failed').pattern}|starv|\bill\b", re.IGNORECASE)
    return bool(failed.search(sentence)) and bool(re.search(_KEPT, sentence, re.IGNORECASE))


_CONTROLS = (
    r"\bcontrol(?: group| arm)?\s*:\s*(?P<c>[^.;:]+)",
    r"(?:^|[;,] |\band )(?P<c>(?:the |an? )?[\w-]+(?: [\w-]+){0,4}) (?:is|are|serves? as|acts? as) "
    r"(?:the |our |a )?(?:control|comparison|reference)s?\b",
    r"\b[Tt]he control, (?P<c>[^,.;]+),",
    r"\bcompared? (?:[\w.-]+ ){1,8}?(?:with|to|against) (?P<c>[^,.;:]+)",
    r"\b(?:against|versus|vs\.?) (?P<c>[^,.;:]+)",
)


def _named_control(said: list[str]) -> str | None:
    """What is held against, in a few words; None where a sentence does not give it in any."""
    for pattern in _CONTROLS:
        for sentence in said:
            found = re.search(pattern, sentence, re.IGNORECASE)
            if found and len(found["c"].split()) <= 9 and re.match(r"\W*[^\W\d]", found["c"]):  # `-` says none
                return found["c"].split(" (")[0].strip()
    return None
