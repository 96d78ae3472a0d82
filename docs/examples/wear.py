"""Bacteria that wear out: whoever is touched loses health, and living costs more the less is left."""

from typing import ClassVar

import jax.numpy as jnp

from mesocosm import lab


class Wear(lab.Layer):
    """A health for each body, 255 at birth."""

    name: ClassVar = "wear"
    losses: ClassVar = ("upkeep",)  # the flow by which it turns energy into heat
    words: ClassVar = {"upkeep": "paid for wear"}
    logged: ClassVar = ("health",)  # births say it
    about: ClassVar = {"health": lab.About("touches", low=0, high=255)}

    price: jnp.ndarray  # quanta per tick without any health

    def found(self, bits, ids):
        return jnp.where(ids > 0, 255, 0)

    def divide(self, bits, of_parents, child_ids):
        return jnp.full_like(of_parents, 255)

    def pay(self, bits, state, book):
        health, left = state.own(self.name), state.world.bodies.energy
        upkeep = jnp.where(state.world.bodies.alive, jnp.minimum(left, self.price * (255 - health) >> 8), 0)
        return state.with_energy(left - upkeep), book.add(flows={"upkeep": jnp.sum(upkeep, dtype=jnp.int32)})

    def meet(self, bits, state, book):
        worn = jnp.maximum(state.own(self.name) - book.doings["met"], 0)
        return state.with_own(self.name, worn), book

    def scene(self, own):
        return {"health": own}

    def frozen(self, kind):
        return Wear(jnp.int32(0)) if kind == "garden" else self  # nobody pays in a garden

    def variants(self):
        return {"untiring": lab.Variant(law=lambda layer: Wear(jnp.int32(0)))}


def build(c):
    law = lab.ecology(c, layers=[Wear(jnp.int32(16))])
    return lab.watched(c, law, lab.behaviour(law))


DECLARATION = lab.Declaration(
    name="wear",
    title="Bacteria that wear out",
    question="Do bacteria that wear out where they meet keep away from each other?",
    prediction="they tumble less in the food than those that do not",
    control="the untiring",
    configuration=lab.EcologyConfiguration,
    build=build,
    measures=(lab.Measure("population", "population"), lab.Measure("upkeep", "upkeep", "energy lost to wear")),
    trial=lab.Trial({"": {"every": 20, "world": {"side": 16, "founders": 30, "ceiling": 120}}}),
)
