"""Nothing vanishes: what a scene has is there in a running world, a recorded one, a report, a film and a notebook."""

import base64
import socket
import threading
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.instrument import about_scene
from mesocosm.player.encoder.bytes import answer, read_answer
from mesocosm.player.encoder.encoder import Encoder
from mesocosm.player.encoder.snapshot import snapshot_of
from mesocosm.protocol.derived import tell
from mesocosm.protocol.recorded import as_recorded
from mesocosm.reports.page import render
from mesocosm.viewer.film import drawn
from mesocosm.viewer.live import NOTHING, Live
from mesocosm.viewer.opening import places
from mesocosm.viewer.painter import hexed
from tests.acceptance.test_watch_elsewhere import CELL
from tests.acceptance.watching import Address
from tests.menagerie import MOODS, PALETTE, SPECIES, TICKS, Menagerie, expected, menagerie

uvicorn = pytest.importorskip("uvicorn", reason="NOT TESTED: the viewer (the extra `watch` is missing)")
KINDS = ("torus", "box", "plane")
LAST = TICKS - 1
SHOWN = """() => { const {panes, state} = document.querySelector('.mp').player, {frame, meta} = panes[0];
  const plain = (named) => Object.fromEntries(Object.entries(named ?? {}).map(([k, v]) => [k, [...v]]));
  return {tick: state.tick, meta, scales: frame.scales, fields: plain(frame.fields), curves: plain(frame.curves),
          images: plain(frame.images), graphs: plain(frame.graphs),
          legend: document.querySelector('.mp-legend').innerText,
          populations: frame.populations.map(({n, id, x, y, columns}) => ({n, ...plain({id, x, y, ...columns})}))}; }"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A run of each kind, of which every frame was kept."""
    under = tmp_path_factory.mktemp("menagerie")
    return {kind: menagerie(kind, under / kind) for kind in KINDS}


def running(kind: str) -> Live:
    """A running world without its process, as the server knows it: all frames have been sent."""
    live = Live.__new__(Live)
    live.title, live.said, live.serial, live.trouble, live.run = kind, threading.Condition(), 1, "", {"run": kind}
    live.shape, live.genomes = NOTHING, ()
    live.forget()
    live.state = {"status": "paused", "tick": LAST, "ticks": 99, "living": 1, "speed": None, "rate": 1.0}
    live.process, live._tell = None, lambda wish: None
    live.do = lambda wish: {}
    experiment, before = Menagerie(kind), None
    for tick in range(TICKS):
        scene = jax.tree.map(np.asarray, experiment.scene(jnp.int32(tick + 1)))
        now = snapshot_of(scene, tick)
        if before is None:
            about = about_scene(experiment)
            encoder = Encoder(about, now)
            live._take("shape", {**encoder.meta, "about": about.plain()}, {})
        header, planes = read_answer(answer(*encoder.frame(now, before)))
        live._take("frame", {**header, "at": time.time()}, planes)
        before = now
    return live


@pytest.fixture
def served():
    """Serves worlds, and gives the address."""
    from mesocosm.viewer.server import application

    servers = []

    def serve(world) -> Address:
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = application([world], "token", "menagerie")
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws_per_message_deflate=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        servers.append((server, thread, listening))
        return Address(f"http://127.0.0.1:{port}/token/")

    yield serve
    for server, thread, listening in servers:
        server.should_exit = server.force_exit = True
        thread.join(10)
        listening.close()


def in_a_page(visits, tmp_path: Path, content: str):
    (tmp_path / "page.html").write_text(content, "utf-8")
    return visits(tmp_path / "page.html")


def on_live(record, kind, visits, served, tmp_path):
    return visits(served(running(kind)))


def on_recorded(record, kind, visits, served, tmp_path):
    return visits(served(places([record.folder])[0]))


def on_report(record, kind, visits, served, tmp_path):
    story = tell(as_recorded(record), record, [])  # as of an experiment whose code is gone
    return in_a_page(visits, tmp_path, render(story, title="t"))


