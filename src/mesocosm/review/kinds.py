"""The kinds of facts: what each must be, and how what a file says is taken for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mesocosm.record import ConfigurationError
from mesocosm.record.kinds import is_finite

MOST, MOST_SEEDS = 1_000_000_000, 100_000
"""Counts, and seeds that are listed one by one."""

NUMBERS = ("minimal_effect", "effect", "sd", "baseline", "floor", "ceiling")


class _Unlike(Exception):
    """A value of another kind: what is permitted."""


def of_kind(path: Path, word: str, name: str, value: Any) -> Any:
    """A value as the fact of this name needs it.

    Raises:
      ConfigurationError: naming the word under which it stands, and what is permitted.
    """
    try:
        return _KINDS.get(name, str)(value)
    except _Unlike as permitted:
        raise ConfigurationError(f"{path}: {word} = {value!r:.80}: must be {permitted}") from None


def _number(value: Any) -> float:
    if not is_finite(value):
        raise _Unlike("a finite number")
    return float(value)


def _whole(value: Any) -> int:
    count = _count(value)
    if count is None or not 0 <= count <= MOST:
        raise _Unlike(f"a whole number in 0 ... {MOST}, or a list to be counted")
    return count


def _seeds(value: Any) -> tuple[int, ...]:
    if isinstance(value, Mapping):  # seeds by part: their number is not told by their names
        return ()
    is_count = isinstance(value, int) and not isinstance(value, bool)
    if is_count and not 0 <= value <= MOST_SEEDS:
        raise _Unlike(f"a number of seeds in 0 ... {MOST_SEEDS}")
    seeds = range(value) if is_count else value
    if not isinstance(seeds, Sequence) or not all(isinstance(s, int) for s in seeds):
        raise _Unlike("a number of seeds, or a list of whole numbers")
    return tuple(seeds)


def _range(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_finite, value)):
        raise _Unlike("two numbers, [low, high]")
    return float(min(value)), float(max(value))


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, str | list):
        raise _Unlike("a text, or a list of texts")
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _budget(value: Any) -> dict[str, float] | None:
    """Numbers by treatment."""
    if not isinstance(value, Mapping):
        return None
    return {str(k): float(v) for k, v in value.items() if is_finite(v)} or None


def _tuning(value: Any) -> dict[str, Any] | None:
    """The same; what is no table is that of all."""
    return _budget(value) if isinstance(value, Mapping) else {"every treatment": value}


def _treatments(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    return {str(k): v if isinstance(v, Mapping) else {"value": v} for k, v in value.items()}


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Unlike("true or false")
    return value


def _count(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, list):
        return len(value)
    if isinstance(value, str):
        return 1
    if isinstance(value, Mapping) and value:  # a grid
        counts = [_count(v) or 1 for v in value.values()]
        return math.prod(counts)
    return None


_KINDS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(("n", "data_sets", "comparisons", "looks", "worlds"), _whole),
    **dict.fromkeys(("seeds", "tuning_seeds"), _seeds),
    **dict.fromkeys(("measured", "claimed"), _range),
    **dict.fromkeys(("tuned_on", "tested_on", "metrics"), _texts),
    "budget": _budget,
    "tuning": _tuning,
    "treatments": _treatments,
    "is_paired": _truth,
}
"""By name of the fact; all others are words."""
