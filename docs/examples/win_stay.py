"""Bacteria that keep doing what fed them and change their minds when hungry. Their gene is how long they wait."""

import equinox as eqx
import jax.numpy as jnp

from mesocosm import lab


class WinStay(lab.Mind):
    """Win-stay, lose-shift, whatever is sensed."""

    doings = ("eaten",)  # what it is told of a tick; there are met, exchanged and emitted too
    n_stimuli: int = eqx.field(static=True)
    n_acts: int = eqx.field(static=True)
    n_loci = 1

    def develop(self, draw, genome, colony):
        return {"act": draw.id % self.n_acts, "hungry": jnp.int32(0)}

    def act(self, draw, genome, brain, seen):
        return brain, brain["act"]

    def learn(self, genome, brain, experience):
        hungry = jnp.where(experience.doings["eaten"] > 0, 0, brain["hungry"] + 1)
        shifts = hungry > genome[0].astype(jnp.int32) + 128
        act = jnp.where(shifts, (brain["act"] + 1) % self.n_acts, brain["act"])
        return {"act": act, "hungry": jnp.where(shifts, 0, hungry)}


DECLARATION = lab.Declaration(
    name="win-stay",
    title="Bacteria that stay with what fed them",
    question="How long should one wait before one tries something else?",
    prediction="longer than the shadow genome would",
    control="the shadow genome",
    configuration=lab.EcologyConfiguration,
    build=lambda c: lab.watched(c, lab.ecology(c, mind=WinStay)),
    measures=(lab.Measure("population", "population"),),
    trial=lab.Trial({"": {"every": 20, "world": {"side": 16, "founders": 30, "ceiling": 120}}}),
)
