"""Faults that stand in the words of a plan, whatever the words: frames of word classes, sentence by sentence.

A frame (`frames.toml`) is what must stand together in a sentence for a fault to be there, and what spares it: bacteria
may be measured, if worlds are counted. Frames know classes of words (what lives within a world, what is founded on its
own, what an outcome is called), not sentences; so they read plans that nobody has thought of, and miss some. What they
miss is left to `reader`, which learnt; there are frames only of what it reads less well.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from mesocosm.review.sentences import sentences

Texts = Sequence[tuple[str, str]]
"""What a plan says in words: under which heading, and what."""


@dataclass(frozen=True)
class Frame:
    """What must stand together for a fault to be there.

    Args:
      check: whose fault it is.
      all_of: what a sentence must have, all of it.
      spared: what in the sentence spares it; `spared_by` likewise, anywhere in the plan.
      besides: what must stand somewhere in the plan.
      not_in: headings under which these words mean something else.
    """

    check: str
    all_of: tuple[re.Pattern[str], ...]
    spared: tuple[re.Pattern[str], ...] = ()
    spared_by: tuple[re.Pattern[str], ...] = ()
    besides: tuple[re.Pattern[str], ...] = ()
    not_in: tuple[str, ...] = ("question",)

    def may_stand_in(self, plan: str) -> bool:
        return all(p.search(plan) for p in self.besides) and not any(p.search(plan) for p in self.spared_by)

    def stands_in(self, sentence: str) -> bool:
        return all(p.search(sentence) for p in self.all_of) and not any(p.search(sentence) for p in self.spared)


@lru_cache(maxsize=1)
def frames() -> tuple[Frame, ...]:
    """All frames, read from the file beside this one."""
    data = tomllib.loads((files("mesocosm.review") / "frames.toml").read_text("utf-8"))
    return tuple(_frame(row, data["spared"], data["classes"]) for row in data["frame"])


def _frame(row: dict[str, Any], groups: dict[str, list[str]], classes: dict[str, str]) -> Frame:
    def read(key: str) -> tuple[re.Pattern[str], ...]:
        named = [groups[p[1:]] if p.startswith("@") else [p] for p in row.get(key, [])]
        return tuple(pattern(p, classes) for group in named for p in group)

    return Frame(
        row["check"],
        read("all_of"),
        read("spared"),
        read("spared_by"),
        read("with"),
        tuple(row.get("not_in", ("question",))),
    )


def pattern(text: str, classes: dict[str, str]) -> re.Pattern[str]:
    """A pattern of the file: its lines joined, classes and gaps put in."""
    text = "".join(line.lstrip() for line in text.splitlines())
    while (put := re.sub(r"\{([a-z]+)\}", lambda m: f"(?:{_joined(classes[m[1]])})", text)) != text:
        text = put
    return re.compile(re.sub(r"<(\d+)>", r"[^.;]{0,\1}", text), re.IGNORECASE)


def _joined(text: str) -> str:
    return "".join(line.lstrip() for line in text.splitlines())


@lru_cache(maxsize=32)
def word(name: str, spared: bool = False) -> re.Pattern[str]:
    """A class of words: `part`, what lives within something; `whole`, what is founded on its own; `number`.

    Args:
      spared: whether it is the name of what spares, any of it.
    """
    data = tomllib.loads((files("mesocosm.review") / "frames.toml").read_text("utf-8"))
    text = "|".join(f"(?:{_joined(p)})" for p in data["spared"][name]) if spared else f"{{{name}}}"
    return pattern(text, data["classes"])


def caught(texts: Texts, check: str) -> str | None:
    """The first sentence of a plan in which this fault stands, or None."""
    if not texts:
        return None
    plan = ". ".join(text for _, text in texts)
    for frame in frames():
        if frame.check == check and frame.may_stand_in(plan):
            found = (s for heading, s in _sentences_of(texts, frame.not_in) if frame.stands_in(f"{heading}: {s}"))
            if (sentence := next(found, None)) is not None:
                return sentence
    return None


def _sentences_of(texts: Texts, not_in: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Sentences, each with its heading: what stands under `control` needs not say that it is one."""
    for heading, text in texts:
        if heading not in not_in:
            yield from ((heading, sentence) for sentence in sentences(text))