def on_notebook(record, kind, visits, served, tmp_path):
    pytest.importorskip("anywidget", reason="NOT TESTED: the notebook cell (the extra `notebook` is missing)")
    from mesocosm.viewer.cell import cell

    widget = cell([record])
    (tmp_path / "empty.html").write_text("<!doctype html><body></body>")
    v = visits(tmp_path / "empty.html", wait=False)
    v.page.evaluate(CELL, [str(widget._esm), str(widget._css), [base64.b64encode(w).decode() for w in widget.worlds]])
    return v


HOSTS = {
    "live": on_live,
    "recorded": on_recorded,
    "report": on_report,
    "notebook": on_notebook,
}


@pytest.mark.parametrize("host", HOSTS)
def test_whatever_a_scene_has_is_there_on_every_page(host, recorded, visits, served, tmp_path):
    for kind in KINDS:
        v = HOSTS[host](recorded[kind], kind, visits, served, tmp_path)
        v.page.evaluate(f"document.querySelector('.mp').player.seek({LAST})")
        v.when(f"s.tick === {LAST}")
        shown = v.page.evaluate(SHOWN)
        there = expected(kind, LAST + 1)
        {"torus": a_torus, "box": a_box, "plane": a_plane}[kind](shown, there, is_kept=host not in ("live", "recorded"))
        assert np.allclose(shown["curves"]["curve"], there["curve"], atol=1e-5)
        assert np.allclose(shown["curves"]["matrix"], there["matrix"].ravel())
        assert {c["name"]: c["unit"] for c in shown["meta"]["curves"]} == {"curve": "volts", "matrix": ""}
        if host != "report":  # it has charts of its own
            assert shown["meta"]["series"]["count"][1][-1] == TICKS
        if kind == "torus":
            the_lattice_is_seen(v)
            what_stands_on_it_is_seen(v.pixels(), there)
            another_population_is_watched(v, there)
        if kind == "box":
            bonds_are_seen(v.pixels(), there)
        if kind == "plane":
            the_pictures_are_seen(v)


def columns_of(population: dict) -> dict[str, dict]:
    return {column["name"]: column for column in population["columns"]}


def a_torus(shown: dict, there: dict, is_kept: bool) -> None:
    """Three populations on a torus that is no square, bonds, and a lattice of classes."""
    told = {p["name"]: k for k, p in enumerate(shown["meta"]["populations"])}
    assert next(iter(told)) == "walkers" and set(told) == {"walkers", "rocks", "springs"}
    assert shown["meta"]["space"]["extent"] == [4096, 2458] and shown["meta"]["space"]["size"] == [100, 60]
    for name, prefix in (("walkers", ""), ("rocks", "rock "), ("springs", "spring ")):
        seen = shown["populations"][told[name]]
        for axis, length, extent in (("x", 100, 4096), ("y", 60, 2458)):
            assert np.abs(np.array(seen[axis]) / extent * length - there[f"{prefix}{axis}"]).max() < 0.03, (name, axis)
    assert shown["populations"][told["rocks"]]["weight"] == there["moods"].tolist()
    walkers = shown["populations"][told["walkers"]]
    columns = columns_of(shown["meta"]["populations"][0])
    assert columns["mood"]["words"] == list(MOODS) and columns["phase"]["is_cyclic"] and columns["phase"]["high"] == 360
    assert walkers["mood"] == there["moods"].tolist()
    assert is_kept or walkers["phase"] == there["phase"].tolist()
    assert is_kept or np.allclose(walkers["trust"], there["trust"], atol=1e-6)
    assert np.array(shown["graphs"]["bonds"]).reshape(-1, 2).T.tolist() == there["bonds"].tolist()
    assert shown["fields"]["lattice"] == there["lattice"].ravel().tolist() and shown["scales"]["lattice"][0] == "class"
    words = ["rocks", "springs", "bonds", *SPECIES.words, *columns["behaviour"]["words"]]
    assert all(word in shown["legend"] for word in words), shown["legend"]


