"""What a campaign of `benchmarks.forms` says of two arms: errors, p and power by one rule for all rows. NumPy alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from mesocosm.findings.multiplicity import holm
from mesocosm.rivals.table import interval

DRAWS = 20_000


@dataclass(frozen=True)
class Row:
    """One arm less another: quality [genomes, streams, shown], and loss [genomes, streams] where there is one."""

    one: str
    control: str
    quality: np.ndarray
    loss: np.ndarray | None = None


def error_and_p(differences: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Standard error of the mean of [genomes, streams], and two-sided p of no difference.

    Both are of the hierarchical bootstrap, as intervals are: genomes are drawn, and streams, which all of them share.
    """
    rng = np.random.default_rng(seed)
    genomes, streams = (rng.multinomial(n, np.full(n, 1 / n), DRAWS) / n for n in differences.shape)
    means = ((genomes @ differences) * streams).sum(axis=1)
    beyond = min((means <= 0).sum(), (means >= 0).sum())
    return float(means.std()), min(1.0, 2 * float(beyond + 1) / (DRAWS + 1))


def power(error: float, points: float = 1.0, alpha: float = 0.05) -> float:
    """With which a difference of so many points is seen, at this standard error.

    >>> round(power(0.357), 2), round(power(0.56), 2)
    (0.8, 0.43)
    """
    normal = NormalDist()
    z = normal.inv_cdf(1 - alpha / 2)
    return normal.cdf(points / error - z) + normal.cdf(-points / error - z)


def table(rows: list[Row], shown: tuple[int, ...]) -> list[str]:
    """Lines of Markdown: differences with intervals, each with p after Holm over all the rows of its column.

    Beside the last number of examples the standard error, and the power with which one point is seen.
    """
    after, before = (cells([row.quality[:, :, n] for row in rows], "+.1f") for n in (-1, -2))
    losses = cells([row.loss for row in rows], "+.3f")
    lines = [f"| | less | points after {shown[-1]} | p | error, power | after {shown[-2]} | p | loss | p |"]
    lines.append("|---" * 9 + "|")
    for k, row in enumerate(rows):
        error = error_and_p(row.quality[:, :, -1])[0]
        told = row.one, row.control, *after[k], f"{error:.2f}, {power(error):.2f}", *before[k], *losses[k]
        lines.append("| " + " | ".join(told) + " |")
    return lines


def cells(column: list[np.ndarray | None], digits: str) -> list[tuple[str, str]]:
    """Each difference with its interval, and its p after Holm over the column; empty where there is none."""
    there = [found for found in column if found is not None]
    adjusted = iter(holm([error_and_p(found)[1] for found in there]).tolist() if there else [])
    told = []
    for found in column:
        if found is None:
            told.append(("", ""))
            continue
        mean, low, high = (format(value, digits) for value in interval(found))
        p = next(adjusted)
        told.append((f"{mean} [{low}, {high}]", f"{p:.3f}" if p >= 0.001 else "< .001"))
    return told


def digest(*parts: Any) -> str:
    """Of what a result was made with: arrays by their bytes, all else by how it is written."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
        found.update(b"\0")
    return found.hexdigest()


def kept(place: Path, made_with: str) -> dict[str, np.ndarray] | None:
    """What was kept there; None: nothing.

    Raises:
      SystemExit: if it was made with something else.
    """
    if not place.exists():
        return None
    with np.load(place) as arrays:
        found = dict(arrays)
    if str(found.pop("made_with", "")) != made_with:
        raise SystemExit(f"{place}: was made with another form, campaign or seed; take another folder, or delete it")
    return found


__all__ = ["Row", "digest", "error_and_p", "kept", "power", "table"]
