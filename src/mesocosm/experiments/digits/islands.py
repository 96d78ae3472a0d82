"""One search for a learning rule whose genomes are judged by many processes: `evolved(configuration, islands=8)`.

For a search too large for one program; many searches at once are what `mesocosm run digits` is for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.core.flags import as_it_comes
from mesocosm.core.random import Bits, seed_words
from mesocosm.evolution.islands import Islands
from mesocosm.experiments.digits.declaration import DigitsConfiguration
from mesocosm.experiments.digits.system import MEMBERS, NOISE, TASKS
from mesocosm.protocol.launch import prepare
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import from_dict, to_dict
from mesocosm.rules.rule import Rule


class Judge:
    """The losses of genomes in a generation: its tasks are drawn by their address, on whichever island."""

    def __init__(self, configuration: DigitsConfiguration):
        self.values = to_dict(configuration)

    def __getstate__(self) -> dict[str, Any]:
        return {"values": self.values}

    @cached_property
    def experiment(self) -> Any:
        return prepare("digits", from_dict(DigitsConfiguration, self.values))[0].experiment

    @cached_property
    def _compiled(self) -> Callable[..., Any]:
        experiment, seed = self.experiment, seed_words(self.values["seed"])

        def losses(members: Any, tick: Any) -> Any:
            bits = Bits.at(seed, jnp.uint32(0), tick)
            streams = experiment.train.draw(bits.key(TASKS), experiment.n_tasks, experiment.n_examples)
            return experiment.losses(members, jax.random.split(bits.key(NOISE), experiment.n_tasks), streams)

        return jax.jit(losses)

    @as_it_comes
    def __call__(self, members: np.ndarray, tick: int) -> np.ndarray:
        return np.asarray(self._compiled(members, jnp.int32(tick)))


@as_it_comes
def evolved(
    configuration: DigitsConfiguration,
    islands: int,
    block: int = 8,
    told: Callable[[int, float], None] | None = None,
) -> Rule:
    """The rule that one search comes to after `configuration.ticks` generations: the same for any number of islands.

    Args:
      islands: processes that judge; 0: this one.
      block: genomes that are judged in one call; part of what the result depends on, in its last bits.
      told: called with (generation, mean loss).

    Raises:
      ConfigurationError: for a searcher that follows a gradient, which needs the losses within its own program.
    """
    if configuration.search.searcher == "meta-gradient":
        raise ConfigurationError(
            "search.searcher = meta-gradient: follows the gradient through the losses, so it cannot have them from "
            "other processes; take cma-es, ga, sep-cma-es, snes or openai-es"
        )
    judge, seed = Judge(configuration), seed_words(configuration.seed)
    experiment = judge.experiment
    searcher, state = experiment.searcher, experiment.init(Bits.founding(seed, jnp.uint32(0))).search
    with Islands(judge, islands, block) as processes:
        for tick in range(configuration.ticks):
            bits = Bits.at(seed, jnp.uint32(0), jnp.int32(tick))
            state, losses = searcher.step(bits.key(MEMBERS), state, processes.losses(tick))
            if told:
                told(tick + 1, float(jnp.nanmean(losses)))
    return Rule(configuration.form, experiment.genome(searcher.centre(state)), {"generations": configuration.ticks})


__all__ = ["Judge", "evolved"]
