"""What a sentence of a plan is: what readers of prose read, and learnt from."""

from __future__ import annotations

import re
import textwrap

LONGEST, LONGEST_SENTENCE = 20_000, 600
"""Characters of a text that are read, and of what is read at once: a longer sentence is read piece by piece."""
_END = (
    r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\bcf\.)(?<!\bal\.)(?<!\bca\.)(?<!\bDr\.)(?<!\bProf\.)(?<!\bFig\.)"
    r"(?:(?<!\b[A-Z]\.)|(?=\s+[A-Z]))"
)
"""Where a sentence ends: not after `e.g.`, nor after an initial that a small letter follows (`E. coli`)."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, and the lines of a list. What is longer than anybody writes is cut (`beyond`)."""
    flat = re.sub(r"\n(?=\s*(?:[-*#]|\d+[.)])\s)", "\n\n", text[:LONGEST])
    flat = re.sub(r"^(#+ .*)$", r"\1\n\n", flat, flags=re.MULTILINE)
    parts = re.split(rf"{_END}\s+|\n\s*\n", flat)
    return [piece for part in parts if part.strip(" -*#.\n") for piece in _pieces(" ".join(part.split()))]


def _pieces(sentence: str) -> list[str]:
    sentence = sentence.strip(" -*#")
    if len(sentence) <= LONGEST_SENTENCE:
        return [sentence]
    return textwrap.wrap(sentence, LONGEST_SENTENCE, break_on_hyphens=False)


def beyond(heading: str, text: str) -> str:
    """What of a text is not read, in words; nothing where all is."""
    return f"{heading} beyond its first {LONGEST:,} characters" if len(text) > LONGEST else ""
