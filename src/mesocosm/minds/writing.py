"""Tables written by hand, or changed in one respect: from chances to genes. NumPy, no jax."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from mesocosm.minds.policy import softmax_weight
from mesocosm.record import ConfigurationError


class ATable(Protocol):
    """What is asked of a table."""

    n_stimuli: int
    n_acts: int
    policy: str
    sharpness: Any


def genes_of(text: str, mind: ATable) -> np.ndarray:
    """The genes [loci] whose table tumbles with these probabilities, one for each stimulus, as nearly as genes can.

    Raises:
      ConfigurationError: for what is no list of probabilities of that length.
    """
    try:
        chances = np.array([float(word) for word in text.split(",")])
    except ValueError:
        chances = np.array([np.nan])
    if chances.size != mind.n_stimuli or not np.all((chances >= 0) & (chances <= 1)):
        raise ConfigurationError(
            f"genotypes = {text!r}: must be {mind.n_stimuli} probabilities of tumbling between commas, one a stimulus"
        )
    return _silent_genes(chances, mind)


def muted(genomes: np.ndarray, mind: ATable) -> np.ndarray:
    """Genomes [replicates, loci, bodies] that tumble as likely as these do and emit as little as genes can.

    That is never for `argmax`, and in less than 1 % of ticks for `softmax` at its default sharpness.
    """
    replicates, _, n = genomes.shape
    read = mind.n_stimuli * mind.n_acts  # loci beyond these are not the mind's
    rows = np.moveaxis(genomes[:, :read], 2, 1).astype(np.int32).reshape(replicates, n, mind.n_stimuli, mind.n_acts)
    rows[..., 2:] -= int(getattr(mind, "reticence", None) or 0)
    if mind.policy == "argmax":
        weights = (np.argmax(rows, axis=3)[..., None] == np.arange(mind.n_acts)).astype(np.int32)
    else:
        weights = softmax_weight(rows.max(axis=3, keepdims=True) - rows, int(mind.sharpness))
    silent = np.moveaxis(_silent_genes(weights[..., 1::2].sum(axis=3) / weights.sum(axis=3), mind), 1, 2)
    return np.concatenate([silent, genomes[:, read:]], axis=1)


def _silent_genes(chances: np.ndarray, mind: ATable) -> np.ndarray:
    """The genes [..., loci] of tables that tumble with these chances [..., stimuli], as nearly as genes can."""
    gaps = np.arange(-255, 256)  # the gene of tumbling less that of running
    if mind.policy == "argmax":
        offered = (gaps > 0).astype(float)
    else:
        run, tumble = (softmax_weight(np.maximum(0, sign * gaps), int(mind.sharpness)) for sign in (1, -1))
        offered = tumble / (run + tumble)  # rises with the gap
    above = np.clip(np.searchsorted(offered, chances), 1, gaps.size - 1)
    best = gaps[np.where(chances - offered[above - 1] <= offered[above] - chances, above - 1, above)]
    genes = np.full((*chances.shape, mind.n_acts), -128, np.int16)
    genes[..., 1], genes[..., 0] = 127 + np.minimum(best, 0), 127 - np.maximum(best, 0)
    return genes.reshape(*chances.shape[:-1], -1).astype(np.int8)
