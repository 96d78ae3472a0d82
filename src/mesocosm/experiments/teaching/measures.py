"""What a record of `teaching` says, generation by generation. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mesocosm.experiments.teaching.declaration import PASSES, RATES
from mesocosm.protocol.measure import Measure, in_windows
from mesocosm.record import Record


def learners(configuration: Mapping[str, Any]) -> list[str]:
    """All who are taught, in the order of the columns."""
    descent = [f"gradient descent, {n} {'pass' if n == 1 else 'passes'}, rate {r:g}" for n in PASSES for r in RATES]
    return [*configuration["rules"], *descent]


def of_passes(configuration: Mapping[str, Any], passes: int) -> slice:
    """Where gradient descent of so many passes stands among the learners."""
    start = len(configuration["rules"]) + len(RATES) * PASSES.index(passes)
    return slice(start, start + len(RATES))


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    names, n_rules = learners(configuration), len(configuration["rules"])

    def best(what: str, passes: int) -> Callable[[Mapping[str, Any]], np.ndarray]:
        """Of the rate that is right most often in all these windows: in hindsight, so a little flattering."""

        def value(columns: Mapping[str, Any]) -> np.ndarray:
            place = of_passes(configuration, passes)
            right, wanted = (
                np.stack([np.asarray(columns[f"{column}_{k}"], float) for k in range(place.start, place.stop)])
                for column in ("right", what)
            )
            return wanted[int(np.argmax(right.reshape(len(RATES), -1).mean(axis=1)))]

        return value

    n_classes, online = configuration["classes"], "gradient descent"
    again = f"gradient descent, {PASSES[1]} passes"
    return (
        *(Measure(f"right-{k}", f"right_{k}", f"right, {names[k]}", "", 0, 1) for k in range(n_rules)),
        Measure("right-gradient", best("right", PASSES[0]), f"right, {online}", "", 0, 1),
        Measure("right-again", best("right", PASSES[1]), f"right, {again}", "", 0, 1),
        Measure("same", "same_0", f"named as the first generation did, {names[0]}", "", 0, 1),
        Measure("kinds", "kinds_0", f"classes named, in effect, {names[0]}", "", 1, n_classes),
        Measure("kinds-gradient", best("kinds", PASSES[0]), f"classes named, in effect, {online}", "", 1, n_classes),
        Measure("kinds-again", best("kinds", PASSES[1]), f"classes named, in effect, {again}", "", 1, n_classes),
    )


def ends(record: Record, column: str = "right") -> np.ndarray:
    """A share of each learner in the last generation. [learners, replicates]"""
    n = len(learners(record.header["configuration"]))
    return np.stack([in_windows(record, record.metrics[f"{column}_{k}"])[:, -1] for k in range(n)])


def kept(record: Record) -> np.ndarray:
    """Right answers in the last generation as a share of those of the first, NaN of none. [learners, replicates]"""
    first = ends(record, "first")
    return ends(record) / np.where(first > 0, first, np.nan)


def keeps(record: Record, passes: int) -> np.ndarray:
    """What the first rule keeps less what gradient descent of so many passes does. [replicates]; NaN of a single chain.

    The rate is that which is right most often at the end in the *other* chains: tuned by nothing that it is judged by.
    """
    if record.replicates < 2:
        return np.full(record.replicates, np.nan)
    shares, place = kept(record), of_passes(record.header["configuration"], passes)
    rates = ends(record)[place]
    tuned = (rates.sum(axis=1, keepdims=True) - rates).argmax(axis=0)
    return shares[0] - shares[place][tuned, np.arange(record.replicates)]


def beside(record: Record) -> np.ndarray:
    """What the first rule keeps less what the second one does. [replicates]; NaN where there is no second one."""
    if len(record.header["configuration"]["rules"]) < 2:
        return np.full(record.replicates, np.nan)
    shares = kept(record)
    return shares[0] - shares[1]
