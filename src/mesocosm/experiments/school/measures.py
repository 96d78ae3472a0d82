"""What is measured of minds that learn: genes of rule and feeling, instinct, what is eaten. NumPy when called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from mesocosm.experiments.school.taste import TASTE, senses_of
from mesocosm.minds.pupil.parameters import RULE
from mesocosm.protocol.measure import Columns, Measure

SHADOW = "shadow genes"
WORDS = {
    "actor": "rate of learning what to do",
    "critic": "rate of learning what to expect",
    "discount": "weight of what is yet to come",
    "trace": "how long an act is remembered",
    "sharpness": "how strictly the better act is chosen",
    "food": "liking of food",
    "touch": "liking of touch",
}


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    founding = float(configuration["world"]["founding_energy"])
    return (
        *(_gene(name) for name in ("actor", "food")),
        _instinct(configuration["world"]["senses"]),
        Measure("intake", "eaten", "food eaten per body and tick", "quanta", low=0, per="agent_ticks"),
        Measure("population", "population", low=0),
        Measure(
            "share",
            "marked",
            "share of those marked at the founding (learners; the young)",
            low=0,
            high=1,
            per="population",
            in_table=False,
        ),
        Measure(
            "young",
            lambda c: kept(c, founding),
            "food eaten since the founding by each that was marked then",
            "quanta",
            in_table=False,
        ),
        *(_gene(name, in_table=False) for name in RULE if name not in ("actor", "food")),
    )


def _instinct(senses: Sequence[str]) -> Measure:
    """How much likelier a body is, as born, to stay on a bite than where nothing lies."""
    tastes = [levels[-1] for levels in product(*(range(sense.n_levels) for sense in senses_of(senses)))]
    bite, nothing = ([s for s, taste in enumerate(tastes) if taste == t] for t in (TASTE.n_levels - 1, 0))

    def difference(strand: str) -> Callable[[Columns], Any]:
        return lambda c: tumbles(c, strand, bite) - tumbles(c, strand, nothing)

    what = "P(tumble | a bite) - P(tumble | nothing) as born"
    return Measure("instinct", difference("evolved"), what, "", -1, 1, difference("shadow"), SHADOW)


def _gene(name: str, in_table: bool = True) -> Measure:
    """The mean of a gene of the living, beside that of their shadows."""

    def mean(strand: str) -> Callable[[Columns], Any]:
        return lambda columns: per_body(columns, f"{name}_{strand}")

    low = -128 if name in ("food", "touch") else 0
    return Measure(name, mean("evolved"), WORDS[name], "of 127", low, 127, mean("shadow"), SHADOW, in_table=in_table)


def per_body(columns: Columns, name: str, of: str = "population") -> Any:
    """A column per living body; NaN where nobody lives."""
    import numpy as np

    living = np.asarray(columns[of], float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(living > 0, np.asarray(columns[name], float) / living, np.nan)


def kept(columns: Columns, founding: float) -> Any:
    """What bodies of odd lineage hold beyond what they were founded with, each: where nobody pays, what they ate."""
    return per_body(columns, "marked_energy", "marked") - founding


def tumbles(columns: Columns, strand: str, where: list[int]) -> Any:
    """P(tumble) as born under these stimuli, weighted by how often they were met (equally where none was)."""
    import numpy as np

    from mesocosm.ecology.analysis import GRAIN

    visits = np.array([columns[f"visits_{s}"] for s in where], float)
    weights = np.where(visits.sum(axis=0) > 0, visits, 1.0)
    rows = np.array([per_body(columns, f"tumble_{strand}_{s}") / GRAIN for s in where])
    return (rows * weights).sum(axis=0) / weights.sum(axis=0)
