"""A cart that keeps a pole upright: an environment of Gymnasium as the world of an experiment."""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax.numpy as jnp

from mesocosm import lab
from mesocosm.evolution.cma import CMAES
from mesocosm.faces import schooling


@dataclass(frozen=True)
class CartConfiguration(lab.RunConfiguration):
    """Minds of one kind, searched for by CMA-ES."""

    replicates: Annotated[int, lab.Range(1, 1024, "searches", "size")] = 8
    ticks: Annotated[int, lab.Range(1, 10_000, "generations")] = 10
    every: Annotated[int, lab.Range(1, 10_000, "generations")] = 1
    mind: Literal["net", "rule"] = "net"
    """A net whose strengths are searched, or one that changes while it lives by Hebbian rules that are searched."""
    population: Annotated[int, lab.Range(4, 1024, "minds", "size")] = 8


def build(c):
    return lab.Setup(
        schooling("CartPole-v1", lambda d: CMAES(d, c.population, jnp.float32(0.5)), mind=c.mind, longest=200)
    )


HELD = lab.Measure("held", "centre", "steps that the pole is held", low=0, high=200, control="founder")
DECLARATION = lab.Declaration(
    name="cart",
    title="A pole on a cart",
    question="Does a search over minds find one that keeps the pole up, in episodes nobody was selected by?",
    prediction="after ten generations it is held for longer than by the founders",
    control="the founder of each search, in the same episodes",
    configuration=CartConfiguration,
    build=build,
    measures=(HELD, lab.Measure("gained", "gained", "steps, mean of a generation", low=0, high=200)),
    claims=(
        lab.Claim(
            "learns",
            "steps that the pole is held",
            control="the founder",
            statistic="steps by the centre of the search less steps by its founder, same four episodes, at the end",
            delta=20,
            unit="steps",
            value=lab.Statistic("held", against="control"),
        ),
    ),
    presets={"default": {}, "quick": {"replicates": 2, "ticks": 4}},
    noun="searches",
)
