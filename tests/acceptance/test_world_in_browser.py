"""A world in the browser: looked at nearer, over its edges, told of where one points; the same by WebGL2."""

import dataclasses
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from mesocosm.player import assets
from mesocosm.player.encoder.scales import levels, values_of
from mesocosm.protocol.story import Replay, Story
from mesocosm.reports.page import render
from tests.unit.report_sample import walk

SAME = """() => { const {player} = document.querySelector('.mp'), pane = player.living[0];
  const drawn = (graphics) => {
    const canvas = pane.figure.appendChild(document.createElement('canvas'));
    const view = new mesocosm.View(canvas, pane.meta, {raster_above: 0, graphics});
    const look = {column: player.column, highs: {}, overlays: new Set(), selected: -1, trails: [], theme: player.theme};
    const seen = [null, {x: 100, y: 3000, zoom: 3}].map((gaze) => {
      Object.assign(view.camera, gaze);
      Object.assign(view, {gaze}).draw(pane.frame, look);
      return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data; });
    canvas.remove();
    return [view.dots.constructor.name, seen]; };
  const [[raster, one], [graphics, other]] = [drawn('never'), drawn('any')];
  let [differs, all, shades] = [0, 0, new Set()];
  one.forEach((bytes, k) => { for (let i = 0; i < bytes.length; i += 4) {
    differs += [0, 1, 2].some((c) => Math.abs(bytes[i + c] - other[k][i + c]) > 8);
    shades.add(bytes[i]);
    all += 1; } });
  return [raster, graphics, differs / all, shades.size]; }"""


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """A report with two worlds, of which one has more food by far."""
    one = walk(n=60, frames=20, seed=1, title="one")
    food, taken = next(iter(one.fields.values()))
    (name,) = one.fields
    other = dataclasses.replace(one, title="other", fields={name: (8 * food, taken)})
    path = tmp_path_factory.mktemp("world") / "report.html"
    path.write_text(render(Story("s", replay=Replay("c", [one, other])), title="t"), "utf-8")
    return path


def test_a_graphics_processor_draws_the_same_picture(visits, page):
    v = visits(page)
    raster, graphics, differs, shades = v.page.evaluate(SAME)
    v.page.wait_for_timeout(300)
    v.complaints[:] = [c for c in v.complaints if "GL" not in c and "getImageData" not in c]  # of drivers
    if graphics != "Graphics":
        pytest.skip("NOT TESTED: this Chromium has no WebGL2, not even in software")
    assert raster == "Dots" and shades > 20 and differs < 1e-3


def test_one_looks_nearer_and_over_the_edges(visits, page):
    v = visits(page)
    v.focus()
    whole = v.pixels()
    near = v.press("+", playing=False)["gaze"]
    assert near["zoom"] > 1 and (v.pixels() != whole).any()
    assert v.page.evaluate(GAZES) == [near, near], "both worlds are looked at alike"
    for _ in range(8):
        v.page.keyboard.press("ArrowLeft")
    state = v.when("s.gaze.x > 2048")  # it began in the middle and went left, over the edge
    v.page.mouse.move(*middle_of(v))
    v.page.mouse.down()
    v.page.mouse.move(*(at + 60 for at in middle_of(v)), steps=3)
    v.page.mouse.up()
    dragged = v.state
    assert dragged["gaze"] != state["gaze"] and dragged["selected"] is None, "who drags has not clicked"
    v.page.mouse.wheel(0, -300)
    v.when("s.gaze.zoom > until", dragged["gaze"]["zoom"])
    v.press("0", gaze=None)
    assert np.array_equal(v.pixels(), whole)


GAZES = "[...document.querySelector('.mp').player.living].map(({view}) => ({...view.gaze}))"


def middle_of(v) -> tuple[float, float]:
    box = v.page.locator("canvas.mp-world").first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_what_is_under_the_pointer_is_told_with_its_unit(visits, page):
    v = visits(page)
    (id, left, top), (_, right, down) = v.page.evaluate(PLACES)
    v.page.mouse.move(left, top)
    told = v.state["told"]
    assert told[0] == f"bodies {id}" and any(line.startswith("energy: ") and "quanta" in line for line in told)
    v.page.mouse.move(right, down)
    told = v.state["told"]
    assert told[0].startswith("odour: about") and "quanta" in told[0] and told[-1].startswith("at ")
    assert v.page.locator(".mp-tip").inner_text().splitlines() == told
    value = v.page.evaluate(FOOD, [right, down])
    assert float(told[0].split()[2].replace(",", "")) == pytest.approx(value, rel=0.02, abs=0.01)
    v.page.mouse.move(2, 2)
    assert v.state["told"] is None


