"""The sense of taste, and nets written by hand for this world. No jax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mesocosm.worlds.petri.senses import Sense, ordered


def _taste(law: Any, state: Any) -> Any:
    """Food in the cell of a body, seen against its bite."""
    food = law.at_bodies(state, "food")
    return (food > 0).astype("int32") + (food >= law.bite).astype("int32")


TASTE = Sense("taste", ("nothing", "crumbs", "a bite"), "quanta", _taste)
INSTINCT = "taste nothing=-127,taste crumbs=64,taste a bite=127,sharpness=32"
"""What is right for bodies with straight wires: run where there is nothing, stay where there is food."""
PUPIL = "actor=64,critic=32,discount=64,sharpness=32,food=127"
"""Knows nothing at birth, likes food, and learns."""


def senses_of(senses: Sequence[str]) -> list[Sense]:
    """The senses of a world of `school`, in the order in which they form a stimulus."""
    return ordered([*senses, TASTE])
