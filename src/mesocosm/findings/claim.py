"""What is claimed before a run, and what was found by it. Declarations import this: plain Python only."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mesocosm.record.configuration import from_plain

Kind = Literal["mean", "ratio", "fraction"]
Verdict = Literal["supported", "refuted", "equivalent", "undecided"]

ALPHA = 0.05
"""Probability that any declared claim of a run is wrongly supported or refuted."""


@dataclass(frozen=True)
class Claim:
    """One statement about replicates that a run can support or refute.

    Args:
      name: a short word, as in `--require NAME=VERDICT`.
      sentence: what is claimed, in words.
      control: against what, in words that can follow "above": "the shadow genome".
      statistic: what is computed in each replicate, in words.
      delta: the smallest effect that matters. Kind "mean": in the unit of the statistic, 0 or more. Kind "ratio": a
        factor above 1, while the values are natural logarithms of ratios. Kind "fraction": the stated fraction, in
        0 ... 1; values are 1 where the statement holds in a replicate and 0 where not.
      direction: +1 for above the control (at least the stated fraction), -1 for below (at most).
      kind: what is estimated.
      unit: of the statistic, where it has one.
      declared: before the run; else the claim is exploratory and labelled so.
      replicates: how many the claim is stated for, where a run may start fewer than can support it; 0: for any number.
      expects: the verdict that is predicted: "supported", or "equivalent" where what is claimed should not differ.
      value: how the statistic is computed, no part of the claim's identity: a `Statistic`, or a function of the record
        and of the runs that follow it, by name, giving one number a replicate (its attribute `reads`, where it has one,
        names those that it reads).

    Raises:
      ValueError: naming the field, its value and what is permitted.
    """

    name: str
    sentence: str
    control: str
    statistic: str
    delta: float
    direction: int = 1
    kind: Kind = "mean"
    unit: str = ""
    declared: bool = True
    replicates: int = 0
    expects: Literal["supported", "equivalent"] = "supported"
    value: Any = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][\w-]*", self.name):
            raise ValueError(f"name = {self.name!r}: must be one word of letters, digits, - and _")
        if self.kind not in ("mean", "ratio", "fraction"):
            raise ValueError(f"{self.name}: kind = {self.kind!r}: must be mean, ratio or fraction")
        if self.direction not in (1, -1):
            raise ValueError(f"{self.name}: direction = {self.direction!r}: must be 1 or -1")
        if self.replicates < 0:
            raise ValueError(f"{self.name}: replicates = {self.replicates}: must be 0 or more")
        if self.expects not in ("supported", "equivalent") or (
            self.expects == "equivalent" and self.kind == "fraction"
        ):
            raise ValueError(
                f"{self.name}: expects = {self.expects!r}: must be supported, or equivalent for mean or ratio"
            )
        permitted = {
            "mean": (self.delta >= 0, "0 or more"),
            "ratio": (self.delta > 1, "a factor above 1"),
            "fraction": (0 < self.delta < 1, "above 0 and below 1"),
        }
        is_permitted, words = permitted[self.kind]
        if not (is_permitted and math.isfinite(self.delta)):
            raise ValueError(f"{self.name}: delta = {self.delta}: must be {words} for kind {self.kind}")

    @property
    def is_difference(self) -> bool:
        """Whether 0 says that a replicate is as its control: not of a fraction or of a measure held against nothing."""
        return self.kind != "fraction" and getattr(self.value, "against", self.control) is not None

    def to_dict(self) -> dict[str, Any]:
        """All that is claimed as plain values, to be stored and hashed before the run."""
        aside = {"value"} | ({"expects"} if self.expects == "supported" else set())  # claims of before had no such word
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in aside}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Claim:
        """From what `to_dict` gave."""
        return from_plain(Claim, values, "a claim that was kept")


def floor_replicates(n_declared: int = 1) -> int:
    """The smallest n with 2^(1 - n) <= .05 / m: with fewer replicates not even equal signs in all are significant.

    >>> [floor_replicates(m) for m in (1, 2, 3, 4)]
    [6, 7, 7, 8]
    """
    if n_declared < 0:
        raise ValueError(f"n_declared = {n_declared}: must be 0 or more")
    n = 1
    while 2.0 ** (1 - n) > ALPHA / max(1, n_declared):
        n += 1
    return n


def factor(log_ratio: float) -> float:
    """The ratio of this logarithm; factors beyond the range of floats are given as its end."""
    return math.exp(min(log_ratio, 709.0)) if log_ratio < math.inf else math.inf


@dataclass(frozen=True)
class Finding:
    """A claim, held against a run. Every number is finite or None.

    Args:
      name, sentence, kind, unit, control, statistic, delta, direction, declared: of the claim.
      estimate, low, high: in the unit of the statistic; factors for kind "ratio". A bound that could not be found is
        None.
      confidence: of [low, high]: 1 - .05 / m with m declared claims, 0.95 for an exploratory one.
      inner_low, inner_high: the narrower interval, at 1 - .1 / m, that must lie within delta for "equivalent".
      n_started: replicates started; n_survived: that lived to the end; n_used: that have a value.
      n_right: how many have the predicted sign (kind "fraction": agree with the claim); None where there is no pairing.
      verdict: supported | refuted | equivalent | undecided.
      p: two-sided; p_adjusted: Holm's among the declared, Benjamini and Hochberg's among the exploratory.
      method: which interval and which test, in words.
      still_needed: how many more replicates would have to be started for a fair chance (80 %) of support, were what is
        seen the truth; None where they would not help.
      note: plain sentences that a reader must know: what is missing, what is degenerate.
      replicates: for how many the claim is stated; 0: for any number.
      expects: the verdict that the claim predicts.
    """

    name: str
    sentence: str
    kind: Kind
    unit: str
    control: str
    statistic: str
    delta: float
    direction: int
    declared: bool
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float
    inner_low: float | None
    inner_high: float | None
    n_started: int
    n_survived: int
    n_used: int
    n_right: int | None
    verdict: Verdict
    p: float | None
    p_adjusted: float | None
    method: str
    still_needed: int | None
    note: str
    replicates: int = 0
    expects: str = "supported"

    @property
    def shown(self) -> tuple[float | None, float | None, float]:
        """Low, high and confidence of the interval by which the verdict was given: for "equivalent" the inner one."""
        return shown_interval(vars(self))

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain values; valid JSON."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Finding:
        """From what `to_dict` gave."""
        return from_plain(Finding, values, "a finding that was kept")

    def __repr__(self) -> str:
        return f"Finding({self.name}: {self.words()})"

    def words(self, noun: str = "replicates") -> str:
        """One plain sentence: verdict, estimate, interval, control, counts."""
        label = self.verdict if self.declared else f"exploratory, {self.verdict}"
        if self.estimate is None or (self.low is None and self.high is None):
            return f"{label}: {self.note}"
        said = self._fraction(noun) if self.kind == "fraction" else self._effect(noun)
        more = f"; about {self.still_needed} more {noun} needed" if self.still_needed else ""
        return f"{label}: {said}{more}"

    def _fraction(self, noun: str) -> str:
        n_holds = round((self.estimate or 0) * self.n_started)
        bound = "at least" if self.direction > 0 else "at most"
        interval = show_interval(self.estimate, self.low, self.high)
        return f"{n_holds} of {self.n_started} {noun}, {interval}, stated: {bound} {self.delta:g}"

    def _effect(self, noun: str) -> str:
        counts = f"{self.n_used} of {self.n_started} {noun}"
        if self.n_right is not None and self.expects == "supported":
            counts += f"; sign right in {self.n_right}"
        unit = f" {self.unit}" if self.unit else ""
        is_ratio = self.kind == "ratio"
        nothing = 1 if is_ratio else 0
        low, high, _ = self.shown
        within = ""
        if self.verdict == "equivalent":
            within = f", within {'a factor of ' if is_ratio else '±'}{self.delta:g}{unit}"
        interval = show_interval(self.estimate, low, high, unit, not is_ratio, is_ratio)
        if is_ratio:
            return f"{interval} times {self.control}{within} ({counts})"
        side = {True: "above", False: "below"}.get((self.estimate or 0) > nothing, "against")
        side = "against" if self.verdict == "equivalent" or self.estimate == nothing else side
        return f"{interval} {side} {self.control}{within} ({counts})"


def shown_interval(finding: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Low, high and confidence of the interval by which the verdict of a finding was given, from its plain values."""
    low, high, confidence = (finding.get(name) for name in ("low", "high", "confidence"))
    if finding.get("verdict") != "equivalent" or finding.get("inner_low") is None:
        return low, high, confidence
    return finding["inner_low"], finding["inner_high"], None if confidence is None else 2 * confidence - 1


