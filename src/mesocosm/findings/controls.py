"""Controls of the statistics themselves: what `judge` says where the truth is known.

A claim of each try is judged as an exploratory one, at 95 %, by the same code that judges runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mesocosm.findings.claim import Claim, Finding, show_interval
from mesocosm.findings.intervals import wilson_interval
from mesocosm.findings.power import power_of
from mesocosm.findings.verdicts import judge

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


@dataclass(frozen=True)
class Control:
    """In how many tries the verdict was one of those that were right, with Wilson's interval at 99 %.

    Args:
      promised: the share of tries in which it should be right.
    """

    name: str
    n_tries: int
    n_right: int
    rate: float
    low: float
    high: float
    promised: float

    @property
    def is_kept(self) -> bool:
        """Whether the tries agree with the promise: what was promised is not above the interval."""
        return self.high >= self.promised

    def words(self) -> str:
        """One plain sentence."""
        verdict = "kept" if self.is_kept else "broken"
        rate = show_interval(self.rate, self.low, self.high)
        return f"{self.name}: {self.n_right} of {self.n_tries} tries, {rate}; promised {self.promised:.3g}: {verdict}"


def null_rate(findings: Sequence[Finding], promised: float = 0.95, name: str = "null") -> Control:
    """Where there is no effect: how often the verdict is equivalent or undecided.

    For an instrument: its findings on shadow genomes, one for each of 200 seeds.

    Raises:
      ValueError: without findings.
    """
    return _control(name, [f.verdict in ("equivalent", "undecided") for f in findings], promised)


def alike(draw: Draw, n: int, delta: float = 0.0, tries: int = 1000, seed: int = 0) -> Control:
    """A/A: both halves of each pair come from one law, so that the difference must not be called an effect.

    Args:
      draw: from a generator and a shape `[tries, n]` to values.
      n: pairs in a try.
      delta: smallest effect that matters, in the unit of the values.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    differences = draw(rng, (tries, n)) - draw(rng, (tries, n))
    return null_rate(_judged(differences, delta, seed), name="A/A")


def planted(
    effect: float, sd: float = 1.0, n: int = 32, delta: float = 0.0, tries: int = 1000, seed: int = 0
) -> Control:
    """A normal effect of known size: how often it is supported, against the promise of `power_of`."""
    rng = np.random.Generator(np.random.PCG64(seed))
    values = rng.normal(effect, sd, (tries, n))
    is_found = [f.verdict == "supported" for f in _judged(values, delta, seed)]
    return _control("planted effect", is_found, power_of(effect, sd, n, delta=delta))


def _judged(values: np.ndarray, delta: float, seed: int) -> list[Finding]:
    claims = [Claim(f"try-{k}", "an effect", "nothing", "value", delta, declared=False) for k in range(len(values))]
    by_name = {c.name: v for c, v in zip(claims, values, strict=True)}
    return judge(claims, by_name, values.shape[-1], seed=seed)


def _control(name: str, is_right: ArrayLike, promised: float) -> Control:
    right = np.asarray(is_right, bool)
    if not right.size:
        raise ValueError("findings: none; a control needs tries")
    rate, low, high = map(float, wilson_interval(right.sum(), right.size, 0.99))
    return Control(name, right.size, int(right.sum()), rate, low, high, promised)
