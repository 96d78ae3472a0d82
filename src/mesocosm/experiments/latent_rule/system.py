"""A fleet whose data arrive faster than an imitator can train: a tick is one update, a replicate one imitator.

In each tick every driver of the fleet makes one trip. The imitator learns from as many of these trips as its budget
allows; the others have passed by when it is done. What it has learnt is judged on trips of its own that it never
learns from, the same throughout a run: who drives there is the imitator (in the loop), or the expert (offline).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32, Int32, UInt32

from mesocosm.core import Bits, Events, Experiment, Field, Fold, Log, Points, Scene, Setup, Tick, box
from mesocosm.experiments.latent_rule.declaration import LatentRuleConfiguration
from mesocosm.experiments.latent_rule.exact import ceiling
from mesocosm.experiments.latent_rule.imitators import IMITATORS, Imitator
from mesocosm.experiments.latent_rule.task import Task
from mesocosm.experiments.latent_rule.worlds import RULES, Rule
from mesocosm.record import ConfigurationError, Status
from mesocosm.record.about import About

FOUNDING, JUDGED, TRIPS, PROBED = 1, 2, 3, 4  # purposes of random bits
SHOWN = 24
"""Drivers that can be watched."""
LATE = 4
"""`late` is the last quarter of a trip."""


_FOR: tuple[str, ...] = ("move", "slip", "other", "told", "own", "light", "anyhow")
"""What each of the first random numbers of a junction is for; then come unused propositions, then cues."""


class Trip(eqx.Module):
    """What happened at a junction; along an axis in front, at each junction of a trip."""

    hidden: Int32[Array, "*t"]
    unused: Int32[Array, "*t unused"]
    expert: Int32[Array, "*t"]  # what the expert does, or would do
    demanded: Int32[Array, "*t"]  # what the rule demands: the same, where the expert does not slip
    own: Int32[Array, "*t"]  # what the imitator does, or would do
    logits: Float32[Array, "*t acts"]
    inside: Float32[Array, "*t h"]


class Learning(eqx.Module):
    """What changes."""

    learnt: Any
    mean: Any  # Adam's moments
    square: Any
    updates: Int32[Array, ""]
    loss: Float32[Array, ""]
    disagreed: Float32[Array, ""]  # share of the junctions learnt from at which the imitator would have acted otherwise
    judge: UInt32[Array, "2"]


class Fleet(Experiment):
    """A rule, and one imitator of those who drive by it."""

    exact: ClassVar[bool] = False
    endings: ClassVar[dict[int, str]] = {Status.DIVERGED: "a number of the imitator is no longer finite"}

    task: Task
    imitator: Imitator
    rate: Float32[Array, ""]
    copies: Float32[Array, ""]
    ceiling: Float32[Array, " t"]
    light: str = eqx.field(static=True)
    acting: str = eqx.field(static=True)
    junctions: int = eqx.field(static=True)
    budget: int = eqx.field(static=True)
    judged: int = eqx.field(static=True)
    probe_every: int = eqx.field(static=True)

    def init(self, bits: Bits) -> Learning:
        learnt = self.imitator.found(bits.key(FOUNDING), self.task)
        nothing = jax.tree.map(jnp.zeros_like, learnt)
        judge = jnp.stack(bits.of(jnp.uint32(0), JUDGED))
        return Learning(learnt, nothing, nothing, jnp.int32(0), jnp.float32(0), jnp.float32(0), judge)

    def tick(self, bits: Bits, state: Learning) -> tuple[Learning, Tick]:
        keys = jax.random.split(bits.key(TRIPS), self.budget)
        (loss, trips), slope = jax.value_and_grad(self.loss, has_aux=True)(state.learnt, keys)
        state = self.adam(state, slope)
        disagreed = jnp.mean((trips.own != trips.expert).astype(jnp.float32))
        state = eqx.tree_at(lambda s: (s.loss, s.disagreed), state, (loss, disagreed))
        events = {"thoughts": self.thoughts(bits, state)} if self.probe_every else {}
        return state, Tick(events=events)

    def loss(self, learnt: Any, keys: Array) -> tuple[Float32[Array, ""], Trip]:
        """Mean surprise at what the expert does."""
        trips = jax.vmap(lambda key: self.trip(key, learnt, jnp.bool_(self.imitator.drives), self.copies))(keys)
        said = jax.nn.log_softmax(trips.logits)
        return -jnp.mean(jnp.take_along_axis(said, trips.expert[..., None], axis=-1)), trips

    def adam(self, state: Learning, slope: Any) -> Learning:
        """One step of D. Kingma and J. Ba 2015."""
        n = state.updates + 1
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state.mean, slope)
        square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state.square, slope)
        t = n.astype(jnp.float32)
        scale = self.rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        learnt = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8), state.learnt, mean, square)
        return Learning(learnt, mean, square, n, state.loss, state.disagreed, state.judge)

    def trip(self, key: Array, learnt: Any, is_own: Bool[Array, ""], copies: Float32[Array, ""]) -> Trip:
        """One trip of one driver.

        Args:
          is_own: whether the imitator drives, else the expert.
          copies: probability that the light shows what it should.
        """
        task, n_cues = self.task, (self.task.n_propositions + self.task.unused) * self.task.cues
        chance = jax.random.uniform(key, (self.junctions + 1, len(_FOR) + task.unused + n_cues))
        begin: dict[str, Array] = dict(zip(_FOR, chance[0], strict=False))
        hidden = _drawn(begin["move"], task.prior)
        last = self.expert_act(begin, hidden)
        if task.is_settled:  # the expert was under way; whoever takes over a parked car finds the light anyhow
            hidden = _drawn(begin["own"], task.moves[hidden])
        shown = jnp.where(is_own, _any_of(begin["anyhow"], task.n_acts), last)

        def junction(now: Any, row: Array) -> tuple[Any, Trip]:
            hidden, memory, last, shown, before = now
            draws: dict[str, Array] = dict(zip(_FOR, row, strict=False))
            told = self.told(draws["told"], before, last)
            seen, unused = self.see(draws, row[len(_FOR) :], hidden, shown, told, copies)
            memory, logits = self.imitator.step(learnt, memory, seen, last, task)
            expert, demanded = self.expert_act(draws, hidden), task.demands[hidden]
            if self.acting == "sampled":
                own = _drawn(draws["own"], jax.nn.softmax(logits))
            else:
                own = jnp.argmax(logits).astype(jnp.int32)
            act = jnp.where(is_own, own, expert)
            what = Trip(hidden, unused, expert, demanded, own, logits, self.imitator.inside(memory))
            return (_drawn(draws["move"], task.moves[hidden]), memory, act, act, demanded), what

        start = (hidden, self.imitator.begin(learnt, task), jnp.int32(-1), shown, jnp.int32(-1))
        return jax.lax.scan(junction, start, chance[1:])[1]

    def expert_act(self, draws: Mapping[str, Array], hidden: Int32[Array, ""]) -> Int32[Array, ""]:
        """What the rule demands, or by a slip any of the other acts."""
        n, demanded = self.task.n_acts, self.task.demands[hidden]
        other = (demanded + 1 + _any_of(draws["other"], n - 1)) % n
        return jnp.where(draws["slip"] < self.task.slip, other, demanded)

    def told(self, draw: Array, demanded: Int32[Array, ""], last: Int32[Array, ""]) -> Float32[Array, ""]:
        """Whether the last act was what the rule demanded there, as far as it is told; 0 at the first junction."""
        was_right = (demanded == last) != (draw < self.task.mistold)
        return jnp.where(last < 0, 0.0, jnp.where(was_right, 1.0, -1.0)).astype(jnp.float32)

    def see(
        self, draws: Mapping[str, Array], others: Array, hidden: Array, shown: Array, told: Array, copies: Array
    ) -> tuple[Float32[Array, " n"], Int32[Array, " unused"]]:
        """What is seen at a junction, and the propositions besides that the rule does not use."""
        task = self.task
        unused = (others[: task.unused] < 0.5).astype(jnp.int32)
        true = jnp.concatenate([task.shows[hidden], unused])[:, None] == 1
        is_so = others[task.unused :].reshape(true.shape[0], task.cues) < task.reliability
        parts = [jnp.where(is_so == true, 1.0, -1.0).astype(jnp.float32).ravel()]
        if task.is_lit:
            meant = task.demands[hidden] if self.light == "leak" else shown
            light = jnp.where(draws["light"] < copies, meant, _any_of(draws["anyhow"], task.n_acts))
            parts.append(jax.nn.one_hot(light, task.n_acts))
        if task.is_told:
            parts.append(told[None])
        return jnp.concatenate(parts), unused

    def judgement(self, state: Learning) -> dict[str, Array]:
        """Shares of right acts: in the loop, late in a trip, offline, and offline where the light shows anything."""
        keys = jax.random.split(jax.random.wrap_key_data(state.judge, impl="threefry2x32"), self.judged)
        is_own = jnp.array([True, False, False])
        lights = jnp.stack([self.copies, self.copies, jnp.zeros_like(self.copies)])

        def trips(is_own: Array, copies: Array) -> Trip:
            return jax.vmap(lambda key: self.trip(key, state.learnt, is_own, copies))(keys)

        all_of_them = jax.vmap(trips)(is_own, lights)  # one program
        right = jnp.mean((all_of_them.own == all_of_them.demanded)[0].astype(jnp.float32), axis=0)  # [junctions]
        agreed = jnp.mean((all_of_them.own == all_of_them.expert).astype(jnp.float32), axis=(1, 2))
        late = jnp.mean(right[-max(1, self.junctions // LATE) :])
        return {"in_loop": jnp.mean(right), "late": late, "offline": agreed[1], "severed": agreed[2]}

    def thoughts(self, bits: Bits, state: Learning) -> Events:
        """What is inside the imitator while it drives, beside what is hidden, at the ticks that are asked for."""
        is_due = (bits.tick + 1) % self.probe_every == 0
        keys = jax.random.split(bits.key(PROBED), self.judged)

        def look() -> Trip:
            return jax.vmap(lambda key: self.trip(key, state.learnt, jnp.bool_(True), self.copies))(keys)

        blank = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(look))
        trips = jax.lax.cond(is_due, look, lambda: blank)
        n = self.judged * self.junctions
        flat, row = jax.tree.map(lambda x: x.reshape(n, *x.shape[2:]), trips), jnp.arange(n, dtype=jnp.int32)
        columns = {
            "row": row,
            "trip": row // self.junctions,
            "demanded": flat.demanded,
            "true": self.task.shows[flat.hidden].T,
            "unused": flat.unused.T,
            "inside": flat.inside.T,
        }
        return Events(jnp.broadcast_to(is_due, (n,)), columns)

    def scene(self, state: Learning) -> Scene:
        keys = jax.random.split(jax.random.wrap_key_data(state.judge, impl="threefry2x32"), SHOWN)
        turn, step = state.updates // (self.junctions + 1), state.updates % (self.junctions + 1)
        keys = jax.vmap(lambda key: jax.random.fold_in(key, turn + 1))(keys)
        own = jax.vmap(lambda key: self.trip(key, state.learnt, jnp.bool_(True), self.copies))(keys)
        has_come = (jnp.arange(self.junctions, dtype=jnp.int32) < step)[None]
        is_right = own.own == own.demanded
        if self.task.n_acts == 2:
            outcome, about = jnp.where(is_right, 0, 2) + own.own, _TURNS
        else:
            outcome, about = jnp.where(is_right, 0, 1), _DOORS
        outcome = jnp.where(has_come, outcome, len(about.words) - 1).astype(jnp.int32)
        fields = {
            "trips": Field(outcome.T, about=about),
            "hidden": Field(own.hidden.T, about=About("hidden state", is_class=True)),
        }
        now = jnp.maximum(step - 1, 0)
        drivers = {
            "id": jnp.arange(1, SHOWN + 1, dtype=jnp.int32),
            "x": jnp.arange(SHOWN, dtype=jnp.float32) + 0.5,
            "y": jnp.full(SHOWN, now.astype(jnp.float32) + 0.5),
            "left": jax.nn.softmax(own.logits[:, now], axis=1)[:, 0],
        }
        held = About("probability", low=0, high=1, called="left, or the first door")
        points = {"drivers": Points(jnp.ones(SHOWN, bool), drivers, {"left": held}, "dots")}
        curves = {
            **self.judgement(state),
            "ceiling": jnp.mean(self.ceiling),
            "loss": state.loss,
            "disagreed": state.disagreed,
            "updates": state.updates,
        }
        space = box(SHOWN, self.junctions)
        share = About("share of right acts", low=0, high=1)
        about = {name: share for name in ("in_loop", "late", "offline", "severed", "ceiling")}
        return Scene(points, fields, curves, space=space, about=about)

    def status(self, state: Learning) -> Int32[Array, ""]:
        finite = jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves((state.learnt, state.loss))])
        return jnp.where(jnp.all(finite), Status.ALIVE, Status.DIVERGED).astype(jnp.int32)


_TURNS = About(
    words=(
        "left, as the rule says",
        "right, as the rule says",
        "left, against it",
        "right, against it",
        "not there yet",
    ),
    palette=("#2b6cb0", "#7fb3e6", "#b83227", "#f0a08c", "#f4f4f2"),
)
_DOORS = About(words=("the right door", "a wrong door", "not there yet"), palette=("#2b6cb0", "#b83227", "#f4f4f2"))


class Judged(Fold):
    """How the imitator does at the end of a window."""

    def read(self, folded: tuple[()], scene: Scene) -> dict[str, Array]:
        return {name: scene.curves[name] for name in COLUMNS}


COLUMNS = ("in_loop", "late", "offline", "severed", "ceiling", "loss", "disagreed", "updates")

THOUGHTS = Log("thoughts", "thoughts", tuple((n, n) for n in ("row", "trip", "demanded", "true", "unused", "inside")))


def _drawn(draw: Float32[Array, ""], chances: Float32[Array, " n"]) -> Int32[Array, ""]:
    """One of several with these probabilities, by a number from 0 up to 1."""
    below = jnp.sum(draw >= jnp.cumsum(chances), dtype=jnp.int32)
    return jnp.minimum(below, chances.shape[0] - 1)


def _any_of(draw: Float32[Array, ""], n: int) -> Int32[Array, ""]:
    return jnp.minimum((draw * n).astype(jnp.int32), n - 1)


def build(
    configuration: LatentRuleConfiguration,
    rules: Mapping[str, Callable[[float], Rule]] | None = None,
    imitators: Mapping[str, Imitator] | None = None,
) -> Setup:
    """The fleet that a configuration describes.

    Args:
      rules, imitators: of one's own, by name, beside those that come along.

    Raises:
      ConfigurationError: for names that are not there, and for what has no exact ceiling.
    """
    c = configuration
    rule = _named("rule", c.rule, {**RULES, **(rules or {})})(c.renewal)
    imitator = _named("imitator", c.imitator, {**IMITATORS, **(imitators or {})})
    is_lit = c.light != "off"
    if is_lit and not rule.is_settled:
        raise ConfigurationError(
            f"light = {c.light}: the rule {c.rule} has nothing before its first junction for a light to show; take "
            "light = off, or the rules rain and conjunction"
        )
    fleet = Fleet(
        task=Task.of(rule, c.reliability, c.slip, c.mistold, c.cues, c.unused, is_lit),
        imitator=imitator,
        rate=jnp.float32(c.rate),
        copies=jnp.float32(c.copies),
        ceiling=jnp.asarray(best(c, rule), jnp.float32),
        light=c.light,
        acting=c.acting,
        junctions=c.junctions,
        budget=c.budget,
        judged=c.judged,
        probe_every=c.probe_every,
    )
    return Setup(fleet, {"judged": Judged()}, (THOUGHTS,) if c.probe_every else ())


def best(c: LatentRuleConfiguration, rule: Rule) -> Any:
    """The ceiling at each junction [junctions]. Where drivers are told whether they were right, what is hidden is known
    in the end: there it is what one reaches who then acts as the expert does, slips included."""
    import numpy as np

    if rule.is_told:
        return np.full(c.junctions, 1 - c.slip if c.acting == "sampled" else 1.0)
    return ceiling(rule, c.cues, c.reliability, c.junctions).remembering


def _named(field: str, name: str, there: Mapping[str, Any]) -> Any:
    if name not in there:
        raise ConfigurationError(f"{field} = {name!r}: there is none of this name; must be one of {', '.join(there)}")
    return there[name]
