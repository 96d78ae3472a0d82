"""Progress without a score: the present plays against the past, and the outcomes are split into order and cycles.

Scores of matches between n snapshots fill an antisymmetric matrix A. With `s_i = mean_j A_ij`, `G_ij = s_i - s_j` and
`C = A - G` it is `|A|^2 = |G|^2 + |C|^2`, for G and C are orthogonal (HodgeRank: X. Jiang, L.-H. Lim, Y. Yao and Y. Ye,
Math. Program. 127, 2011). G is order: the slope of the potential s over time is progress. C is chase: who beats whom
goes in circles. Noise alone has a gradient share of 2/n, so squares are estimated from two independent halves A', A" of
the matches: `<G', G">`, `<C', C">` and the noise `|A' - A"|^2 / 4` are unbiased and add up to `|(A' + A") / 2|^2`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from mesocosm.findings.claim import Claim, Finding
from mesocosm.findings.hodge import hodge, square_without_noise
from mesocosm.findings.intervals import in_unit, is_constant, mean_interval, unit_of
from mesocosm.findings.outcomes import plain_lists
from mesocosm.findings.verdicts import judge

Snapshot = TypeVar("Snapshot")
HALVES = 2
"""Independent sets of matches: the least that gives unbiased squares."""


class Split(NamedTuple):
    """Mean squares over the matches of a replicate, in squared units of the score; NaN without two snapshots.

    `gradient` and `cyclic` are unbiased, so they can be negative. [replicates] each
    """

    gradient: np.ndarray
    cyclic: np.ndarray
    noise: np.ndarray


@dataclass(frozen=True)
class Tournament:
    """All matches between snapshots.

    Args:
      times: [n], when each snapshot was taken.
      scores: [2, replicates, n, n], antisymmetric: what row wins against column in each half of the matches; NaN where
        there is no score, 0 on the diagonal.
      statuses: how many matches ended how.
      time_unit, score_unit: in words.
    """

    times: np.ndarray
    scores: np.ndarray
    statuses: dict[str, int] = dataclasses.field(default_factory=dict)
    time_unit: str = "ticks"
    score_unit: str = ""

    def __post_init__(self) -> None:
        n = self.times.size
        if self.times.ndim != 1 or not np.all(np.isfinite(self.times)):
            raise ValueError(f"times = {self.times}: must be a list of finite numbers, one for each snapshot")
        if self.scores.ndim != 4 or self.scores.shape[0] != HALVES or self.scores.shape[2:] != (n, n):
            raise ValueError(f"scores: shape {self.scores.shape}; must be ({HALVES}, replicates, {n}, {n})")
        if np.isinf(self.scores).any():
            raise ValueError("scores: some are infinite; a match without a score is NaN")
        if not np.array_equal(self.scores, -np.swapaxes(self.scores, 2, 3), equal_nan=True):
            raise ValueError("scores: are not antisymmetric")

    @property
    def replicates(self) -> int:
        """How many independent replicates met."""
        return self.scores.shape[1]

    def present(self) -> np.ndarray:
        """Which snapshots count in each replicate: those left when whoever misses most matches is taken out first.

        [replicates, n] booleans; the left have all their matches with each other, in both halves.
        """
        missing = np.isnan(self.scores[0]) | np.isnan(self.scores[1])
        out = np.ones(missing.shape[:2], bool)
        for gaps, kept in zip(missing, out, strict=True):
            while (counts := (gaps & kept).sum(axis=1) * kept).any():
                kept[counts.size - 1 - int(np.argmax(counts[::-1]))] = False  # of equals the youngest
        return out

    def potentials(self) -> np.ndarray:
        """What a snapshot wins on average against all (itself with 0): [replicates, n], NaN where it does not count."""
        mean = self._mean()
        out = np.full(mean.shape[:2], np.nan)
        for r, kept in enumerate(self.present()):
            if (n := kept.sum()) >= 2:
                out[r, kept] = (mean[r][np.ix_(kept, kept)] / n).sum(axis=1)
        return out

    def _mean(self) -> np.ndarray:
        """Over both halves; sums of the largest numbers leave the range of floats."""
        return self.scores[0] / 2 + self.scores[1] / 2

    def slopes(self) -> np.ndarray:
        """Least-squares slope of the potential over time, score per unit of time. [replicates], NaN without two times.

        The replicate is the unit: one lineage that drifts also differs over time, by accident.
        """
        out = np.full(self.replicates, np.nan)
        for r, potential in enumerate(self.potentials()):
            kept = np.isfinite(potential)
            if kept.any() and (spread := self.times[kept] - self.times[kept].mean()).any():
                unit = unit_of(potential[kept])
                out[r] = np.ldexp(spread @ in_unit(potential[kept], unit) / (spread @ spread), unit)
        return out

    def split(self) -> Split:
        """Order, cycles and noise of each replicate."""
        rows = np.full((3, self.replicates), np.nan)
        for r, kept in enumerate(self.present()):
            n = int(kept.sum())
            if n >= 2:
                halves = self.scores[:, r][:, kept][:, :, kept]
                size = float(np.abs(halves).max()) or 1.0  # squares of huge scores leave the range of floats
                gradient, cyclic = hodge(halves / size)
                noise = float(((halves[0] / size - halves[1] / size) ** 2).sum()) / 4
                squares = np.array([square_without_noise(gradient), square_without_noise(cyclic), noise])
                with np.errstate(over="ignore", under="ignore"):
                    rows[:, r] = squares / (n * (n - 1)) * size * size
        return Split(*rows)

    def matrix(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean over replicates and its 95 % interval, [n, n] each; NaN where too few have a score."""
        return _over_replicates(self._mean())

    def findings(self, seed: int = 0) -> list[Finding]:
        """Whether there is progress, an order, a chase: exploratory, over replicates."""
        found = self.split()
        values = {"progress": self.slopes(), "order": found.gradient, "chase": found.cyclic}
        unit = f"{self.score_unit}, each {self.time_unit}" if self.score_unit else f"per {self.time_unit}"
        rows = (
            ("progress", "later snapshots beat earlier ones", "slope of the potential over time", unit),
            ("order", "outcomes follow an order", "mean square of the gradient part, from two halves", ""),
            ("chase", "outcomes go in circles", "mean square of the cyclic part, from two halves", ""),
        )
        claims = [
            Claim(name, words, "no difference", statistic, 0.0, unit=unit, declared=False)
            for name, words, statistic, unit in rows
        ]
        return judge(claims, values, self.replicates, seed=seed)

    def sentence(self) -> str:
        """The answer first: is it progress, or only chase?"""
        present = self.present().sum(axis=1)
        if not (present >= 2).any():
            return "There is no tournament: no replicate has two snapshots that could meet."
        progress, order, chase = self.findings()
        verdict = {"supported": "Progress", "refuted": "Decline"}.get(progress.verdict, "No progress is seen")
        if np.nanmax(np.abs(self.scores)) == 0:
            verdict = "All matches are ties"
        shares = [f"{name} {f.estimate:.3g}" for name, f in (("order", order), ("cycles", chase)) if f.estimate]
        squares = f" Mean squares: {', '.join(shares)}, noise {np.nanmean(self.split().noise):.3g}." if shares else ""
        return f"{verdict} ({progress.words()}).{squares}"

    def to_dict(self) -> dict[str, Any]:
        """All results as plain values; what is not there is None."""
        matrix = [plain_lists(part) for part in self.matrix()]
        return {
            "sentence": self.sentence(),
            "times": self.times.tolist(),
            "replicates": self.replicates,
            "units": {"time": self.time_unit, "score": self.score_unit},
            "statuses": self.statuses,
            "matrix": dict(zip(("mean", "low", "high"), matrix, strict=True)),
            "potentials": plain_lists(self.potentials()),
            "slopes": plain_lists(self.slopes()),
            "split": {name: plain_lists(row) for name, row in self.split()._asdict().items()},
            "findings": [finding.to_dict() for finding in self.findings()],
        }


