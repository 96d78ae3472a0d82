"""Which set of genes each place in a net runs: one for all, one a role, one a layer, and each for several species.

Species are kinds of hidden neurons, as there are kinds of cells in a brain: each has an equal share of every hidden
level (which of its neurons is which does not matter, for they begin alike but for noise). Inputs and outputs are of the
first. A synapse is of the species of the hidden neuron that it leads to, or, behind the last hidden level, comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from mesocosm.rules.neurons import FIELD, HIDDEN, INPUT, OUTPUT

Role = int | None


class Sets(eqx.Module):
    """The sets of a genome, in the order in which it holds them: those of the first species, then what others add.

    Args:
      per_role: one for input, hidden and output, and for fields.
      layers: one for each of so many layers of synapses, and for the levels of neurons at their ends; 0: not so.
      species: of hidden neurons.
      fields: whether the net begins with a level of fields.
    """

    per_role: bool = eqx.field(static=True, default=False)
    layers: int = eqx.field(static=True, default=0)
    species: int = eqx.field(static=True, default=1)
    fields: bool = eqx.field(static=True, default=False)

    @property
    def synapse(self) -> tuple[Role, ...]:
        """The role of each set of a synapse's genes; None: of several."""
        first = self._roles(self.layers)
        return first + (self.species - 1) * tuple(role for role in first if role != FIELD)

    @property
    def neuron(self) -> tuple[Role, ...]:
        """The role of each set of a neuron's genes."""
        first = self._roles(self.layers + 1)
        return first + (self.species - 1) * tuple(role for role in first if role in (HIDDEN, None))

    @property
    def synapse_alike(self) -> tuple[int, ...]:
        """For each set of a synapse's genes, that of the first species which has its place."""
        first = self._roles(self.layers)
        return *range(len(first)), *((self.species - 1) * [k for k, role in enumerate(first) if role != FIELD])

    @property
    def neuron_alike(self) -> tuple[int, ...]:
        """The same of a neuron's genes."""
        first = self._roles(self.layers + 1)
        return *range(len(first)), *((self.species - 1) * [k for k, r in enumerate(first) if r in (HIDDEN, None)])

    def _roles(self, places: int) -> tuple[Role, ...]:
        if self.layers:
            return tuple(OUTPUT if k == places - 1 else INPUT if k == 0 else HIDDEN for k in range(places))
        if not self.per_role:
            return (None,)
        # neurons of fields are inputs over which something arrives: ordinary ones
        return (None, HIDDEN, OUTPUT, FIELD) if self.fields else (INPUT, HIDDEN, OUTPUT)

    def of_synapses(self, place: int, last: int) -> tuple[int, ...]:
        """The sets of the species that share a layer of synapses, or the one of all (`place` -1: those of fields)."""
        first, at = self._roles(self.layers), self._group(place, last)
        own = [k for k, role in enumerate(first) if role != FIELD]
        return self._species(len(first), own, at, is_shared=place >= 0 and last > 0)

    def of_neurons(self, place: int, last: int) -> tuple[int, ...]:
        """The sets of the species that share a level of neurons, or the one of all."""
        first, at = self._roles(self.layers + 1), self._group(place, last)
        own = [k for k, role in enumerate(first) if role in (HIDDEN, None)]
        return self._species(len(first), own, at, is_shared=0 < place < last)

    def _group(self, place: int, last: int) -> int:
        if self.layers:
            return place
        if not self.per_role:
            return 0
        return FIELD if place < 0 else OUTPUT if place == last else INPUT if place == 0 else HIDDEN

    def _species(self, n: int, own: list[int], at: int, is_shared: bool) -> tuple[int, ...]:
        if not is_shared or self.species == 1:
            return (at,)
        return at, *(n + k * len(own) + own.index(at) for k in range(self.species - 1))


def shares(n: int, species: int) -> list[int]:
    """Where each species but the first begins, of so many neurons in a row."""
    return [k * n // species for k in range(1, species)]


def over_shares(rule: Any, sets: Sequence[Any], arrays: tuple[Any, ...], axes: tuple[int | None, ...], out: int) -> Any:
    """`rule(genes, *arrays)` with each set of genes on its share of the arrays; results are set side by side.

    Args:
      axes: along which axis each array is shared out; None: every species gets all of it.
      out: along which axis results are joined.
    """
    if len(sets) == 1:
        return rule(sets[0], *arrays)

    def parts(array: Any, axis: int | None) -> list[Any]:
        if axis is None:
            return [array] * len(sets)
        leaves, treedef = jax.tree.flatten(array)
        cut = [jnp.split(leaf, shares(leaf.shape[axis], len(sets)), axis) for leaf in leaves]
        return [treedef.unflatten(pieces) for pieces in zip(*cut, strict=True)]

    cut = zip(*(parts(array, axis) for array, axis in zip(arrays, axes, strict=True)), strict=True)
    results = [rule(genes, *pieces) for genes, pieces in zip(sets, cut, strict=True)]
    return jax.tree.map(lambda *leaves: _joined(leaves, out), *results)


def _joined(leaves: tuple[Array, ...], axis: int) -> Array:
    return jnp.concatenate(leaves, axis)


__all__ = ["Role", "Sets", "over_shares", "shares"]
