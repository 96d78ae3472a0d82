"""The report in a real browser: what a person does with it, asserted on state and pixels, never on frames per second.

Needs Playwright and a Chromium of the system; says what was not tested where one is missing.
"""

import base64
import dataclasses
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from mesocosm.experiments.story import Panel, Replay, Story
from mesocosm.player import assets
from mesocosm.player.frames import pack
from mesocosm.player.reading import unpack
from mesocosm.reports.page import render
from tests.unit.report_sample import nasty_arguments, sample, walk

NOT_TESTED = "NOT TESTED: the report and its player in a browser"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FRAMES = 120


def chromium() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip(
            f"{NOT_TESTED}: there is no Chromium on PATH ({', '.join(NAMES)}); install one, or name it: CHROMIUM="
        )
    return found


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    api = pytest.importorskip("playwright.sync_api", reason=f"{NOT_TESTED}: the package playwright is missing")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(**sample(replicates=8, n=200, frames=FRAMES)), "utf-8")
    return path


class Visit:
    """One page, with everything it asked for and complained about."""

    def __init__(self, browser, path: Path, width: int = 1280, wait: bool = True, **how) -> None:
        how = {"reduced_motion": "reduce", "color_scheme": "light"} | how
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **how)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.route("**/*", self._only_the_file)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.address = path.as_uri()
        began = time.perf_counter()
        self.page.goto(self.address)
        if wait:
            self.page.wait_for_function("() => window.__viewer?.frames_drawn > 0")
        self.seconds = time.perf_counter() - began

    def _only_the_file(self, route) -> None:
        if route.request.url == self.address:
            route.continue_()
        else:
            self.asked.append(route.request.url)
            route.abort()

    @property
    def state(self) -> dict:
        return self.page.evaluate("window.__viewer")

    def press(self, key: str, **until) -> dict:
        """Presses a key and waits until the state says what it should."""
        self.page.keyboard.press(key)
        return self.wait(**until)

    def wait(self, **until) -> dict:
        for name, value in until.items():
            self.page.wait_for_function("([n, v]) => window.__viewer[n] === v", arg=[name, value])
        return self.state

    def pixels(self, world: int = 0) -> np.ndarray:
        """What a canvas shows: [height, width, 4]."""
        flat = self.page.evaluate(
            """(k) => { const c = document.querySelectorAll('.mp canvas')[k];
                 const copy = new OffscreenCanvas(c.width, c.height).getContext('2d', {willReadFrequently: true});
                 copy.drawImage(c, 0, 0);
                 const d = copy.getImageData(0, 0, c.width, c.height).data;
                 let s = ''; for (let i = 0; i < d.length; i += 8192)
                   s += String.fromCharCode.apply(null, d.subarray(i, i + 8192));
                 return [c.width, btoa(s)]; }""",
            world,
        )
        return np.frombuffer(base64.b64decode(flat[1]), np.uint8).reshape(-1, flat[0], 4)

    def focus(self) -> None:
        self.page.locator(".mp canvas").first.focus()

    def close(self) -> None:
        self.context.close()
        assert not self.asked, f"the page asked for {self.asked}"
        assert not self.complaints, self.complaints


@pytest.fixture
def visit(browser, report):
    visits = []

    def open(path: Path = report, **how) -> Visit:
        visits.append(Visit(browser, path, **how))
        return visits[-1]

    yield open
    for one in visits:
        one.close()


