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

VARIED_TRAININGS = ((0.002, 1000), (0.002, 4000))
"""The same, of the rival that was trained on varied tasks."""

OWN = "its own eyes"
"""What the rules with eyes of a run see themselves."""

UNSEEN = -1e9
"""The score of a class that was not yet seen."""

JUDGES: dict[str, tuple[float, ...]] = {
    "class mean": (0.0,),
    "kernel vote": (8.0, 16.0, 32.0),
    "ridge": (0.03, 0.1, 0.3),
    "LDA": (0.1, 0.3, 0.7),
    "RBF machine": (1.0, 2.0, 4.0),
}
"""Judges of what is seen in some way, with their settings."""


def _words(trainings: tuple[tuple[float, int], ...]) -> tuple[str, ...]:
    return tuple(f"rate {rate:g}, {steps} steps" for rate, steps in trainings)


WAYS: dict[str, tuple[str, ...]] = {
    "trained features": _words(TRAININGS),
    "varied features": _words(VARIED_TRAININGS),
    "random fields": ("",),
    "decorrelated fields": ("",),
    "metric fields": ("",),
    "oriented fields": ("",),
    "upright fields": ("",),
    OWN: ("",),
}
"""Ways to see, with the forms that a rival may choose from: a convolutional net trained to tell Omniglot's characters
apart, or on varied episodes; random fields as they are, decorrelated by other tasks, or under a linear metric learnt on
varied tasks; oriented energies, and those of what is set upright beside them; and what the rules themselves see."""


def spatial(own: bool = False) -> dict[str, tuple[str, ...]]:
    """Rivals that know images, with their settings; they take part where a rule does.

    Args:
      own: whether the rules have eyes, through which rivals look too.
    """
    out = {"ProtoNet-CNN": _words(TRAININGS)}
    for way, forms in WAYS.items():
        if way != OWN or own:
            for judge, settings in JUDGES.items():
                words = [[form, f"{v:g}" if v else ""] for form in forms for v in settings]
                out[f"{judge} of {way}"] = tuple(", ".join(filter(None, parts)) for parts in words)
    return out


SPATIAL = spatial(own=True)
"""All of them."""

_LINEAR = tuple(product(RATES, (1.0,), CENTRED))
_DEEP = tuple((rate, scale, 0) for scale, rate in product(SCALES, RATES)) + tuple((rate, 1.0, 1) for rate in RATES)

ONLINE: dict[str, tuple[tuple[float, float, int], ...]] = {
    **{f"{name} linear": _LINEAR for name in OPTIMISERS},
    **{f"{name} hidden": _DEEP for name in OPTIMISERS},
    "feedback alignment": _DEEP,
}
"""Rivals that learn by gradient, one example at a time, and store none; a setting is (rate, scale, centred)."""

ONLINE_OWN = {f"{name} linear of {OWN}": _LINEAR for name in OPTIMISERS}
"""The same, of what rules with eyes see."""


def rivals(online: bool = True, seeing: dict[str, tuple[str, ...]] | None = None) -> list[str]:
    """`family` or `family/setting`, in the order in which they are recorded, after the rules.

    Args:
      seeing: those that know images, as of `spatial`.
    """
    families: dict[str, tuple[Any, ...]] = STORED | (seeing or {})
    names = [
        f"{family}/{_word(v)}" if _word(v) else family for family, values in families.items() for v in values or ("",)
    ]
    return [*names, *_online_names(by_gradient(seeing))] if online else names


def by_gradient(seeing: dict[str, tuple[str, ...]] | None = None) -> dict[str, tuple[tuple[float, float, int], ...]]:
    """Online rivals, in the order in which they are recorded: those that look through the rules' own eyes come last."""
    return ONLINE | (ONLINE_OWN if any(family.endswith(f" of {OWN}") for family in seeing or ()) else {})


def _word(setting: Any) -> str:
    return setting if isinstance(setting, str) else f"{setting:g}"


def _online_names(online: dict[str, tuple[tuple[float, float, int], ...]]) -> list[str]:
    words = {0: "", 1: ", centred"}
    return [
        f"{family}/rate {rate:g}, scale {scale:g}{words[centred]}"
        for family, settings in online.items()
        for rate, scale, centred in settings
    ]


def is_by_gradient(family: str) -> bool:
    """Whether a rival learns by gradient, one example at a time."""
    return family in ONLINE or family in ONLINE_OWN


def budgets(online: bool = True, seeing: dict[str, tuple[str, ...]] | None = None) -> dict[str, int]:
    """How many settings each family chooses from."""
    families = STORED | (seeing or {})
    found = {family: max(1, len(values)) for family, values in families.items()}
    return found | ({family: len(settings) for family, settings in by_gradient(seeing).items()} if online else {})


__all__ = [
    "CEILING",
    "CENTRED",
    "HIDDEN",
    "JUDGES",
    "ONLINE",
    "ONLINE_OWN",
    "OPTIMISERS",
    "OWN",
    "RATES",
    "SCALES",
    "SPATIAL",
    "STORED",
    "TRAININGS",
    "UNSEEN",
    "VARIED_TRAININGS",
    "WAYS",
    "budgets",
    "by_gradient",
    "is_by_gradient",
    "rivals",
    "spatial",
]
