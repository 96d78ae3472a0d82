"""Players who learn in each other's presence: their numbers, and a small difference that is carried along with them.

The difference is what the linearised step makes of it, kept at length 1; the logarithm of what it would have grown by
is the largest Lyapunov exponent times the time (G. Benettin, L. Galgani and J.-M. Strelcyn 1976). In games of acts a
shift of all logits of a player says nothing, so differences are between mixes: logits up to such shifts. Learners are
taken to mind no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float32, Int32

from mesocosm.core import Bits, Events, Experiment, Fold, Log, Points, Scene, Setup, Tick
from mesocosm.experiments.game.declaration import GameConfiguration
from mesocosm.games.find import check_pair, game_named, learner_named
from mesocosm.games.game import Game, MatrixGame, jacobian, single, vorticity
from mesocosm.games.known import GAMES
from mesocosm.games.learner import Learner
from mesocosm.record import ConfigurationError, Status
from mesocosm.record.about import About

START, ALONG = 1, 2  # purposes of random bits
LIMIT = 1e6
NAMES = Game.names
MOST = 64
"""Numbers of all players together: the field's Jacobian is worked out in each window."""


class Play(eqx.Module):
    """What changes."""

    z: Float32[Array, " d"]
    memory: Any
    along: Float32[Array, " n"]  # a small difference, of length 1, in the numbers and in what is remembered
    stretched: Float32[Array, ""]  # logarithm of what it has grown by
    time: Float32[Array, ""]
    idle: Int32[Array, ""]  # ticks in which some player stood while another moved


class Match(Experiment):
    """A game and its learners."""

    exact: ClassVar[bool] = False
    endings: ClassVar[dict[int, str]] = {
        Status.DIVERGED: f"a player's number went beyond {LIMIT:g}, or is no longer a number"
    }

    game: Game
    learner: Learner
    step: Float32[Array, ""]
    spread: Float32[Array, ""]
    keep_every: Int32[Array, ""]

    def init(self, bits: Bits) -> Play:
        rest = self.game.rest.astype(jnp.float32)
        z = rest + self.spread * bits.normals(START, rest.size)
        z = self.centred(z)
        memory = self.learner.begin(self.game, z)
        along = self.centred(bits.normals(ALONG, _flat((z, memory))[0].size))
        zero = jnp.float32(0)
        return Play(z, memory, along / jnp.linalg.norm(along), zero, zero, jnp.int32(0))

    def tick(self, bits: Bits, state: Play) -> tuple[Play, Tick]:
        now, whole = _flat((state.z, state.memory))
        later, grown = jax.jvp(lambda numbers: self.moved(*whole(numbers)), (now,), (state.along,))
        z, memory = whole(later)
        grown = self.centred(grown)
        size = jnp.linalg.norm(grown)
        is_there = jnp.isfinite(size) & (size > 0)
        along = jnp.where(is_there, grown / jnp.where(is_there, size, 1), state.along)
        stretched = state.stretched + jnp.log(jnp.where(is_there, size, 1))
        moves = jnp.stack([jnp.any(a != b) for a, b in zip(self.game.parts(z), self.game.parts(state.z), strict=True)])
        idle = state.idle + (jnp.any(moves) & ~jnp.all(moves)).astype(jnp.int32)
        due = (self.keep_every > 0) & ((bits.tick + 1) % jnp.maximum(self.keep_every, 1) == 0)
        kept = Events(due[None], {"z": z[:, None]})
        return Play(z, memory, along, stretched, state.time + self.step, idle), Tick(events={"kept": kept})

    def course(self, state: Play) -> tuple[Array, Callable[[Bits, Array], Array]]:
        """The numbers that move by themselves, and a step of them; of logits those of a player above its last one."""
        now, whole = _flat((state.z, state.memory))
        if not isinstance(self.game, MatrixGame):
            return now, lambda bits, numbers: self.moved(*whole(numbers))
        sizes, d = self.game.sizes, state.z.size
        n = d - len(sizes)

        def above_last(numbers: Array) -> Array:
            return jnp.concatenate([*(part[:-1] - part[-1] for part in self.game.parts(numbers[:d])), numbers[d:]])

        def step(bits: Bits, numbers: Array) -> Array:
            ends = [sum(sizes[: k + 1]) - (k + 1) for k in range(len(sizes) - 1)]
            z = jnp.concatenate([jnp.pad(part, (0, 1)) for part in jnp.split(numbers[:n], ends)])
            return above_last(self.moved(*whole(jnp.concatenate([z, numbers[n:]]))))

        return above_last(now), step

    @property
    def time_in_a_tick(self) -> Float32[Array, ""]:
        return self.step

    def moved(self, z: Array, memory: Any) -> Array:
        """All floating numbers after a step, in a row: the players', then what is remembered."""
        return _flat(self.learner.step(self.game, z, memory, self.step))[0]

    def centred(self, numbers: Array) -> Array:
        """Players' numbers (whatever stands behind them is left as it is) without shifts of all logits of a player."""
        if not isinstance(self.game, MatrixGame):
            return numbers
        d = sum(self.game.sizes)
        return jnp.concatenate([*(part - jnp.mean(part) for part in self.game.parts(numbers[:d])), numbers[d:]])

    def scene(self, state: Play) -> Scene:
        shown = self.game.shown(state.z)
        place = {"id": jnp.ones(1, jnp.int32), "x": shown[0][:1], "y": shown[1][:1]}
        rest = self.game.shown(self.game.rest.astype(jnp.float32))
        resting = {"x": rest[0][:1], "y": rest[1][:1]}
        curves = {
            **dict(zip(NAMES, shown, strict=False)),
            "vorticity": vorticity(jacobian(self.game, state.z)),
            "radius": jnp.linalg.norm(state.z - self.game.rest.astype(jnp.float32)),
            "stretched": state.stretched,
            "time": state.time,
            "idle": state.idle,
        }
        points = {"pairs": Points(jnp.ones(1, bool), place), "rests": Points(jnp.ones(1, bool), resting, look="rings")}
        shares = About("share of acts", low=0, high=1)
        about = {name: shares for name in NAMES[: len(shown)] if isinstance(self.game, MatrixGame)}
        return Scene(points, curves=curves, about=about)

    def status(self, state: Play) -> Int32[Array, ""]:
        is_there = jnp.all(jnp.abs(state.z) <= LIMIT)  # false of what is no number
        return jnp.where(is_there, Status.ALIVE, Status.DIVERGED).astype(jnp.int32)

    def field(self, bits: Bits) -> Game:
        """The game as it is played in a tick."""
        return self.game