def test_it_opens_from_a_file(visit, report):
    v = visit()
    print(f"\n{report.stat().st_size / 1e3:.0f} kB opened and drawn in {v.seconds:.2f} s")
    assert v.seconds < 10  # one second on an idle machine
    assert v.state["n"] == 400 and v.state["n_frames"] == FRAMES and v.state["error"] is None
    assert [world["title"] for world in v.state["worlds"]] == ["founders", "evolved, after 4,000 ticks"]
    for world in (0, 1):
        assert len(np.unique(v.pixels(world).reshape(-1, 4), axis=0)) > 50
    assert not np.array_equal(v.pixels(0), v.pixels(1))


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
    button("One frame on").click()
    v.wait(t=1)
    button("Last frame").click()
    v.wait(t=FRAMES - 1)
    button("First frame").click()
    v.wait(t=0)
    button("Play").click()
    v.wait(playing=True)
    v.page.keyboard.press(" ")  # on the button that has the focus: pressed once, not twice
    v.wait(playing=False)
    button("Last frame").click()
    v.wait(t=FRAMES - 1)
    button("One frame back").focus()
    v.press(" ", t=FRAMES - 2, playing=False)


def expected_place(panel, row):
    return [int(panel.bodies[axis][row]) for axis in "xy"]


def click_on(v: Visit, world: int, panel: Panel, row: int) -> None:
    canvas = v.page.locator(".mp canvas").nth(world)
    box, extent = canvas.bounding_box(), 256 * panel.side
    x, y = expected_place(panel, row)
    canvas.click(position={"x": x / extent * box["width"], "y": y / extent * box["height"]})


def alone(panel: Panel, tick: int) -> int:
    """The row at this tick that is farthest from the others and from the edge."""
    here = np.flatnonzero(panel.bodies["tick"] == tick)
    x, y = (panel.bodies[axis][here].astype(float) for axis in "xy")
    apart = np.hypot(x[:, None] - x, y[:, None] - y) + np.eye(len(here)) * 1e9
    edge = np.minimum.reduce([x, y, 32768 - x, 32768 - y])
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
    id = int(panel.bodies["id"][row])
    plain = v.pixels(1)
    click_on(v, 1, panel, row)
    v.page.wait_for_function("() => window.__viewer.selected !== null")
    assert v.state["selected"] == {"world": 1, "id": id}
    life = panel.bodies["tick"][panel.bodies["id"] == id]
    v.wait(trail=int(min(61, life.size)))
    marked = v.pixels(1)
    assert not np.array_equal(marked, plain)
    told = v.page.locator(".mp-inspector").inner_text()
    act = ("run", "tumble")[panel.bodies["act"][row]]
    for words in (f"Individual {id}", f"act: {act}", "energy: ", "quanta", f"lineage: {panel.bodies['lineage'][row]}"):
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
    first, last = (panel.bodies["id"][panel.bodies["tick"] == t] for t in (0, FRAMES - 1))
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
    v.page.get_by_role("button", name="Keys").click()
    box.wait_for(state="hidden")


def test_motion_only_where_it_is_welcome(visit):
    still = visit()
    still.page.locator(".mp").scroll_into_view_if_needed()
    still.page.wait_for_timeout(500)
    assert not still.state["playing"] and still.state["t"] == 0
    moving = visit(reduced_motion="no-preference")
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
    assert len(v.page.pdf()) > 20_000


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


def broken_report(folder: Path, change) -> Path:
    good = walk(n=20, frames=30, seed=1, title="whole")
    page = render(Story("s", replay=Replay("c", [good, dataclasses.replace(good, title="torn")])), title="t")
    begin = page.rindex('class="world">') + len('class="world">')
    end = page.index("<", begin)
    path = folder / "torn.html"
    path.write_text(page[:begin] + change(page[begin:end]) + page[end:], "utf-8")
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text[:-8],
        lambda text: text[: len(text) // 8 * 4] + "AAAAAAAA" + text[len(text) // 8 * 4 + 8 :],
        lambda text: "",
        lambda text: "no base64 *",
        lambda text: base64.b64encode(b"something else, and long enough").decode(),
    ],
    ids=["half", "end cut off", "changed", "nothing", "no base64", "no recording"],
)
def test_a_torn_world_says_so_and_the_other_goes_on(visit, tmp_path, change):
    v = visit(broken_report(tmp_path, change))
    message = v.page.locator(".mp-message").nth(1)
    assert "This recording cannot be shown: its data are damaged" in message.inner_text()
    v.focus()
    assert v.press("End", t=29)["n"] == 20


