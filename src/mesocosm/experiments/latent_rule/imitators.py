"""Imitators as small objects: what an imitator makes of what it sees, junction by junction, and who drives meanwhile.

One of your own is a class of this kind under a name (`docs/explanation/latent-rule.md`):
`build(configuration, imitators={...})`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32, Int32

from mesocosm.experiments.latent_rule.task import Task

TINY = 1e-6
"""The least probability in a filter: of an expert that never errs a slip is not impossible to explain."""


class Imitator(eqx.Module):
    """From what is seen to preferences among acts. Subclasses are final.

    Args:
      drives: who drives where the examples come from: the expert (behaviour cloning), or the imitator itself while
        the expert says at each junction what it would do (DAgger: S. Ross, G. Gordon and D. Bagnell 2011).
    """

    drives: bool = eqx.field(static=True, default=False, kw_only=True)

    def found(self, key: Array, task: Task) -> Any:
        """What it learns, as arrays in floating point, before it has learnt anything."""
        raise NotImplementedError

    def begin(self, learnt: Any, task: Task) -> Any:
        """What it remembers when a trip begins."""
        raise NotImplementedError

    def step(
        self, learnt: Any, memory: Any, seen: Float32[Array, " n"], last: Int32[Array, ""], task: Task
    ) -> tuple[Any, Float32[Array, " acts"]]:
        """What it remembers after a junction, and how it would act there.

        Args:
          seen: cues, the light, what was told (see `Task`).
          last: the act of whoever drives at the junction before; -1 at the first.

        Returns:
          what is remembered, and the logits of the acts.
        """
        raise NotImplementedError

    def inside(self, memory: Any) -> Float32[Array, " h"]:
        """Numbers of what it remembers, for probes."""
        return jnp.concatenate([jnp.ravel(x) for x in jax.tree.leaves(memory)])


class FeedForward(Imitator):
    """A net of one hidden layer that sees the present junction alone."""

    hidden: int = eqx.field(static=True, default=16)

    def found(self, key: Array, task: Task) -> Any:
        return layers(key, {"in": (task.n_seen, self.hidden), "out": (self.hidden, task.n_acts)})

    def begin(self, learnt: Any, task: Task) -> Any:
        return jnp.zeros(self.hidden)

    def step(self, learnt: Any, memory: Any, seen: Array, last: Array, task: Task) -> tuple[Any, Array]:
        hidden = jnp.tanh(through(learnt["in"], seen))
        return hidden, through(learnt["out"], hidden)


class Recurrent(Imitator):
    """A gated recurrent net (K. Cho et al. 2014) that sees the trip so far: what was seen, and what was done."""

    hidden: int = eqx.field(static=True, default=16)

    def found(self, key: Array, task: Task) -> Any:
        n = task.n_seen + task.n_acts + self.hidden
        return layers(key, {"gates": (n, 2 * self.hidden), "new": (n, self.hidden), "out": (self.hidden, task.n_acts)})

    def begin(self, learnt: Any, task: Task) -> Any:
        return jnp.zeros(self.hidden)

    def step(self, learnt: Any, memory: Any, seen: Array, last: Array, task: Task) -> tuple[Any, Array]:
        there = jnp.concatenate([seen, jax.nn.one_hot(last, task.n_acts)])  # of -1: zeros
        reset, update = jnp.split(jax.nn.sigmoid(through(learnt["gates"], jnp.concatenate([there, memory]))), 2)
        new = jnp.tanh(through(learnt["new"], jnp.concatenate([there, reset * memory])))
        memory = update * memory + (1 - update) * new
        return memory, through(learnt["out"], memory)


class LatentIntent(Imitator):
    """A recurrent belief over a few intents, moved by what is seen and never by what was done; each intent has acts.

    What an intent is, is learnt: nothing says what is hidden, or that it is the weather.
    """

    intents: int = eqx.field(static=True, default=8)
    hidden: int = eqx.field(static=True, default=16)

    def found(self, key: Array, task: Task) -> Any:
        into = {"in": (task.n_seen + self.intents, self.hidden), "belief": (self.hidden, self.intents)}
        return layers(key, {**into, "acts": (self.intents, task.n_acts)})

    def begin(self, learnt: Any, task: Task) -> Any:
        return jnp.full(self.intents, 1 / self.intents)

    def step(self, learnt: Any, memory: Any, seen: Array, last: Array, task: Task) -> tuple[Any, Array]:
        hidden = jnp.tanh(through(learnt["in"], jnp.concatenate([seen, self.intents * memory - 1])))
        belief = jax.nn.softmax(through(learnt["belief"], hidden))
        acts = jax.nn.softmax(learnt["acts"]["w"], axis=0)  # [acts, intents]
        return belief, jnp.log(acts @ belief + TINY)


class Filter(Imitator):
    """Explicit inference: the Bayes filter of the hidden state. It is told the rule; it learns how far to trust cues.

    Args:
      acts: what its own acts are to it: *interventions*, which say nothing of what is hidden, or *evidence*, as if the
        expert had chosen them (P. Ortega et al. 2021 call that a delusion).
      is_exact: whether it is given every probability, and learns nothing.
    """

    acts: Literal["interventions", "evidence"] = eqx.field(static=True, default="interventions")
    is_exact: bool = eqx.field(static=True, default=False)

    def found(self, key: Array, task: Task) -> Any:
        trust = 0.5 + 0.1 * jax.random.normal(key, (task.n_propositions, task.cues))  # about .62
        return {"trust": jnp.zeros_like(trust) if self.is_exact else trust}

    def begin(self, learnt: Any, task: Task) -> Any:
        return task.prior

    def step(self, learnt: Any, memory: Any, seen: Array, last: Array, task: Task) -> tuple[Any, Array]:
        expert = task.expert_acts()  # [states, acts]
        evidence = jnp.where(last >= 0, expert[:, last], 1.0) if self.acts == "evidence" else jnp.ones_like(memory)
        if task.is_told:
            evidence = evidence * jnp.where(last >= 0, task.told_given(last, task.told(seen)), 1.0)
        there = jnp.where(last >= 0, _shares(memory * evidence) @ task.moves, memory)
        cue_is_right = jnp.where(self.is_exact, task.reliability, jax.nn.sigmoid(learnt["trust"]))[None]
        is_shown = (task.cues_of(seen)[None] > 0) == (task.shows[:, :, None] == 1)  # [states, propositions, cues]
        each = jnp.where(is_shown, cue_is_right, 1 - cue_is_right)
        belief = _shares(there * jnp.exp(jnp.sum(jnp.log(jnp.clip(each, TINY)), axis=(1, 2))))
        return belief, jnp.log(jnp.clip(belief @ expert, TINY))


IMITATORS: Mapping[str, Imitator] = {
    "cloning": FeedForward(),
    "dagger": FeedForward(drives=True),
    "cloning-recurrent": Recurrent(),
    "dagger-recurrent": Recurrent(drives=True),
    "latent-intent": LatentIntent(),
    "filter": Filter(),
    "bayes-interventions": Filter(is_exact=True),
    "bayes-evidence": Filter(acts="evidence", is_exact=True),
}
"""Imitators by name. The last two learn nothing: they are what inference can be at best, and at worst."""


def layers(key: Array, shapes: Mapping[str, tuple[int, int]]) -> dict[str, dict[str, Array]]:
    """Layers of so many numbers in and out: weights of variance 1 / n_in, no offsets."""
    drawn = jax.random.normal(key, (sum(n_in * n_out for n_in, n_out in shapes.values()),))
    out, first = {}, 0
    for name, (n_in, n_out) in shapes.items():
        w = drawn[first : first + n_in * n_out].reshape(n_out, n_in) / jnp.sqrt(n_in)
        out[name], first = {"w": w, "b": jnp.zeros(n_out)}, first + n_in * n_out
    return out


def through(layer: dict[str, Array], x: Float32[Array, " n_in"]) -> Float32[Array, " n_out"]:
    return layer["w"] @ x + layer["b"]


def _shares(weights: Float32[Array, " states"]) -> Float32[Array, " states"]:
    """Weights that add up to one; where nothing has any, everything is possible."""
    total = jnp.sum(weights)
    is_there: Bool[Array, ""] = total > 0
    return jnp.where(is_there, weights / jnp.where(is_there, total, 1), 1 / weights.shape[0])
