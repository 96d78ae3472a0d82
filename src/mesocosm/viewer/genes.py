"""Genomes in readable form: what a body would do, as one number in percent for each situation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from mesocosm.instruments.analysis import LEVELS, ordered_senses
from mesocosm.layers.elements.parameters import GERM, VIRULENCE
from mesocosm.minds.policy import softmax_weight


def gene_names(configuration: Mapping[str, Any], n_loci: int) -> list[str]:
    """What each number of `genes` is; plain numbers of loci where the mind is none that this knows."""
    if not _is_table(configuration):
        return [f"locus {k}" for k in range(n_loci)]
    senses = ordered_senses(configuration["world"]["senses"])
    stimuli = product(*([f"{sense} {level}" for level in LEVELS[sense]] for sense in senses))
    return [f"tumbles: {', '.join(stimulus) or 'always'}" for stimulus in stimuli]


def genes(configuration: Mapping[str, Any], genomes: np.ndarray) -> np.ndarray:
    """Of expressed genomes [n, loci]: P(tumble) at each stimulus in percent, or the loci as they are."""
    if not _is_table(configuration):
        return genomes.astype(np.int32)
    mind = configuration["mind"]
    n_loci = _stimuli(configuration) * _acts(configuration)  # of the mind; others follow
    rows = genomes[:, :n_loci].astype(np.int64).reshape(len(genomes), -1, _acts(configuration))
    if mind["policy"] == "argmax":
        return 100 * (rows.argmax(axis=2) % 2).astype(np.int32)
    weights = softmax_weight(rows.max(axis=2, keepdims=True) - rows, mind["sharpness"])
    return np.rint(100 * weights[:, :, 1::2].sum(axis=2) / weights.sum(axis=2)).astype(np.int32)


def burden(configuration: Mapping[str, Any], strain: int, acting: np.ndarray) -> str:
    """What a body carries, in words.

    Args:
      strain: of the element; 0 where there is none.
      acting: its genes, [loci].
    """
    if not strain:
        return "nothing"
    element, levels = configuration["element"], (acting.astype(int) + 128) / 255
    cost = (element["drain"] + element["help"]) * levels[VIRULENCE] - element["help"]
    does = f"costs {cost:.1f}" if cost >= 0 else f"saves {-cost:.1f}"
    inherits = f"a child inherits it with probability {levels[GERM]:.2f}"
    return f"strain {strain}: {does} quanta per tick; {inherits}"


def _stimuli(configuration: Mapping[str, Any]) -> int:
    return math.prod(len(LEVELS[sense]) for sense in configuration["world"]["senses"])


def _acts(configuration: Mapping[str, Any]) -> int:
    return 4 if configuration["world"].get("signal") else 2


def _is_table(configuration: Mapping[str, Any]) -> bool:
    return "policy" in configuration.get("mind", {}) and "senses" in configuration.get("world", {})
