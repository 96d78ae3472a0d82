"""Folds of an ecology: the ledger, the census, and what genomes would do."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32

from mesocosm.core.experiment import Scene, Tick
from mesocosm.core.instrument import Camera, Fold, Log, Shutter
from mesocosm.instruments.analysis import GRAIN

ENERGY_FLOWS = ("inflow", "spilled", "decayed", "metabolism", "signalling", "eaten", "wasted")
FIELD_FRAMES = 5
"""Frames of bodies for each frame of the fields."""
_LOSSES = ("spilled", "decayed", "metabolism", "signalling", "wasted")
COUNTS = ("births", "deaths", "exchanges", "agent_ticks", "distance")


def _sum(x: Array) -> Int32[Array, ""]:
    return jnp.sum(x, dtype=jnp.int32)


class Ledger(Fold):
    """Every quantum of energy, booked by cause; the residual is what no cause explains, and must be 0.

    The stocks are summed from the state itself, independently of the flows.
    """

    def init(self, scene: Scene) -> Any:
        return self._stock(scene), {name: jnp.int32(0) for name in ENERGY_FLOWS}

    def update(self, folded: Any, tick: Tick) -> Any:
        stock, flows = folded
        return stock, {name: flows[name] + tick.flows[name] for name in ENERGY_FLOWS}

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        before, flows = folded
        food, bodies = self._stock(scene)
        heat = sum(flows[name] for name in _LOSSES)
        residual = flows["inflow"] - heat - (food + bodies - before[0] - before[1])
        return {**flows, "food": food, "body_energy": bodies, "residual": residual}

    @staticmethod
    def _stock(scene: Scene) -> tuple[Array, Array]:
        bodies = scene.points["bodies"]
        return _sum(scene.fields["food"].values), _sum(jnp.where(bodies.alive, bodies.columns["energy"], 0))


class Census(Fold):
    """Who is there at the end of the window, how many were born, died and exchanged in it, and how far from food.

    `marked` counts bodies of odd lineage: a neutral mark where founders are random, and in a competition the label of
    one of two populations. `distance` adds up, over ticks, the mean distance to the nearest source in 1/16 cell.
    """

    def init(self, scene: Scene) -> Any:
        return {name: jnp.int32(0) for name in COUNTS}

    def update(self, folded: Any, tick: Tick) -> Any:
        return {name: folded[name] + tick.flows[name] for name in COUNTS}

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        bodies = scene.points["bodies"]
        marked = bodies.alive & ((bodies.columns["lineage"] & 1) == 1)
        return {"population": _sum(bodies.alive), "marked": _sum(marked), **folded}


class Visits(Fold):
    """How often each stimulus was met in the window."""

    n_stimuli: int = eqx.field(static=True)

    def init(self, scene: Scene) -> Any:
        return jnp.zeros(self.n_stimuli, jnp.int32)

    def update(self, folded: Any, tick: Tick) -> Any:
        acts = tick.events["acts"]
        stimulus = acts.columns["stimulus"]
        met = [_sum(acts.happened & (stimulus == s)) for s in range(self.n_stimuli)]
        return folded + jnp.stack(met)

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        return {f"visits_{s}": folded[s] for s in range(self.n_stimuli)}


class TumbleByStimulus(Fold):
    """What living genomes would do under each stimulus: P(tumble), summed over bodies, of both strands.

    Args:
      mind: whose `act_weights(genome)` says how likely each act is; acts with bit 0 tumble.
    """

    mind: Any

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        bodies = scene.points["bodies"]
        rows: dict[str, Array] = {}
        for strand, name in enumerate(("evolved", "shadow")):
            genomes = bodies.columns["genome"][strand]
            weights = jax.vmap(self.mind.act_weights, in_axes=1, out_axes=2)(genomes)  # stimuli, acts, n
            tumbling, total = jnp.sum(weights[:, 1::2], axis=1), jnp.sum(weights, axis=1)
            chance = jnp.where(bodies.alive[None, :], (tumbling * GRAIN) // total, 0)
            sums = jnp.sum(chance, axis=1, dtype=jnp.int32)
            rows.update({f"tumble_{name}_{s}": sums[s] for s in range(sums.shape[0])})
        return rows


def ecology_cameras(every: int, start: int = 0, replicate: int = -1) -> tuple[Camera, ...]:
    """What the replay of an ecology needs: bodies, sources, and now and then the fields. `every` = 0 takes nothing."""
    shutter, rare = Shutter(every, start, replicate), Shutter(FIELD_FRAMES * every, start, replicate)
    bodies = (("id", "id"), ("x", "x"), ("y", "y"), ("energy", "energy"))
    sources = (("source", "source"), ("x", "x"), ("y", "y"))
    fields = (Camera(f"{name}_field", name, ((name, name),), rare) for name in ("food", "odour"))
    return Camera("bodies", "bodies", bodies, shutter), Camera("sources", "sources", sources, shutter), *fields


def ecology_logs(births_and_deaths: bool, exchanges: bool) -> tuple[Log, ...]:
    """Logs of an ecology. A newborn's genome is as at the end of its first tick; rows are ordered by id."""
    logs: list[Log] = []
    if births_and_deaths:
        logs.append(Log("births", "births", (("id", "id"), ("parent", "parent"), ("genome", "genome"))))
        logs.append(Log("deaths", "deaths", (("id", "id"), ("born", "born"))))
    if exchanges:
        logs.append(Log("exchanges", "exchanges", (("id", "id"), ("partner", "partner"))))
    return tuple(logs)