PLACES = """() => { const {frame, canvas, view} = document.querySelector('.mp').player.living[0];
  const box = canvas.getBoundingClientRect();
  const at = (x, y) => [box.left + view.across(x) / view.pixel, box.top + view.down(y) / view.pixel];
  let best = [-1, 0, 0];
  const far = (i) => [...frame.x].map((x, k) => k === i ? 1e9 : Math.hypot(x - frame.x[i], frame.y[k] - frame.y[i]));
  for (let i = 0; i < frame.n; i++) {
    const room = Math.min(...far(i));
    if (room > best[0] && frame.x[i] > 200 && frame.x[i] < 3900) best = [room, i]; }
  const grid = Array.from({length: 400}, (_, k) => [300 + (k % 20) * 180, 300 + Math.floor(k / 20) * 180]);
  const away = ([x, y]) => Math.min(...[...frame.x].map((u, k) => Math.hypot(u - x, frame.y[k] - y)));
  const ground = grid.sort((a, b) => away(b) - away(a))[0];
  return [[frame.id[best[1]], ...at(frame.x[best[1]], frame.y[best[1]])], [null, ...at(...ground)]]; }"""
FOOD = """([left, top]) => { const {frame, canvas, view, meta} = document.querySelector('.mp').player.living[0];
  const box = canvas.getBoundingClientRect(), [x, y] = view.placeAt(left - box.left, top - box.top);
  const {name, width, height} = meta.fields[0], [wide, high] = view.extent;
  const level = frame.fields[name][Math.floor(y / high * height) * width + Math.floor(x / wide * width)];
  return mesocosm.valueOfLevel(level, frame.scales[name]); }"""


def test_levels_mean_the_same_to_the_browser_and_worlds_side_by_side_share_a_scale(visits, page):
    v = visits(page)
    for scale in (["log", 0.0, 512.0], ["linear", -8.0, 8.0], ["class", 0.0, 3.0]):
        read = v.page.evaluate("(s) => Array.from({length: 256}, (_, k) => mesocosm.valueOfLevel(k, s))", scale)
        assert np.allclose(read, values_of(np.arange(256), tuple(scale)))
    own, shared = ("log", 0.0, 64.0), ("log", 0.0, 512.0)
    one, all_of = v.page.evaluate(SHADES, [own, shared])
    expected = np.array(all_of)[levels(values_of(np.arange(256), own), shared)]
    assert np.mean(np.array(one) == expected) > 0.97  # rounding may fall to either side
    *each, widest = v.page.evaluate(SCALES)
    assert widest == max(each)


SCALES = """(() => { const {player} = document.querySelector('.mp'), of = (scales) => Object.values(scales)[0];
  return [...player.living.map(({frame}) => of(frame.scales)), of(player.scales)]; })()"""
SHADES = """([own, shared]) => { const {theme} = document.querySelector('.mp').player;
  const made = (f) => [...f(new Uint32Array(256))];
  return [made((into) => mesocosm.shadesShared({}, own, shared, theme, 0, into)),
    made((into) => mesocosm.shadesOfField({}, shared, theme, 0, into))]; }"""


@pytest.mark.parametrize(
    "low, high, whole", [(0, 65535, True), (0, 100, True), (0.0, 1.0, False), (-30.0, 30.0, False)]
)
def test_a_slider_goes_through_its_whole_range_and_back(visits, tmp_path, low, high, whole):
    path = tmp_path / "bare.html"
    script = assets.script() + (files("mesocosm.viewer") / "web" / "sliders.js").read_text("utf-8")
    path.write_text(f"<!doctype html><script>{script}</script>", "utf-8")
    v = visits(path, wait=False)
    is_log, there, back = v.page.evaluate(RANGE, {"low": low, "high": high, "whole": whole})
    assert is_log == ((whole and high - low >= 1000) or (not whole and low >= 0))
    assert there[0] == pytest.approx(low) and there[-1] == pytest.approx(high) and (np.diff(there) > 0).all()
    assert np.allclose(back, np.linspace(0, 1, 11))


RANGE = """(range) => { const {isLog, share, value} = mesocosm.scaleOf(range);
  const there = Array.from({length: 11}, (_, k) => value(k / 10)); return [isLog, there, there.map(share)]; }"""
