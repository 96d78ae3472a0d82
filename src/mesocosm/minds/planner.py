"""A planner: what its genes reward, got by the plan that is best in the colony's model of the world; all in integers.

The colony tallies what everybody lives through: from which stimulus, by which act, to which stimulus, or to death; what
was eaten, and who mated. At every half-life the tallies are halved, rounded down. A body without a plan acts blindly.
At every `thinks_every`-th tick the model is worked out anew and all who have no plan make theirs, once for life, by
value iteration (R. Bellman 1957) of their own reward:

    P(s' | s, a) = floor(2^13 n(s, a, s') / (n(s, a) + prior)) / 2^13, what is missing to 1 added to s' = s
    E(e | s, a)  = floor(2^12 n(e, s, a) / (n(s, a) + prior)) / 2^12
    r(s, a)      = sum of weight times E(e | s, a), in 1/32, rounded
    Q(s, a)      = r(s, a) + discount sum of P(s' | s, a) V(s'), in 1/32, rounded twice; V(death) = 0
    V(s)         = max Q(s, .), or for `softmax` T log sum exp(Q(s, .) / T): B. D. Ziebart's soft values (2010)

begun at V = 0, for a given number of sweeps. What is kept is how far each act lies below the best.

Bounds: a reward is below 2^9 and a value below 2^13 in size (the discount is 240/256 at most, of soft values 239/256),
so that products with P stay below 2^31. A value is at most (discount^sweeps 2^9 + 3/64) / (1 - discount) from the exact
one of this model.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int8, Int32

from mesocosm.core.arrays import deposit
from mesocosm.core.random import Bits, threshold16
from mesocosm.minds import rewards
from mesocosm.minds.mind import Brain, Colony, Draw, Experience, Mind
from mesocosm.minds.parameters import WEIGHTS, RewardParameters
from mesocosm.minds.policy import softmax_weight

P_BITS, E_BITS, V_BITS = 13, 12, 5
"""Fractions of probabilities, of events and of values."""
NEVER = 2**31 - 1
_TOP = 13 * 4096 + 2400
"""`_log2` of 12288, the largest weight of a softmax."""


class Model(eqx.Module):
    """What the next stimulus and the events will be."""

    next: Int32[Array, "stimuli acts after"]  # 1/2^13, without death
    events: Int32[Array, "stimuli acts weights"]  # 1/2^12


class Planner(rewards.OfRewards, Mind):
    """Genome -> reward map of ONE individual; its brain holds its plan."""

    n_stimuli: int = eqx.field(static=True)
    n_acts: int = eqx.field(static=True)
    sweeps: int = eqx.field(static=True)
    policy: str = eqx.field(static=True)
    counted: Int32[Array, " weights"]
    sharpness: Int32[Array, ""]
    exploration_threshold: Int32[Array, ""]
    discount: Int32[Array, ""]
    bite: Int32[Array, ""]
    thinks_every: Int32[Array, ""]  # pyright: ignore[reportIncompatibleVariableOverride]
    half_life: Int32[Array, ""]
    prior: Int32[Array, ""]
    adapts: Int32[Array, ""]
    settles: Int32[Array, ""]

    def __init__(self, parameters: RewardParameters, n_stimuli: int, n_acts: int):
        p = parameters
        self.n_stimuli, self.n_acts, self.sweeps, self.policy = n_stimuli, n_acts, p.sweeps, p.policy
        self.counted = rewards.counted(p.without)
        self.exploration_threshold = jnp.int32(threshold16(p.exploration))
        for name in ("sharpness", "discount", "bite", "thinks_every", "half_life", "prior", "adapts"):
            setattr(self, name, jnp.int32(getattr(p, name)))
        self.settles = jnp.int32(NEVER)

    def frozen(self, kind: str) -> Mind:
        """The model learns for `adapts` ticks more; what is seen from then on is tallied beside it."""
        return eqx.tree_at(lambda mind: mind.settles, self, self.adapts)

    # -- what the colony knows -------------------------------------------------------------------------------------

    def colony(self) -> Colony:
        """Tallies, flat: `next` [stimuli acts (stimuli + 1)], the last being death, `food` and `mating` [stimuli acts].

        The first half of each is the model; the second is what frozen bodies were seen to do.
        """
        rows = self.n_stimuli * self.n_acts
        sizes = {"next": rows * (self.n_stimuli + 1), "food": rows, "mating": rows}
        return {name: jnp.zeros(2 * size, jnp.int32) for name, size in sizes.items()}

    def tally(self, bits: Bits, colony: Colony, experience: Experience, counts: Bool[Array, " n"]) -> Colony:
        e, after = experience, self.n_stimuli + 1
        row = e.seen * self.n_acts + e.act
        to = jnp.where(e.is_last, self.n_stimuli, e.seen_after)
        told = {
            "next": (row * after + to, jnp.ones_like(row)),
            "food": (row, rewards.food_of(e.doings["eaten"], self.bite)),
            "mating": (row, e.doings["exchanged"]),
        }
        is_settled = bits.tick - jnp.where(e.is_last, 0, 1) >= self.settles  # when it was lived through
        is_due = ~is_settled & ~e.is_last & ((bits.tick + 1) % self.half_life == 0)
        out = {}
        for name, (cells, amounts) in told.items():
            size = colony[name].shape[0] // 2
            added = deposit(colony[name], cells + jnp.where(is_settled, size, 0), jnp.where(counts, amounts, 0))
            out[name] = added >> jnp.where(is_due, 1, 0)
        return out

    def common(self, colony: Colony) -> Model:
        """The model that the tallies make."""
        s, a = self.n_stimuli, self.n_acts
        n = colony["next"][: s * a * (s + 1)].reshape(s, a, s + 1)
        seen = jnp.sum(n, axis=2, dtype=jnp.int32) + self.prior
        after = _share(n, seen[..., None], P_BITS)
        missing = (1 << P_BITS) - jnp.sum(after, axis=2, dtype=jnp.int32)
        ahead = after[..., :s] + jnp.eye(s, dtype=jnp.int32)[:, None, :] * missing[..., None]
        death = _share(n[..., s], seen, E_BITS)
        mates = _share(colony["mating"][: s * a].reshape(s, a), seen, E_BITS)
        food = _share(colony["food"][: s * a].reshape(s, a), seen, E_BITS - 7)
        emits = jnp.broadcast_to((jnp.arange(a, dtype=jnp.int32) >> 1 & 1) << E_BITS, (s, a))
        return Model(ahead, jnp.stack([death, emits, mates, (1 << E_BITS) - death, food], axis=-1))

    # -- what an individual does with it ---------------------------------------------------------------------------

    def develop(self, draw: Draw, genome: Int8[Array, " loci"], colony: Colony) -> Brain:
        return {"gaps": jnp.zeros((self.n_stimuli, self.n_acts), jnp.int16), "waits": jnp.int32(1)}

    def waits(self, tick: Int32[Array, ""], brain: Brain) -> Bool[Array, ""]:
        has_settled = (tick >= self.settles) & (tick - self.settles < self.thinks_every)
        return (brain["waits"] > 0) | has_settled

    def think(self, genome: Int8[Array, " loci"], brain: Brain, common: Model) -> Brain:
        gaps = jnp.minimum(self.gaps(genome, common), 32767).astype(jnp.int16)
        return {"gaps": gaps, "waits": jnp.int32(0)}

    def gaps(self, genome: Int8[Array, " loci"], model: Model) -> Int32[Array, "stimuli acts"]:
        """How far each act lies below the best, in 1/32 of a unit of reward."""
        q = self.values(genome, model)
        return jnp.max(q, axis=1, keepdims=True) - q

    def values(self, genome: Int8[Array, " loci"], model: Model) -> Int32[Array, "stimuli acts"]:
        """Q, in 1/32 of a unit of reward."""
        weights = genome[: len(WEIGHTS)].astype(jnp.int32) * self.counted
        down = E_BITS - V_BITS
        reward = (jnp.sum(model.events * weights[None, None, :], axis=2, dtype=jnp.int32) + (1 << down >> 1)) >> down

        def sweep(_: Any, q: Array) -> Array:
            value = self._value(q)
            ahead = (jnp.einsum("sat,t->sa", model.next, value) + (1 << P_BITS >> 1)) >> P_BITS
            return reward + ((ahead * self.discount + 128) >> 8)

        return lax.fori_loop(1, self.sweeps, sweep, reward)

    def _value(self, q: Int32[Array, "stimuli acts"]) -> Int32[Array, " stimuli"]:
        best = jnp.max(q, axis=1)
        if self.policy == "argmax":
            return best
        total = jnp.sum(softmax_weight(best[:, None] - q, self.sharpness), axis=1, dtype=jnp.int32)
        return best + (_log2(total) - _TOP) // (16 * self.sharpness)

    def act(
        self, draw: Draw, genome: Int8[Array, " loci"], brain: Brain, seen: Int32[Array, ""]
    ) -> tuple[Brain, Int32[Array, ""]]:
        row = rewards.row_of(brain["gaps"], seen).astype(jnp.int32)
        chosen = self._chosen(row, draw)
        share = jnp.where(brain["waits"] > 0, 65536, self.exploration_threshold)
        return brain, rewards.blindly(draw, self.n_acts, share, chosen)

    def _chosen(self, row: Int32[Array, " acts"], draw: Draw) -> Int32[Array, ""]:
        if self.policy == "argmax":
            return jnp.argmin(row).astype(jnp.int32)
        ends = jnp.cumsum(softmax_weight(row, self.sharpness).astype(jnp.uint32))
        drawn = ((draw.word & 0xFFFF) * ends[-1]) >> 16
        return jnp.sum(ends[:-1] <= drawn, dtype=jnp.int32)


def _share(part: Int32[Array, "*n"], whole: Int32[Array, "*n"], bits: int) -> Int32[Array, "*n"]:
    """floor(2^bits part / whole), for whole < 2^30 and part <= whole times a power of two below 2^31: long division."""
    out, left = part // whole, part % whole
    for _ in range(bits):
        left = left << 1
        is_in = left >= whole
        out, left = (out << 1) | is_in.astype(jnp.int32), jnp.where(is_in, left - whole, left)
    return out


def _log2(x: Int32[Array, " n"]) -> Int32[Array, " n"]:
    """log2(x) for 0 < x < 2^16 in 1/4096, within .009."""
    whole = 31 - lax.clz(x)
    f = ((x << (16 - whole)) >> 4) & 4095
    return (whole << 12) + f + ((((f * (4096 - f)) >> 12) * 88) >> 8)


__all__ = ["Model", "Planner"]
