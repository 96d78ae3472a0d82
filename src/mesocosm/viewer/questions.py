"""What a page may ask, and wish of a running world: questions as JSON, checked before anybody acts on them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

NUMBERS = {
    "meta": (),
    "frame": ("t",),
    "newest": ("after", "serial"),
    "individual": ("id", "t"),
    "do": (),
    "page": ("from", "to"),
    "shipped": (),
}
"""What can be asked, and the whole numbers that each needs."""
DOINGS = {
    "play": (),
    "pause": (),
    "step": (),
    "speed": ("ticks_per_second",),
    "change": ("field", "value", "tick"),
    "reset": ("seed",),
    "preset": ("preset",),
    "snapshot": (),
    "branch": ("snapshot",),
}
"""What can be wished of a running world, and what goes with it."""
SLOWEST, FASTEST = 1 / 60, 1_000_000
"""Ticks a second that can be wished."""
_MOST_WANTED, _LONGEST = 64, 200


class BadQuestion(ValueError):
    """A message of the page that is none."""


def asked_of(text: str, words: Collection[str]) -> dict[str, Any]:
    """A message of a page as an object that asks one of these words; `BadQuestion` for what is none."""
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        raise BadQuestion("this is no JSON") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("ask"), str) or asked["ask"] not in words:
        raise BadQuestion(f"ask must be one of {', '.join(words)}")
    return asked


def question(text: str) -> dict[str, Any]:
    """A question: `{"n": number, "ask": word, "world": index}` and, by word, the numbers of `NUMBERS`, all whole.

    A frame may come with `want`, names of columns; a wish (`do`) with what `DOINGS` names.

    Raises:
      BadQuestion: saying what is wrong.
    """
    asked = asked_of(text, NUMBERS)
    for name in ("n", "world", *NUMBERS[asked["ask"]]):
        value = asked.get(name)
        low = -1 if name == "after" else 0
        if type(value) is not int or not low <= value < 2**31:
            raise BadQuestion(f"{name} must be a whole number from {low} to 2^31 - 1, not {ascii(value)[:40]}")
    want = asked.get("want")
    if want is not None and not (isinstance(want, list) and len(want) <= _MOST_WANTED and all(map(_is_name, want))):
        raise BadQuestion("want must be a short list of names")
    return {**asked, "wish": _wish(asked)} if asked["ask"] == "do" else asked


def _wish(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is wished, and nothing else."""
    what = asked.get("what")
    if not isinstance(what, str) or what not in DOINGS:
        raise BadQuestion(f"what must be one of {', '.join(DOINGS)}")
    wish: dict[str, Any] = {"do": what}
    for name in DOINGS[what]:
        value = asked.get(name)
        if name in ("field", "snapshot", "preset"):
            good = _is_name(value)
        elif name not in asked:
            good = False
        elif name == "seed":
            good = value in ("same", "new")
        else:  # speed None: as fast as it computes; tick None: now
            low, high = _RANGES[name]
            is_number = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
            good = is_number or (value is None and name != "value")
        if not good:
            range_of = f"; {SLOWEST:.3g} to {FASTEST:,} can" if name == "ticks_per_second" else ""
            raise BadQuestion(f"{name} = {ascii(value)[:40]}: cannot be wished{range_of}")
        wish[name] = value
    return wish


_RANGES = {"value": (-(2**53), 2**53), "tick": (0, 2**53), "ticks_per_second": (SLOWEST, FASTEST)}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST
