"""Who takes part: rules by name, and every rival with each of its settings. No jax is needed here."""

from __future__ import annotations

RATES = tuple(round(10 ** (-3 + i / 2), 6) for i in range(8))
"""Learning rates that every online rival may choose from: eight over three and a half decades."""

ONLINE = ("sgd", "momentum", "adam", "adagrad", "rmsprop")
HIDDEN = 64
"""Neurons of the hidden level of online rivals."""

RIDGE = (0.1, 1.0, 10.0, 100.0)
SHRINKAGE = (0.1, 0.3, 0.6, 0.9)
LOGISTIC = (0.001, 0.01, 0.1)


def rivals(online: bool = True) -> list[str]:
    """`family` or `family/setting`, in the order in which they are recorded, after the rules."""
    names = ["class mean", "1-NN cosine", "3-NN cosine"]
    names += [f"ridge/{v:g}" for v in RIDGE]
    names += [f"shrinkage LDA/{v:g}" for v in SHRINKAGE]
    names += [f"logistic regression/{v:g}" for v in LOGISTIC]
    if not online:
        return names
    for net in ("linear", "hidden"):
        names += [f"{optimiser} {net}/{rate:g}" for optimiser in ONLINE for rate in RATES]
    return names + [f"feedback alignment/{rate:g}" for rate in RATES]


def is_online(family: str) -> bool:
    """Whether a rival learns by gradient, one example at a time, and stores none."""
    return family.split()[0] in (*ONLINE, "feedback")


__all__ = ["HIDDEN", "LOGISTIC", "ONLINE", "RATES", "RIDGE", "SHRINKAGE", "is_online", "rivals"]
