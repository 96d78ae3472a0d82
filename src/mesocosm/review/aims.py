"""What can be wrong with what a plan asks and foretells; see `faults`."""

from __future__ import annotations

import re

from mesocosm.review.design import Design


def question(d: Design) -> str | None:
    if not d.question:
        is_asked = d.declared is not None and d.prediction and not prediction_without_a_sign(d)
        return None if is_asked else "No question is stated."  # in prose a prediction is one: does it hold?
    if re.match(_OPEN_QUESTION, d.question, re.IGNORECASE):
        return f"“{d.question}” can be answered by anything that happens."
    if not re.search(_ASKS, d.question, re.IGNORECASE):
        return f"“{d.question}” is no question: no outcome answers it by yes or no."
    return None


_OPEN_QUESTION = (
    r"\s*(?:to |we (?:want to |will )?|let us |let's )?(?:explore|investigate|study|look (?:at|into|for)|what happens|"
    r"see (?:what|how|if anything)|find out what|have a look|play with|try (?:out|some)|characteri[sz]e|understand|"
    r"learn (?:more )?about|examine|observe|describe|survey)\b"
)
_ASKS = r"\?|\bwhether\b|^\W*(?:\w+ )?(?:if|does|do|did|is|are|can|will|has|have|which|how|who|when|where|why|what)\b"
NOTHING = (
    r"\W*(?:none|nothing|n/?a\b|tbd|tba|unknown|unclear|open\b|unnecessary|superfluous|later|whatever|anything|itself|"
    r"no(?:\W*$| (?:control|baseline|comparison|expectation|prediction|correction|need|one|idea|hypothesis|clue)\b)|"
    r"\?+|"
    r"not (?:needed|necessary|required|applicable|yet|sure|known|decided|corrected|adjusted)|-+\s*$|"
    r"to be (?:decided|determined|seen|found|chosen)|we (?:have|make) no|we (?:will|shall|'ll) see)"
)


def prediction(d: Design) -> str | None:
    if not d.prediction:
        return "No outcome is predicted, so none can surprise."
    if re.match(NOTHING, d.prediction, re.IGNORECASE):
        return f"“{d.prediction}” is no prediction: no outcome can surprise."
    return None


def several_predictions(d: Design) -> str | None:
    parts = [part for part in re.split(r";", d.prediction or "") if part.strip()]
    if len(parts) < 2 or len(d.claims) > 1 or d.is_doubtful("prediction"):  # a sentence of prose says other things, too
        return None
    return f"{len(parts)} predictions in one sentence, one minimal effect: it is not said which of them decides."


_WAY = (
    r"\b(above|below|higher|lower|more|less|fewer|larger|smaller|faster|slower|better|worse|beats?|exceeds?|rises?|falls?|"
    r"grows?|shrinks?|increases?|decreases?|positive|negative|keeps?|kept|lost|becomes?|fades?|helps?|hurts?|longer|shorter|"
    r"no|not|nor|neither|equal|equivalent|same|circles|improves?|reduces?|raises?|lowers?|sooner|later|earlier|denser|nearer|"
    r"further|closer|climbs?|drops?|bigger|(?:goes|go) (?:up|down)|ahead|behind|outlives?|outperforms?|wins?|"
    r"doubles?|halves|vanish\w*|disappears?|emerges?|survives?|dies|stronger|"
    r"weaker|wider|narrower|deeper|at (?:least|most)|greater|gains?|loses?)\b"
)
_SIGN = rf"{_WAY}|\b(is|are|converges?)\b"
ANY_WAY = (
    r"\b(?:there (?:is|are|will be) (?:an?|some) (?:\w+ )?(?:effect|difference|influence|change)s?|differs?|matters?|"
    r"affects?|influences?|changes?|plays a role|ha(?:s|ve) an? (?:\w+ )?(?:effect|influence|impact)|depends on|"
    r"makes a difference|is (?:important|related|different)|are (?:important|related|different))\b"
)


def prediction_without_a_sign(d: Design) -> str | None:
    declares_none = bool(d.claims) and d.claims[0].expects == "equivalent"
    if not d.prediction or declares_none or re.match(NOTHING, d.prediction, re.IGNORECASE):
        return None
    is_any = re.search(ANY_WAY, d.prediction, re.IGNORECASE) and not re.search(_WAY, d.prediction, re.IGNORECASE)
    if re.search(_SIGN, d.prediction, re.IGNORECASE) and not is_any:
        return None
    return f"“{d.prediction}” does not say which way."
