"""What scoring finds: effects by context, by level and over all; the ranking; the table that holds them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from mesocosm.findings import Finding
from mesocosm.studies.shares import Share


@dataclass(frozen=True)
class ContextEffect:
    """The effect of one treatment in one context.

    Args:
      context: task and parts, in words.
      mean, low, high: over its seeds, 95 % (t); None where there are too few.
      wins: share of seeds with the treatment above the control, ties half; where nothing is varied, above 0. None of a
        mean level.
      n: seeds that have a value, of `n_started`.
      verdict: exploratory, of this context alone; "undecided" of a mean level.
      over_all: the same from an interval so wide that those of all contexts and treatments hold at once, with 95 %.
    """

    context: dict[str, Any]
    mean: float | None
    low: float | None
    high: float | None
    wins: float | None
    n: int
    n_started: int
    verdict: str
    over_all: str


@dataclass(frozen=True)
class LevelEffect:
    """The effect of one treatment where another slot has one value: over clusters, exploratory."""

    slot: str
    value: str
    finding: Finding


@dataclass(frozen=True)
class Effect:
    """One treatment against the control, over all contexts.

    Args:
      treatment: in words; where nothing is varied, the metric itself.
      finding: over clusters, the headline; its verdict by the minimal effect, at 95 % for this effect alone.
      p_adjusted: Holm over all treatments of the study; the one number here that depends on how many there are.
      fixed_low, fixed_high: 95 % for the mean over these contexts.
      wins: P(treatment beats control) on the same seed, mean over contexts.
      failures: rows by status, those that are not ok.
      contexts: one a context; `worst` is the one with the least effect in the declared direction.
      levels: for each slot that varies within clusters, the effect at each of its values: does it depend on them?
      is_level: whether it is no effect: nothing is varied, and the metric is no difference. Such a mean has intervals,
        and neither verdicts nor wins nor p.
    """

    treatment: str
    finding: Finding
    p_adjusted: float | None
    estimate: float | None
    fixed_low: float | None
    fixed_high: float | None
    wins: float | None
    failures: dict[str, int]
    contexts: list[ContextEffect]
    worst: ContextEffect | None
    levels: list[LevelEffect]
    is_level: bool = False


@dataclass(frozen=True)
class Ranking:
    """How much of the leaderboard is an order (the Hodge split of who beats whom, see `findings.hodge`).

    A_ij = P(i beats j) - P(j beats i) splits into G_ij = s_i - s_j with s_i = mean_j A_ij, and the rest C.

    Args:
      scores: s by treatment.
      order, cycles: |G|^2 and |C|^2 without what noise adds: products of different contexts only, mean over all pairs.
      raw: |G|^2 / |A|^2 as it is, noise included.
    """

    scores: dict[str, float]
    order: float
    cycles: float
    raw: float


@dataclass(frozen=True)
class Table:
    """What a study found.

    Args:
      n_cells: that the study asks for; n_rows: that are there; by status.
      cluster: what is counted as independent (`task`, `context`, or `cluster` of contexts), and how many there are.
      shares: of the variance of cell means, by slot and pair of slots; empty where the grid is not complete.
    """

    version: int
    n_cells: int
    n_rows: int
    statuses: dict[str, int]
    cluster: str
    n_clusters: int
    effects: list[Effect]
    shares: list[Share]
    ranking: Ranking | None
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain values; valid JSON."""
        return dataclasses.asdict(self)
