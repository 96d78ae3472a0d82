"""Who takes part: rules by name, and every rival with each of its settings. No jax is needed here."""

from __future__ import annotations

from itertools import product
from typing import Any

RATES = tuple(round(10 ** (-3 + i / 2), 6) for i in range(8))
"""Learning rates that every online rival may choose from: eight over three and a half decades."""

SCALES = (0.3, 1.0, 3.0)
"""Initial scales of nets with a hidden level; the last layer begins at zero, so that linear nets have none."""

CENTRED = (0, 1)
"""Every image is standardised; with 1 each input is also centred by its running mean."""

OPTIMISERS = ("sgd", "momentum", "adam", "adagrad", "rmsprop")
HIDDEN = 32
"""Neurons of the hidden level of online rivals."""

STORED: dict[str, tuple[float, ...]] = {
    "class mean": (),
    "1-NN cosine": (),
    "3-NN cosine": (),
    "ridge": (0.1, 1.0, 10.0, 100.0),
    "shrinkage LDA": (0.1, 0.3, 0.6, 0.9),
    "logistic regression": (0.001, 0.01, 0.1),
    "RBF machine": (0.25, 0.5, 1.0, 2.0),
    "kernel vote": (4.0, 8.0, 16.0, 32.0),
}
"""Rivals that store their examples (the class mean: a sum for each class), with their settings."""

CEILING = ("RBF machine", "kernel vote")
"""What a learner that knows nothing of pixels can do at best; no baselines in the sense of the grade *good*."""

TRAININGS = tuple((rate, steps) for rate in (0.001, 0.003) for steps in (1000, 4000))
"""Rates of Adam, and lengths of meta-training, from which spatial rivals may choose."""

_TRAINED = tuple(f"rate {rate:g}, {steps} steps" for rate, steps in TRAININGS)

SPATIAL: dict[str, tuple[Any, ...]] = {
    "ProtoNet-CNN": _TRAINED,
    "class mean of trained features": _TRAINED,
    "kernel vote of trained features": _TRAINED,
    "class mean of random fields": (),
    "kernel vote of random fields": (8.0, 16.0, 32.0),
}
"""Rivals that know images, with their settings; they take part where a rule has fields."""

_LINEAR = tuple(product(RATES, (1.0,), CENTRED))
_DEEP = tuple((rate, scale, 0) for scale, rate in product(SCALES, RATES)) + tuple((rate, 1.0, 1) for rate in RATES)

ONLINE: dict[str, tuple[tuple[float, float, int], ...]] = {
    **{f"{name} linear": _LINEAR for name in OPTIMISERS},
    **{f"{name} hidden": _DEEP for name in OPTIMISERS},
    "feedback alignment": _DEEP,
}
"""Rivals that learn by gradient, one example at a time, and store none; a setting is (rate, scale, centred)."""


def rivals(online: bool = True, spatial: bool = False) -> list[str]:
    """`family` or `family/setting`, in the order in which they are recorded, after the rules."""
    families = STORED | (SPATIAL if spatial else {})
    names = [
        name for family, values in families.items() for name in ([f"{family}/{_word(v)}" for v in values] or [family])
    ]
    return [*names, *_online_names()] if online else names


def _word(setting: Any) -> str:
    return setting if isinstance(setting, str) else f"{setting:g}"


def _online_names() -> list[str]:
    words = {0: "", 1: ", centred"}
    return [
        f"{family}/rate {rate:g}, scale {scale:g}{words[centred]}"
        for family, settings in ONLINE.items()
        for rate, scale, centred in settings
    ]


def budgets(online: bool = True, spatial: bool = False) -> dict[str, int]:
    """How many settings each family chooses from."""
    families = STORED | (SPATIAL if spatial else {})
    found = {family: max(1, len(values)) for family, values in families.items()}
    return found | ({family: len(settings) for family, settings in ONLINE.items()} if online else {})


__all__ = [
    "CEILING",
    "CENTRED",
    "HIDDEN",
    "ONLINE",
    "OPTIMISERS",
    "RATES",
    "SCALES",
    "SPATIAL",
    "STORED",
    "TRAININGS",
    "budgets",
    "rivals",
]
