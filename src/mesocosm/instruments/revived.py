"""The law of a finished run and the states at its end, for analyses that go on from there. Loads jax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from mesocosm.core import Bits, Experiment
from mesocosm.core.random import seed_words
from mesocosm.protocol.preparing import law_of
from mesocosm.protocol.reading import after, configuration_of
from mesocosm.protocol.registry import entry_of
from mesocosm.record import FolderError, Record


@dataclass(frozen=True)
class Revived:
    """A run that can go on.

    Args:
      experiment: its law, with the parameters that held at its end.
      states: of the replicates that lived to the end: a state, each array with one axis in front, [lived, ...].
      replicates: which these are.
    """

    experiment: Experiment
    states: Any
    replicates: np.ndarray
    record: Record

    def state(self, k: int) -> Any:
        """That of the k-th replicate that lived."""
        return jax.tree.map(lambda x: x[k], self.states)

    def bits(self, k: int, tick: Any = 0) -> Bits:
        """Its bits, so many ticks after the end."""
        seed = seed_words(int(self.record.header["seed"]))
        return Bits.at(seed, jnp.uint32(int(self.replicates[k])), jnp.int32(self.record.tick + tick))


def revived(record: Record) -> Revived:
    """The law and the last states of a run.

    Raises:
      FolderError: if its code cannot be used, or the states are those of another law.
    """
    configuration = configuration_of(record)
    experiment = law_of(entry_of(record), after(configuration, configuration.parsed_interventions())).experiment
    template = jax.eval_shape(experiment.init, Bits.shapes())
    paths, form = jax.tree_util.tree_flatten_with_path({"state": template})
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
    held = record.state
    if lack := [name for name in names if name not in held]:
        raise FolderError(f"{record.folder}: its state has no {lack[0]}: it was left by another version of its law")
    lived = np.flatnonzero([s.status == "alive" for s in record.statuses])
    lanes = np.flatnonzero(np.isin(held["replicate"], lived))
    states = form.unflatten([np.asarray(held[name])[lanes] for name in names])["state"]
    return Revived(experiment, states, np.asarray(held["replicate"])[lanes].astype(int), record)


def numbers_of(run: Revived) -> tuple[Callable[[Array, Any, Array], Array], Array, Callable[[int], Any]]:
    """A law as a step of floating numbers in a row.

    Of a law that has a `course` (from a state to the numbers that move by themselves, and from bits and these to the
    next ones) it is that; else all floating numbers of its state.

    Returns:
      The step `(numbers [n], beside, ticks since the end) -> numbers`, where each replicate is [lived, n], and what
      stands beside the numbers of the k-th.
    """
    law, seed = run.experiment, seed_words(int(run.record.header["seed"]))
    own = getattr(law, "course", None)

    def split(state: Any) -> tuple[Array, Any, Any]:
        numbers, others = eqx.partition(state, eqx.is_inexact_array)
        row, whole = ravel_pytree(numbers)
        return row, others, whole

    def row(state: Any) -> Array:
        return own(state)[0] if own else split(state)[0]

    def step(numbers: Array, beside: Any, t: Array) -> Array:
        state, replicate = beside
        bits = Bits.at(seed, replicate, jnp.int32(run.record.tick) + t)
        if own:
            return own(state)[1](bits, numbers)
        _, others, whole = split(state)
        return split(law.tick(bits, eqx.combine(whole(numbers), others))[0])[0]

    states = [jax.tree.map(jnp.asarray, run.state(k)) for k in range(run.replicates.size)]
    starts = jnp.stack([row(state) for state in states])
    return step, starts, lambda k: (states[k], jnp.uint32(int(run.replicates[k])))


__all__ = ["Revived", "numbers_of", "revived"]
