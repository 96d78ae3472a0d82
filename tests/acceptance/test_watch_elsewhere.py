"""Watched worlds taken elsewhere: a notebook's cell, a film, one file."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.player.encoder.frames import pack
from mesocosm.player.encoder.panel import panel_of
from mesocosm.player.encoder.places import told_space
from mesocosm.player.encoder.reading import unpack
from mesocosm.record import ConfigurationError, load
from mesocosm.record.about import PLANE
from mesocosm.viewer.opening import places
from mesocosm.viewer.painter import colours
from mesocosm.viewer.share import shipped
from tests.acceptance.test_command_line import mesocosm

GAME = [
    "run",
    "bilinear",
    "--replicates",
    "2",
    "--ticks",
    "240",
    "--every",
    "20",
    "--frames-every",
    "4",
    "--out",
    "game",
]
DISH = ["run", "chemotaxis", "--replicates", "1", "--ticks", "100", "--every", "50", "--assays", "False"]
DISH += [
    "--world.side",
    "32",
    "--world.founders",
    "64",
    "--world.ceiling",
    "128",
    "--frames-every",
    "2",
    "--out",
    "dish",
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A dish and a game that kept frames."""
    folder = tmp_path_factory.mktemp("runs")
    mesocosm(*DISH, cwd=folder)
    mesocosm(*GAME, cwd=folder)
    return folder


CELL = """async ([code, css, worlds]) => {
  const module = await import(URL.createObjectURL(new Blob([code], {type: "text/javascript"})));
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  window.told = null;
  const views = worlds.map((text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));
  const model = {get: (name) => (name === "worlds" ? views : window.told), set: (_, value) => (window.told = value),
                 save_changes: () => (window.saved = (window.saved ?? 0) + 1)};
  window.end = module.default.render({model, el: document.body});
  await document.querySelector(".mp").player.opened;
}"""


def test_a_cell_of_a_notebook_plays_a_run(runs, visits, tmp_path):
    """The widget's own module and data, in a browser; Python is told what is looked at."""
    pytest.importorskip("anywidget", reason="NOT TESTED: the notebook cell (the extra `notebook` is missing)")
    run = mc.load(runs / "dish")
    widget = mc.view(run, runs / "game")
    assert len(widget.worlds) == 2
    (tmp_path / "empty.html").write_text("<!doctype html><body></body>")
    v = visits(tmp_path / "empty.html", wait=False)
    worlds = [base64.b64encode(content).decode() for content in widget.worlds]
    v.page.evaluate(CELL, [str(widget._esm), str(widget._css), worlds])
    v.focus()
    bodies = run.record.frames("bodies")
    n = int((bodies["tick"] == 98).sum())
    state = v.press("End", t=59)
    assert state["worlds"] == [{"title": "dish", "tick": 98, "n": n}, {"title": "game", "tick": 236, "n": 1}]
    v.press("n", following=False)
    v.page.wait_for_function("() => window.told?.selected && window.told.t === 59")
    assert v.page.evaluate("window.told.tick") == 98 and v.pixels(1).any()
    for ground, theme in (("rgb(17, 17, 17)", "dark"), ("rgb(250, 250, 250)", "light")):
        v.page.evaluate("(ground) => { document.body.style.backgroundColor = ground; }", ground)
        v.page.wait_for_selector(f".mp[data-theme={theme}]")
        drawn = np.median(v.pixels()[..., :3].astype(int).sum(axis=2))
        assert (drawn < 300) == (theme == "dark"), "a cell is as dark as the notebook around it"
    v.page.evaluate("document.querySelector('.mp-cell').style.width = '500px'")
    boxes = [v.page.locator(which).first.bounding_box() for which in (".mp-main", ".mp-details")]
    assert boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"], "in a narrow cell one beneath the other"
    v.page.evaluate("window.end()")


def test_a_film_shows_every_frame_in_the_colours_of_the_player(runs):
    image = pytest.importorskip("PIL.Image", reason="NOT TESTED: films (the extra `video` is missing)")
    mesocosm("export", "dish", "--to", "gif", cwd=runs)
    with image.open(runs / "dish/export/replay.gif") as film:
        assert film.n_frames == 50
        film.seek(0)
        first = np.asarray(film.convert("RGB")).astype(int)
        film.seek(30)
        later = np.asarray(film.convert("RGB")).astype(int)
    assert (first != later).any()
    for name in COLOURS:
        assert np.abs(later - colours("dark")[name]).sum(axis=-1).min() < 12, name


COLOURS = ("class-0", "class-1", "ground")


READS = """
import sys, imageio.v2 as imageio, numpy as np
with imageio.get_reader(sys.argv[1]) as reader:
    np.savez(sys.argv[2], n=reader.count_frames(), late=reader.get_data(58))
"""


