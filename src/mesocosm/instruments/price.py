"""What selection changed, and what inheritance did: Price's equation, exact. NumPy and fractions, no jax.

    w_bar (z_bar' - z_bar) = Cov(w, z) + E[w dz]

(G. R. Price, "Selection and covariance", Nature 227, 1970.) Moments are those of a population, divided by N: with N - 1
the two sides differ. Generations overlap here, so the ancestors are all who live when a window begins, and `w` of one
counts who lives when it ends and is that body or descends from it, at any depth. `dz` is what a descendant has
otherwise than that ancestor: mutation, and what was exchanged in between.

Selection splits over groups that are fixed when the window begins (Price, "Extension of covariance selection
mathematics", Ann. Hum. Genet. 35, 1972; W. D. Hamilton, 1975):

    Cov(w, z) = Cov(W_g, Z_g) + E[Cov_g(w, z)]

The left side counts who lives at either end, at the end of a run by its state; the right side follows the log of births
from ancestor to heir: a residual means a lost record.

A category is a number too: with z = 1 for one genotype and 0 for all others the mean is its share, and the equation
says how much of the change of a share is selection, and how much is mutation into it and out of it.

Of a window all sums are whole numbers, so that whether the books close is decided in whole numbers; fractions are made
of them where somebody asks.
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
    column = np.asarray
    sums = sums_of(column(z)[:, None], column(w), column(offspring)[:, None], column(census)[:, None])
    return sums.terms(0, Fraction(0) if group is None else between(column(z), column(w), group))


def between(z: np.ndarray, w: np.ndarray, group: np.ndarray) -> Fraction:
    """The part of Cov(w, z) that lies between groups, exact. z, w integers, group: [n] each

    >>> between(np.array([0, 1, 0, 1]), np.array([1, 1, 3, 3]), np.array([0, 0, 1, 1]))
    Fraction(0, 1)
    """
    sizes, ws, zs = _by_group(z.astype(np.int64)[:, None], w.astype(np.int64), group)
    shares = (Fraction(int(a) * int(b), int(k)) for a, b, k in zip(ws, zs[:, 0], sizes, strict=True))
    return sum(shares, Fraction(0)) / z.size - Fraction(int(w.sum()), z.size) * Fraction(int(z.sum()), z.size)


def _by_group(z: np.ndarray, w: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sizes [g], sums of w [g], and of z [g, traits], exact."""
    _, place = np.unique(group, return_inverse=True)
    n = int(place.max(initial=-1)) + 1
    ws, zs = np.zeros(n, np.int64), np.zeros((n, z.shape[1]), np.int64)
    np.add.at(ws, place, w)
    np.add.at(zs, place, z)
    return np.bincount(place, minlength=n), ws, zs


