"""Scenes of any shape through the encoder and back; packed frames, answers, questions and descriptions with changes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from mesocosm.player.encoder.bytes import TornAnswer, answer, read_answer
from mesocosm.player.encoder.encoder import Encoder, wanted
from mesocosm.player.encoder.frames import pack
from mesocosm.player.encoder.panel import panel_of
from mesocosm.player.encoder.places import extent_of
from mesocosm.player.encoder.reading import unpack
from mesocosm.player.encoder.snapshot import Seen, Snapshot
from mesocosm.record import FolderError
from mesocosm.record.about import LOOKS, About, FieldAbout, Gene, Genome, GraphAbout, PopulationAbout, SceneAbout, Space
from mesocosm.viewer.questions import DOINGS, NUMBERS, BadQuestion, question
from tests.fuzz.folders import ODD

IN_SUITE = 60


@dataclass
class Ready:
    """Sound bytes to be changed."""

    packed: bytes
    answered: bytes
    about: dict[str, Any]


class Drawn:
    """A made-up world as a source of frames.

    Args:
      frames: headers and planes.
    """

    def __init__(self, meta: dict[str, Any], frames: list[Any]) -> None:
        self.frames, self.said = frames, {**meta, "title": "drawn", "n_frames": len(frames), "series": {}}

    def meta(self) -> dict[str, Any]:
        return self.said

    def frame(self, t: int, want: list[str] | None = None) -> Any:
        return self.frames[t]


def prepare(folder: Path) -> Ready:
    about, snapshots = scenes(Random(0))
    world = encoded(about, snapshots)
    return Ready(pack(panel_of(world)), answer(*world.frames[0]), about.plain())


def once(ready: Ready, random: Random) -> None:
    random.choice((a_scene, a_scene, packed_bytes, answered_bytes, a_question, a_description))(ready, random)


# -- scenes --------------------------------------------------------------------------------------------------------


def scenes(random: Random) -> tuple[SceneAbout, list[Snapshot]]:
    """A few snapshots of a world of any kind: populations of any number, values of any size."""
    rng = np.random.default_rng(random.randrange(2**32))
    kind, size = random.choice(("torus", "box", "plane")), [random.choice((1, 2.5, 100, 8192)) for _ in "xy"]
    left = 0.0 if kind == "torus" else random.choice((0.0, -5.5, 1e6))
    space = Space(kind, *size, left, left) if kind != "plane" else Space()
    names = [f"p{k}" for k in range(random.randrange(4))]
    columns = (
        ("mood", About(words=("a", "b"))),
        ("turn", About(low=0, high=1, is_cyclic=True)),
        ("born", About(since="age")),
    )
    populations = tuple(
        PopulationAbout(n, columns, random.choice(LOOKS), random.choice(((), ("goes", "stays"))), random.random() < 0.7)
        for n in names
    )
    graphs = (
        (GraphAbout("bonds", random.choice(names), random.choice(names)),) if names and random.random() < 0.5 else ()
    )
    fields = tuple(
        FieldAbout(f"f{k}", random.choice((About(), About(words=("u", "v")))), 3, 4) for k in range(random.randrange(3))
    )
    genomes = tuple(
        Genome(n, "genome", (Gene("g", chosen=(0,), loci=(0, 1), sharpness=8), Gene("h", loci=(7,)))) for n in names
    )
    about = SceneAbout(space, populations, fields, (), (), graphs, genomes)
    return about, [_snapshot(rng, random, about, tick) for tick in range(0, random.randrange(1, 5) * 3, 3)]


def _snapshot(rng: np.random.Generator, random: Random, about: SceneAbout, tick: int) -> Snapshot:
    points = {}
    for population in about.populations:
        n, space = 6, about.space
        columns: dict[str, np.ndarray] = {"mood": rng.integers(-1, 5, n), "turn": rng.normal(size=n)}
        columns |= {"born": rng.integers(-1, tick + 1, n), "genome": rng.integers(-128, 128, (2, 3, n)).astype(np.int8)}
        if population.has_ids:
            columns["id"] = np.sort(rng.choice(50, n, replace=False)).astype(np.int32)
        if population.look != "squares":  # squares lie nowhere
            for axis, length, start in (("x", space.width, space.left), ("y", space.height, space.top)):
                columns[axis] = start + rng.random(n) * (length or 3.0)
        if rng.random() < 0.2:
            columns["turn"][0] = random.choice((np.nan, np.inf, -np.inf, 1e300))
        points[population.name] = Seen(columns, rng.random(n) < 0.7)
    values = [rng.normal(size=(3, 4)) * 10.0 ** rng.integers(-6, 7) for _ in about.fields]
    fields = {
        field.name: v if not field.about.words else rng.integers(0, 4, (3, 4))
        for field, v in zip(about.fields, values, strict=True)
    }
    curves = {"loss": rng.normal(size=()), "line": rng.normal(size=5), "block": rng.normal(size=(2, 3, 2))}
    images = {"eye": rng.integers(0, 256, (2, 3, 3)), "grey": rng.random((2, 2))}
    return Snapshot(
        tick, points, fields, curves, images, {graph.name: rng.integers(0, 60, (2, 4)) for graph in about.graphs}
    )


def encoded(about: SceneAbout, snapshots: list[Snapshot]) -> Drawn:
    encoder, frames, before = Encoder(about, snapshots[0]), [], None
    for now in snapshots:
        header, planes = encoder.frame(now, before, genomes=True)
        frames.append((header, wanted(encoder.meta, about.genomes, planes, None)))
        before = now
    return Drawn(encoder.meta, frames)


def a_scene(ready: Ready, random: Random) -> None:
    """What goes over the socket comes back; what is packed comes back as it was, at the resolution that is kept."""
    about, snapshots = scenes(random)
    assert SceneAbout.read(json.loads(json.dumps(about.plain()))) == about
    world = encoded(about, snapshots)
    for header, planes in world.frames:
        said, back = read_answer(answer(header, planes))
        assert json.dumps(said, allow_nan=False) and set(back) == set(planes)
        assert all(np.array_equal(back[n], np.ravel(v), equal_nan=v.dtype.kind == "f") for n, v in planes.items())
    panel = panel_of(world)
    kept = unpack(pack(panel, sampled_every=1))
    for k, population in enumerate(panel.populations):
        again = kept.populations[k]
        assert np.array_equal(again.tick, population.tick) and np.array_equal(again.id, population.id)
        if about.space.kind != "plane":
            extent = extent_of(world.meta()["space"] and about.space)
            assert np.array_equal(again.x, population.x) and (not again.x.size or again.x.max() < extent[0])
    for name, images in panel.images.items():
        assert np.array_equal(kept.images[name], images)


# -- bytes, questions, descriptions ----------------------------------------------------------------------------------


def changed(content: bytes, random: Random) -> bytes:
    out = bytearray(content)
    for _ in range(random.choice((1, 1, 3, 50))):
        out[random.randrange(len(out))] = random.randrange(256)
    return bytes(out[: random.randrange(len(out))] if random.random() < 0.3 else out)


def packed_bytes(ready: Ready, random: Random) -> None:
    """Refused by name, or what was there: the planes carry a checksum, the header does not."""
    unpack(changed(ready.packed, random))


def answered_bytes(ready: Ready, random: Random) -> None:
    try:
        read_answer(changed(ready.answered, random))
    except TornAnswer as error:
        assert str(error)


def a_question(ready: Ready, random: Random) -> None:
    """What a page, or whoever knows the token, may send."""
    odd = (*ODD, "same", "new", float("nan"), 10**400, 5e-324)
    names = ("n", "ask", "world", "t", "after", "serial", "id", "from", "to", "what", "want", "field", "value", "tick")
    asked = {
        name: random.choice(odd) for name in (*names, "ticks_per_second", "seed", "snapshot") if random.random() < 0.6
    }
    if random.random() < 0.8:
        asked |= {"ask": random.choice((*NUMBERS, "rm")), "n": 1, "world": 0, "what": random.choice((*DOINGS, "rm"))}
    text = json.dumps(asked)
    try:
        told = question(text if random.random() < 0.8 else changed(text.encode(), random).decode("utf-8", "replace"))
    except BadQuestion as error:
        assert str(error) and "\n" not in str(error)
        return
    assert told["ask"] in NUMBERS and all(type(told[name]) is int for name in ("n", "world", *NUMBERS[told["ask"]]))
    speed = told.get("wish", {}).get("ticks_per_second")
    assert speed is None or 0 < 1 / speed < 1000


def a_description(ready: Ready, random: Random) -> None:
    """A header that was changed: refused in a sentence, or read as something that can be shown."""
    plain = json.loads(json.dumps(ready.about))
    table: Any = plain
    while isinstance(table, dict | list) and table:
        key = random.choice(list(table)) if isinstance(table, dict) else random.randrange(len(table))
        if not isinstance(table[key], dict | list) or not table[key] or random.random() < 0.3:
            table[key] = random.choice((*ODD, float("nan"), float("inf")))
            break
        table = table[key]
    try:
        about = SceneAbout.read(plain)
    except FolderError:
        return
    _, snapshots = scenes(Random(0))
    encoded(about, snapshots)
