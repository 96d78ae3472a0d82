"""A fold of elements: who carries one, and by which way it came."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from mesocosm.core.arrays import sum32
from mesocosm.core.experiment import Scene, Tick
from mesocosm.core.instrument import Fold


class Carriers(Fold):
    """Who carries an element, and by which way it came; the genes of elements, summed over carriers, of both strands.

    `inherited` and `passed` count entries into a body: at its birth, and at touch. Levels of genes are 0 ... 255.

    Args:
      loci: by name the genes that are summed.
    """

    loci: tuple[tuple[str, int], ...] = eqx.field(static=True)

    def init(self, scene: Scene) -> Any:
        return {name: jnp.int32(0) for name in ("carrier_ticks", "inherited", "passed")}

    def update(self, folded: Any, tick: Tick) -> Any:
        return {name: value + tick.flows[name] for name, value in folded.items()}

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        columns = scene.points["bodies"].columns
        carries = columns["element"] > 0
        rows: dict[str, Array] = {"carriers": sum32(carries), **folded}
        for strand, name in enumerate(("evolved", "shadow")):
            levels = columns["element_genes"][strand].astype(jnp.int32) + 128
            for gene, locus in self.loci:
                rows[f"{gene}_{name}"] = sum32(jnp.where(carries, levels[locus], 0))
        return rows
