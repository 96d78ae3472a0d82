"""Folds of an ecology: the ledger, the census, and what genomes would do."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from mesocosm.core.arrays import sum32
from mesocosm.core.experiment import Scene, Tick
from mesocosm.core.instrument import Camera, Fold, Log, Shutter
from mesocosm.instruments.analysis import GRAIN

ENERGY_FLOWS = ("inflow", "spilled", "decayed", "metabolism", "signalling", "eaten", "wasted")
TUMBLE, EMIT = 1, 2
"""Bits of an act."""
FIELD_FRAMES = 5
"""Frames of bodies for each frame of the fields."""
_LOSSES = ("spilled", "decayed", "metabolism", "signalling", "wasted")
COUNTS = ("births", "deaths", "exchanges", "agent_ticks", "distance", "near")


class Ledger(Fold):
    """Every quantum of energy, booked by cause; the residual is what no cause explains, and must be 0.

    The stocks are summed from the state itself, independently of the flows. Neither can be negative: what is was
    created out of nothing by a sum that wrapped, though every account balances, and shows in the residual too.

    Args:
      losses: causes by which energy is lost besides those of the world.
      stores: fields that hold energy besides food.
    """

    losses: tuple[str, ...] = eqx.field(static=True, default=())
    stores: tuple[str, ...] = eqx.field(static=True, default=())

    def init(self, scene: Scene) -> Any:
        return self._stock(scene), {name: jnp.int32(0) for name in (*ENERGY_FLOWS, *self.losses)}

    def update(self, folded: Any, tick: Tick) -> Any:
        stock, flows = folded
        return stock, {name: value + tick.flows[name] for name, value in flows.items()}

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        before, flows = folded
        stock = self._stock(scene)
        heat = sum(flows[name] for name in (*_LOSSES, *self.losses))
        gained = [now - then for now, then in zip(stock, before, strict=True)]
        residual = flows["inflow"] - heat - sum(gained)
        wrapped = [(flows[name] < 0).astype(jnp.int32) for name in ENERGY_FLOWS]  # what layers take may be negative
        overdrawn = self._overdrawn(scene) + sum(wrapped)
        residual = jnp.where(overdrawn > 0, jnp.maximum(jnp.abs(residual), overdrawn), residual)
        rows = dict(zip(("food", "body_energy", *self.stores), stock, strict=True))
        return {**flows, **rows, "residual": residual}

    def _overdrawn(self, scene: Scene) -> Array:
        """How many bodies and cells hold less than nothing."""
        bodies = scene.points["bodies"]
        cells = [sum32(scene.fields[name].values < 0) for name in ("food", *self.stores)]
        return sum32(bodies.alive & (bodies.columns["energy"] < 0)) + sum(cells)

    def _stock(self, scene: Scene) -> tuple[Array, ...]:
        bodies = scene.points["bodies"]
        food, *stored = (sum32(scene.fields[name].values) for name in ("food", *self.stores))
        return food, sum32(jnp.where(bodies.alive, bodies.columns["energy"], 0)), *stored


class Census(Fold):
    """Who is there at the end of the window, how many were born, died and exchanged in it, and how far from food.

    `marked` counts bodies of odd lineage: a neutral mark where founders are random, and in a competition the label of
    one of two populations. `distance` adds up, over ticks, the mean distance to the nearest source in 1/16 cell, `near`
    the bodies within eight cells of one.
    """

    def init(self, scene: Scene) -> Any:
        return {name: jnp.int32(0) for name in COUNTS}

    def update(self, folded: Any, tick: Tick) -> Any:
        return {name: folded[name] + tick.flows[name] for name in COUNTS}

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        bodies = scene.points["bodies"]
        marked = bodies.alive & ((bodies.columns["lineage"] & 1) == 1)
        return {"population": sum32(bodies.alive), "marked": sum32(marked), **folded}


class Visits(Fold):
    """How often each stimulus was met in the window."""

    n_stimuli: int = eqx.field(static=True)

    def init(self, scene: Scene) -> Any:
        return jnp.zeros(self.n_stimuli, jnp.int32)

    def update(self, folded: Any, tick: Tick) -> Any:
        acts = tick.events["acts"]
        stimulus = acts.columns["stimulus"]
        met = [sum32(acts.happened & (stimulus == s)) for s in range(self.n_stimuli)]
        return folded + jnp.stack(met)

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        return {f"visits_{s}": folded[s] for s in range(self.n_stimuli)}


class Emissions(Fold):
    """How often a signal was emitted under each stimulus in the window."""

    n_stimuli: int = eqx.field(static=True)

    def init(self, scene: Scene) -> Any:
        return jnp.zeros(self.n_stimuli, jnp.int32)

    def update(self, folded: Any, tick: Tick) -> Any:
        acts = tick.events["acts"]
        emits = acts.happened & (acts.columns["act"] >= EMIT)
        return folded + jnp.stack([sum32(emits & (acts.columns["stimulus"] == s)) for s in range(self.n_stimuli)])

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        return {f"emitted_{s}": folded[s] for s in range(self.n_stimuli)}


class Propensity(Fold):
    """What living genomes would do under each stimulus: how likely acts of a kind are, summed over bodies, of both
    strands.

    Args:
      mind: whose `act_weights(genome)` says how likely each act is.
      name: of the kind, in the columns.
      bit: that is set in acts of that kind (`TUMBLE`, `EMIT`).
    """

    mind: Any
    name: str = eqx.field(static=True)
    bit: int = eqx.field(static=True)

    def read(self, folded: Any, scene: Scene) -> dict[str, Array]:
        bodies = scene.points["bodies"]
        rows: dict[str, Array] = {}
        acts = [a for a in range(self.mind.n_acts) if a & self.bit]
        for strand, name in enumerate(("evolved", "shadow")):
            genomes = bodies.columns["genome"][strand, : self.mind.n_loci]
            weights = jax.vmap(self.mind.act_weights, in_axes=1, out_axes=2)(genomes)  # stimuli, acts, n
            chosen, total = jnp.sum(weights[:, jnp.array(acts)], axis=1), jnp.sum(weights, axis=1)
            chance = jnp.where(bodies.alive[None, :], (chosen * GRAIN) // total, 0)
            sums = jnp.sum(chance, axis=1, dtype=jnp.int32)
            rows.update({f"{self.name}_{name}_{s}": sums[s] for s in range(sums.shape[0])})
        return rows


def ecology_cameras(
    every: int,
    start: int = 0,
    replicate: int = -1,
    columns: tuple[str, ...] = (),
    fields: tuple[str, ...] = ("food", "odour"),
    unseen: tuple[str, ...] = (),
) -> tuple[Camera, ...]:
    """What the replay of an ecology needs: bodies, sources, and now and then the fields. `every` = 0 takes nothing.

    Args:
      columns: of bodies, besides their places and energy.
      fields: of the world.
      unseen: populations and fields that the scene does not have.
    """
    shutter, rare = Shutter(every, start, replicate), Shutter(FIELD_FRAMES * every, start, replicate)
    bodies = tuple((name, name) for name in ("id", "x", "y", "energy", *columns))
    sources = (("source", "source"), ("x", "x"), ("y", "y"))
    grids = (Camera(f"{name}_field", name, ((name, name),), rare) for name in fields)
    taken = Camera("bodies", "bodies", bodies, shutter), Camera("sources", "sources", sources, shutter), *grids
    return tuple(camera for camera in taken if camera.source not in unseen)


def ecology_logs(births_and_deaths: bool, exchanges: bool, born_with: tuple[str, ...] = ()) -> tuple[Log, ...]:
    """Logs of an ecology. A newborn's genome is as at the end of its first tick; rows are ordered by id.

    Args:
      born_with: columns that births have from layers.
    """

    def columns(*names: str) -> tuple[tuple[str, str], ...]:
        return tuple((name, name) for name in names)

    logs: list[Log] = []
    if births_and_deaths:
        logs.append(Log("births", "births", columns("id", "parent", "genome", *born_with)))
        logs.append(Log("deaths", "deaths", columns("id", "born")))
    if exchanges:
        logs.append(Log("exchanges", "exchanges", columns("id", "partner")))
    return tuple(logs)
