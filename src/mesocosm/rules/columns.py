"""Columns of a table as a rule hears them: scaled by all that was seen so far. NumPy, no jax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesocosm.rules.examples import RuleError


@dataclass(frozen=True)
class Seen:
    """Mean and sum of squared deviations of each column over the examples that were learnt from.

    T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
    """

    mean: np.ndarray
    squares: np.ndarray
    n: int = 0

    @staticmethod
    def none(width: int) -> Seen:
        """Of no example yet, of so many columns."""
        return Seen(np.zeros(width), np.zeros(width))

    @property
    def deviation(self) -> np.ndarray:
        """Of each column; 0 where no two examples differed by more than rounding does."""
        deviation = np.sqrt(self.squares / max(self.n, 1))
        return np.where(deviation > 8 * np.finfo(float).eps * np.abs(self.mean), deviation, 0.0)

    def beside(self, x: np.ndarray) -> Seen:
        """These and further ones.

        Raises:
          RuleError: for numbers whose squares are not finite; names the column.
        """
        x, n, m = np.asarray(x, float), self.n, len(x)
        with np.errstate(over="ignore", invalid="ignore"):
            apart = x.mean(axis=0) - self.mean
            squares = self.squares + m * x.var(axis=0) + apart**2 * (n * m / (n + m))
        if not (fits := np.isfinite(squares)).all():
            k = int(np.argmin(fits))
            raise RuleError(
                f"column {k} holds numbers up to {np.abs(x[:, k]).max():.3g} in size, whose squares are beyond "
                "float64; give them in other units"
            )
        return Seen(self.mean + apart * (m / (n + m)), squares, n + m)

    def scaled(self, x: np.ndarray) -> np.ndarray:
        """Less the mean, over the standard deviation; 0 where no two examples differed by more than rounding does."""
        deviation = self.deviation
        varies = deviation > 0
        return np.where(varies, (np.asarray(x, float) - self.mean) / np.where(varies, deviation, 1.0), 0.0)

    def lifted(self, x: np.ndarray) -> np.ndarray:
        """Scaled, beside a constant, and all that beside its negative: standardised as one example nothing is lost."""
        scaled = self.scaled(x)
        whole = np.column_stack([scaled, np.full(x.shape[0], np.sqrt(x.shape[1]))])
        return np.column_stack([whole, -whole])


__all__ = ["Seen"]
