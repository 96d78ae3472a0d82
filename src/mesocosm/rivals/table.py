"""From a record of the benchmark to accuracies, rivals tuned for each n, paired differences and the grade. NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesocosm.record import MesocosmError, Record, load
from mesocosm.rivals.learners import CEILING, SPATIAL, is_by_gradient, rivals, spatial

NOT_ASKED = "not asked for"
"""The grade of a run that lacks what is graded."""

DRAWS = 2000
"""Of the bootstrap."""

COUNTS = (10, 20, 50, 100)
"""Examples after which the grade is asked for."""


@dataclass(frozen=True)
class Shown:
    """Test accuracies of one run.

    Args:
      shown: after how many examples [n].
      rules: [rules, streams, n].
      families: rivals by name, each [streams, n], for each n with the setting that was best on validation.
      settings: the name of that setting, for each n.
    """

    shown: np.ndarray
    rules: np.ndarray
    families: dict[str, np.ndarray]
    settings: dict[str, list[str]]


def shown_of(record: Record) -> Shown:
    """The accuracies of a record."""
    c = record.header["configuration"]
    names, validation, test = accuracies(record)
    shown, n_rules = np.array(c["shown"]), len(c["rules"])
    families, settings = tuned(names[n_rules:], validation[n_rules:], test[n_rules:])
    return Shown(shown, test[:n_rules], families, settings)


def accuracies(record: Record) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of learners; accuracy [learners, streams, n] on validation (NaN: not asked for) and on test."""
    c = record.header["configuration"]
    names, log = [*c["rules"], *rivals(c["online"], seeing(c))], record.log("answers")
    shown = np.array(c["shown"])
    stream = log["replicate"].astype(np.int64) * (1 << 31) + log["tick"]
    streams = np.unique(stream)
    values = np.full((2, len(names), streams.size, shown.size), np.nan)
    images = np.where(log["on_test"], c["images"], c["tuned_on"]["images"])
    places = np.searchsorted(shown, log["shown"])
    values[log["on_test"], log["learner"], np.searchsorted(streams, stream), places] = log["hits"] / images
    return names, values[0], values[1]


def seeing(c: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Rivals that know images and took part in a run of this configuration."""
    return spatial(c.get("own_eyes", False)) if c.get("spatial") else {}


def tuned(
    names: list[str], validation: np.ndarray, test: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Test accuracy [streams, n] of each family with the setting that was best on validation for each n, and its name.

    Where validation does not reach n, the setting is that of the largest n it does reach.
    """
    families: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        families.setdefault(name.split("/")[0], []).append(i)
    reached = np.flatnonzero(np.isfinite(validation).any(axis=(0, 1)))
    out, settings = {}, {}
    for family, members in families.items():
        best = []
        for k in range(test.shape[2]):
            at = reached[reached <= k].max(initial=reached.min(initial=0))
            best.append(members[int(validation[members, :, at].mean(axis=1).argmax())])
        out[family] = np.stack([test[i, :, k] for k, i in enumerate(best)], axis=1)
        settings[family] = [names[i].partition("/")[2] for i in best]
    return out, settings


def interval(differences: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """Mean of [rules, streams] and its 95 % interval: rules are drawn, then streams (hierarchical bootstrap)."""
    rng = np.random.default_rng(seed)
    rules, streams = differences.shape
    drawn_rules = rng.integers(0, rules, (DRAWS, rules))
    drawn_streams = rng.integers(0, streams, (DRAWS, streams))
    means = differences[drawn_rules].mean(axis=1)[np.arange(DRAWS)[:, None], drawn_streams].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(differences.mean()), float(low), float(high)


@dataclass(frozen=True)
class Difference:
    """Rules less the best rival of one kind after n examples, in accuracy: mean, 95 % interval, the worst rule's."""

    n: int
    rival: str
    mean: float
    low: float
    high: float
    worst: float


KINDS = {
    "online gradient": is_by_gradient,
    "baseline": lambda family: family not in CEILING,
    "ceiling": lambda family: True,
}
"""Against whom: the best that learns online by gradient; the best of all baselines; the best of all there are."""


def kinds(found: Shown) -> list[str]:
    """The kinds of rivals that say something: where rules see, what the pixel-blind can do is no ceiling."""
    return [kind for kind in KINDS if kind != "ceiling" or not SPATIAL.keys() & found.families.keys()]


def differences(found: Shown, kind: str) -> list[Difference]:
    """Against the best of a kind, for each n that counts and was shown; none where no rival of it took part."""
    of_kind = [family for family in found.families if KINDS[kind](family)]
    out = []
    for k in np.flatnonzero(np.isin(found.shown, COUNTS)) if of_kind else ():
        best = max(of_kind, key=lambda f: found.families[f][:, k].mean())
        paired = found.rules[:, :, k] - found.families[best][None, :, k]
        out.append(Difference(int(found.shown[k]), best, *interval(paired), float(paired.mean(axis=1).min())))
    return out


def grade(found: Shown) -> str:
    """strong | good | pass | none, or "not asked for" where rivals or numbers of examples are missing.

    A grade holds where its interval does, which is over rules and streams. pass: above the best online gradient. good:
    within a point of the best baseline, the interval above -1. strong: the interval three points above it, or, of
    rules that know nothing of pixels, within a point of the ceiling where that is nearer; by six rules at least. (That
    nothing decays by 1,000 examples is shown by another run.)
    """
    online, best, top = (differences(found, kind) for kind in KINDS)
    if len(online) < len(COUNTS):
        return NOT_ASKED
    if not all(d.low > 0 for d in online):
        return "none"
    if not all(d.low >= -0.01 for d in best):
        return "pass"
    is_blind = "ceiling" in kinds(found)
    is_strong = all(d.low >= 0.03 or (is_blind and t.low >= -0.01) for d, t in zip(best, top, strict=True))
    return "strong" if is_strong and found.rules.shape[0] >= 6 else "good"


def openings(record: Record) -> int:
    """How many runs beside this one, and this one, opened the meta-test on the same data."""
    n = 0
    for header in record.folder.parent.glob("*/run.json"):
        try:
            other = load(header.parent).header
        except MesocosmError:
            continue
        mine, its = record.header["configuration"], other["configuration"]
        same = other["experiment"] == record.header["experiment"]
        n += same and its["final"] and its["data"] == mine["data"]
    return max(n, 1)


__all__ = [
    "COUNTS",
    "KINDS",
    "Difference",
    "Shown",
    "accuracies",
    "differences",
    "grade",
    "interval",
    "kinds",
    "openings",
    "seeing",
    "shown_of",
    "tuned",
]
