"""Senses: each tells a body which of a few levels it is at. A stimulus is the levels of all senses, digit by digit.

No jax: words and numbers of levels are read by declarations and reports; `read` asks the law, which computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any


@dataclass(frozen=True)
class Sense:
    """A digit of the stimulus. One's own is an object of this class, handed to `Petri(parameters, senses)`.

    Args:
      name: of the sense.
      words: what its levels are called, from the lowest on.
      unit: of what is sensed.
      read: from the law and the state to the level of each body, int32 [n]; a function with a name of its own, since it
        is part of the program's identity. None where only words are known (a record read without its code).
      is_change: whether it compares with the last tick: where the level rises things get better, and there is no
        reason to stay.
    """

    name: str
    words: tuple[str, ...]
    unit: str = ""
    read: Callable[[Any, Any], Any] | None = None
    is_change: bool = False

    @property
    def n_levels(self) -> int:
        """How many levels it tells apart."""
        return len(self.words)

    def told(self) -> list[str]:
        """Its levels in words: `odour near`."""
        return [f"{self.name} {word}" for word in self.words]


def _odour(law: Any, state: Any) -> Any:
    return law.level(law.at_bodies(state, "odour"), law.odour_levels)


def _trend(law: Any, state: Any) -> Any:
    now, before = law.at_bodies(state, "odour"), state.bodies.last_odour
    rises, falls = now > before + law.trend_margin, now + law.trend_margin < before
    return 1 + rises.astype("int32") - falls.astype("int32")


def _touch(law: Any, state: Any) -> Any:
    return state.bodies.touched


def _signal(law: Any, state: Any) -> Any:
    return law.level(law.at_bodies(state, "signal"), law.signal_levels)


def _energy(law: Any, state: Any) -> Any:
    return law.level(4 * state.bodies.energy, law.division_energy * law.quarters())


SENSES: dict[str, Sense] = {
    sense.name: sense
    for sense in (
        Sense("odour", ("far", "faint", "mid", "near"), "amount", _odour),
        Sense("trend", ("falls", "steady", "rises"), "amount per tick", _trend, is_change=True),
        Sense("touch", ("alone", "touched"), "", _touch),
        Sense("signal", ("none", "faint", "mid", "strong"), "amount", _signal),
        Sense("energy", ("starving", "low", "mid", "full"), "quanta", _energy),
    )
}
"""The senses of `petri`, in the order in which they form a stimulus (docs/worlds/petri.md, section 3)."""

Named = str | Sense


def ordered(senses: Sequence[Named]) -> list[Sense]:
    """Those of `petri` in their order, then one's own in theirs."""
    names = {s if isinstance(s, str) else s.name for s in senses}
    known = [sense for name, sense in SENSES.items() if name in names]
    return [*known, *(s for s in senses if isinstance(s, Sense) and s.name not in SENSES)]


def n_stimuli(senses: Sequence[Named]) -> int:
    return prod(sense.n_levels for sense in ordered(senses))


def digit(senses: Sequence[Named], name: str) -> tuple[int, int]:
    """Where the level of a sense stands in a stimulus: what it is multiplied by, and how many levels it has."""
    there = ordered(senses)
    at = [sense.name for sense in there].index(name)
    return prod(sense.n_levels for sense in there[at + 1 :]), there[at].n_levels
