"""`min over x, max over y of x * y` in integers: the smallest ecology there is.

Alternating play is the circle algorithm of HAKMEM item 149 (M. Minsky): a bounded orbit. Simultaneous play spirals
outward by `sqrt(1 + eta^2)` a tick.
"""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Int32

from mesocosm.core import Bits, Experiment, Fold, Points, Scene, Setup, Tick
from mesocosm.experiments.bilinear.declaration import BilinearConfiguration
from mesocosm.record import Status

LIMIT = 2**22
"""Beyond it a step could overflow: the replicate has diverged."""


class Bilinear(Experiment):
    exact: ClassVar[bool] = True
    endings: ClassVar[dict[int, str]] = {Status.DIVERGED: f"a player went beyond {LIMIT}"}
    rate: Int32[Array, ""]  # 1/256
    alternating: Int32[Array, ""]  # 1 or 0

    def init(self, bits: Bits) -> Int32[Array, "2"]:
        return jnp.stack([(word >> 15).astype(jnp.int32) - 2**16 for word in bits.of(jnp.uint32(0), 0)])

    def tick(self, bits: Bits, state: Int32[Array, "2"]) -> tuple[Int32[Array, "2"], Tick]:
        x, y = state
        x_next = x - ((self.rate * y) >> 8)
        y_next = y + ((self.rate * jnp.where(self.alternating == 1, x_next, x)) >> 8)
        return jnp.stack([x_next, y_next]), Tick()

    def scene(self, state: Int32[Array, "2"]) -> Scene:
        columns = {"id": jnp.arange(1, 2, dtype=jnp.int32), "x": state[:1], "y": state[1:]}
        return Scene(points={"players": Points(jnp.ones(1, bool), columns)})

    def status(self, state: Int32[Array, "2"]) -> Int32[Array, ""]:
        return jnp.where(jnp.any(jnp.abs(state) >= LIMIT), Status.DIVERGED, Status.ALIVE).astype(jnp.int32)


class Position(Fold):
    def read(self, folded: tuple[()], scene: Scene) -> dict[str, Array]:
        players = scene.points["players"].columns
        return {"x": players["x"][0], "y": players["y"][0]}


def build(configuration: BilinearConfiguration) -> Setup:
    experiment = Bilinear(jnp.int32(configuration.rate), jnp.int32(configuration.play == "alternating"))
    return Setup(experiment, {"position": Position()})