def _flat(tree: Any) -> tuple[Array, Callable[[Array], Any]]:
    """All floating numbers of a tree in a row, and the way back; what is no floating number stays as it was."""
    numbers, others = eqx.partition(tree, eqx.is_inexact_array)
    row, whole = ravel_pytree(numbers)
    return row, lambda row: eqx.combine(whole(row), others)


class Course(Fold):
    """What each player does at the end of a window, and how far a small difference was stretched in it."""

    n_players: int = eqx.field(static=True)

    def init(self, scene: Scene) -> dict[str, Array]:
        return {name: scene.curves[name] for name in ("stretched", "time", "idle")}

    def read(self, folded: dict[str, Array], scene: Scene) -> dict[str, Array]:
        now = scene.curves
        row = {
            "stretch": now["stretched"] - folded["stretched"],
            "time": now["time"] - folded["time"],
            "idle": now["idle"] - folded["idle"],
            "stretched": now["stretched"],
            "elapsed": now["time"],
            "radius": now["radius"],
            "vorticity": now["vorticity"],
        }
        for name in NAMES[: self.n_players]:
            row |= {f"{name}_{k}": value for k, value in enumerate(now[name])}
        return row


KEPT = Log("players", "kept", (("z", "z"),))
"""All players' numbers at the ticks at which they are kept."""


def build(
    configuration: GameConfiguration, games: Mapping[str, Game] = GAMES, learners: Mapping[str, Learner] | None = None
) -> Setup:
    """The match that a configuration describes.

    Raises:
      ConfigurationError: for names, parameters or pairs that are not there.
    """
    c = configuration
    game, learner = game_named(c.game, games), learner_named(c.learner, learners or {})
    check_pair(game, learner, (c.game, c.learner))
    game, learner = single(game), single(learner)
    n = sum(game.sizes)
    if not 2 <= len(game.sizes) <= len(NAMES) or n > MOST:
        raise ConfigurationError(
            f"game = {c.game}: {len(game.sizes)} players with {n} numbers; must be 2 ... {len(NAMES)} players with at "
            f"most {MOST} numbers together"
        )
    match = Match(game, learner, jnp.float32(c.step), jnp.float32(c.spread), jnp.int32(c.keep_every))
    return Setup(match, {"course": Course(len(game.sizes))}, logs=(KEPT,) if c.keep_every else ())
