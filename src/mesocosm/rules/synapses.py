"""What ONE synapse does: how its state changes, and how strongly it carries a message either way.

A synapse sees the message `f` of the neuron before it and the reply `b` of the neuron after it, `m` numbers each. Each
cell asks for both through a projection that a neuron computes once for all its synapses (`before`, `after`); only what
depends on the state itself is left to the synapse. That is the factored form W[f; b; h] = A f + B b + U h.

The first `m` numbers of the state are the forward strengths. The backward strengths are the next `m` (a brain does not
send errors back through the synapse they came by), or the forward ones where `symmetric`.

References: L. Kirsch, J. Schmidhuber, "Meta learning backpropagation and improving it", 2021 (an LSTM a synapse);
M. Sandler et al., "Meta-learning bidirectional update rules", 2021 (the bilinear rule); E. Najarro, S. Risi,
"Meta-learning through Hebbian plasticity in random networks", 2020 (four Hebbian coefficients).
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Genes = dict[str, Array]
Vector = Float[Array, "_"]


class Synapse(eqx.Module):
    """One synapse. Subclasses are final.

    Args:
      messages: numbers in a message (m).
      symmetric: whether replies go back over the forward strengths.
    """

    messages: int = eqx.field(static=True)
    symmetric: bool = eqx.field(static=True, default=False)

    @property
    def strengths(self) -> int:
        """Numbers of the state that carry messages."""
        return self.messages if self.symmetric else 2 * self.messages

    @property
    def size(self) -> int:
        """Numbers of state."""
        return self.strengths

    def found(self, key: Array) -> Genes:
        """Random genes (float32)."""
        raise NotImplementedError

    def begin(self, genes: Genes, noise: Vector) -> Any:
        """The state before the first example; `noise` [size] breaks the symmetry between synapses."""
        raise NotImplementedError

    def before(self, genes: Genes, f: Vector) -> Vector:
        """What the message of the neuron before contributes to a step."""
        raise NotImplementedError

    def after(self, genes: Genes, b: Vector) -> Vector:
        """What the reply of the neuron after contributes to a step."""
        raise NotImplementedError

    def step(self, genes: Genes, state: Any, before: Vector, after: Vector) -> Any:
        """The state after one step."""
        raise NotImplementedError

    def carry(self, state: Any) -> tuple[Array, Array]:
        """Forward and backward strengths, along the first axis; further axes pass through."""
        m = self.messages
        return state[:m], (state[:m] if self.symmetric else state[m : 2 * m])

    def held(self, new: Any, old: Any) -> Any:
        """`new`, with the backward strengths of `old` (not where `symmetric`)."""
        return self.with_ways_back(new, old)

    def with_ways_back(self, new: Array, old: Array) -> Array:
        """The same of arrays whose first axis is that of the state's numbers."""
        m = self.messages
        return new.at[m : 2 * m].set(old[m : 2 * m])


def _begin(genes: Genes, noise: Vector) -> Vector:
    """The start, spread by noise; genes of the output role have no spread."""
    return genes["start"] + genes["spread"] * noise if "spread" in genes else genes["start"] + 0 * noise


