"""What selection changed, and what inheritance did: Price's equation, exact. NumPy and fractions, no jax.

    w_bar (z_bar' - z_bar) = Cov(w, z) + E[w dz]

(G. R. Price, "Selection and covariance", Nature 227, 1970.) Moments are those of a population, divided by N: with N - 1
the two sides differ. Generations overlap here, so the ancestors are all who live when a window begins, and `w` of one
counts who lives when it ends and is that body or descends from it, at any depth. `dz` is what a descendant has
otherwise than that ancestor: mutation, and what was exchanged in between.

Selection splits over groups that are fixed when the window begins (Price, "Extension of covariance selection
mathematics", Ann. Hum. Genet. 35, 1972; W. D. Hamilton, 1975):

    Cov(w, z) = Cov(W_g, Z_g) + E[Cov_g(w, z)]

The left side comes from two censuses, the right side from the log of births: a residual means a lost record.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mesocosm.instruments.ancestry import Lives


@dataclass(frozen=True)
class Terms:
    """Price's equation of one trait over one window, in fractions.

    Args:
      n: ancestors.
      fitness: mean of w.
      change: w_bar (z_bar' - z_bar), from the two censuses.
      selection: Cov(w, z).
      transmission: E[w dz].
      between: the part of `selection` that lies between groups.
    """

    n: int
    fitness: Fraction
    change: Fraction
    selection: Fraction
    transmission: Fraction
    between: Fraction

    @property
    def within(self) -> Fraction:
        """The part of `selection` that lies within groups."""
        return self.selection - self.between

    @property
    def residual(self) -> Fraction:
        """What the two sides differ by: 0 unless a record was lost."""
        return self.change - self.selection - self.transmission


def price(
    z: np.ndarray, w: np.ndarray, offspring: np.ndarray, census: np.ndarray, group: np.ndarray | None = None
) -> Terms:
    """Price's equation of one trait.

    Args:
      z: of each ancestor, integers. [n]
      w: how many descend from each, itself included. [n]
      offspring: sum of z over those. [n]
      census: z of all who live at the end, counted independently of `w`. [m]
      group: of each ancestor; None: one group. [n]

    Raises:
      ValueError: where nobody lives at the beginning or at the end.

    >>> z, w = np.array([1, 1, 1, 2, 2]), np.array([1, 1, 1, 5, 5])
    >>> terms = price(z, w, w * z, np.repeat(z, w))
    >>> terms.fitness, terms.selection, terms.transmission, terms.residual
    (Fraction(13, 5), Fraction(24, 25), Fraction(0, 1), Fraction(0, 1))
    """
    if not z.size or not census.size:
        raise ValueError("nobody lives at one end of the window: there is no mean to change")
    z, w = z.astype(np.int64), w.astype(np.int64)
    n = z.size
    fitness = Fraction(int(w.sum()), n)
    before, after = Fraction(int(z.sum()), n), Fraction(int(census.astype(np.int64).sum()), census.size)
    selection = Fraction(int((w * z).sum()), n) - fitness * before
    between = Fraction(0)
    if group is not None:
        _, place = np.unique(group, return_inverse=True)
        sizes, ws, zs = (_sums(place, of) for of in (np.ones(n, np.int64), w, z))
        shares = (Fraction(int(a) * int(b), int(k)) for a, b, k in zip(ws, zs, sizes, strict=True))
        between = sum(shares, Fraction(0)) / n - fitness * before
    transmission = Fraction(int(offspring.astype(np.int64).sum()) - int((w * z).sum()), n)
    return Terms(n, fitness, fitness * (after - before), selection, transmission, between)


def _sums(place: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums of integers by group, exact."""
    out = np.zeros(place.max() + 1, np.int64)
    np.add.at(out, place, values)
    return out


def ancestors(who: Lives, since: int) -> np.ndarray:
    """The place of everybody's ancestor (oneself, if one was born by then) among those born by a tick; -1 where the log
    of births has lost one in between. [n]"""
    n = who.id.size
    place = np.minimum(np.searchsorted(who.id, who.parent), max(n - 1, 0))
    is_known = who.id[place] == who.parent
    at = np.where(who.born <= since, np.arange(n), np.where(is_known, place, n))
    at = np.append(at, n)  # who lost an ancestor leads nowhere
    while not np.array_equal(further := at[at], at):
        at = further
    return np.where(at[:n] == n, -1, at[:n])


def window(
    who: Lives, z: np.ndarray, since: int, until: int, census: np.ndarray, groups: np.ndarray | None = None
) -> list[Terms]:
    """Price's equation of several traits between the ends of two ticks.

    Args:
      z: of each individual, integers. [n, traits]
      census: z of all who live at the end of `until`. [m, traits]
      groups: of each individual, of whom those who live at `since` are taken. [n]
    """
    first = np.flatnonzero(who.alive_at(since))
    at = ancestors(who, since)
    last = np.flatnonzero(who.alive_at(until) & (at >= 0))
    z, n = z.astype(np.int64), who.id.size
    w = np.bincount(at[last], minlength=n)
    offspring = np.zeros_like(z)
    np.add.at(offspring, at[last], z[last])
    groups = None if groups is None else groups[first]
    return [price(z[first, k], w[first], offspring[first, k], census[:, k], groups) for k in range(z.shape[1])]


def hamilton(w: np.ndarray, z: np.ndarray, others: np.ndarray) -> tuple[float, float, float]:
    """Hamilton's rule in its regression form: benefit, cost and relatedness, so that selection has the sign of
    `b r - c` (D. C. Queller, "A general model for kin selection", Evolution 46, 1992).

    Args:
      w: fitness, z: own trait, others: mean trait of those whom one meets. [n] each

    Returns:
      b and c by the regression of w on z and `others`; r by that of `others` on z; NaN where z does not vary.
    """
    w, z, others = (np.asarray(x, float) - np.mean(x) for x in (w, z, others))
    if not np.any(z):
        return np.nan, np.nan, np.nan
    (own, benefit), *_ = np.linalg.lstsq(np.stack([z, others], axis=1), w, rcond=None)
    return float(benefit), float(-own), float(others @ z / (z @ z))


__all__ = ["Terms", "ancestors", "hamilton", "price", "window"]