@dataclass(frozen=True)
class Sums:
    """What Price's equation of several traits over one window is made of: whole numbers.

    Args:
      n, m: ancestors, and who lives at the end.
      heirs: of all ancestors.
      z, wz, offspring, census: sums of z over ancestors, of w z, of z over heirs, and over the census. [traits] each
    """

    n: int
    m: int
    heirs: int
    z: np.ndarray
    wz: np.ndarray
    offspring: np.ndarray
    census: np.ndarray

    @property
    def closes(self) -> np.ndarray:
        """Whether the two sides agree, for each trait. [traits] booleans"""
        # w_bar (Z'/m - Z/n) = (O - W Z / n) / n, times n m: whole numbers
        return self.heirs * self.census == self.m * self.offspring

    def terms(self, k: int, between: Fraction = Fraction(0)) -> Terms:
        """The equation of one trait, in fractions."""
        fitness, before = Fraction(self.heirs, self.n), Fraction(int(self.z[k]), self.n)
        change = fitness * (Fraction(int(self.census[k]), self.m) - before)
        selection = Fraction(int(self.wz[k]), self.n) - fitness * before
        transmission = Fraction(int(self.offspring[k]) - int(self.wz[k]), self.n)
        return Terms(self.n, fitness, change, selection, transmission, between)

    def relative(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Change of the mean, and what selection and transmission make of it: the equation over w_bar. [traits] each"""
        before, heirs = self.z / self.n, max(self.heirs, 1)
        return self.census / self.m - before, self.wz / heirs - before, (self.offspring - self.wz) / heirs


def sums_of(z: np.ndarray, w: np.ndarray, offspring: np.ndarray, census: np.ndarray) -> Sums:
    """The sums of a window.

    Args:
      z: of each ancestor, integers. [n, traits]
      w: how many descend from each, itself included. [n]
      offspring: sum of z over those. [n, traits]
      census: z of all who live at the end, counted independently of `w`. [m, traits]

    Raises:
      ValueError: where nobody lives at the beginning or at the end.
    """
    if not len(z) or not len(census):
        raise ValueError("nobody lives at one end of the window: there is no mean to change")
    z, w, offspring, census = (np.asarray(x).astype(np.int64) for x in (z, w, offspring, census))
    return Sums(len(z), len(census), int(w.sum()), z.sum(0), (w[:, None] * z).sum(0), offspring.sum(0), census.sum(0))


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


@dataclass(frozen=True)
class Heirs:
    """Who lived when a window began, and what became of them.

    Args:
      first: their places among all lives. [n]
      w: how many descend from each, itself included. [n]
      last: the places of all heirs. [heirs]
      heir_of: which of `first` each heir descends from. [heirs]
    """

    first: np.ndarray
    w: np.ndarray
    last: np.ndarray
    heir_of: np.ndarray

    def sums(self, z: np.ndarray, census: np.ndarray, later: np.ndarray | None = None) -> Sums:
        """The sums of a window.

        Args:
          z, later: traits of everybody when it begins, and when it ends (None: they do not change in life).
            [everybody, traits]
          census: of all who live at its end. [m, traits]
        """
        offspring = np.zeros((self.first.size, z.shape[1]), np.int64)
        np.add.at(offspring, self.heir_of, (z if later is None else later)[self.last].astype(np.int64))
        return sums_of(z[self.first], self.w, offspring, census)

    def between(self, z: np.ndarray, group: np.ndarray) -> np.ndarray:
        """The part of selection, over w_bar, that lies between groups.

        Args:
          z: of everybody. [everybody, traits]
          group: of each ancestor. [n]

        Returns:
          [traits].
        """
        of_first = z[self.first].astype(np.int64)
        sizes, ws, zs = _by_group(of_first, self.w, group)
        heirs = max(int(self.w.sum()), 1)
        return (ws[:, None] * zs / sizes[:, None]).sum(axis=0) / heirs - of_first.sum(axis=0) / len(of_first)


def heirs(who: Lives, since: int, until: int) -> Heirs:
    """The ancestors at the end of one tick, and their heirs at the end of another."""
    first = np.flatnonzero(who.alive_at(since))
    at = ancestors(who, since)
    last = np.flatnonzero(who.alive_at(until) & (at >= 0))
    heir_of = np.searchsorted(first, at[last])
    return Heirs(first, np.bincount(heir_of, minlength=first.size), last, heir_of)


def window(
    who: Lives, z: np.ndarray, since: int, until: int, census: np.ndarray, groups: np.ndarray | None = None
) -> list[Terms]:
    """Price's equation of several traits between the ends of two ticks, in fractions.

    Args:
      z: of each individual, integers. [n, traits]
      census: z of all who live at the end of `until`. [m, traits]
      groups: of each individual, of whom those who live at `since` are taken. [n]
    """
    of = heirs(who, since, until)
    sums = of.sums(z, census)
    parts = [Fraction(0)] * z.shape[1]
    if groups is not None:
        parts = [between(z[of.first, k], of.w, groups[of.first]) for k in range(z.shape[1])]
    return [sums.terms(k, part) for k, part in enumerate(parts)]


def indicators(labels: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Categories as numbers: 1 where a label is of that kind. Labels [n], kinds [k]; [n, k]"""
    return (labels[:, None] == kinds[None, :]).astype(np.int64)


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


__all__ = [
    "Heirs",
    "Sums",
    "Terms",
    "ancestors",
    "between",
    "hamilton",
    "heirs",
    "indicators",
    "price",
    "sums_of",
    "window",
]
