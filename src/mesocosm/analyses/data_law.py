"""How a shortfall shrinks with examples: a power law of data, fitted with the largest scale held out. NumPy, no jax.

For records with the columns `in_loop`, `ceiling` and `updates`. What is lacking to the ceiling, averaged over
replicates, is taken for `A n^-a` (least squares in logarithms; J. Hestness et al. 2017 for the form); intervals by
bootstrap over replicates. Less than 1.5 decades of examples, or a shortfall that noise has swallowed, gives no law.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mesocosm.protocol.catalogue import Analysis, NoSettings, Result, columns
from mesocosm.protocol.measure import in_windows
from mesocosm.protocol.story import Axis, Trajectories
from mesocosm.record import Record

DECADES = 1.5
POINTS = 3
"""Windows that a fit needs at least."""
DRAWS = 500


@dataclass(frozen=True)
class Law:
    """A fitted power law; None where there is none, and `note` says why."""

    examples: list[float]
    shortfall: list[float]
    exponent: float | None
    low: float | None
    high: float | None
    foretold: float | None
    note: str

    @property
    def exponent_words(self) -> str:
        return "" if self.exponent is None else f"{self.exponent:.2f} [{self.low:.2f}, {self.high:.2f}]"

    @property
    def shortfall_words(self) -> str:
        return f"{self.shortfall[-1]:+.4f}" if self.shortfall else ""

    @property
    def held_out_words(self) -> str:
        return "" if self.foretold is None else f"{self.foretold:.4f} and {self.shortfall[-1]:.4f}"


def fitted(record: Record) -> Law:
    """The law of one run."""
    c = record.header["configuration"]
    per_update = int(c.get("budget", 1)) * int(c.get("junctions", 1))
    n = in_windows(record, record.metrics["updates"]) * float(per_update)
    lacking = in_windows(record, np.asarray(record.metrics["ceiling"], float) - record.metrics["in_loop"])
    there = np.isfinite(lacking).all(axis=1)
    if not there.any():
        return Law([], [], None, None, None, None, "no replicate lived to the end")
    return law(n[there][0], lacking[there])


def law(n: np.ndarray, lacking: np.ndarray, seed: int = 0) -> Law:
    """The law of a shortfall [replicates, windows] after `n` examples [windows]."""
    mean = lacking.mean(axis=0)
    told = [float(x) for x in n], [round(float(x), 6) for x in mean]
    if n.size < POINTS + 1 or np.log10(n[-1] / n[0]) < DECADES:
        return Law(*told, None, None, None, None, f"under {DECADES} decades of examples: no law")
    error = lacking.std(axis=0, ddof=1) / np.sqrt(len(lacking)) if len(lacking) > 1 else np.full(n.size, np.inf)
    usable = (mean > 2 * error) & (np.arange(n.size) < n.size - 1)
    if usable.sum() < POINTS:
        return Law(*told, None, None, None, None, "no shortfall that stands out from the noise: no law")
    x, weight = np.log(n[usable]), 1 / np.maximum(np.gradient(np.log(n))[usable], 1e-12)
    slope, offset = _line(x, np.log(mean[usable]), 1 / weight)
    rng, slopes = np.random.default_rng(seed), []
    for _ in range(DRAWS):
        drawn = lacking[rng.integers(0, len(lacking), len(lacking))].mean(axis=0)[usable]
        if (drawn > 0).all():
            slopes.append(-_line(x, np.log(drawn), 1 / weight)[0])
    if len(slopes) < DRAWS // 2:
        return Law(*told, None, None, None, None, "the shortfall is as large as its noise: no law")
    low, high = np.quantile(slopes, [0.025, 0.975])
    foretold = float(np.exp(offset + slope * np.log(n[-1])))
    return Law(*told, float(-slope), float(low), float(high), foretold, "")


def _line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Slope and offset, each decade of examples counting alike."""
    slope, offset = np.polyfit(x, y, 1, w=np.sqrt(weight))
    return float(slope), float(offset)


def compute(record: Record, _: NoSettings) -> dict[str, Any]:
    return asdict(fitted(record))


def show(record: Record, values: Mapping[str, Any]) -> Result:
    found = Law(**values)
    if found.exponent is None:
        return Result(f"No law of data: {found.note}.", values)
    sentence = (
        f"The shortfall shrinks as n^-{found.exponent:.2f}, a in [{found.low:.2f}, {found.high:.2f}], over "
        f"{found.examples[0]:,.0f} ... {found.examples[-1]:,.0f} examples; for the last window it foretells "
        f"{found.held_out_words.replace(' and ', ', seen is ')}."
    )
    figure = Trajectories(
        title="What is lacking to the ceiling",
        alt=sentence,
        x_axis=Axis("examples learnt from"),
        y_axis=Axis("shortfall"),
        x=np.array(found.examples),
        lines=np.array([found.shortfall]),
        label="mean of the replicates",
    )
    return Result(sentence, values, figures=(figure,))


ANALYSIS = Analysis(
    "data-law", "how what is lacking to the ceiling shrinks with examples: a power law", compute, show,
    needs=(columns("in_loop", "ceiling", "updates"),),
)  # fmt: skip