def tournament(
    snapshots: Sequence[Snapshot],
    meet: Callable[[Snapshot, Snapshot, int], ArrayLike],
    times: Sequence[float] | None = None,
    time_unit: str = "snapshots",
    score_unit: str = "",
) -> Tournament:
    """Let all pairs meet, under both assignments of the marks, in two independent halves.

    Args:
      snapshots: anything: populations, players, rules.
      meet: `meet(a, b, half)`, what a wins against b: a number, or one for each replicate; NaN where there is no score.
        It is asked for (a, b) and (b, a), whose half difference counts, so an advantage of the first mark cancels.
        What is random in it must be independent in halves 0 and 1.
      times: when each snapshot was taken (default: their numbers).

    Raises:
      ValueError: for no snapshots, times of another number, or scores of another shape from match to match.

    >>> strength = [0.0, 1.0, 2.0, 3.0]
    >>> found = tournament(strength, lambda a, b, half: a - b)
    >>> found.slopes().tolist(), found.split().cyclic.tolist()
    ([1.0], [0.0])
    """
    n = len(snapshots)
    if n == 0:
        raise ValueError("snapshots: there are none; one at least")
    when = np.arange(n, dtype=float) if times is None else np.asarray(times, float)
    if when.shape != (n,):
        raise ValueError(f"times: {when.size} for {n} snapshots; must be one each")
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    first = [[np.atleast_1d(np.asarray(meet(snapshots[i], snapshots[j], h), float)) for i, j in pairs] for h in (0, 1)]
    other = [[np.atleast_1d(np.asarray(meet(snapshots[j], snapshots[i], h), float)) for i, j in pairs] for h in (0, 1)]
    shapes = {x.shape for both in (first, other) for half in both for x in half} or {(1,)}
    if len(shapes) > 1 or len(next(iter(shapes))) > 1:
        raise ValueError(f"meet: gave scores of shapes {sorted(shapes)}; must be one number, or one a replicate")
    if not pairs:
        return Tournament(when, np.zeros((HALVES, 1, n, n)), {}, time_unit, score_unit)
    return from_pairs(when, np.array(first), np.array(other), time_unit=time_unit, score_unit=score_unit)


