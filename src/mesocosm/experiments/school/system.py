"""`school`: the world `petri` with a sense of taste, nets that learn for minds, founders of several kinds."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int8, UInt32

from mesocosm.core import Bits, Founding, Setup
from mesocosm.core.arrays import sum32
from mesocosm.core.experiment import Scene
from mesocosm.core.instrument import Fold
from mesocosm.ecology.ecology import Ecology
from mesocosm.ecology.setup import behaviour, ecology, watched
from mesocosm.ecology.state import EcologyState, of_the_living
from mesocosm.experiments.school.accidents import Accidents
from mesocosm.experiments.school.declaration import BY_HAND, SchoolConfiguration
from mesocosm.experiments.school.taste import INSTINCT, PUPIL, TASTE, senses_of
from mesocosm.minds.pupil.net import Pupil
from mesocosm.minds.pupil.parameters import RULE
from mesocosm.minds.pupil.words import Wiring

MASTER = f"{INSTINCT},{PUPIL}"
"""Acts by instinct from birth, and goes on learning."""
UNSEEN = ("odour", "sources")
"""Odour lies everywhere, and hides the food; food rains all over, and where the law keeps a source there is nothing."""


class Genes(Fold):
    """The genes of rule and feeling of the living, summed over bodies, of both strands; rates below 0 count as 0. And
    the energy of those of odd lineage."""

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        bodies = scene.points["bodies"]
        genes = jnp.where(bodies.alive, bodies.columns["genome"].astype(jnp.int32)[:, -len(RULE) :], 0)
        is_liking = np.array([gene in ("food", "touch") for gene in RULE])
        counted = jnp.where(is_liking[None, :, None], genes, jnp.maximum(genes, 0))
        sums = jnp.sum(counted, axis=2, dtype=jnp.int32)
        strands = enumerate(("evolved", "shadow"))
        marked = bodies.alive & (bodies.columns["lineage"] & 1 == 1)
        told = {f"{gene}_{strand}": sums[i, k] for i, strand in strands for k, gene in enumerate(RULE)}
        return {**told, "marked_energy": sum32(jnp.where(marked, bodies.columns["energy"], 0))}


class ByHand(Founding):
    """Founders written by hand, those with odd ids and those with even ones; the even may be old: they know already
    what they have to do under their own wires."""

    law: Ecology
    odd: Int8[Array, " loci"]
    even: Int8[Array, " loci"]
    old: Int8[Array, " loci"] | None  # whose synapses the even ones have

    def replace(self, bits: Bits, state: EcologyState, replicate: UInt32[Array, ""]) -> EcologyState:
        ids = state.world.bodies.id
        is_odd = (ids & 1) == 1
        genomes = jnp.where(is_odd, self.odd[:, None], self.even[:, None])
        genomes = jnp.where(ids > 0, jnp.broadcast_to(genomes, state.genomes.shape), 0)
        brains = self.law.developed(bits, genomes, ids, state.colony)
        if self.old is not None:
            known = self.law.developed(bits, jnp.broadcast_to(self.old[:, None], genomes.shape), ids, state.colony)
            actor = jnp.where(known["crossed"] == 1, known["actor"][::-1], known["actor"])
            brains = {**brains, "actor": jnp.where(is_odd, brains["actor"], actor)}
        return dataclasses.replace(state, genomes=genomes, brains=of_the_living(brains, ids > 0))


def build(configuration: SchoolConfiguration) -> Setup:
    """The experiment and what watches it."""
    c = configuration
    wiring = Wiring.of(senses_of(c.world.senses))

    def mind(n_stimuli: int, n_acts: int) -> Pupil:
        return Pupil(c.mind, wiring, n_acts, is_blank=c.founders != "random")

    law = dataclasses.replace(ecology(c, (Accidents(c.accidents),), (TASTE,), mind), unseen=UNSEEN)
    setup = watched(c, law, {**behaviour(law), "genes": Genes()})
    return dataclasses.replace(setup, founding=_by_hand(c, law) if c.founders in BY_HAND else None)


def _by_hand(c: SchoolConfiguration, law: Ecology) -> ByHand:
    assert isinstance(law.mind, Pupil)
    pupil, instinct, master = (jnp.asarray(law.mind.written(text)) for text in (PUPIL, INSTINCT, MASTER))
    even = instinct if c.founders == "rivals" else pupil
    return ByHand(law, pupil, even, master if c.founders == "beside" else None)
