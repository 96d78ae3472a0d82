"""The language of the tapes: ten instructions, ten classes of bytes, and a replicator written by hand. NumPy, no jax.

Brainfuck on its own tape (BFF), after B. Agüera y Arcas et al., "Computational life: how well-formed, self-replicating
programs emerge from simple interaction" (arXiv 2406.19108, 2024).
"""

from __future__ import annotations

import numpy as np

TAPE = 64
"""Bytes of a tape."""

# Fields of an action, the word that says what an instruction does.
ADDED, HEAD_0, HEAD_1 = 0, 8, 15  # lowest bits: what is added to the byte (8 bits), to the heads (7 bits each)
TO_HEAD_1, TO_HEAD_0, OPENS, CLOSES, ACTS, IS_BRACKET = 22, 23, 24, 25, 26, 27  # one bit each

COPIES = ".,"


def _action(byte: int) -> int:
    """What this byte does as an instruction; 0 of a comment."""
    added = {"+": 1, "-": 255}.get(chr(byte), 0)
    moved = {"<": 127 << HEAD_0, ">": 1 << HEAD_0, "{": 127 << HEAD_1, "}": 1 << HEAD_1}.get(chr(byte), 0)
    flag = {".": TO_HEAD_1, ",": TO_HEAD_0, "[": OPENS, "]": CLOSES}.get(chr(byte))
    acts = added | moved | (1 << flag if flag is not None else 0)
    return (acts | 1 << ACTS | (chr(byte) in "[]") << IS_BRACKET) if acts else 0


def actions(copying: bool = True) -> np.ndarray:
    """The action of each byte. [256] uint32

    Args:
      copying: else `.` and `,` are comments.
    """
    silent = "" if copying else COPIES
    return np.array([0 if chr(byte) in silent else _action(byte) for byte in range(256)], np.uint32)


CLASSES = ("comment", "zero", "head 0", "head 1", "add", "copy", "bracket")
"""What kinds of bytes there are, as they are coloured."""

PALETTE = ("#1b2430", "#000000", "#4c9be8", "#2f6db5", "#e8b04c", "#e0529c", "#58c98b")

_MEMBERS = {2: "<>", 3: "{}", 4: "+-", 5: ".,", 6: "[]"}


def classes() -> np.ndarray:
    """The class of each byte. [256] uint8"""
    out = np.zeros(256, np.uint8)
    out[0] = 1
    for number, members in _MEMBERS.items():
        out[[ord(m) for m in members]] = number
    return out


def replicator() -> np.ndarray:
    """A palindrome that copies itself: head 1 walks backwards from the end of the partner while head 0 walks forwards.
    [64] uint8"""
    half = b"[{.>]ABCDEFGHIJKLMNOPQRSTUVWXYZ0"
    return np.frombuffer(half + half[::-1], np.uint8).copy()


def written(text: bytes) -> np.ndarray:
    """A tape that begins with these bytes; the rest is zero. [64] uint8

    >>> written(b"[-]")[:4].tolist()
    [91, 45, 93, 0]
    """
    return np.frombuffer(text[:TAPE].ljust(TAPE, b"\0"), np.uint8).copy()