def from_pairs(
    times: np.ndarray,
    first: np.ndarray,
    other: np.ndarray,
    statuses: dict[str, int] | None = None,
    time_unit: str = "ticks",
    score_unit: str = "",
) -> Tournament:
    """A tournament from the scores of its pairs i < j, in the order (0, 1), (0, 2) ... (n - 2, n - 1).

    Args:
      first: [2, pairs, replicates], what i wins as the first; what is not finite is no score.
      other: the same, what j wins as the first.
      statuses: how many matches ended how (default: counted here as met, tie, or without a score).
    """
    n = times.size
    if first.shape != other.shape or first.ndim != 3 or first.shape[1] != n * (n - 1) // 2:
        raise ValueError(f"first, other: shapes {first.shape}, {other.shape}; must be (2, {n * (n - 1) // 2}, ...)")
    first, other = (np.where(np.isfinite(x), x, np.nan) for x in (first, other))
    mean = first / 2 - other / 2
    if statuses is None:
        both = np.stack([first, other])
        n_tied, n_none = int((both == 0).sum()), int(np.isnan(both).sum())
        counts = {"met": both.size - n_tied - n_none, "tie": n_tied, "no score": n_none}
        statuses = {name: count for name, count in counts.items() if count}
    scores = np.zeros((HALVES, first.shape[2], n, n))
    i, j = np.triu_indices(n, 1)
    scores[:, :, i, j] = np.swapaxes(mean, 1, 2)
    scores[:, :, j, i] = -scores[:, :, i, j]
    return Tournament(times, scores, statuses, time_unit, score_unit)


def _over_replicates(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and 95 % interval over the first axis of [replicates, n, n]; each cell over the values that it has."""
    mean, low, high = (np.full(values.shape[1:], np.nan) for _ in range(3))
    for i, j in np.ndindex(*values.shape[1:]):
        x = values[:, i, j][np.isfinite(values[:, i, j])]
        if x.size:
            mean[i, j] = (x / x.size).sum()
        if i < j and x.size >= 2 and not is_constant(x):
            interval = mean_interval(x)
            low[i, j], high[i, j] = interval.low, interval.high
            low[j, i], high[j, i] = -high[i, j], -low[i, j]
    return mean, low, high
