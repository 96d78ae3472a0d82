"""What ONE neuron does: from what arrives to what it sends forward, what it replies, and what it remembers."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

FEEDBACK = 3
"""Numbers that come back to a neuron; an output neuron is told (label - probability, probability, label)."""

INPUT, HIDDEN, OUTPUT, FIELD = 0, 1, 2, 3
"""Roles of neurons, and of layers of synapses by where they lead from (the last layer is OUTPUT).

Where a net begins with fields, pixels and the synapses behind them are of the role FIELD; the neurons that look at
fields are the inputs of what follows."""

Genes = dict[str, Array]
Vector = Float[Array, "_"]


class Neuron(eqx.Module):
    """A neuron that remembers `memory` numbers u through one gate.

    message f = F [a; u; 1];  reply b = G [r; a; u; 1];  u <- (1 - z) u + z tanh(new),  (z, new) = H [a; r; u; 1]

    Here `a` [messages] is what arrived from before, `r` [FEEDBACK] what came back.
    """

    messages: int = eqx.field(static=True)
    memory: int = eqx.field(static=True)

    def found(self, key: Array, role: int | None = None) -> Genes:
        """Random genes that begin near the plain neuron, which passes on what it gets.

        For one role only, without the genes that it cannot use: nothing arrives at an input neuron over synapses and
        nobody hears its reply; an output neuron sends nothing on and nothing comes back to it over synapses.
        """
        m, k = self.messages, self.memory
        v, q, f, g, h, s = jax.random.split(key, 6)

        def near(key: Array, rows: int, columns: int) -> Array:
            return jnp.eye(rows, columns) + 0.1 * jax.random.normal(key, (rows, columns))

        genes = {
            "V": near(v, m, m),
            "Q": near(q, FEEDBACK, m),
            "F": near(f, m, m + k + 1),
            "G": near(g, m, FEEDBACK + m + k + 1),
            "H": 0.3 * jax.random.normal(h, (2 * k, m + FEEDBACK + k + 1)),
            "u": 0.01 * jax.random.normal(s, (k,)),
        }
        idle = {INPUT: ("V", "G"), FIELD: ("V", "G"), OUTPUT: ("F", "Q")}.get(-1 if role is None else role, ())
        return {name: values for name, values in genes.items() if name not in idle}

    def arrive(self, genes: Genes, means: Vector) -> Vector:
        """What arrives, from the means of the messages that synapses carried forward."""
        return genes["V"] @ means

    def returned(self, genes: Genes, means: Vector) -> Vector:
        """What comes back, from the means of the replies that synapses carried backward."""
        return genes["Q"] @ means

    def send(self, genes: Genes, a: Vector, u: Vector) -> Vector:
        return genes["F"] @ jnp.concatenate([a, u, jnp.ones_like(a[:1])])

    def reply(self, genes: Genes, r: Vector, a: Vector, u: Vector) -> Vector:
        return genes["G"] @ jnp.concatenate([r, a, u, jnp.ones_like(a[:1])])

    def remember(self, genes: Genes, a: Vector, r: Vector, u: Vector) -> Vector:
        z, new = jnp.split(genes["H"] @ jnp.concatenate([a, r, u, jnp.ones_like(a[:1])]), 2)
        z = jax.nn.sigmoid(z)
        return (1 - z) * u + z * jnp.tanh(new)


__all__ = ["FEEDBACK", "FIELD", "HIDDEN", "INPUT", "OUTPUT", "Neuron"]
