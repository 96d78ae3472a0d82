"""A Moran process: in each tick one of N is copied and one of N dies. Is a neutral newcomer fixed with 1/N?"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import jax.numpy as jnp

from mesocosm import lab

N = 10


@dataclass(frozen=True)
class MoranConfiguration(lab.RunConfiguration):
    """A population of ten in which one newcomer stands among nine residents."""

    replicates: Annotated[int, lab.Range(1, 2**20, "replicates", "size")] = 16384
    advantage: Annotated[int, lab.Range(1, 16)] = 1
    """How many times as likely as a resident a newcomer is to be copied; 1 is neutral."""


class Moran(lab.Experiment):
    """The number of newcomers: from 1 to nobody or everybody."""

    exact: ClassVar[bool] = True
    advantage: jnp.ndarray

    def init(self, bits):
        return jnp.int32(1)

    def tick(self, bits, newcomers):
        copied, dies = bits.of(jnp.uint32(0), 0)  # two words of 32 random bits: of this replicate and tick alone
        weight = (self.advantage * newcomers + N - newcomers).astype(jnp.uint32)
        gains = (copied % weight).astype(jnp.int32) < self.advantage * newcomers
        loses = (dies % N).astype(jnp.int32) < newcomers
        return newcomers + gains.astype(jnp.int32) - loses.astype(jnp.int32), lab.Tick()

    def scene(self, newcomers):
        return lab.Scene(curves={"newcomers": newcomers, "fixed": (newcomers == N).astype(jnp.int32)})


FIXED = lab.Measure("fixed", "fixed", "share of populations fixed", low=0, high=1)
AGAINST = lab.Statistic("fixed", against=1 / N)
FIXATION = ("fixation", "fixation of a newcomer", "1/N", "fixed (1 or 0) less 1/N", 0.02)

DECLARATION = lab.Declaration(
    name="moran",
    title="A newcomer among ten",
    question="How often does one neutral newcomer become everybody's ancestor?",
    prediction="in one of ten populations: 1/N",
    control="the exact probability of fixation, 1/N",
    configuration=MoranConfiguration,
    build=lambda c: lab.Setup(Moran(jnp.int32(c.advantage))),
    measures=(FIXED, lab.Measure("newcomers", "newcomers")),
    claims=(lab.Claim(*FIXATION, expects="equivalent", value=AGAINST),),
    presets={"default": {}, "quick": {"replicates": 4096}},
    noun="populations",
    trial=lab.Trial(interventions=("30:advantage=4",), replicates_differ=False),
)