def test_a_recording_that_lies_about_itself_stops_at_its_fault(visit, tmp_path):
    """A whole zlib stream whose planes end too early: the header was changed."""

    def shorten(text: str) -> str:
        content = bytearray(base64.b64decode(text))
        at = content.index(b'"n_frames":30')
        content[at : at + 13] = b'"n_frames":31'
        return base64.b64encode(content).decode()

    v = visit(broken_report(tmp_path, shorten))
    assert "damaged" in v.page.locator(".mp-message").nth(1).inner_text()


@pytest.fixture
def bare(browser, tmp_path):
    """A page that holds the player alone."""
    path = tmp_path / "bare.html"
    page = f"<!doctype html><style>{assets.style()}</style><div id=p style='width:600px'></div>"
    path.write_text(f"{page}<script>{assets.script()}</script>", "utf-8")
    v = Visit(browser, path, wait=False)
    yield v
    v.close()


def random_panel(seed: int) -> Panel:
    """Ids that come, go and return, leaps, columns of every kind, sources now and then."""
    rng = np.random.default_rng(seed)
    side = int(rng.choice([1, 3, 16, 100, 128, 1024]))
    ticks = np.cumsum(rng.integers(1, 9, rng.integers(0, 25)))
    rows = []
    for tick in ticks.tolist():
        for id in np.flatnonzero(rng.random(12) < 0.7).tolist():
            x, y = rng.integers(0, 256 * side, 2).tolist()
            rows.append((tick, id * 7 + 3, x, y, rng.integers(0, 3), rng.integers(-9999, 9999), id % 4))
    columns = np.array(rows, np.int64).reshape(-1, 7).T
    bodies = dict(zip(("tick", "id", "x", "y", "act", "energy", "lineage"), columns, strict=True))
    shone = np.repeat(ticks, rng.integers(0, 3, ticks.size))
    sources = {"tick": shone, **{axis: rng.integers(0, 256 * side, shone.size) for axis in "xy"}}
    field = {"food": (rng.gamma(1, 50, (ticks.size, 4, 4)), ticks)} if ticks.size else {}
    return Panel("any", side, bodies, sources, field, ticks, {"act": ("a", "b", "c")})


