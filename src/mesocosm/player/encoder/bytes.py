"""A header and planes of numbers as bytes, and back.

Length of the header (u32, little-endian), the header (JSON, padded with blanks to a multiple of four), then the planes,
each padded to a multiple of four. The header names them in order: `[name, type, n]`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np


class TornAnswer(ValueError):
    """Bytes that are no answer, or only a part of one."""


def answer(header: Mapping[str, Any], planes: Mapping[str, np.ndarray] | None = None) -> bytes:
    """An answer as bytes."""
    described, parts = [], []
    for name, values in (planes or {}).items():
        values = np.ascontiguousarray(values).ravel()
        described.append([name, f"{values.dtype.kind}{8 * values.dtype.itemsize}", int(values.size)])
        content = values.astype(values.dtype.newbyteorder("<"), copy=False).view(np.uint8)
        parts += [content, bytes(-content.size % 4)]
    text = json.dumps({**header, "planes": described}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    return b"".join([len(text).to_bytes(4, "little"), text, *parts])


def read_answer(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and planes of an answer.

    Raises:
      TornAnswer: if it is none.
    """
    try:
        length = int.from_bytes(content[:4], "little")
        header = json.loads(content[4 : 4 + length])
        at, planes = 4 + length, {}
        for name, kind, n in header.pop("planes"):
            if kind[0] not in "iufb" or n < 0:
                raise ValueError(f"plane {name!r} is {kind!r}")
            dtype = np.dtype(f"<{kind[0]}{int(kind[1:]) // 8}")
            planes[str(name)] = np.frombuffer(content, dtype, n, at)
            at += -(-n * dtype.itemsize // 4) * 4
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise TornAnswer(f"these bytes are no answer, or torn ({error})") from None
    return header, planes
