"""An imitator of one's own: it adds up all cues of the trip, and learns how much their sum should move it."""

from dataclasses import replace

import jax.numpy as jnp

from mesocosm.experiments.latent_rule import declaration
from mesocosm.experiments.latent_rule.imitators import Imitator
from mesocosm.experiments.latent_rule.system import build


class Tally(Imitator):
    """Its memory is one number, and so is what it learns. What it did itself says nothing to it."""

    def found(self, key, task):
        return jnp.zeros(1)

    def begin(self, learnt, task):
        return jnp.zeros(1)

    def step(self, learnt, memory, seen, last, task):
        memory = memory + jnp.sum(task.cues_of(seen))
        return memory, jnp.concatenate([memory, -memory]) * learnt  # it rains: left


DECLARATION = replace(
    declaration.DECLARATION,
    name="tally",
    build=lambda c: build(c, imitators={"cloning-recurrent": Tally()}),  # in its place, so that the claims are the same
    presets={"default": {}},
)
