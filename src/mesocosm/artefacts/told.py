"""What a file says of itself, looked at before anything believes it: its checksum is a sum, not a signature."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.artefacts import FORMAT, ArtefactError
from mesocosm.artefacts.program import MOST_TOLERANCE, Arrays

_MOST_STEPS = 10_000


def read(path: Path, text: str) -> dict[str, Any]:
    """A manifest of our version, each field of which is of its kind.

    Raises:
      ArtefactError: naming the field that is not.
    """
    try:
        told = json.loads(text)
        version, made = told["format"], told.get("versions", {}).get("mesocosm", "unknown")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ArtefactError(f"{path}: says nothing of itself that mesocosm understands; export it again") from None
    if version != FORMAT:
        raise ArtefactError(
            f"{path}: is of the version {version!r:.60}, this mesocosm reads {FORMAT!r}; export it again, or use the "
            f"mesocosm that wrote it ({made!s:.40})"
        )
    for name, (is_right, words) in _FIELDS.items():
        if name not in told or not is_right(told[name]):
            value = f"{told[name]!r:.60}" if name in told else "missing"
            raise ArtefactError(f"{path}: {name} = {value}: must be {words}; it is damaged, export it again")
    if told["kind"] == "tick" and told["exact"] and not told["digests"]:
        raise ArtefactError(f"{path}: is a world, and has no digests of its ticks; it is damaged, export it again")
    return told


def check_arrays(path: Path, told: Mapping[str, Any], begins: Arrays, vectors: Arrays) -> None:
    """Whether arrays are those of which the manifest speaks.

    Raises:
      ArtefactError: naming one that is not.
    """
    for name, (dtype, shape) in told["inputs"].items():
        array = begins.get(name)
        if array is None or [array.dtype.name, list(array.shape)] != [dtype, shape]:
            raise ArtefactError(f"{path}: {name} is not there as {dtype} {shape}; it is damaged, export it again")
    if told["digests"]:
        return
    given = [name.removeprefix("given.") for name in vectors if name.startswith("given.")]
    found = [name.removeprefix("found.") for name in vectors if name.startswith("found.")]
    n = {len(array) if array.ndim else 0 for array in vectors.values()}
    fit = all(_fits(vectors[f"given.{name}"], begins.get(name)) for name in given)
    if not given or sorted(found) != sorted(told["outputs"]) or len(n) != 1 or not 0 < max(n) <= _MOST_STEPS or not fit:
        raise ArtefactError(f"{path}: its test vectors are not those of its inputs and outputs; export it again")


def _fits(cases: np.ndarray, one: np.ndarray | None) -> bool:
    return one is not None and cases.dtype == one.dtype and cases.shape[1:] == one.shape


# -- what is right -----------------------------------------------------------------------------------------------------


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) and v for v in value) and len(set(value)) == len(value)


def _are_digests(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= _MOST_STEPS
        and all(isinstance(v, str) and re.fullmatch(r"[0-9a-f]{64}", v) for v in value)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_bounds(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_number(v) and -(2**63) <= v < 2**64 for v in value.values())


def _are_inputs(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(
            isinstance(v, list)
            and len(v) == 2
            and isinstance(v[0], str)
            and isinstance(v[1], list)
            and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in v[1])
            for v in value.values()
        )
    )


_TABLE = lambda value: isinstance(value, dict), "a table"
_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "kind": (lambda v: isinstance(v, str) and v in ("tick", "act", "learn", "predict"), "tick, act, learn or predict"),
    "exact": (lambda v: isinstance(v, bool), "true or false"),
    "about": _TABLE,
    "versions": _TABLE,
    "inputs": (_are_inputs, 'a table of inputs, each ["int32", [2, 8]]'),
    "outputs": (lambda v: _are_texts(v) and bool(v), "a list of different names"),
    "least": (_are_bounds, "a table of numbers"),
    "most": (_are_bounds, "a table of numbers"),
    "digests": (_are_digests, f"a list of at most {_MOST_STEPS} SHA-256"),
    "tolerance": (
        lambda v: _is_number(v) and math.isfinite(v) and 0 <= v <= MOST_TOLERANCE,
        f"a number in 0 ... {MOST_TOLERANCE}",
    ),
    "sha256": (lambda v: isinstance(v, str), "a text"),
}
