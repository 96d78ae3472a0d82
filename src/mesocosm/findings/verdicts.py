"""From claims and the values of replicates to findings: the one place where a result is called shown.

Verdicts on a claimed effect, in its declared direction: supported (the interval lies above delta), refuted (below
-delta), equivalent (the inner interval lies within ±delta: two one-sided tests, D. J. Schuirmann, J. Pharmacokinet.
Biopharm. 15, 1987), else undecided. With m declared claims intervals are at 1 - .05 / m, so that all of them hold at
once with probability .95.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, bdtrc

from mesocosm.findings.claim import ALPHA, Claim, Finding, Verdict, factor, floor_replicates
from mesocosm.findings.intervals import default_interval, is_constant, mean_interval, wilson_interval
from mesocosm.findings.multiplicity import benjamini_hochberg, holm
from mesocosm.findings.outcomes import plain
from mesocosm.findings.permutation import DRAWS, EXACT_UP_TO, sign_flip
from mesocosm.findings.power import replicates_needed, replicates_needed_for_fraction


class Bounds(NamedTuple):
    """An estimate, its interval at 1 - alpha, and the inner one at 1 - 2 alpha; infinite where a bound is not known."""

    estimate: float
    low: float
    high: float
    inner_low: float
    inner_high: float


@dataclass(frozen=True)
class Sample:
    """The values of one claim.

    Args:
      used: those that are finite.
      n_infinite: those that are not, but are there.
      n_family: claims declared together; 1 for an exploratory one.
    """

    claim: Claim
    used: np.ndarray
    n_started: int
    n_infinite: int
    n_family: int

    @property
    def alpha(self) -> float:
        return ALPHA / self.n_family

    @property
    def n(self) -> int:
        """What an interval counts: for a fraction all that were started."""
        return self.n_started if self.claim.kind == "fraction" else self.used.size

    @property
    def n_holding(self) -> int:
        """For a fraction: what has no value counts against the claim."""
        missing = self.n_started - self.used.size
        return round(self.used.sum()) + (missing if self.claim.direction < 0 else 0)

    @property
    def n_right(self) -> int:
        if self.claim.kind == "fraction":
            return self.n_holding if self.claim.direction > 0 else self.n_started - self.n_holding
        return int((self.claim.direction * self.used > 0).sum())

    @property
    def sd(self) -> float:
        scale = float(np.abs(self.used).max(initial=0)) or 1.0
        return float((self.used / scale).std(ddof=1)) * scale if self.used.size > 1 else 0.0

    @property
    def has_interval(self) -> bool:
        if self.claim.kind == "fraction":
            return self.used.size > 0
        return self.used.size >= 2 and not bool(is_constant(self.used))


def judge(
    claims: Sequence[Claim],
    values: Mapping[str, ArrayLike],
    n_started: int,
    n_survived: int | None = None,
    seed: int = 0,
    n_declared: int | None = None,
) -> list[Finding]:
    """Hold claims against a run.

    Args:
      claims: with different names.
      values: for each claim `[n_started]`: the effect in each replicate (its difference to its control; the logarithm
        of a ratio; 0 or 1), NaN where the replicate has none. Such a replicate stays in every count; for a fraction it
        counts against the claim.
      n_started: replicates started.
      n_survived: that lived to the end; by default those with a value of any claim.
      seed: of the resamples and of the drawn signs.
      n_declared: declared claims of the run, if there are more than are judged here.

    Returns:
      A finding for each claim, in order. No value, however odd, raises or gives a NaN; notes say what is wrong.

    Raises:
      ValueError: for claims without values, values of another length, or a fraction of other values than 0 and 1.

    >>> claim = Claim("climbs", "they climb", "the shadow genome", "slope", delta=0.1)
    >>> judge([claim], {"climbs": [0.5, 0.7, 0.6, 0.8, 0.4, 0.6, 0.7, float("nan")]}, 8)[0].words()
    'supported: +0.61 [0.49, 0.74] above the shadow genome (7 of 8 replicates; sign right in 7)'
    """
    if len({c.name for c in claims}) < len(claims):
        raise ValueError(f"claims: two have the same name: {', '.join(sorted(c.name for c in claims))}")
    n_here = sum(c.declared for c in claims)
    n_family = max(1, n_here, n_declared or 0)
    samples = [_sample(c, values, n_started, n_family if c.declared else 1) for c in claims]
    if n_survived is None:
        n_survived = _n_with_a_value(claims, values) if claims else n_started
    p = _all_p(samples, seed)
    rows = zip(samples, _all_bounds(samples, seed), p, _adjusted(samples, p, n_family - n_here), strict=True)
    return [finding(s, b, s.sd, n_survived, s.n_right, _method(s), q, a) for s, b, q, a in rows]


def _n_with_a_value(claims: Sequence[Claim], values: Mapping[str, ArrayLike]) -> int:
    return int(np.any([np.isfinite(np.asarray(values[c.name], float)) for c in claims], axis=0).sum())


def _sample(claim: Claim, values: Mapping[str, ArrayLike], n_started: int, n_family: int) -> Sample:
    if claim.name not in values:
        raise ValueError(f"values: none for claim {claim.name!r}; there are {', '.join(values) or 'no others'}")
    x = np.asarray(values[claim.name], float)
    if x.shape != (n_started,):
        raise ValueError(f"values of {claim.name!r}: shape {x.shape}; must be ({n_started},), one for each replicate")
    used = x[np.isfinite(x)]
    if claim.kind == "fraction" and not np.all((used == 0) | (used == 1)):
        raise ValueError(f"values of {claim.name!r}: must be 0, 1 or NaN, for its kind is fraction")
    return Sample(claim, used, n_started, int(np.isinf(x).sum()), n_family)


def _all_bounds(samples: Sequence[Sample], seed: int) -> list[Bounds | None]:
    """Intervals of all samples; up to 64 of equal n in one call, which bounds what resamples take to some 30 MiB."""
    out: list[Bounds | None] = [None] * len(samples)
    groups: dict[int, list[int]] = {}
    for k, s in enumerate(samples):
        if s.has_interval and s.claim.kind == "fraction":
            confidence = np.array([1 - s.alpha, 1 - 2 * s.alpha])
            estimate, low, high = wilson_interval(s.n_holding, s.n, confidence)
            out[k] = Bounds(float(estimate), float(low[0]), float(high[0]), float(low[1]), float(high[1]))
        elif s.has_interval:
            groups.setdefault(s.n, []).append(k)
    calls = [members[k : k + 64] for members in groups.values() for k in range(0, len(members), 64)]
    for members in calls:
        values = np.stack([samples[k].used for k in members])
        alphas = np.array([samples[k].alpha for k in members])
        both = mean_interval(np.stack([values, values]), np.stack([1 - alphas, 1 - 2 * alphas]), seed)
        for k, row in enumerate(members):
            ends = (both.low[0, k], both.high[0, k], both.low[1, k], both.high[1, k])
            out[row] = Bounds(float(both.estimate[0, k]), *map(float, ends))
    return out


def _all_p(samples: Sequence[Sample], seed: int) -> list[float | None]:
    means = [s.used for s in samples if s.claim.kind != "fraction" and s.used.size]
    rows = np.full((len(means), max((x.size for x in means), default=0)), np.nan)
    for row, x in zip(rows, means, strict=True):
        row[: x.size] = x
    flipped = iter(sign_flip(rows, seed) if means else ())
    out: list[float | None] = []
    for s in samples:
        is_flipped = s.claim.kind != "fraction" and s.used.size
        out.append(float(next(flipped)) if is_flipped else _binomial(s) if s.used.size else None)
    return out


def _binomial(s: Sample) -> float:
    """Twice the smaller exact tail under the stated fraction."""
    upto = float(bdtr(s.n_holding, s.n, s.claim.delta))
    from_there = float(bdtrc(s.n_holding - 1, s.n, s.claim.delta)) if s.n_holding else 1.0
    return min(1.0, 2 * min(upto, from_there))


def _adjusted(samples: Sequence[Sample], p: Sequence[float | None], n_elsewhere: int) -> list[float | None]:
    """What has no p takes its place in the family, and has none afterwards."""
    out: list[float | None] = [None] * len(samples)
    for declared, adjust, n_more in ((True, holm, n_elsewhere), (False, benjamini_hochberg, 0)):
        members = [k for k, s in enumerate(samples) if s.claim.declared == declared]
        family = [1.0 if (q := p[k]) is None else q for k in members] + [1.0] * n_more
        for k, q in zip(members, adjust(family), strict=False):
            out[k] = None if p[k] is None else float(q)
    return out


def _method(s: Sample) -> str:
    if s.claim.kind == "fraction":
        return "Wilson interval; exact binomial test"
    flips = "sign flips, all" if s.n <= EXACT_UP_TO else f"sign flips, {DRAWS} drawn"
    name = {"t": "t interval", "wider": "t or bootstrap-t interval, the wider"}[default_interval(s.n)]
    return f"{name}, over replicates; {flips}"


def finding(
    s: Sample,
    bounds: Bounds | None,
    sd: float,
    n_survived: int,
    n_right: int | None,
    method: str,
    p: float | None,
    p_adjusted: float | None,
) -> Finding:
    """Verdict, words and plain values for one claim; `sd` sqrt(1 / n) is the standard error of the estimate."""
    c = s.claim
    floor = floor_replicates(s.n_family)
    verdict = verdict_of(c, bounds) if bounds is not None and s.n >= floor else "undecided"
    shown = bounds or Bounds(float(s.used[0]) if s.used.size else math.nan, *[math.nan] * 4)
    if c.kind == "ratio":
        shown = Bounds(*(factor(v) for v in shown))
    estimate, *ends = (plain(v) for v in shown)
    return Finding(
        **c.to_dict(),
        estimate=estimate,
        low=ends[0],
        high=ends[1],
        confidence=1 - s.alpha,
        inner_low=ends[2],
        inner_high=ends[3],
        n_started=s.n_started,
        n_survived=n_survived,
        n_used=s.used.size,
        n_right=n_right,
        verdict=verdict,
        p=p,
        p_adjusted=p_adjusted,
        method=method,
        still_needed=_still_needed(s, bounds, sd, floor) if verdict == "undecided" else None,
        note=" ".join(_notes(s, bounds, floor)),
    )


def verdict_of(claim: Claim, b: Bounds) -> Verdict:
    """The rule, on the scale of the values."""
    low, high = (b.low, b.high) if claim.direction > 0 else (-b.high, -b.low)
    if claim.kind == "fraction":
        stated = claim.direction * claim.delta
        return "supported" if low > stated else "refuted" if high < stated else "undecided"
    delta = _threshold(claim)
    if low > delta:
        return "supported"
    if high < -delta:
        return "refuted"
    return "equivalent" if -delta < b.inner_low and b.inner_high < delta else "undecided"


def _threshold(claim: Claim) -> float:
    """The smallest effect that matters, on the scale of the values."""
    return math.log(claim.delta) if claim.kind == "ratio" else claim.delta


def _still_needed(s: Sample, bounds: Bounds | None, sd: float, floor: int) -> int | None:
    """How many more must be started for support with 80 % chance, if what is seen is true and as many die as did."""
    needed: int | None = None
    if s.claim.expects == "equivalent":
        return None
    if bounds is not None and s.claim.kind == "fraction":
        needed = replicates_needed_for_fraction(
            bounds.estimate, s.claim.delta, 1 - s.alpha, s.claim.direction, at_least=floor
        )
    elif bounds is not None:
        effect = s.claim.direction * bounds.estimate
        needed = replicates_needed(effect, sd, 1 - s.alpha, _threshold(s.claim), at_least=floor)
    if needed is None:  # without an interval, or towards the other side
        return floor - s.n if 0 < s.n < floor and bounds is None and s.n_right == s.n else None
    if s.claim.kind != "fraction" and s.used.size:
        needed = math.ceil(needed * s.n_started / s.used.size)
    return max(1, needed - s.n_started)


def _notes(s: Sample, bounds: Bounds | None, floor: int):
    """Plain sentences on what is missing or degenerate."""
    n, used, started = s.n, s.used.size, s.n_started
    if not started:
        yield "No replicate was started."
        return
    if s.n_infinite:
        yield f"{s.n_infinite} of {started} values are infinite and are not used."
    if not used:
        yield f"None of the {started} replicates has a value: there is nothing to judge."
        return
    if s.claim.kind == "fraction" and used < started:
        yield f"{started - used} of {started} replicates have no value and count against the claim."
    elif used < started:
        yield f"{started - used} of {started} replicates have no value; the mean is over the other {used}."
    if used == 1 and s.claim.kind != "fraction":
        yield "One value does not tell how values differ."
    elif bounds is None:
        if s.claim.is_difference and s.used[0] == 0:
            yield f"In all {used} replicates with a value there is no difference: nothing to compare."
        else:
            yield f"All {used} values are {s.used[0]:.6g}: without spread there is no interval."
            yield "If the replicates have seeds of their own and this is right, state the claim as a fraction."
    if started < s.claim.replicates:
        yield f"The claim is stated for {s.claim.replicates} replicates; fewer may refute it and need not support it."
    if n < floor:
        yield f"{n} {'value' if n == 1 else 'values'}: with fewer than {floor} replicates nothing can be significant."
    if bounds is not None and not np.all(np.isfinite(bounds)):
        yield "A bound could not be found: nearly all values are the same, or too large to compute with."