def test_both_readers_agree(bare):
    """What the page reads is what Python reads, number for number."""
    for seed in range(40):
        panel = random_panel(seed)
        content = pack(panel, sampled_every=1 + seed % 4)
        back = unpack(content)
        read = bare.page.evaluate(
            """async (text) => { const s = await mesocosm.openText(text); const out = [];
                 for (let t = 0; t < s.meta().n_frames; t++) { const f = s.frame(t);
                   const columns = Object.fromEntries(Object.entries(f.columns).map(([k, v]) => [k, [...v]]));
                   out.push({tick: f.tick, id: [...f.id], x: [...f.x], y: [...f.y], sources: f.sources, ...columns,
                             food: [...(f.fields.food ?? [])]}); }
                 return out; }""",
            base64.b64encode(content).decode(),
        )
        assert [frame["tick"] for frame in read] == back.frame_ticks.tolist()
        for frame in read:
            here = back.bodies["tick"] == frame["tick"]
            for name in ("id", "act", "energy", "lineage"):
                assert frame[name] == back.bodies[name][here].tolist(), (seed, frame["tick"], name)
            lit = back.sources["tick"] == frame["tick"]
            for axis in "xy":
                assert frame[axis] == (back.bodies[axis][here] * 16 // panel.side).tolist(), (seed, frame["tick"])
                assert frame["sources"][axis] == (back.sources[axis][lit] * 16 // panel.side).tolist()
            values, at = back.fields["food"]
            shown = values[np.searchsorted(at, frame["tick"], "right") - 1].ravel()
            assert np.array_equal(np.argsort(frame["food"], kind="stable"), np.argsort(shown, kind="stable"))


def test_a_source_of_ones_own(bare):
    """The contract: meta and frame, which may give a promise; a source may grow."""
    bare.page.evaluate(
        """() => { window.n = 2;
             const frame = async (t) => ({tick: 100 + t, n: 2, id: [5, 9], x: [10, 90 - t], y: [10, 10], columns: {}});
             const meta = () => ({title: "own", side: 100, extent: 100, n_frames: window.n, columns: [], fields: []});
             const source = {meta, frame};
             window.player = mesocosm.createPlayer(document.getElementById("p"), [source], {autoplay: false});
             return window.player.opened; }"""
    )
    assert bare.state["n"] == 2 and bare.state["tick"] == 100
    bare.page.evaluate("() => { window.n = 5; return player.seek(4); }")
    assert bare.state["tick"] == 104 and bare.state["n_frames"] == 5


def test_a_source_that_fails_later_says_so(bare):
    bare.page.evaluate(
        """() => { const meta = () => ({title: "far", side: 8, extent: 8, n_frames: 9, columns: [], fields: []});
             const frame = (t) => t < 2 ? {tick: t, n: 0, id: [], x: [], y: [], columns: {}}
                                        : Promise.reject(new Error("The connection is lost."));
             window.player = mesocosm.createPlayer(document.getElementById("p"), [{meta, frame}], {autoplay: false});
             return player.opened; }"""
    )
    bare.page.evaluate("player.seek(3)")
    assert bare.page.locator(".mp-message").inner_text() == "The connection is lost."


def test_trails_go_around_the_torus(bare):
    """A body that leaves on the right comes in on the left: no line across the world."""
    bare.page.evaluate(
        """() => { const meta = () => ({title: "round", side: 100, extent: 100, n_frames: 9, columns: [], fields: []});
             const frame = (t) => ({tick: t, n: 1, id: [1], x: [(95 + 2 * t) % 100], y: [50], columns: {}});
             window.player = mesocosm.createPlayer(document.getElementById("p"), [{meta, frame}], {autoplay: false});
             return player.opened.then(() => player.seek(8)).then(() => player.select(0, 1)); }"""
    )
    assert bare.state["trail"] == 9
    row = bare.pixels()[300, :, :3].astype(int)
    is_trail = np.abs(row - bare.pixels()[100, 100, :3]).sum(axis=1) > 40
    assert is_trail[575:].any() and is_trail[:60].any()
    assert not is_trail[120:560].any()


def test_a_hundred_thousand_bodies_are_drawn_in_memory(bare):
    milliseconds = bare.page.evaluate(
        """() => { const n = 100000, x = new Uint16Array(n), y = new Uint16Array(n), id = new Int32Array(n);
             const act = new Uint8Array(n);
             for (let i = 0; i < n; i++) [x[i], y[i], id[i], act[i]] = [(i * 7919) % 4096, (i * 1049) % 4096, i, i & 1];
             const columns = [{name: "act", words: ["run", "tumble"], unit: "", kind: "frame"}];
             const meta = () => ({title: "many", side: 512, extent: 4096, n_frames: 30, columns, fields: []});
             const frame = (t) => ({tick: t, n, id, x, y, columns: {act}});
             window.player = mesocosm.createPlayer(document.getElementById("p"), [{meta, frame}], {autoplay: false});
             return player.opened.then(async () => { const all = [];
               for (let t = 0; t < 20; t++) { await player.seek(t); all.push(player.state.draw_ms); }
               return all.sort((a, b) => a - b)[10]; }); }"""
    )
    print(f"\n100,000 bodies: {milliseconds:.1f} ms a frame (median)")
    assert milliseconds < 250  # a few on an idle machine
    seen = bare.pixels().reshape(-1, 4)
    assert len(np.unique(seen, axis=0)) >= 3