def a_box(shown: dict, there: dict, is_kept: bool) -> None:
    """Floats in a box whose corner is not the origin, and a field with both signs."""
    seen, space = shown["populations"][0], shown["meta"]["space"]
    assert (space["kind"], space["size"], space["origin"], space["unit"]) == ("box", [10, 5], [-5, -2.5], "m")
    for axis, k in (("x", 0), ("y", 1)):
        place = space["origin"][k] + (np.array(seen[axis]) + 0.5) * space["size"][k] / space["extent"][k]
        assert np.abs(place - there[axis]).max() < 0.01, axis
    kind, low, high = shown["scales"]["curl"]
    values = low + np.array(shown["fields"]["curl"]) / 255 * (high - low)
    assert kind == "linear" and low == -high and np.abs(values - there["curl"].ravel()).max() < (high - low) / 255
    assert "curl" in shown["legend"] and "1/s" in shown["legend"] and all(mood in shown["legend"] for mood in MOODS)


def a_plane(shown: dict, there: dict, is_kept: bool) -> None:
    """A point on a plane, pictures, and a field that lies nowhere."""
    seen = shown["populations"][0]
    assert abs(seen["x"][0] - there["x"][0]) < 0.02 and abs(seen["y"][0] - there["y"][0]) < 0.02
    assert shown["images"]["eye"] == there["eye"].ravel().tolist()
    assert shown["images"]["map"] == there["map"].ravel().tolist()
    kind, low, high = shown["scales"]["afar"]
    values = low + np.array(shown["fields"]["afar"]) / 255 * (high - low)
    assert kind == "linear" and np.abs(values - there["afar"].ravel()).max() < (high - low) / 255
    if series := shown["meta"]["series"]:
        assert abs(series["x"][1][-1] - there["x"][0]) < 1e-3, "a moving point is told by its coordinates"


def the_lattice_is_seen(v) -> None:
    """Each class in its own colour, over the whole of a canvas that is as long as the world is; rocks on top of it."""
    picture = v.pixels()
    height, width = picture.shape[:2]
    assert abs(height / width - 0.6) < 0.01
    lattice = expected("torus", LAST + 1)["lattice"]
    seen = np.array(
        [[picture[int((r + 0.2) * height / 6), int((c + 0.8) * width / 10), :3] for c in range(10)] for r in range(6)]
    )
    hits = (np.abs(seen.astype(int) - np.array([hexed(c) for c in SPECIES.palette])[lattice]).sum(axis=2) < 12).mean()
    assert hits > 0.8, "a few cells are hidden by what stands on them"


def shares_near(picture: np.ndarray, across: np.ndarray, down: np.ndarray, colour, reach: int = 4) -> float:
    """At how many of these places, in shares of the picture, a pixel of this colour is near."""
    height, width = picture.shape[:2]
    hits = []
    for x, y in zip((across * width).astype(int), (down * height).astype(int), strict=True):
        around = picture[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1, :3].astype(int)
        hits.append((np.abs(around - np.array(colour)).sum(axis=-1) < 60).any())
    return float(np.mean(hits))


def what_stands_on_it_is_seen(picture: np.ndarray, there: dict) -> None:
    walkers, rocks = (there["x"] / 100, there["y"] / 60), (there["rock x"] / 100, there["rock y"] / 60)
    assert (
        shares_near(picture, *walkers, hexed("#0067a8")) > 0.8 and shares_near(picture, *rocks, hexed("#c24a00")) == 1
    )
    rings = there["spring x"] / 100, there["spring y"] / 60
    assert shares_near(picture, *rings, hexed("#22262b"), reach=12) == 1