class LSTMSynapse(Synapse):
    """A long short-term memory of `hidden` numbers at every synapse.

    gates = A f + B b + U h + bias;  c <- s(forget) c + s(input) tanh(new);  h <- s(output) tanh(c)

    Args:
      hidden: numbers of memory (h); at least the strengths.
      fast: the declared fast cell: U is diagonal, and s and tanh are rational functions of the same slope at 0.
    """

    hidden: int = eqx.field(static=True, default=4)
    fast: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        if self.hidden < self.strengths:
            raise ValueError(
                f"hidden = {self.hidden}: must be at least {self.strengths}, the strengths of {self.messages} messages "
                f"({'symmetric' if self.symmetric else 'asymmetric'})"
            )

    @property
    def size(self) -> int:
        return self.hidden

    def found(self, key: Array) -> Genes:
        m, h = self.messages, self.hidden
        a, b, u, s = jax.random.split(key, 4)
        forget = jnp.repeat(jnp.array([0.0, 3.0, 0.0, 0.0]), h)  # it remembers before it has learnt what to forget
        return {
            "A": jax.random.normal(a, (4 * h, m)) * 0.3,
            "B": jax.random.normal(b, (4 * h, m)) * 0.3,
            "U": jax.random.normal(u, (4 * h,) if self.fast else (4 * h, h)) * 0.1,
            "bias": forget,
            "start": jax.random.normal(s, (h,)) * 0.01,
            "spread": jnp.full((h,), 0.3),
        }

    def begin(self, genes: Genes, noise: Vector) -> tuple[Vector, Vector]:
        c = _begin(genes, noise)
        return 0.5 * self._squash(c), c

    def before(self, genes: Genes, f: Vector) -> Vector:
        return genes["A"] @ f

    def after(self, genes: Genes, b: Vector) -> Vector:
        return genes["B"] @ b + genes["bias"]

    def step(self, genes: Genes, state: tuple[Vector, Vector], before: Vector, after: Vector) -> tuple[Vector, Vector]:
        h, c = state
        n, own = self.hidden, self._own(genes["U"], h)
        # One number after the other: XLA then fuses the whole step into one loop over synapses.
        i, forget, new, o = ([before[r] + after[r] + own[r] for r in range(k * n, k * n + n)] for k in range(4))
        c = [self._gate(forget[k]) * c[k] + self._gate(i[k]) * self._squash(new[k]) for k in range(n)]
        h = [self._gate(o[k]) * self._squash(c[k]) for k in range(n)]
        return jnp.stack(h), jnp.stack(c)

    def _own(self, u: Array, h: Vector) -> list[Array]:
        """U h, number by number."""
        n = self.hidden
        if self.fast:
            return [u[r] * h[r % n] for r in range(4 * n)]
        if n > 8:  # written out it would take long to compile
            return list(u @ h)
        return [sum((u[r, k] * h[k] for k in range(1, n)), u[r, 0] * h[0]) for r in range(4 * n)]

    def _squash(self, x: Array) -> Array:
        return x / (1 + jnp.abs(x)) if self.fast else jnp.tanh(x)

    def _gate(self, x: Array) -> Array:
        return 0.5 + 0.5 * self._squash(0.5 * x)

    def carry(self, state: tuple[Array, Array]) -> tuple[Array, Array]:
        return super().carry(state[0])

    def held(self, new: tuple[Array, Array], old: tuple[Array, Array]) -> tuple[Array, Array]:
        return self.with_ways_back(new[0], old[0]), new[1]


class BilinearSynapse(Synapse):
    """The bidirectional update rule (BLUR): w <- retain w + (A f) (B b), each strength for itself."""

    def found(self, key: Array) -> Genes:
        m, s = self.messages, self.strengths
        a, b = jax.random.split(key)
        return {
            "A": jax.random.normal(a, (s, m)) * 0.3,
            "B": jax.random.normal(b, (s, m)) * 0.3,
            "retain": jnp.full((s,), 0.99),
            "start": jnp.zeros(s),
            "spread": jnp.full((s,), 0.3),
        }

    def begin(self, genes: Genes, noise: Vector) -> Vector:
        return _begin(genes, noise)

    def before(self, genes: Genes, f: Vector) -> Vector:
        return genes["A"] @ f

    def after(self, genes: Genes, b: Vector) -> Vector:
        return genes["B"] @ b

    def step(self, genes: Genes, state: Vector, before: Vector, after: Vector) -> Vector:
        return genes["retain"] * state + before * after


class HebbianSynapse(Synapse):
    """Four coefficients a strength: w <- retain w + both f b + alone f + reply b + drift."""

    def found(self, key: Array) -> Genes:
        s = self.strengths
        values = jax.random.normal(key, (4, s)) * 0.1
        names = ("both", "alone", "reply", "drift")
        return {
            **{name: values[i] for i, name in enumerate(names)},
            "retain": jnp.full((s,), 0.99),
            "start": jnp.zeros(s),
            "spread": jnp.full((s,), 0.3),
        }

    def begin(self, genes: Genes, noise: Vector) -> Vector:
        return _begin(genes, noise)

    def before(self, genes: Genes, f: Vector) -> Vector:
        return f if self.symmetric else jnp.tile(f, 2)

    def after(self, genes: Genes, b: Vector) -> Vector:
        return b if self.symmetric else jnp.tile(b, 2)

    def step(self, genes: Genes, state: Vector, before: Vector, after: Vector) -> Vector:
        change = genes["both"] * before * after + genes["alone"] * before + genes["reply"] * after + genes["drift"]
        return genes["retain"] * state + change


__all__ = ["BilinearSynapse", "Genes", "HebbianSynapse", "LSTMSynapse", "Synapse"]
