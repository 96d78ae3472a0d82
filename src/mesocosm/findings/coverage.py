"""How often each interval holds the truth: the table by which `default_interval` was chosen.

    python -m mesocosm.findings.coverage docs/results/coverage.md

Data sets of n replicates are drawn from laws whose mean is known; each interval is asked whether it holds that mean.
"""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mesocosm.findings.intervals import INTERVALS, IS_BOOTSTRAP, Interval, wilson_interval

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]

SIZES = (6, 10, 20, 32, 50)
"""Numbers of replicates."""

TRIES, RESAMPLES, BLOCK = 10_000, 2_000, 1_000
"""Data sets in a cell of the full table (its standard error is 0.22 points at 95 %), resamples of a bootstrap, and
data sets that share one set of resamples."""


class Law(NamedTuple):
    """A distribution with a known mean."""

    name: str
    mean: float
    draw: Draw


def _mixture(share: float, sd: float = 0.1) -> Draw:
    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return (rng.random(shape) < share) + sd * rng.standard_normal(shape)

    return draw


def _lognormal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.lognormal(0, 1, shape)


LAWS = (
    Law("normal", 0.0, lambda rng, shape: rng.standard_normal(shape)),
    Law("t, 3 degrees (heavy tails)", 0.0, lambda rng, shape: rng.standard_t(3, shape)),
    Law("difference of two lognormals", 0.0, lambda rng, shape: _lognormal(rng, shape) - _lognormal(rng, shape)),
    Law("exponential", 1.0, lambda rng, shape: rng.standard_exponential(shape)),
    Law("lognormal, sigma 1", float(np.exp(0.5)), _lognormal),
    Law("bimodal, 50 : 50", 0.5, _mixture(0.5)),
    Law("bimodal, 10 : 90", 0.9, _mixture(0.9)),
)
"""Laws of a measure. Bimodal: a normal hump of sd 0.1 at 0 and one at 1."""

FRACTIONS = (0.5, 0.8, 0.9, 0.95)
"""Probabilities of 0/1 outcomes."""


class Cell(NamedTuple):
    """One law, one n, one interval.

    Args:
      coverage: share of data sets whose interval holds the mean.
      width: median width in units of the median width of the first interval of its table; infinite where bounds are.
    """

    law: str
    n: int
    interval: str
    coverage: float
    width: float


def mean_cells(
    tries: int = TRIES,
    sizes: tuple[int, ...] = SIZES,
    confidence: float = 0.95,
    seed: int = 0,
    laws: tuple[Law, ...] = LAWS,
    resamples: int = RESAMPLES,
) -> Iterator[Cell]:
    """Coverage of every interval for a mean, cell by cell; each cell is drawn from a seed of its own."""
    for k, law in enumerate(laws):
        for n in sizes:
            rng = np.random.Generator(np.random.PCG64([seed, k, n]))
            samples = law.draw(rng, (tries, n))
            t_width = None
            for name in INTERVALS:
                low, high = _bounds(name, samples, confidence, seed, resamples)
                with np.errstate(invalid="ignore"):
                    width = float(np.median(high - low))
                t_width = width if t_width is None else t_width
                yield Cell(law.name, n, name, float(np.mean((low <= law.mean) & (law.mean <= high))), width / t_width)


def _bounds(
    name: str, samples: np.ndarray, confidence: float, seed: int, resamples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of every data set, block by block; each block has resamples of its own."""
    parts: list[Interval] = []
    for k in range(0, len(samples), BLOCK):
        own = {"seed": seed + k + 1, "resamples": resamples} if name in IS_BOOTSTRAP else {}
        parts.append(INTERVALS[name](samples[k : k + BLOCK], confidence, **own))
    return np.concatenate([p.low for p in parts]), np.concatenate([p.high for p in parts])


def fraction_cells(
    tries: int = TRIES, sizes: tuple[int, ...] = (*SIZES, 100), confidence: float = 0.95, seed: int = 0
) -> Iterator[Cell]:
    """Coverage of Wilson's interval, and of Student's on the same zeros and ones."""
    for k, p in enumerate(FRACTIONS):
        for n in sizes:
            rng = np.random.Generator(np.random.PCG64([seed, 1000 + k, n]))
            outcomes = (rng.random((tries, n)) < p).astype(float)
            wilson = wilson_interval(outcomes.sum(axis=-1), n, confidence)
            intervals = {"Wilson": wilson, "t": INTERVALS["t"](outcomes, confidence)}
            for name, (_, low, high) in intervals.items():
                ratio = float(np.median(high - low) / np.median(wilson.high - wilson.low))
                yield Cell(f"fraction {p}", n, name, float(np.mean((low <= p) & (p <= high))), ratio)


def table(cells: list[Cell]) -> str:
    """Markdown: a row for each law and n, a column for each interval: coverage in per cent (relative width)."""
    names = list(dict.fromkeys(c.interval for c in cells))
    lines = ["| law | n | " + " | ".join(names) + " |", "|---" * (2 + len(names)) + "|"]
    for law, n in dict.fromkeys((c.law, c.n) for c in cells):
        row = {c.interval: c for c in cells if (c.law, c.n) == (law, n)}
        lines.append(f"| {law} | {n} | " + " | ".join(_words(row[name]) for name in names) + " |")
    return "\n".join(lines)


def _words(cell: Cell) -> str:
    width = f"{cell.width:.2f}" if np.isfinite(cell.width) else "∞"
    return f"{100 * cell.coverage:.1f} ({width})"


PAGE = """# Coverage of intervals

Which interval holds the truth as often as it says? {tries:,} data sets a cell (standard error {error:.2f} points at
95 %), bootstraps with {resamples:,} resamples, seed {seed}. In brackets the median width in units of
the first column's. What follows from it:
[how claims are measured](../statistics.md).

| | |
|---|---|
| command | `{command}` |
| seed | {seed} |
| versions | {versions} |

{tables}
"""


def page(command: str, tries: int = TRIES, seed: int = 0) -> str:
    """The page docs/results/coverage.md."""
    tables = []
    for confidence in (0.95, 0.9875):
        which = "" if confidence == 0.95 else ", as used when four claims are declared"
        percent = f"{100 * confidence:g} %"
        cells = list(mean_cells(tries, confidence=confidence, seed=seed))
        tables.append(f"## Means, {percent}{which}\n\n{table(cells)}")
    tables.append(f"## Fractions, 95 %\n\n{table(list(fraction_cells(tries, seed=seed)))}")
    packages = [f"{name} {metadata.version(name)}" for name in ("mesocosm", "numpy", "scipy")]
    return PAGE.format(
        tries=tries,
        error=100 * np.sqrt(0.95 * 0.05 / tries),
        resamples=RESAMPLES,
        seed=seed,
        command=command,
        versions=", ".join([*packages, f"Python {platform.python_version()}"]),
        tables="\n\n".join(tables),
    )


def main(arguments: list[str]) -> None:
    """Write the page to the path that is given, or print it."""
    words = page(shlex.join(["python", "-m", "mesocosm.findings.coverage", *arguments]))
    if arguments:
        Path(arguments[0]).write_text(words, encoding="utf-8")
    else:
        print(words, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