def another_population_is_watched(v, there: dict) -> None:
    """Each can be: clicked, told, and coloured by columns of its own."""
    v.page.locator(".mp canvas").first.focus()
    v.press("w", watched="rocks", colour="weight")
    assert "weight, low to high" in v.page.locator(".mp-legend").inner_text()
    v.page.evaluate("document.querySelector('.mp').player.select(0, 4)")
    v.page.wait_for_function("() => document.querySelector('.mp').innerText.match(/Individual 4/)")
    told = v.page.locator(".mp").first.inner_text()
    assert f"weight\n{there['moods'][3]}" in told or f"weight: {there['moods'][3]}" in told
    v.press("w", watched="walkers", colour="behaviour")


def bonds_are_seen(picture: np.ndarray, there: dict) -> None:
    """Half way between both ends of each bond lies a line, darker (in the dark: lighter) than what is beneath it."""
    x, y = (there["x"] + 5) / 10, (there["y"] + 2.5) / 5
    height, width = picture.shape[:2]
    seen = []
    for a, b in zip(x[:-1] + (x[1:] - x[:-1]) * 0.45, y[:-1] + (y[1:] - y[:-1]) * 0.45, strict=True):
        row, column = int(b * height), int(a * width)
        around = picture[max(0, row - 9) : row + 10, max(0, column - 9) : column + 10, :3].astype(int).sum(axis=-1)
        seen.append(np.abs(around - np.median(around)).max() > 90)
    assert np.mean(seen) > 0.9


PICTURE = """([name]) => { const view = document.querySelector('.mp').player.panes[0].curveView;
  const all = [...view.curves, ...view.pictures], k = all.findIndex((one) => one.name === name);
  const top = all.slice(0, k).reduce((sum, one) => sum + view.heightOf(one), 0);
  return {top: top + 19, height: view.heightOf(all[k]) - 27, width: Math.min(view.canvas.clientWidth - 20, 480)}; }"""


def the_pictures_are_seen(v) -> None:
    picture, there = v.pixels(0, "canvas.mp-curves")[..., :3].astype(int), expected("plane", LAST + 1)
    palette = np.array([hexed(colour) for colour in PALETTE])
    for name, colours in (("eye", there["eye"]), ("map", palette[there["map"]])):
        box = v.page.evaluate(PICTURE, [name])
        rows, columns = colours.shape[:2]
        for row in range(rows):
            for column in range(columns):
                y, x = box["top"] + (row + 0.5) * box["height"] / rows, 10 + (column + 0.5) * box["width"] / columns
                assert np.abs(picture[int(y), int(x)] - colours[row, column]).sum() < 12, (name, row, column)


def near(picture: np.ndarray, colour, least: int) -> bool:
    return int((np.abs(picture.astype(int) - np.array(colour)).sum(axis=-1) < 40).sum()) >= least


def test_whatever_a_scene_has_is_in_a_film(recorded):
    pytest.importorskip("PIL.Image", reason="NOT TESTED: films (the extra `video` is missing)")
    from mesocosm.viewer.painter import colours

    named = colours("dark")
    last = {}
    for kind in KINDS:
        for picture in drawn([places([recorded[kind].folder])[0].world()], 360, 99):
            last[kind] = picture
    seen, lattice = last["torus"], expected("torus", LAST + 1)["lattice"]
    cells = np.array([[seen[int(26 + (r + 0.2) * 36), int(12 + (c + 0.8) * 36)] for c in range(10)] for r in range(6)])
    right = np.abs(cells.astype(int) - np.array([hexed(c) for c in SPECIES.palette])[lattice]).sum(axis=2) < 40
    assert right.mean() > 0.8, "the lattice, on a torus that is no square"
    assert near(seen, named["class-0"], 20) and near(seen, named["class-1"], 40), "walkers, rocks"
    assert near(seen, named["ink"], 60), "springs"
    bonds_are_seen(last["box"][26:206, 12:372], expected("box", LAST + 1))
    there = expected("plane", LAST + 1)
    assert all(near(last["plane"], colour, 20) for colour in there["eye"].reshape(-1, 3))
    assert all(near(last["plane"], hexed(colour), 20) for colour in PALETTE)
    assert near(last["plane"], named["accent"], 60), "the way of the moth"
