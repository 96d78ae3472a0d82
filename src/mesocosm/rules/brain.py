"""A brain: areas with genes of their own, one after the other, at work like any other rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mesocosm.rules.areas import Area, Beside, Chain, Decorrelating, Innate, Oriented, Retina, Upright
from mesocosm.rules.form import BrainForm
from mesocosm.rules.heeded import Heeded
from mesocosm.rules.keys import Keys

_SHARPER = 8.0
"""Of keys that hear energies as they are, which have much in common."""


class BrainGenome(eqx.Module):
    """Genes of each area."""

    areas: Any

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return sum(leaf.size for leaf in jax.tree.leaves(self))


class Brain(eqx.Module):
    """A chain of areas in the harness of every rule.

    Args:
      areas: the last one answers a number for each class.
      sizes: inputs, and classes; between them the keys.
    """

    areas: Chain
    sizes: tuple[int, ...] = eqx.field(static=True)

    @property
    def n_connections(self) -> int:
        """As if what its areas hear and answer were wired in full."""
        return sum(before * after for before, after in pairwise(self.sizes))

    def found(self, key: Array) -> BrainGenome:
        """The genome written by hand."""
        return BrainGenome(self.areas.found(key, self.sizes[0]))

    def start(self, genome: BrainGenome, key: Array) -> Any:
        """The state before the first example."""
        return self.areas.begin(genome.areas, self.sizes[0], key)

    def predict(self, genome: BrainGenome, state: Any, x: Float[Array, " inputs"]) -> Float[Array, " classes"]:
        """Logits for one example; the state stays as it is."""
        return self.areas.answer(genome.areas, state, x)

    def learn(
        self, genome: BrainGenome, state: Any, x: Float[Array, " inputs"], label: Float[Array, " classes"]
    ) -> tuple[Any, Float[Array, " classes"]]:
        """The state after one example, and the logits that were given before its label (one-hot) was told."""
        passed = self.areas.passed(genome.areas, state, x)
        return self.areas.learnt(genome.areas, state, passed, label), passed[-1]


def build_brain(form: BrainForm, sizes: tuple[int, ...]) -> Brain:
    """A brain of this form.

    Args:
      sizes: inputs, keys (left out: as many as the form says), classes.

    Raises:
      ValueError: for sizes that are none, or no square image.
    """
    if not 2 <= len(sizes) <= 3 or min(sizes) < 1:
        raise ValueError(f"sizes = {sizes}: eyes have inputs, at most one level of keys, and classes, one each or more")
    many = sizes[1] if len(sizes) == 3 else form.keys
    keys = Keys(sizes[-1], many, form.rehearsals)
    ends: tuple[Area, ...] = (*perception(form), keys)
    if form.second:
        ends = (
            Heeded(
                (
                    Chain(ends),
                    Chain((Oriented(form.orientations, form.second), Keys(sizes[-1], many, form.rehearsals, _SHARPER))),
                ),
                form.forgets,
            ),
        )
    areas = Chain((Retina(form.side), *ends))
    areas.size(sizes[0])  # refuses what is no image
    return Brain(areas, (sizes[0], many, sizes[-1]))


def that_forgets(form: BrainForm, genome: BrainGenome, forgets: float) -> tuple[BrainForm, BrainGenome]:
    """The same brain, but that such a share of how often its levels were right is forgotten with each example.

    Raises:
      ValueError: of a brain of one level of keys, and for what is no share.
    """
    if not form.second:
        raise ValueError("second = 0: of one level of keys nobody is heeded more; take a brain of two")
    if not 0 <= forgets <= 1:
        raise ValueError(f"forgets = {forgets}: must be a share, 0 (nothing is forgotten) ... 1")
    *before, last = genome.areas
    gene = jnp.asarray(forgets, last["trust"].dtype)
    return replace(form, forgets=True), BrainGenome([*before, last | {"forgets": gene}])


def before_keys(brain: Brain, genome: BrainGenome) -> tuple[Chain, Any]:
    """The areas through which the (first) keys see, and their genes."""
    areas, genes = brain.areas.areas, genome.areas
    if isinstance(areas[-1], Heeded):
        first = areas[-1].areas[0]
        assert isinstance(first, Chain)
        return Chain((*areas[:-1], *first.areas[:-1])), [*genes[:-1], *genes[-1]["areas"][0][:-1]]
    return Chain(areas[:-1]), genes[:-1]


def perception(form: BrainForm) -> tuple[Area, ...]:
    """The areas between the retina and the keys."""
    views: list[Area] = []
    if form.upright:
        views.append(Chain((Upright(), Oriented(form.orientations, form.upright))))
    if form.plain:
        views.append(Oriented(form.orientations, form.plain))
    areas: list[Area] = [Beside(tuple(views))] if views else []
    if form.features:
        areas.append(Innate(form.features))
    if form.decorrelate:
        areas.append(Decorrelating())
    return tuple(areas)


__all__ = ["Brain", "BrainGenome", "before_keys", "build_brain", "perception", "that_forgets"]
