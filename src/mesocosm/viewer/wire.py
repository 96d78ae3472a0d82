"""What goes over the socket: questions as JSON, answers as a header and planes of numbers.

An answer is: length of the header (u32, little-endian), the header (JSON, padded with blanks to a multiple of four),
then the planes, each padded to a multiple of four. The header names them in order: `[name, type, n]`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

ANSWERS = ("meta", "frame", "individual")


class BadQuestion(ValueError):
    """A message of the page that is none."""


def question(text: str) -> dict[str, Any]:
    """A question: `{"n": number, "ask": word, "world": index}` and, by word, `t` or `id`; all whole numbers.

    Raises:
      BadQuestion: saying what is wrong.
    """
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        raise BadQuestion("this is no JSON") from None
    if not isinstance(asked, dict) or asked.get("ask") not in ANSWERS:
        raise BadQuestion(f"ask must be one of {', '.join(ANSWERS)}")
    needs = {"meta": (), "frame": ("t",), "individual": ("id",)}[asked["ask"]]
    for name in ("n", "world", *needs):
        value = asked.get(name)
        if type(value) is not int or not 0 <= value < 2**31:
            raise BadQuestion(f"{name} must be a whole number from 0 to 2^31 - 1, not {str(value)[:40]}")
    return asked


def answer(header: Mapping[str, Any], planes: Mapping[str, np.ndarray] | None = None) -> bytes:
    """An answer as bytes."""
    described, parts = [], []
    for name, values in (planes or {}).items():
        values = np.ascontiguousarray(values)
        described.append([name, f"{values.dtype.kind}{8 * values.dtype.itemsize}", int(values.size)])
        content = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        parts += [content, bytes(-len(content) % 4)]
    text = json.dumps({**header, "planes": described}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    return b"".join([len(text).to_bytes(4, "little"), text, *parts])
