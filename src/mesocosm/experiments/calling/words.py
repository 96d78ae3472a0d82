"""Which stimuli of `calling` mean food, and which mean that somebody called; the genome of a caller. No jax."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from mesocosm.worlds.petri.senses import Named, Sense, ordered

RUN, TUMBLE, CALL_AND_TUMBLE = 0, 1, 3
FAVOURED, REST = 127, -128
N_ACTS = 4


def _unheard(law: Any, state: Any) -> Any:
    """Steady: a world alone knows no yesterday; the layer `calls`, which does, writes over it."""
    return 0 * state.bodies.id + 1


TREND = Sense("signal_trend", ("fades", "steady", "grows"), "amount per tick", _unheard, is_change=True)
"""The sense by which the trend of a signal is heard: whether there is more of it than in the last tick."""


def senses_of(senses: Sequence[str], hears_trend: bool) -> list[Named]:
    """The senses of a world of `calling`, as they form a stimulus once they are ordered."""
    return [*senses, *((TREND,) if hears_trend else ())]


def stimuli(senses: Sequence[str], hears_trend: bool) -> list[dict[str, int]]:
    """The level of each sense in each stimulus, by the number of the stimulus."""
    there = ordered(senses_of(senses, hears_trend))
    names = [sense.name for sense in there]
    return [dict(zip(names, levels, strict=True)) for levels in product(*(range(s.n_levels) for s in there))]


def in_food(stimulus: dict[str, int]) -> bool:
    return stimulus["odour"] > 0


def stays(stimulus: dict[str, int]) -> bool:
    """Whether what is heard says: others are, or were, in food hereabouts. By trend: one is leaving the call behind."""
    return stimulus["signal"] > 0 if "signal" in stimulus else stimulus[TREND.name] == 0


def goes_on(stimulus: dict[str, int]) -> bool:
    """Whether nothing is heard; by trend: whether one comes nearer."""
    return stimulus["signal"] == 0 if "signal" in stimulus else stimulus[TREND.name] == 2


def caller(senses: Sequence[str], hears_trend: bool) -> tuple[int, ...]:
    """Calls and stays in food; elsewhere stays where it hears a call, and runs where it hears none."""
    genome: list[int] = []
    for stimulus in stimuli(senses, hears_trend):
        act = CALL_AND_TUMBLE if in_food(stimulus) else TUMBLE if stays(stimulus) else RUN
        genome += [FAVOURED if a == act else REST for a in range(N_ACTS)]
    return tuple(genome)
