"""Reward maps: genes that say what is good, not what to do. Five weights, of what can happen to a body in a tick.

The reward of a tick is the sum of the weights of its events: `death` (or else `survival`), `signalling`, `mating` (an
exchange of genes), each 0 or 1, and `food`, by the share of a full bite. Scale does not matter to who takes the best
act. Nor, to a planner, does (survival, death) -> (survival - (1 - discount) k, death - k), which is potential-based
shaping (A. Y. Ng, D. Harada and S. Russell, "Policy invariance under reward transformations", 1999): the potential is k
in life and 0 in death. So of these two weights only survival - (1 - discount) death acts: what it is worth to live.

After B. Agüera y Arcas, "Social intelligence" (NeurIPS 2019); D. Ackley and M. Littman, "Interactions between learning
and evolution" (1991).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from mesocosm.minds.mind import Draw
from mesocosm.minds.parameters import WEIGHTS
from mesocosm.record.about import Gene, Genome

DEATH, SIGNALLING, MATING, SURVIVAL, FOOD = range(len(WEIGHTS))
EVENTS = ("eaten", "exchanged", "emitted")
"""What minds with a reward map are told of."""
FULL = 128
"""The food of a full bite, in a tally."""
BLIND = 0
"""Purpose of the random bits."""


def counted(without: Sequence[str]) -> Int32[Array, " weights"]:
    """1 for each weight that counts, 0 for those that are knocked out."""
    return jnp.asarray(np.array([name not in without for name in WEIGHTS], np.int32))


def food_of(eaten: Int32[Array, "*n"], bite: Int32[Array, ""]) -> Int32[Array, "*n"]:
    """What was eaten as a share of a full bite, 0 ... 128."""
    return jnp.minimum(eaten, bite) * FULL // bite


def blindly(draw: Draw, n_acts: int, share: Int32[Array, ""], greedy: Int32[Array, ""]) -> Int32[Array, ""]:
    """The greedy act, or with probability share / 65536 one that is drawn blindly."""
    a, b = draw.of(BLIND)
    blind = (((b >> 16) * jnp.uint32(n_acts)) >> 16).astype(jnp.int32)
    return jnp.where((a & 0xFFFF).astype(jnp.int32) < share, blind, greedy)


def row_of(table: Array, seen: Int32[Array, ""]) -> Array:
    """The row of a stimulus: by selects, which vectorise over bodies where a gather does not."""
    row = table[0]
    for s in range(1, table.shape[0]):
        row = jnp.where(seen == s, table[s], row)
    return row


class OfRewards:
    """What all minds with a reward map share: how it is inherited, read and written."""

    doings: ClassVar[tuple[str, ...]] = EVENTS

    @property
    def n_loci(self) -> int:
        return len(WEIGHTS)

    def genome(self, stimuli: Sequence[str], acts: Mapping[str, int], n_loci: int) -> Genome:
        return genome(stimuli, acts, n_loci)

    def written(self, text: str) -> np.ndarray:
        """The genes of a reward map written by hand, see `written`."""
        return written(text)


def genome(stimuli: Sequence[str], acts: Mapping[str, int], n_loci: int) -> Genome:
    """A reward map as people read it."""
    weights = (Gene(f"reward of {name}", loci=(k,)) for k, name in enumerate(WEIGHTS))
    others = (Gene(f"locus {k}", loci=(k,)) for k in range(len(WEIGHTS), n_loci))
    return Genome("bodies", "genome", (*weights, *others))


def written(text: str) -> np.ndarray:
    """The genes of a reward map written by hand, `-50,0,10,20,127`: one weight each, in the order of `WEIGHTS`.

    Raises:
      ConfigurationError: for what is no list of that many whole numbers -128 ... 127.
    """
    from mesocosm.record import ConfigurationError

    try:
        weights = [int(word) for word in text.split(",")]
    except ValueError:
        weights = []
    if len(weights) != len(WEIGHTS) or not all(-128 <= w <= 127 for w in weights):
        wanted = ", ".join(WEIGHTS)
        raise ConfigurationError(
            f"genotypes = {text!r}: must be {len(WEIGHTS)} whole numbers -128 ... 127 between commas: {wanted}"
        )
    return np.array(weights, np.int8)
