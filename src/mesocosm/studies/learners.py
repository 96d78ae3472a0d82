"""Learners and their parts for the task `swap`: optimisers of optax, nets, and scikit-learn's as rows of one table.

A component of the slot `learner` makes a function `learn(split, steps, seeds) -> Trained`; one of the slot `optimiser`
an `optax.GradientTransformation`. Default rates are those that did best, of five a factor of about three apart, on
random clouds that no test uses: see `studies/swap-rates.toml`. No jax before a part is made.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mesocosm.record import ConfigurationError
from mesocosm.studies.component import Skipped, component, find

Learn = Callable[[Any, int, Mapping[str, np.ndarray]], Any]


@component(slot="optimiser")
def sgd(rate: float = 1.0) -> Any:
    import optax

    return optax.sgd(rate)


@component(slot="optimiser")
def momentum(rate: float = 0.1) -> Any:
    import optax

    return optax.sgd(rate, momentum=0.9)


@component(slot="optimiser")
def nesterov(rate: float = 0.1) -> Any:
    import optax

    return optax.sgd(rate, momentum=0.9, nesterov=True)


@component(slot="optimiser")
def adam(rate: float = 0.01) -> Any:
    import optax

    return optax.adam(rate)


@component(slot="optimiser")
def adamw(rate: float = 0.03) -> Any:
    import optax

    return optax.adamw(rate)


@component(slot="optimiser")
def nadam(rate: float = 0.03) -> Any:
    import optax

    return optax.nadam(rate)


@component(slot="optimiser")
def rmsprop(rate: float = 0.01) -> Any:
    import optax

    return optax.rmsprop(rate)


@component(slot="optimiser")
def adagrad(rate: float = 0.3) -> Any:
    import optax

    return optax.adagrad(rate)


@component(slot="optimiser")
def lion(rate: float = 0.001) -> Any:
    import optax

    return optax.lion(rate)


@component(slot="optimiser")
def adabelief(rate: float = 0.03) -> Any:
    import optax

    return optax.adabelief(rate)


@component(slot="learner")
def net(
    optimiser: Any = "adam", activation: str = "relu", width: int = 64, depth: int = 1, rule: str = "backprop"
) -> Learn:
    """A net of `depth` hidden layers."""
    from mesocosm.studies.nets import ACTIVATIONS, RULES, Net, train

    for name, value, allowed in (("activation", activation, ACTIVATIONS), ("rule", rule, RULES)):
        if value not in allowed:
            raise ConfigurationError(f"{name} = {value}: must be one of {', '.join(allowed)}")
    found, arguments = find("optimiser", optimiser)
    made = found.make(**arguments)

    def learn(split: Any, steps: int, seeds: Mapping[str, np.ndarray]) -> Any:
        one = Net(f"{found.source} {arguments}", made, activation, width, depth, rule, steps)
        return train(split, one, seeds["initial"], seeds["order"])

    return learn


def _sklearn(name: str, make: Callable[[int], Any]) -> None:
    """A rival that takes as long as it takes: no budget of steps, its seconds stand in the row."""

    @component(slot="learner", name=name)
    def rival() -> Learn:
        def learn(split: Any, steps: int, seeds: Mapping[str, np.ndarray]) -> Any:
            from mesocosm.studies.nets import Trained

            began = time.perf_counter()
            scores = [
                make(int(seed)).fit(x, y).score(x_test, y_test)
                for seed, x, y, x_test, y_test in zip(
                    seeds["initial"], split.x, split.y, split.x_test, split.y_test, strict=True
                )
            ]
            took = time.perf_counter() - began
            return Trained(np.array(scores)[:, None], np.array([np.nan]), float("nan"), took, 0.0)

        return learn


def _constant(seed: int) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="most_frequent")


def _nearest(seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=5)


def _logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=2000)


def _boosting(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=50, random_state=seed)


_sklearn("constant", _constant)
_sklearn("nearest", _nearest)
_sklearn("logistic", _logistic)
_sklearn("boosting", _boosting)


@component(slot="learner")
def automl(cpu_seconds: float = 10.0) -> Learn:
    """FLAML (C. Wang, Q. Wu et al., MLSys 2021): searches learners and their settings for so long a seed.

    Seconds of processor time, so that a machine which others use too gives it no less; a faster one still gives it
    more, and its rows say so in their names.
    """
    if not (math.isfinite(cpu_seconds) and cpu_seconds > 0):
        raise ConfigurationError(f"cpu_seconds = {cpu_seconds}: must be above 0")
    try:
        from flaml.automl.automl import AutoML  # type: ignore[import-not-found]
    except ImportError:
        raise Skipped("FLAML is not installed: pip install 'mesocosm[automl]'") from None

    def learn(split: Any, steps: int, seeds: Mapping[str, np.ndarray]) -> Any:
        from unittest import mock

        from mesocosm.studies.nets import Trained

        began, scores = time.perf_counter(), []
        given = zip(seeds["initial"], split.x, split.y, split.x_test, split.y_test, strict=True)
        for seed, x, y, x_test, y_test in given:
            found = AutoML()
            how = {"task": "classification", "metric": "accuracy", "n_jobs": 1, "verbose": 0}
            with mock.patch("time.time", time.process_time):  # the only clock that FLAML reads
                found.fit(x, y, time_budget=cpu_seconds, seed=int(seed), **how)
            scores.append(float(np.mean(np.asarray(found.predict(x_test)).astype(int) == y_test)))
        took = time.perf_counter() - began
        return Trained(np.array(scores)[:, None], np.array([np.nan]), float("nan"), took, 0.0)

    return learn