def decimals_of(width: float) -> int:
    """Decimals that an interval of this width deserves: two digits of it; 3 where it has none.

    >>> decimals_of(0.18), decimals_of(0.075), decimals_of(42.0), decimals_of(0.0)
    (2, 3, 0, 3)
    """
    return max(0, 1 - math.floor(math.log10(width))) if 0 < width < math.inf else 3


def show_interval(
    estimate: float | None,
    low: float | None,
    high: float | None,
    unit: str = "",
    signed: bool = False,
    is_ratio: bool = False,
) -> str:
    """`+0.67 [0.58, 0.76]`: as many digits as the width of the interval deserves (two of it).

    A wide interval of a ratio keeps three digits below 100: on which side of 1 its ends lie is what is asked.

    >>> show_interval(0.6712, 0.5809, 0.7615, signed=True)
    '+0.67 [0.58, 0.76]'
    >>> show_interval(1234.5, 1100.0, None, " quanta")
    '1234 quanta [1100, no bound]'
    >>> show_interval(15.2, 1.2567, 119.4, is_ratio=True)
    '15.2 [1.26, 119]'
    """
    known = [v for v in (estimate, low, high) if v is not None]
    width = (max(known) - min(known)) if known else 0.0
    decimals = decimals_of(width)
    largest = max(map(abs, known), default=0.0)
    plain = decimals <= 6 and largest < 1e7

    def show(value: float | None, sign: str = "") -> str:
        if value is None:
            return "no bound"
        if is_ratio and decimals <= 0 and abs(value) < 100:
            return f"{value:.3g}"
        text = f"{value:{sign}.{decimals}f}" if plain else f"{value:{sign}.4g}"
        return text if float(text) else text.lstrip("+-")  # a rounded zero has no sign

    return f"{show(estimate, '+' if signed else '')}{unit} [{show(low)}, {show(high)}]"
