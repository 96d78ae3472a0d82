"""The area that learns which class something is of: keys whose values learn from the error of the whole.

Each neuron is a key: it remembers one pattern (or the mean of several alike, of one class), and fires by likeness,
(exp(s cos) - 1) / (exp(s) - 1) with sharpness s: 1 at its own, 0 at what is neither like nor unlike. Its synapses to
the classes, its value, do not vote for what the key was told: they learn what is missing. After every example all keys
are rehearsed: each fires its own pattern, hears what the whole would answer to it, and moves its value by the error.
Lateral synapses between keys hold how alike they are, so that a rehearsal needs no second look. At rest this is kernel
ridge regression, (K + decay) values = labels less their mean, in a local form.

J. Kivinen, A. Smola, R. Williamson, "Online learning with kernels", 2004; keys that take in what is like them are those
of adaptive resonance (G. Carpenter, S. Grossberg, 1987).
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mesocosm.rules.areas import Area, Genes, Vector

_TINY = 1e-8
SHARPNESS, DECAY, GAIN = 2.0, 0.1, 10.0
"""Written by hand."""


class KeysState(eqx.Module):
    patterns: Float[Array, "keys n"]
    values: Float[Array, "keys classes"]
    labels: Float[Array, "keys classes"]  # what each key was told: one-hot, or zeros while it is free
    counts: Float[Array, " keys"]  # examples that are in it
    alike: Float[Array, "keys keys"]  # how strongly each fires at the pattern of each; zeros while free


class Keys(Area):
    """A level of keys.

    Args:
      classes, keys: how many.
      rehearsals: how often all keys are rehearsed after an example.
      sharpness: written by hand; more of it where what is heard has much in common.
    """

    classes: int = eqx.field(static=True)
    keys: int = eqx.field(static=True)
    rehearsals: int = eqx.field(static=True, default=20)
    sharpness: float = eqx.field(static=True, default=SHARPNESS)

    def size(self, heard: int) -> int:
        return self.classes

    def found(self, key: Array, heard: int) -> Genes:
        """`gain`: of the answers; `unknown`: how far below the others a class is that was never named."""
        numbers = dict(sharpness=self.sharpness, decay=DECAY, rate=1.0, gain=GAIN, unknown=10.0)
        return {name: jnp.array(v) for name, v in numbers.items()}

    def begin(self, genes: Genes, heard: int, key: Array) -> KeysState:
        n, c = self.keys, self.classes
        dtype = genes["gain"].dtype
        shapes = ((n, heard), (n, c), (n, c), (n,), (n, n))
        return KeysState(*(jnp.zeros(shape, dtype) for shape in shapes))

    def answer(self, genes: Genes, state: KeysState, heard: Vector) -> Vector:
        fires = self._fires(genes, state, heard)
        known = jnp.max(state.labels, axis=0) > 0
        return genes["gain"] * (fires @ state.values) - jnp.where(known, 0, genes["unknown"])

    def _fires(self, genes: Genes, state: KeysState, heard: Vector) -> Vector:
        sharpness = genes["sharpness"]
        likeness = jnp.expm1(sharpness * _cosines(state.patterns, heard)) / jnp.expm1(sharpness)
        return jnp.where(state.counts > 0, likeness, 0)

    def learn(self, genes: Genes, state: KeysState, heard: Vector, answer: Vector, told: Vector) -> KeysState:
        return self._rehearsed(genes, self._kept(genes, state, heard, told))

    def _kept(self, genes: Genes, state: KeysState, heard: Vector, told: Vector) -> KeysState:
        """A free key takes the example; else the most alike of its class; else one of the class with most keys."""
        is_free, is_own = state.counts == 0, (state.labels @ told) > 0
        crowd = state.labels @ jnp.sum(state.labels, axis=0)
        alike = _cosines(state.patterns, heard)
        joins = ~jnp.any(is_free) & jnp.any(is_own)
        wanted = jnp.where(
            joins, jnp.where(is_own, alike, -2), jnp.where(jnp.any(is_free), is_free.astype(crowd.dtype), crowd)
        )
        at = jnp.argmax(wanted)
        before = jnp.where(joins, state.counts[at], 0)
        pattern = (before * state.patterns[at] + heard) / (before + 1)
        patterns = state.patterns.at[at].set(pattern)
        values = jnp.where(joins, state.values, state.values.at[at].set(0))
        counts = state.counts.at[at].set(before + 1)
        new = KeysState(patterns, values, state.labels.at[at].set(told), counts, state.alike)
        row = self._fires(genes, new, pattern)
        return eqx.tree_at(lambda s: s.alike, new, state.alike.at[at, :].set(row).at[:, at].set(row))

    def _rehearsed(self, genes: Genes, state: KeysState) -> KeysState:
        usual = jnp.sum(state.labels, axis=0) / jnp.maximum(jnp.sum(state.labels), 1)  # no class gains by being common
        wanted = jnp.where((state.counts > 0)[:, None], state.labels - usual[None, :], 0)
        bound = jnp.max(jnp.sum(jnp.abs(state.alike), axis=1)) + genes["decay"]  # no step is longer than is stable

        def rehearse(_: int, values: Array) -> Array:
            error = wanted - state.alike @ values - genes["decay"] * values
            return values + genes["rate"] / bound * error

        values = jax.lax.fori_loop(0, self.rehearsals, rehearse, state.values)
        return eqx.tree_at(lambda s: s.values, state, values)


def _cosines(patterns: Float[Array, "keys n"], heard: Vector) -> Float[Array, " keys"]:
    lengths = jnp.sum(patterns**2, axis=1) * jnp.sum(heard**2)
    return (patterns @ heard) * jax.lax.rsqrt(lengths + _TINY)


__all__ = ["DECAY", "GAIN", "SHARPNESS", "Keys", "KeysState"]