def test_a_film_for_a_talk(runs):
    pytest.importorskip("imageio.v2", reason="NOT TESTED: films (the extra `video` is missing)")
    mesocosm("export", "game", "--to", "mp4", cwd=runs)
    call = [sys.executable, "-c", READS, "game/export/replay.mp4", "film.npz"]
    subprocess.run(call, cwd=runs, check=True)  # it forks, which a process with jax in it may not
    with np.load(runs / "film.npz") as film:
        assert film["n"] == 60
        accent = np.abs(film["late"].astype(int) - colours("dark")["accent"]).sum(axis=-1) < 120
    assert accent.sum() > 300, "the way that play took"


def test_a_missing_package_is_named(runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'mesocosm\[video\]'"):
        from mesocosm.viewer.film import film

        film([place.world() for place in places([runs / "dish"])], "gif")
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'mesocosm\[notebook\]'"):
        mc.view(mc.load(runs / "dish"))


def test_one_file_holds_what_the_record_says(runs, visits):
    """Two runs of different kind, exported and opened without a network."""
    for name, last in (("dish", 49), ("game", 59)):
        done = mesocosm("export", name, "--to", "replay", "--json", cwd=runs)
        v = visits(Path(runs / json.loads(done.stdout)["files"][0]))
        record = load(runs / name)
        world = places([runs / name])[0].world()
        v.page.wait_for_function("() => document.activeElement.id === 'player'")  # keys are heard at once
        state = v.press("End", t=last)
        header, planes = world.frame(last)
        assert (state["tick"], state["n"]) == (header["tick"], header["n"])
        frame = v.page.evaluate(
            "(() => { const f = document.querySelector('.mp').player.panes[0].frame;"
            " return {x: [...f.x], y: [...f.y], id: [...f.id]}; })()"
        )
        order = np.argsort(planes["0 id"], kind="stable")
        assert frame["id"] == planes["0 id"][order].tolist()
        reach = 4096 if record.header["experiment"] == "chemotaxis" else np.abs(record.metrics["x"]).max() * 4
        for axis in "xy":
            off = np.abs(np.array(frame[axis]) - planes[f"0 {axis}"][order].astype(float))
            assert off.max() <= reach / 4096, "as exact as it is kept"
        charts = v.page.locator(".mp-charts canvas")
        assert charts.count() >= 2 and f"at tick {state['tick']}" in charts.nth(1).get_attribute("aria-label")
    play_with_a_file(visits(runs / "dish/export/replay.html"))


def play_with_a_file(v) -> None:
    """Every control of a world in one file."""
    v.page.wait_for_function("() => document.activeElement.id === 'player'")
    v.press(" ", playing=True)
    v.page.wait_for_function("() => window.__viewer.t > 2")
    v.press(" ", playing=False)
    v.press("Home", t=0)
    v.press(".", t=1)
    v.press(".", t=2)
    v.press(",", t=1)
    v.press("]", speed=60)
    v.press("[", speed=30)
    v.page.get_by_role("slider").first.fill("20")
    v.wait(t=20)
    v.focus()
    assert v.press("1")["overlays"] == ["odour"]
    plain = v.pixels()
    for column in [
        *v.page.evaluate("document.querySelector('.mp').player.columns.map((c) => c.name)")[1:],
        "behaviour",
    ]:
        v.press("o", colour=column)
        if column == "energy":
            assert (v.pixels() != plain).any()
    box = v.page.locator(".mp-charts canvas").first.bounding_box()
    v.page.mouse.click(box["x"] + box["width"] - 1, box["y"] + 9)
    v.wait(t=49)
    id = v.click_a_body()
    v.when("s.relatives > 0 && s.trail > 0")
    assert f"Individual {id}" in v.page.locator(".mp-details").inner_text()
    plain = v.pixels()
    v.press("f", following=True)
    assert (v.pixels() != plain).any()


def test_the_shipped_recording_is_small_and_whole():
    content = shipped().tobytes()
    panel = unpack(content)
    assert len(content) < 200_000 and panel.frame_ticks.size >= 100
    near = np.bincount(panel.bodies.columns["behaviour"])
    assert near.size == 2 and near.min() > 0


def test_a_stretch_of_nothing_is_refused(runs):
    world = places([runs / "dish"])[0].world()
    with pytest.raises(Exception, match="holds no frame"):
        panel_of(world, 70, 90)


class Nobody:
    """A world of curves alone, as the search for a rule is."""

    def meta(self):
        curve = {"name": "loss", "shape": [1], "unit": "nats"}
        nothing = {"populations": [], "fields": [], "images": [], "graphs": [], "series": {}}
        return {"title": "a search", "n_frames": 3, "space": told_space(PLANE), "curves": [curve], **nothing}

    def frame(self, t, want=None):
        return {"tick": 5 * t, "n": 0}, {"curve loss": np.array([3.0 - t], np.float32)}


def test_a_stretch_without_bodies_says_that_there_is_no_world_to_draw():
    panel = panel_of(Nobody(), 0, 2)
    again = unpack(pack(panel))
    assert not panel.populations and not again.populations and again.abouts["loss"]["unit"] == "nats"
    assert again.curves["loss"].tolist() == [[3], [2], [1]] and again.frame_ticks.tolist() == [0, 5, 10]
