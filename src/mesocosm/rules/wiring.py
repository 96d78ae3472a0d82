"""Which neurons reach which, and how one synapse's rule is batched over them.

`Dense`: every neuron of a level reaches every one of the next. `FieldWiring`: neurons of the next level each look at
small fields of a square image and share their strengths, as in the neocognitron (K. Fukushima, 1980); what arrives is
the energy of the match, pooled over neighbouring places, as in models of complex cells (E. Adelson, J. Bergen,
"Spatiotemporal energy models for the perception of motion", 1985).
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mesocosm.rules.form import Fields

_TINY = 1e-8
"""Squared length below which a vector has no direction."""


class Dense(eqx.Module):
    """Every neuron before reaches every neuron after."""

    before: int = eqx.field(static=True)
    after: int = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int]:
        """Synapses [after, before] that have a state."""
        return self.after, self.before

    def forward(
        self, sent: Float[Array, "m before"], strengths: Float[Array, "m after before"], normalise: bool
    ) -> Float[Array, "m after"]:
        """What arrives: means of message times strength, or the cosine of messages and strengths."""
        total = jnp.einsum("mi,mji->mj", sent, strengths)
        if not normalise:
            return total / self.before
        lengths = jnp.sum(sent**2, axis=1)[:, None] * jnp.sum(strengths**2, axis=2)
        return total * jax.lax.rsqrt(lengths + _TINY)

    def backward(
        self, replies: Float[Array, "m after"], strengths: Float[Array, "m after before"]
    ) -> Float[Array, "m before"]:
        """What comes back: means of reply times strength."""
        return jnp.einsum("mj,mji->mi", replies, strengths) / self.after

    def change(self, step: Any, genes: Any, synapses: Any, before: Array, after: Array) -> Any:
        """The synapses after one step between messages [.., before] and replies [.., after]."""
        return over_synapses(step, 1, 2)(genes, synapses, before, after)


class FieldWiring(eqx.Module):
    """Neurons [pool, channel] that look at every small field of a square image around their pool.

    All places of a channel share the state of their synapses: each takes a step from it, and the mean of what they came
    to is the new state. With `normalise` a place is told the correlation of its field, less its mean, with the
    strengths; else the mean product. Its square is averaged over the pool.
    """

    side: int = eqx.field(static=True)
    fields: Fields = eqx.field(static=True)

    @property
    def before(self) -> int:
        return self.side**2

    @property
    def after(self) -> int:
        return self.fields.channels * self.pools.shape[0]

    @property
    def shape(self) -> tuple[int, int]:
        return self.fields.channels, self.fields.width**2

    @property
    def places(self) -> np.ndarray:
        """Pixels of every field, int [places, width^2], rows first."""
        at = np.lib.stride_tricks.sliding_window_view(np.arange(self.before).reshape(self.side, -1), (self._width,) * 2)
        return at.reshape(-1, self._width**2)

    @property
    def pools(self) -> np.ndarray:
        """Share of every place in each pool, float32 [pools, places]; rows sum to 1. Pools overlap by half."""
        n = self.side - self._width + 1
        pool = min(self.fields.pool, n)
        starts = np.round(np.linspace(0, n - pool, math.ceil((n - pool) / ((pool + 1) // 2)) + 1)).astype(int)
        line = np.array([(np.arange(n) >= s) & (np.arange(n) < s + pool) for s in starts]) / np.float32(pool)
        return np.einsum("ax,by->abxy", line, line).reshape(len(starts) ** 2, n * n).astype(np.float32)

    @property
    def _width(self) -> int:
        return self.fields.width

    def forward(self, sent: Array, strengths: Array, normalise: bool) -> Array:
        seen = sent[:, self.places]
        if normalise:
            seen = seen - jnp.mean(seen, axis=2, keepdims=True)
        match = jnp.einsum("mpk,mck->mpc", seen, strengths)
        if normalise:
            lengths = jnp.sum(seen**2, axis=2)[:, :, None] * jnp.sum(strengths**2, axis=2)[:, None, :]
            match = match * jax.lax.rsqrt(lengths + _TINY)
        else:
            match = match / self.places.shape[1]
        return jnp.einsum("qp,mpc->mqc", self.pools.astype(sent.dtype), match**2).reshape(sent.shape[0], -1)

    def backward(self, replies: Array, strengths: Array) -> Array:
        at_places = jnp.einsum("mpc,mck->mpk", self._at_places(replies), strengths) / self.fields.channels
        summed = jnp.zeros((replies.shape[0], self.before), replies.dtype).at[:, self.places].add(at_places)
        return summed / np.bincount(self.places.ravel())[None].astype(replies.dtype)

    def _at_places(self, values: Float[Array, "r after"]) -> Float[Array, "r places channels"]:
        """Of the neurons to whose pool a place belongs, the mean."""
        share = self.pools / self.pools.sum(axis=0)
        return jnp.einsum("qp,rqc->rpc", share.astype(values.dtype), values.reshape(values.shape[0], len(share), -1))

    def change(self, step: Any, genes: Any, synapses: Any, before: Array, after: Array) -> Any:
        at = jax.vmap(lambda b, a: over_synapses(step, 1, 2)(genes, synapses, b, a), in_axes=1)
        return jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), at(before[:, self.places], self._at_places(after)))


Wiring = Dense | FieldWiring


def wire(sizes: tuple[int, ...], fields: Fields) -> tuple[Wiring, ...]:
    """The layers of a net of these sizes; a level of fields stands between the inputs and the next level.

    Raises:
      ValueError: for sizes that are none, and for fields over what is no square image or a smaller one.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes = {sizes}: a net has at least inputs and classes, one neuron each or more")
    first: tuple[Wiring, ...] = ()
    if fields.channels:
        side = math.isqrt(sizes[0])
        if side * side != sizes[0] or side < fields.width:
            raise ValueError(
                f"sizes = {sizes}: fields of {fields.width} x {fields.width} pixels look at a square image at least as "
                f"large, not at {sizes[0]} numbers"
            )
        first = (FieldWiring(side, fields),)
        sizes = (first[0].after, *sizes[1:])
    return *first, *(Dense(a, b) for a, b in itertools.pairwise(sizes))


def over_neurons(rule: Any) -> Any:
    """A rule of one neuron, (genes, *vectors) -> vector, over the last axis of arrays [.., n]."""

    def batched(genes: Any, *arrays: Array) -> Array:
        return jax.vmap(lambda *vectors: rule(genes, *vectors), in_axes=-1, out_axes=-1)(*arrays)

    return batched


def over_synapses(rule: Any, n_own: int, n_neuron: int) -> Any:
    """A rule of one synapse over arrays [.., after, before].

    `rule(genes, own, before, after)`: `n_own` arrays of its own, then none or two vectors of the neurons at its ends.
    """

    def batched(genes: Any, *arrays: Any) -> Any:
        def one(*vectors: Any) -> Any:
            return rule(genes, *vectors)

        own = (1,) * n_own
        ends_before, ends_after = ((1, None), (None, 1)) if n_neuron else ((), ())
        row = jax.vmap(one, in_axes=(*own, *ends_before), out_axes=1)
        return jax.vmap(row, in_axes=(*own, *ends_after), out_axes=1)(*arrays)

    return batched


__all__ = ["Dense", "FieldWiring", "Wiring", "over_neurons", "over_synapses", "wire"]
