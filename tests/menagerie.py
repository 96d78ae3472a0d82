"""Experiments as somebody outside might write them, with one of everything that a scene can have. What is there at each
step is worked out again in NumPy by `expected`.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from mesocosm.core import About, Bits, Camera, Experiment, Field, Graph, Image, Points, Scene, Tick, box
from mesocosm.core import torus as torus_of
from mesocosm.core.instrument import about_scene, cameras_of
from mesocosm.record import Record, Writer, load
from mesocosm.record.status import RunStatus
from mesocosm.record.writer import Batch

N, TICKS = 12, 6
MOODS = ("calm", "cross", "glad")
SPECIES = About(words=("sand", "moss", "ivy"), palette=("#c8b070", "#3f7f3f", "#702f8f"))
PALETTE = ("#000000", "#ff0000", "#00ff00", "#0000ff")


def expected(kind: str, state: int) -> dict[str, np.ndarray]:
    """All numbers of a scene after so many steps, by name."""
    i = np.arange(N)
    row, column = np.arange(6)[:, None], np.arange(10)[None, :]
    out = {"moods": (i + state) % 3, "phase": (i * 30 + state * 20) % 360, "trust": (i - 4.5) / (state + 7)}
    out |= {"curve": np.sin(np.arange(40) / 5.0 + state), "matrix": (row - 2.5) * (column - 4.5) + state}
    out["bonds"] = np.stack([i[:-1] + 1, i[1:] + 1])
    if kind == "torus":
        out |= {"x": (i * 8 + 3 * state) % 100, "y": (i * 5 + state) % 60, "rock x": i * 8 + 4, "rock y": 59 - 4 * i}
        out |= {"spring x": np.array([50, 90]) + 0 * state, "spring y": np.array([10, 40]) + 0 * state}
        out["lattice"] = (row + column + state) % 3
    elif kind == "box":
        out |= {"x": np.cos(i + state / 10.0) * 4.9, "y": np.sin(2.0 * i + state / 10.0) * 2.4}
        out["curl"] = ((row - 2.5) * (column - 4.5) + state) / 11.25
    else:
        out |= {"x": 20 * np.sin(state / 3.0 + 0 * i[:1]), "y": 25 + 20 * np.cos(state / 2.0 + 0 * i[:1])}
        shade = (40 * row[:4] + 20 * column[:, :5] + state) % 256
        out |= {"eye": np.stack([shade, 255 - shade, 0 * shade + 7 * state], axis=2), "map": (row + column + state) % 4}
        out["afar"] = (row - 2.5) * (column - 4.5) + state
    return out


def table(kind: str, state: Int32[Array, ""]) -> dict[str, Array]:
    """The same inside the law."""
    rows = [expected(kind, k) for k in range(TICKS + 2)]
    stacked = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    kinds = {name: np.float32 if values.dtype.kind == "f" else np.int32 for name, values in stacked.items()}
    return {name: jnp.asarray(values, kinds[name])[state] for name, values in stacked.items()}


class Menagerie(Experiment):
    """Counts; all that it shows follows from the count."""

    exact: ClassVar[bool] = True
    kind: str = eqx.field(static=True, default="torus")

    def init(self, bits: Bits) -> Int32[Array, ""]:
        return jnp.int32(0)

    def tick(self, bits: Bits, state: Int32[Array, ""]) -> tuple[Int32[Array, ""], Tick]:
        return state + 1, Tick()

    def scene(self, state: Int32[Array, ""]) -> Scene:
        e = table(self.kind, state)
        all_of = jnp.ones(N, bool)
        about = {"mood": About(words=MOODS), "phase": About("degrees", low=0, high=360, is_cyclic=True)}
        curves = {"count": state, "curve": e["curve"], "matrix": e["matrix"]}
        said = {"curve": About("volts")}
        if self.kind == "plane":
            point = Points(all_of[:1], {"id": jnp.ones(1, jnp.int32), "x": e["x"], "y": e["y"]})
            images = {"eye": Image(e["eye"].astype(jnp.uint8)), "map": Image(e["map"], About(palette=PALETTE))}
            return Scene({"moth": point}, {"afar": Field(e["afar"])}, curves, images=images, about=said)
        columns = {"id": jnp.arange(1, N + 1, dtype=jnp.int32), "x": e["x"], "y": e["y"], "mood": e["moods"]}
        columns |= {"phase": e["phase"], "trust": e["trust"]}
        graphs = {"bonds": Graph(e["bonds"], all_of[1:], "walkers")}
        if self.kind == "box":
            walkers = Points(all_of, columns, about, "dots")
            around = box(10, 5, left=-5, top=-2.5, unit="m")
            return Scene(
                {"walkers": walkers}, {"curl": Field(e["curl"], "1/s")}, curves, graphs, space=around, about=said
            )
        points = {
            "springs": Points(all_of[:2], {"x": e["spring x"], "y": e["spring y"]}, look="rings"),
            "rocks": Points(all_of, {"x": e["rock x"], "y": e["rock y"], "weight": e["moods"]}, look="squares"),
            "walkers": Points(all_of, columns, about, motion=("walks", "rests")),
        }
        fields = {"lattice": Field(e["lattice"], about=SPECIES)}
        return Scene(points, fields, curves, graphs, space=torus_of(100, 60, unit="cells"), about=said)


def menagerie(kind: str, folder: Path) -> Record:
    """A run of it of which every frame was kept, by the cameras themselves; the loop is left out: it would compile."""
    experiment = Menagerie(kind)
    scenes = [experiment.scene(jnp.int32(tick + 1)) for tick in range(TICKS)]
    frames = {camera.name: _taken(camera, scenes) for camera in cameras_of(scenes[0], 1, 0)}
    every = {"replicate": np.zeros(TICKS, np.int32), "tick": np.arange(TICKS, dtype=np.int32)}
    identity = {"experiment": "menagerie", "seed": 0, "replicates": 1, "ticks": TICKS, "every": 1, "interventions": []}
    identity |= {"configuration": {"frames_every": 1, "frames_of": 0}, "declaration": {}, "logs": []}
    identity |= {"frames": [*frames], "scene": about_scene(experiment).plain(), "exact": True}
    with Writer.create(folder, identity, {"count": "INTEGER"}, "") as writer:
        counts = np.arange(1, TICKS + 1)
        batch = Batch(metrics={**every, "tick": every["tick"] + 1, "count": counts}, frames=frames)
        writer.commit(TICKS, batch, {"count": counts[-1]}, seconds=1.0, is_last=True)
        writer.set_status(RunStatus.FINISHED)
    return load(folder)


def _taken(camera: Camera, scenes: list[Scene]) -> dict[str, np.ndarray]:
    """The rows of a camera over all scenes, as the loop keeps them: the last axis is the row."""
    rows: dict[str, list[np.ndarray]] = {"replicate": [], "tick": []}
    for tick, scene in enumerate(scenes):
        events = camera.emit(Tick(), scene, jnp.int32(tick), jnp.uint32(0))
        here = np.flatnonzero(np.asarray(events.happened))
        rows["replicate"].append(np.zeros(here.size, np.int32))
        rows["tick"].append(np.full(here.size, tick, np.int32))
        for name, values in events.columns.items():
            rows.setdefault(name, []).append(np.moveaxis(np.asarray(values)[..., here], -1, 0))
    return {name: np.concatenate(parts) for name, parts in rows.items()}
