"""E. N. Lorenz, "Deterministic nonperiodic flow", 1963, by the classical Runge-Kutta method: a float experiment."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int32

from mesocosm.core import Bits, Experiment, Fold, Points, Scene, Setup, Tick
from mesocosm.experiments.lorenz.declaration import LorenzConfiguration
from mesocosm.record import Status


class Lorenz(Experiment):
    exact: ClassVar[bool] = False
    endings: ClassVar[dict[int, str]] = {Status.DIVERGED: "a coordinate is no longer finite"}
    sigma: Float32[Array, ""]
    rho: Float32[Array, ""]
    beta: Float32[Array, ""]
    step: Float32[Array, ""]

    def init(self, bits: Bits) -> Float32[Array, "3"]:
        return jnp.array([1.0, 1.0, 20.0], jnp.float32) + jax.random.normal(bits.key(0), (3,), jnp.float32)

    @property
    def time_in_a_tick(self) -> Float32[Array, ""]:
        return self.step

    def velocity(self, p: Float32[Array, "3"]) -> Float32[Array, "3"]:
        x, y, z = p
        return jnp.stack([self.sigma * (y - x), x * (self.rho - z) - y, x * y - self.beta * z])

    def tick(self, bits: Bits, state: Float32[Array, "3"]) -> tuple[Float32[Array, "3"], Tick]:
        h = self.step
        k1 = self.velocity(state)
        k2 = self.velocity(state + h / 2 * k1)
        k3 = self.velocity(state + h / 2 * k2)
        k4 = self.velocity(state + h * k3)
        return state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), Tick()

    def scene(self, state: Float32[Array, "3"]) -> Scene:
        place = {"id": jnp.ones(1, jnp.int32), "x": state[:1], "y": state[2:], "across": state[1:2]}
        return Scene({"states": Points(jnp.ones(1, bool), place)}, curves={"position": state})

    def status(self, state: Float32[Array, "3"]) -> Int32[Array, ""]:
        return jnp.where(jnp.all(jnp.isfinite(state)), Status.ALIVE, Status.DIVERGED).astype(jnp.int32)


class Position(Fold):
    def read(self, folded: tuple[()], scene: Scene) -> dict[str, Array]:
        return dict(zip("xyz", scene.curves["position"], strict=True))


def build(configuration: LorenzConfiguration) -> Setup:
    c = configuration
    return Setup(Lorenz(*(jnp.float32(v) for v in (c.sigma, c.rho, c.beta, c.step))), {"position": Position()})
