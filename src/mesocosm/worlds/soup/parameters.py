"""The configuration of `soup`, without jax. Ranges are those of `docs/worlds/soup.md`, section 8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from mesocosm.record.configuration import Range
from mesocosm.worlds.soup.language import TAPE

MOST_TOKENS = 2**31 - 2**22
"""Tokens that are given out at most: one epoch needs fewer than 2^22, and ids are signed numbers of 32 bits."""


@dataclass(frozen=True)
class SoupParameters:
    """How many tapes, how long they run, how often a byte is struck; and what the controls take away."""

    tapes: Annotated[int, Range(8, 32768, "tapes", "size")] = 512
    """Tapes of 64 bytes, a power of two."""
    steps: Annotated[int, Range(1, 65535, "reads")] = 8192
    """Bytes that a pair reads at most; then it is stopped."""
    mutation: Annotated[float, Range(0, 1, "per byte and epoch")] = 0.00024
    """Probability that a byte is struck and becomes a random one."""
    seeded: Annotated[int, Range(0, 32768, "tapes")] = 0
    """Tapes that are sown: founded with `program` (all, where there are no more); all others are random."""
    program: str = ""
    """What is sown, at most 64 characters (the rest is zero); where nothing is said, a replicator written by hand."""
    copying: bool = True
    """Whether the two instructions that copy do so; else they are comments."""
    dealing: bool = False
    """Whether the bytes of each column are dealt out anew among the tapes in every epoch: nothing is inherited."""
    depth: Annotated[int, Range(0, 2**20, "copies")] = 0
    """Copies of copies that may follow each other; a deeper one is undone. 0: any number."""

    def contradictions(self) -> Iterator[str]:
        if self.tapes & (self.tapes - 1):
            nearest = 1 << (self.tapes.bit_length() - 1)
            yield f"tapes = {self.tapes}: must be a power of two, for example {nearest}"
        if len(self.program) > TAPE or any(ord(c) > 255 for c in self.program):
            yield f"program: has {len(self.program)} characters; must be {TAPE} at most, each a byte (Latin-1)"

    def strikes(self) -> tuple[int, int]:
        """Bytes that are struck in an epoch: so many, and one more with this probability in 1/65536."""
        in_65536 = int(TAPE * self.tapes * self.mutation * 65536 + 0.5)
        return in_65536 >> 16, in_65536 & 0xFFFF
