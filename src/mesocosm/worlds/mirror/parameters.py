"""The configuration of `mirror`, without jax. Ranges are those of `docs/worlds/mirror.md`, section 8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from mesocosm.record.configuration import Range
from mesocosm.worlds.mirror.games import SCRIPTS

MOST_ID = 2**31 - 2**17
"""Ids that are given out at most: one tick needs fewer than 2^17."""


@dataclass(frozen=True)
class MirrorParameters:
    """Which game is played with whom and for how long, what minds may hold, what living costs."""

    side: Annotated[int, Range(4, 256, "places", "size")] = 16
    """Side of the torus, a power of two; each place holds one body at most."""
    game: Literal["pennies", "stag", "dove", "dilemma"] = "pennies"
    """What is played by those who touch."""
    stake: Annotated[int, Range(0, 64, "quanta")] = 4
    """By which the payoffs of the game are multiplied."""
    rounds: Annotated[int, Range(1, 64, "rounds")] = 16
    """Rounds for which two bodies touch in a tick."""
    remembers: Annotated[Literal["partner", "everyone", "kind"], "switch"] = "partner"
    """Whose acts are counted apart: those of each partner, who is recognised when met again; nobody's; or those of
    each kind of partner, which minds are told (`mind`, and each script)."""
    own_acts: bool = True
    """Whether a context holds one's own acts too, each before the partner's of that round; else the partner's alone."""
    orders: Annotated[int, Range(0, 5, "acts")] = 5
    """Largest order that a mind can have: a context of order k is the last k acts, and there are 2^k."""
    foresight: Annotated[bool, "switch"] = False
    """Whether a gene may say that the partner's answer to one's act is weighed too."""
    noise: Annotated[int, Range(0, 16, "1/16")] = 0
    """How often, at most, a gene may say that an act is drawn by a coin: chance for free."""
    mindless: bool = False
    """Whether bodies play coins, whatever their minds expect: contexts are counted and paid for, and nothing is done
    with them."""
    memory: Annotated[int, Range(2, 32000, "acts")] = 64
    """Acts that are counted in a context before all its counts are halved."""
    mutation: Annotated[float, Range(0, 1, "per gene")] = 0.02
    """Probability that a gene of a newborn is one step from its parent's."""
    cost: Annotated[int, Range(0, 1024, "1/16 quantum")] = 2
    """What each context that a mind holds costs in a tick."""
    ration: Annotated[int, Range(0, 4096, "quanta")] = 64
    """Food that each body has for itself in a tick, whatever it plays."""
    metabolism: Annotated[int, Range(0, 4096, "quanta")] = 48
    """What living costs in a tick, but for thinking."""
    founding_energy: Annotated[int, Range(1, 16384, "quanta")] = 400
    """Energy of each founder."""
    division_energy: Annotated[int, Range(2, 16384, "quanta")] = 768
    """From which on a body divides when it touches an empty place."""
    ceiling: Annotated[int, Range(2, 32768, "quanta")] = 800
    """More than this no body keeps at the end of a tick."""
    hazard: Annotated[float, Range(0, 1, "per tick")] = 0.01
    """Probability of dying in a tick, whatever one's energy."""
    mobility: Annotated[float, Range(0, 1, "per tick")] = 0.0
    """Probability that a place changes contents with one far away: 0, neighbours stay; 1, groups last one tick."""
    visitors: Annotated[float, Range(0, 1)] = 0.0
    """Probability that two who would touch meet a visitor each instead, who plays a script of the pool."""
    pool: tuple[str, ...] = ("tft", "gtft", "wsls", "grim", "alld", "allc")
    """The scripts that visitors play, equally often: nature, allc, alld, tft, gtft, wsls, grim, cycle1 ... cycle5."""
    shuffled: bool = False
    """Whether partners are dealt anew in every round among all pairs, behind the backs of those who play."""

    def contradictions(self) -> Iterator[str]:
        if self.side & (self.side - 1):
            nearest = 1 << (self.side.bit_length() - 1)
            yield f"side = {self.side}: must be a power of two, for example {nearest}"
        if unknown := [name for name in self.pool if name not in SCRIPTS]:
            yield f"pool: {unknown[0]!r} is no script; they are {', '.join(SCRIPTS)}"
        if not 1 <= len(self.pool) <= len(SCRIPTS):
            yield f"pool: names {len(self.pool)} scripts; must be 1 to {len(SCRIPTS)}"
        if self.shuffled and self.visitors > 0:
            yield "shuffled and visitors: partners are shuffled among bodies; set visitors = 0, or shuffled = false"
        if self.ceiling < self.division_energy:
            yield f"ceiling = {self.ceiling}: must be division_energy = {self.division_energy} at least"
        if self.founding_energy > self.ceiling:
            yield f"founding_energy = {self.founding_energy}: must be ceiling = {self.ceiling} at most"
