"""An artist and a critic who learn at once, each from a batch of its own tick; how many modes the artist holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float32, Int32

from mesocosm.core import Bits, Events, Experiment, Field, Fold, Log, Points, Scene, Setup, Tick
from mesocosm.core.random import seed_words
from mesocosm.experiments.gan.declaration import TARGETS, GanConfiguration
from mesocosm.games.adversaries import Adversaries, Net, grid, ring
from mesocosm.games.find import check_pair, learner_named
from mesocosm.games.game import single
from mesocosm.games.learner import Learner
from mesocosm.record import Status
from mesocosm.record.about import About, box

START, MODE, TRUE, NOISE = 1, 2, 3, 4  # purposes of random bits
LIMIT = 1e6
NEAR = 3.0
"""Standard deviations within which a point is of a mode."""
LEAST = 0.2
"""Of the points that a mode has in truth, the share that an artist must make there to hold it."""
HALF, CELLS = 3.0, 24
"""The picture goes from -3 to 3 both ways; the critic is asked in so many cells each."""


class Pair(eqx.Module):
    """What changes: the numbers of both nets, what their learner remembers, and how often one stood still."""

    z: Float32[Array, " d"]
    memory: Any
    idle: Int32[Array, ""]


class Gan(Experiment):
    """A truth, two nets, and how they learn."""

    exact: ClassVar[bool] = False
    endings: ClassVar[dict[int, str]] = {
        Status.DIVERGED: f"a weight of the artist or critic went beyond {LIMIT:g}, or is no longer a number"
    }

    artist: Net
    critic: Net
    learner: Learner
    modes: Float32[Array, "modes 2"]
    panel: Float32[Array, "looked_at latent"]  # the noise by which artists are judged
    step: Float32[Array, ""]
    r1: Float32[Array, ""]
    deviation: Float32[Array, ""]
    keep_every: Int32[Array, ""]
    batch: int = eqx.field(static=True)
    zero_sum: bool = eqx.field(static=True)

    def init(self, bits: Bits) -> Pair:
        game = self.field(bits)
        z = game.founders(bits.normals(START, sum(game.sizes)))
        return Pair(z, self.learner.begin(game, z), jnp.int32(0))

    def field(self, bits: Bits) -> Adversaries:
        """The game as it is played in a tick: on the true points and the noise of that tick."""
        which = bits.of(jnp.arange(self.batch, dtype=jnp.uint32), MODE)[0] % jnp.uint32(self.modes.shape[0])
        latent = self.panel.shape[1]
        true = self.modes[which.astype(jnp.int32)] + self.deviation * bits.normals(TRUE, 2 * self.batch).reshape(-1, 2)
        noise = bits.normals(NOISE, latent * self.batch).reshape(-1, latent)
        return Adversaries(self.artist, self.critic, self.r1, true, noise, self.zero_sum)

    def tick(self, bits: Bits, state: Pair) -> tuple[Pair, Tick]:
        game = self.field(bits)
        z, memory = self.learner.step(game, state.z, state.memory, self.step)
        moves = jnp.stack([jnp.any(a != b) for a, b in zip(game.parts(z), game.parts(state.z), strict=True)])
        idle = state.idle + (jnp.any(moves) & ~jnp.all(moves)).astype(jnp.int32)
        due = (self.keep_every > 0) & ((bits.tick + 1) % jnp.maximum(self.keep_every, 1) == 0)
        return Pair(z, memory, idle), Tick(events={"kept": Events(due[None], {"z": z[:, None]})})

    def course(self, state: Pair) -> tuple[Array, Callable[[Bits, Array], Array]]:
        """The numbers that move by themselves, and a step of them."""
        now, whole = ravel_pytree((state.z, state.memory))

        def step(bits: Bits, numbers: Array) -> Array:
            z, memory = whole(numbers)
            return ravel_pytree(self.learner.step(self.field(bits), z, memory, self.step))[0]

        return now, step

    def scene(self, state: Pair) -> Scene:
        n = self.artist.size
        made = self.artist(state.z[:n], self.panel)
        shares, near = self.held(made)
        lines = (jnp.arange(CELLS, dtype=jnp.float32) + 0.5) / CELLS * 2 * HALF - HALF
        cells = jnp.stack([jnp.tile(lines, CELLS), jnp.repeat(lines, CELLS)], axis=1)
        says = jnp.tanh(self.critic(state.z[n:], cells)[:, 0] / 2).reshape(CELLS, CELLS)  # P(true) - P(made)
        points = {
            "points": Points(jnp.ones(made.shape[0], bool), {"x": made[:, 0], "y": made[:, 1]}, look="dots"),
            "modes": Points(
                jnp.ones(self.modes.shape[0], bool), {"x": self.modes[:, 0], "y": self.modes[:, 1]}, look="rings"
            ),
        }
        taken = Field(says, about=About(low=-1, high=1, called="critic: made to true"))
        curves = {"shares": shares, "near": near, "value": self.value(state.z, made), "idle": state.idle}
        about = {"shares": About("of all points", low=0, high=1, called="near each mode")}
        return Scene(points, {"critic": taken}, curves, space=box(2 * HALF, 2 * HALF, -HALF, -HALF), about=about)

    def held(self, made: Float32[Array, "n 2"]) -> tuple[Float32[Array, " modes"], Float32[Array, ""]]:
        """The share of points that is near each mode, and near any."""
        squares = jnp.sum((made[:, None, :] - self.modes[None, :, :]) ** 2, axis=2)
        is_near = jnp.min(squares, axis=1) < (NEAR * self.deviation) ** 2
        nearest = jnp.argmin(squares, axis=1)[:, None] == jnp.arange(self.modes.shape[0])[None, :]
        shares = jnp.mean((nearest & is_near[:, None]).astype(jnp.float32), axis=0)
        return shares, jnp.sum(shares)

    def value(self, z: Float32[Array, " d"], made: Float32[Array, "n 2"]) -> Float32[Array, ""]:
        """What the critic earns on the centres of the modes and on these points."""
        n = self.artist.size
        true, false = self.critic(z[n:], self.modes)[:, 0], self.critic(z[n:], made)[:, 0]
        loss = jnp.mean(jax.nn.softplus(-true)) + jnp.mean(jax.nn.softplus(false))
        return 2 * jnp.log(jnp.float32(2)) - loss

    def status(self, state: Pair) -> Int32[Array, ""]:
        is_there = jnp.all(jnp.abs(state.z) <= LIMIT)  # false of what is no number
        return jnp.where(is_there, Status.ALIVE, Status.DIVERGED).astype(jnp.int32)


class Held(Fold):
    """Which modes the artist holds at the end of a window."""

    def init(self, scene: Scene) -> Int32[Array, ""]:
        return scene.curves["idle"]

    def read(self, folded: Int32[Array, ""], scene: Scene) -> dict[str, Array]:
        shares = scene.curves["shares"]
        is_held = shares * shares.shape[0] >= LEAST
        row = {name: scene.curves[name] for name in ("near", "value")}
        row |= {"held": jnp.sum(is_held, dtype=jnp.int32), "idle": scene.curves["idle"] - folded}
        return row | {f"mode_{k}": share for k, share in enumerate(shares)}


KEPT = Log("players", "kept", (("z", "z"),))
"""The numbers of both nets at the ticks at which they are kept."""


def build(configuration: GanConfiguration) -> Setup:
    """The pair that a configuration describes.

    Raises:
      ConfigurationError: for a learner that is not there, or is none for nets.
    """
    c = configuration
    artist, critic, learner = Net((c.latent, *c.hidden, 2)), Net((2, *c.hidden, 1)), learner_named(c.learner)
    modes = jnp.asarray(ring(TARGETS["ring"]) if c.target == "ring" else grid())
    panel = _panel(c.looked_at * c.latent).reshape(-1, c.latent)
    r1 = jnp.float32(c.r1)
    check_pair(Adversaries(artist, critic, r1, modes, panel), learner, ("gan", c.learner))
    experiment = Gan(
        artist=artist,
        critic=critic,
        learner=single(learner),
        modes=modes,
        panel=panel,
        step=jnp.float32(c.step),
        r1=r1,
        deviation=jnp.float32(c.deviation),
        keep_every=jnp.int32(c.keep_every),
        batch=c.batch,
        zero_sum=c.zero_sum,
    )
    return Setup(experiment, {"held": Held()}, logs=(KEPT,) if c.keep_every else ())


@partial(jax.jit, static_argnums=0)
def _panel(n: int) -> Float32[Array, " n"]:
    """The noise by which everybody is judged, in every run."""
    return Bits.at(seed_words(0), jnp.uint32(0), jnp.int32(0)).normals(NOISE, n)
