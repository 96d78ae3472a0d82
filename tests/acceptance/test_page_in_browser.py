"""The report in a real browser: what a person does with it, asserted on state and pixels, never on frames per second.

Needs Playwright and a Chromium of the system; says what was not tested where one is missing.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mesocosm.protocol.story import Panel
from mesocosm.reports.page import render
from tests.acceptance.accessible import faults
from tests.acceptance.browsing import Visit
from tests.unit.report_sample import nasty_arguments, sample

FRAMES = 120
LEAD = {"answer": "Chemotaxis evolved", "figures": "+0.55 [0.51, 0.59]"}


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    told = sample(replicates=8, n=200, frames=FRAMES)
    told["story"] = replace(told["story"], **LEAD)
    path.write_text(render(**told), "utf-8")
    return path


@pytest.fixture
def visit(visits, report):
    def open(path: Path = report, **how) -> Visit:
        return visits(path, **how)

    return open


def test_it_opens_from_a_file(visit, report):
    v = visit()
    print(f"\n{report.stat().st_size / 1e3:.0f} kB opened and drawn in {v.seconds:.2f} s")
    assert v.seconds < 10  # one second on an idle machine
    assert v.state["n"] == 400 and v.state["n_frames"] == FRAMES and v.state["error"] is None
    assert [world["title"] for world in v.state["worlds"]] == ["founders", "evolved, after 4,000 ticks"]
    for world in (0, 1):
        assert len(np.unique(v.pixels(world).reshape(-1, 4), axis=0)) > 50
    assert not np.array_equal(v.pixels(0), v.pixels(1))


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
@pytest.mark.parametrize("moves", [True, False])
def test_a_picture_stands_above_the_fold(visit, tmp_path, size, moves):
    """A replay, or where none was recorded a chart with its control, beneath a few words and the verdict."""
    told = sample(replicates=8, n=40, frames=20)
    told["story"] = replace(told["story"], **LEAD, **({} if moves else {"replay": None}))
    path = tmp_path / "report.html"
    path.write_text(render(**told), "utf-8")
    page = visit(path, wait=moves).page
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    first = page.locator(".lead .player canvas.mp-world" if moves else ".lead .chart svg").first.bounding_box()
    verdict, words = page.locator(".lead .verdict").bounding_box(), page.locator("h1").inner_text().split()
    assert len(words) <= 20 and verdict["y"] < first["y"]
    assert first["y"] + (first["height"] / 2 if moves else first["height"]) < size[1], "the whole chart is seen"
    drawn = page.locator(".chart h3").all_inner_texts()
    assert len(drawn) == len(set(drawn)), "what stands above stands nowhere below"


def test_keys_move_through_time(visit):
    v = visit()
    v.focus()
    first = v.pixels()
    assert v.press(".", t=1)["tick"] == 1
    assert not np.array_equal(v.pixels(), first)
    v.press(",", t=0)
    assert np.array_equal(v.pixels(), first), "the same frame looks the same"
    assert v.press("End", t=FRAMES - 1)["tick"] == FRAMES - 1
    v.press(".", t=FRAMES - 1)
    v.press("Home", t=0)
    v.press(",", t=0)
    assert "frame 1 of 120" in v.page.locator(".mp input[type=range]").get_attribute("aria-valuetext")


def test_it_plays_and_stops_at_the_end(visit):
    v = visit()
    v.focus()
    v.press(" ", playing=True)
    v.page.wait_for_function("() => window.__viewer.t > 2")
    assert v.page.get_by_role("button", name="Pause").is_visible()
    stopped = v.press(" ", playing=False)["t"]
    drawn = v.state["frames_drawn"]
    v.page.wait_for_timeout(200)
    assert v.state["t"] == stopped and v.state["frames_drawn"] == drawn
    v.press("End", t=FRAMES - 1)
    v.press(",", t=FRAMES - 2)
    v.press(" ", playing=True)
    v.wait(t=FRAMES - 1, playing=False)
    v.press(" ", playing=True)
    v.page.wait_for_function("() => window.__viewer.t < 100 && window.__viewer.playing")


def test_speed(visit):
    v = visit()
    v.focus()
    assert v.state["speed"] == 20
    v.press("]", speed=30)
    v.press("[", speed=20)
    for _ in range(12):
        v.page.keyboard.press("[")
    v.wait(speed=1)
    for _ in range(12):
        v.page.keyboard.press("]")
    v.wait(speed=120)
    assert "120 frames/s" in v.page.locator(".mp-speed").inner_text()


def test_the_bar_of_time(visit):
    v = visit()
    bar = v.page.locator(".mp input[type=range]")
    box = bar.bounding_box()
    bar.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    v.page.wait_for_function("() => Math.abs(window.__viewer.t - 60) < 4")
    before = v.state["t"]
    v.press("ArrowRight", t=before + 1)


def test_buttons_do_what_keys_do(visit):
    v = visit()
    button = lambda name: v.page.get_by_role("button", name=name, exact=True)  # noqa: E731
    for name, t in {"One frame on": 1, "Last frame": FRAMES - 1, "First frame": 0}.items():
        button(name).click()
        v.wait(t=t)
    button("Play").click()
    v.wait(playing=True)
    v.page.keyboard.press(" ")  # on the button that has the focus: pressed once, not twice
    v.wait(playing=False)
    button("Last frame").click()
    v.wait(t=FRAMES - 1)
    button("One frame back").focus()
    v.press(" ", t=FRAMES - 2, playing=False)


def expected_place(panel, row):
    return [int(getattr(panel.bodies, axis)[row]) for axis in "xy"]


def click_on(v: Visit, world: int, panel: Panel, row: int) -> None:
    canvas = v.page.locator(".mp-world").nth(world)
    box, extent = canvas.bounding_box(), panel.space["extent"][0]
    x, y = expected_place(panel, row)
    canvas.click(position={"x": x / extent * box["width"], "y": y / extent * box["height"]})


def alone(panel: Panel, tick: int) -> int:
    """The row at this tick that is farthest from the others and from the edge."""
    here = np.flatnonzero(panel.bodies.tick == tick)
    x, y = (getattr(panel.bodies, axis)[here].astype(float) for axis in "xy")
    apart = np.hypot(x[:, None] - x, y[:, None] - y) + np.eye(len(here)) * 1e9
    edge = np.minimum.reduce([x, y, 4096 - x, 4096 - y])
    return here[np.argmax(np.minimum(apart.min(axis=1), edge))]


def is_accent(pixels: np.ndarray) -> np.ndarray:
    """Where the colour of what is chosen stands: [height, width]."""
    return np.abs(pixels[..., :3].astype(int) - [196, 0, 122]).sum(axis=-1) < 60


def test_an_individual_is_chosen_followed_and_told(visit):
    v = visit()
    v.focus()
    v.press("End", t=FRAMES - 1)
    panel = sample(replicates=8, n=200, frames=FRAMES)["story"].replay.panels[1]
    row = alone(panel, FRAMES - 1)
    id = int(panel.bodies.id[row])
    plain = v.pixels(1)
    click_on(v, 1, panel, row)
    v.page.wait_for_function("() => window.__viewer.selected !== null")
    assert v.state["selected"] == {"world": 1, "id": id}
    life = panel.bodies.tick[panel.bodies.id == id]
    v.wait(trail=int(min(61, life.size)))
    marked = v.pixels(1)
    assert not np.array_equal(marked, plain)
    told = v.page.locator(".mp-inspector").inner_text()
    columns = panel.bodies.columns
    act = ("run", "tumble")[columns["act"][row]]
    for words in (f"Individual {id}", f"act: {act}", "energy: ", "quanta", f"lineage: {columns['lineage'][row]}"):
        assert words in told
    assert f"Individual {id}" in v.page.locator(".mp [aria-live]").text_content()
    v.press("f", following=True)
    assert not np.array_equal(v.pixels(1), marked)
    ring, ring_before = np.argwhere(is_accent(v.pixels(1))), np.argwhere(is_accent(marked))
    assert len(ring) > 1.2 * len(ring_before), "nearer"
    middle = v.pixels(1).shape[0] / 2
    assert np.min(np.abs(ring - middle).max(axis=1)) < 20, "in the middle"
    v.press(",", t=FRAMES - 2)
    v.press("f", following=False)
    v.press(".", t=FRAMES - 1)
    assert np.array_equal(v.pixels(1), marked)
    v.page.keyboard.press("Escape")
    v.page.wait_for_function("() => window.__viewer.selected === null")
    assert np.array_equal(v.pixels(1), plain)


def test_individuals_are_chosen_without_a_mouse(visit):
    v = visit()
    v.focus()
    v.page.keyboard.press("n")
    v.page.wait_for_function("() => window.__viewer.selected !== null")
    first = v.state["selected"]["id"]
    v.page.keyboard.press("n")
    v.page.wait_for_function("(id) => window.__viewer.selected.id > id", arg=first)
    v.page.keyboard.press("p")
    v.page.wait_for_function("(id) => window.__viewer.selected.id === id", arg=first)


def test_one_that_died_is_said_to_be_dead(visit):
    v = visit()
    panel = sample(replicates=8, n=200, frames=FRAMES)["story"].replay.panels[0]
    first, last = (panel.bodies.id[panel.bodies.tick == t] for t in (0, FRAMES - 1))
    dead = int(np.setdiff1d(first, last)[0])
    v.page.evaluate("(id) => document.querySelector('.player').player.select(0, id)", dead)
    v.focus()
    v.press("End", t=FRAMES - 1)
    assert f"Individual {dead} (founders) is not alive at this tick." in v.page.locator(".mp-inspector").inner_text()
    assert v.state["trail"] == 0


def test_colours_fields_and_single_worlds(visit):
    v = visit()
    v.focus()
    by_act = v.pixels()
    v.press("o", colour="energy")
    by_energy = v.pixels()
    v.press("o", colour="lineage")
    assert not np.array_equal(by_energy, by_act) and not np.array_equal(by_energy, v.pixels())
    v.page.get_by_label("colour").select_option("act")
    v.wait(colour="act")
    v.focus()
    v.page.keyboard.press("1")
    v.page.wait_for_function("() => window.__viewer.overlays.length === 0")
    assert not np.array_equal(v.pixels(), by_act)
    assert v.page.get_by_role("button", name="odour").get_attribute("aria-pressed") == "false"
    v.page.keyboard.press("1")
    v.page.wait_for_function("() => window.__viewer.overlays[0] === 'odour'")
    assert np.array_equal(v.pixels(), by_act)
    v.press("c", shown=0)
    assert [v.page.locator(".mp figure").nth(k).is_visible() for k in (0, 1)] == [True, False]
    v.press("c", shown=1)
    v.press("c", shown="all")


def test_help(visit):
    v = visit()
    v.focus()
    box = v.page.locator(".mp-help")
    assert not box.is_visible()
    v.page.keyboard.press("?")
    box.wait_for(state="visible")
    place = box.bounding_box()
    assert place["y"] >= 0 and place["y"] + place["height"] <= 900, "where it is seen, not below the page's fold"
    v.page.keyboard.press("?")
    box.wait_for(state="hidden")
    v.page.get_by_role("button", name="Keys").click()
    box.wait_for(state="visible")
    v.page.keyboard.press("Escape")
    box.wait_for(state="hidden")


def test_motion_only_where_it_is_welcome(visit):
    still, moving = visit(), visit(reduced_motion="no-preference")
    still.page.locator(".mp").scroll_into_view_if_needed()
    still.page.wait_for_timeout(500)
    assert not still.state["playing"] and still.state["t"] == 0
    moving.page.locator(".mp").scroll_into_view_if_needed()
    moving.wait(playing=True)


def test_light_and_dark(visit):
    light, dark = visit(), visit(color_scheme="dark")
    assert light.pixels().mean() > 180 and dark.pixels()[..., :3].mean() < 90
    shown = lambda v: v.page.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    at_first = shown(dark)
    assert at_first != shown(light)
    dark.page.get_by_role("button", name="Light or dark").click()
    assert shown(dark) == shown(light)
    dark.page.wait_for_function("() => window.__viewer.frames_drawn > 1")
    assert dark.pixels().mean() > 180, "the canvas follows"


@pytest.mark.parametrize("width", [360, 390, 768, 1920])
def test_no_screen_is_too_narrow(visit, width):
    v = visit(width=width, device_scale_factor=2 if width < 500 else 1)
    assert v.page.evaluate("document.documentElement.scrollWidth") <= width
    v.page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert v.page.evaluate("document.documentElement.scrollWidth") <= width, "tables scroll inside their boxes"
    canvas = v.page.locator(".mp canvas").first
    ratio = canvas.evaluate("(c) => c.width / c.clientWidth")
    assert abs(ratio - (2 if width < 500 else 1)) < 0.02, "sharp on screens of high density"
    assert canvas.bounding_box()["width"] > 150


def test_data_can_be_taken_away(visit, tmp_path):
    v = visit()
    with v.page.expect_download() as waiting:
        v.page.get_by_role("button", name="metrics, CSV").click()
    waiting.value.save_as(tmp_path / "metrics.csv")
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    assert lines[0] == "replicate,tick,population,eaten" and len(lines) == 1 + 8 * 40
    assert lines[1].startswith("0,100,")
    with v.page.expect_download() as waiting:
        v.page.get_by_role("button", name="all, JSON").click()
    assert waiting.value.suggested_filename == "report.json"


def test_on_paper_stills_stand_for_the_replay(visit):
    v = visit()
    assert not v.page.locator(".stills").is_visible()
    v.page.emulate_media(media="print")
    assert v.page.locator(".stills").is_visible() and not v.page.locator(".player").is_visible()
    assert v.page.locator(".stills figure").count() == 4


PAPER = 688
"""Pixels between the margins of A4."""


def test_paper_is_not_wasted_and_cuts_nothing(visit):
    v = visit(width=PAPER)
    pages = re.findall(rb"/Type\s*/Page\b", v.page.pdf(format="A4"))
    assert 3 <= len(pages) <= 6, "the story of the sample, without empty pages"
    v.page.emulate_media(media="print")
    cut = v.page.evaluate(
        """(width) => [...document.querySelectorAll("main *")]
             .filter((e) => e.checkVisibility() && !e.closest("svg, .unseen"))
             .filter((e) => e.getBoundingClientRect().right > width + 1)
             .map((e) => `${e.tagName}.${e.className}`)""",
        PAPER,
    )
    assert not cut
    assert v.page.evaluate("document.documentElement.scrollWidth") <= PAPER
    assert v.page.locator(".command button").first.is_hidden()


def test_without_script_there_are_stills(visit):
    v = visit(java_script_enabled=False, wait=False)
    assert v.page.locator(".stills").is_visible()
    assert v.page.get_by_text("Chemotaxis evolved").first.is_visible()


def test_hostile_text_does_nothing(visit, tmp_path):
    path = tmp_path / "hostile.html"
    path.write_text(render(**nasty_arguments()), "utf-8")
    v = visit(path)
    said = []
    v.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    v.focus()
    for key in ("n", "?", ".", "o"):
        v.page.keyboard.press(key)
    v.page.wait_for_timeout(200)
    assert not said and v.page.locator("img").count() == 0


def test_above_the_fold_stand_the_answer_the_verdict_and_worlds_that_move(visit, report):
    """At most twenty words, and the replay, on a desk and on a phone; it begins anew until somebody touches it."""
    for how in ({"width": 1280}, {"width": 390}):
        v = visit(**how)
        v.page.set_viewport_size({"width": how["width"], "height": 800})
        words = v.page.locator("h1, .judged, .lead figcaption strong").all_inner_texts()
        assert len(" ".join(words).split()) <= 20, words
        canvas = v.page.locator("canvas.mp-world").last.bounding_box()
        assert canvas["y"] + canvas["height"] <= 800 and canvas["x"] + canvas["width"] <= how["width"]
    moves = visit(reduced_motion="no-preference")
    moves.page.wait_for_function("() => window.__viewer.playing && window.__viewer.t > 1")
    moves.page.evaluate("document.querySelector('.player').player.seek(118)")
    moves.page.wait_for_function("() => window.__viewer.playing && window.__viewer.t < 100")


def test_a_chart_tells_its_values_where_one_points(visit):
    v = visit()
    plot = v.page.locator(".chart .plot[data-by=x]").first
    plot.scroll_into_view_if_needed()
    box = plot.locator("svg").first.bounding_box()
    v.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = v.page.locator(".tip")
    assert "median" in tip.inner_text()
    middle = tip.inner_text().splitlines()[0]
    v.page.mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2)
    row = plot.locator("xpath=ancestor::figure").locator("details tbody tr").last
    assert tip.inner_text().splitlines()[0] != middle
    assert all(cell in tip.inner_text() for cell in row.locator("td").all_text_contents())
    v.page.mouse.move(2, 2)
    assert tip.is_hidden()


def test_nothing_grave_is_found_by_axe(visit):
    for how in ({}, {"color_scheme": "dark", "width": 390}):
        assert faults(visit(**how).page) == []
