"""The player in a real browser: it reads what Python packs, refuses what is torn, and draws any source."""

import base64
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mesocosm.player import assets
from mesocosm.player.encoder.frames import pack
from mesocosm.player.encoder.panel import Population
from mesocosm.player.encoder.places import told_space
from mesocosm.player.encoder.reading import unpack
from mesocosm.protocol.story import Panel, Replay, Story
from mesocosm.record.about import About, Space
from mesocosm.reports.page import render
from tests.unit.report_sample import walk


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
def test_a_torn_world_says_so_and_the_other_goes_on(visits, tmp_path, change):
    v = visits(broken_report(tmp_path, change))
    message = v.page.locator(".mp-message").nth(1)
    assert "This recording cannot be shown: its data are damaged" in message.inner_text()
    v.focus()
    assert v.press("End", t=29)["n"] == 20


def test_a_film_is_turned_round(visits, tmp_path):
    """Backward from where it is to its first frame; begun there, from its last; a second time, forward again."""
    path = tmp_path / "whole.html"
    film = walk(n=20, frames=30, seed=1, title="whole")
    path.write_text(render(Story("s", replay=Replay("c", [film])), title="t"), "utf-8")
    v = visits(path)
    v.focus()
    v.press("End", t=29)
    v.page.keyboard.press("r")
    v.when("s.t < 20 && s.backward && s.playing")
    assert v.page.get_by_label("Play backward").get_attribute("aria-pressed") == "true"
    v.page.keyboard.press("Home")
    v.page.keyboard.press(" ")
    v.when("s.t > 10 && s.playing")
    v.page.keyboard.press("Home")
    v.page.keyboard.press("r")
    v.when("s.t > 0 && s.t < 15 && !s.backward")


def test_a_recording_that_lies_about_itself_stops_at_its_fault(visits, tmp_path):
    """A whole zlib stream whose planes end too early: the header was changed."""

    def shorten(text: str) -> str:
        content = bytearray(base64.b64decode(text))
        at = content.index(b'"n_frames":30')
        content[at : at + 13] = b'"n_frames":31'
        return base64.b64encode(content).decode()

    v = visits(broken_report(tmp_path, shorten))
    assert "damaged" in v.page.locator(".mp-message").nth(1).inner_text()


META = """(title, extent, n_frames, columns = []) => ({title, n_frames, fields: [],
  space: {kind: "torus", extent: [extent, extent], size: [extent, extent], origin: [0, 0], unit: "cells"},
  populations: [{name: "bodies", look: "bodies", has_ids: true, columns}]})"""
FRAME = "(tick, points) => ({tick, populations: [{columns: {}, ...points, n: points.id.length}]})"


@pytest.fixture
def bare(visits, tmp_path):
    """A page that holds the player alone."""
    path = tmp_path / "bare.html"
    page = f"<!doctype html><style>{assets.style()}</style><div id=p style='width:600px'></div>"
    path.write_text(f"{page}<script>{assets.script()}</script>", "utf-8")
    visit = visits(path, wait=False)
    visit.page.evaluate(f"() => {{ window.metaOf = {META}; window.frameOf = {FRAME}; }}")
    return visit


def random_panel(seed: int) -> Panel:
    """Ids that come, go and return, leaps, columns of every kind, two populations in worlds of any shape."""
    rng = np.random.default_rng(seed)
    space = told_space(Space(("torus", "box")[seed % 2], *rng.choice([1, 3, 100, 128, 1024], 2)))
    ticks = np.cumsum(rng.integers(1, 9, rng.integers(1, 25)))
    names = ("tick", "id", "x", "y", "act", "energy", "lineage")
    populations = []
    for name in ("bodies", "others"):
        rows = []
        for tick in ticks.tolist():
            for id in np.flatnonzero(rng.random(12) < 0.7).tolist():
                x, y = (int(rng.integers(0, extent)) for extent in space["extent"])
                rows.append((tick, id * 7 + 3, x, y, rng.integers(0, 3), rng.integers(-9999, 9999), id % 4))
        columns = dict(zip(names, np.array(rows, np.int64).reshape(-1, 7).T, strict=True))
        columns["trust"] = rng.normal(size=len(rows))
        populations.append(Population.of(name, columns, act=About(words=("a", "b", "c"))))
    n = rng.integers(0, 5, ticks.size)
    bonds = np.column_stack([np.repeat(ticks, n), rng.integers(1, 90, (n.sum(), 2))])
    return Panel(
        "any",
        space,
        populations,
        ticks,
        fields={"food": (rng.gamma(1, 50, (ticks.size, 4, 4)), ticks)},
        images={"eye": rng.integers(0, 256, (ticks.size, 3, 2, 3))},
        graphs={"bonds": bonds},
        curves={"loss": rng.normal(size=(ticks.size, 5)).astype(np.float32)},
    )


READ = """async (text) => { const s = await mesocosm.openText(text); const out = [];
  for (let t = 0; t < s.meta().n_frames; t++) { const f = s.frame(t);
    const plain = (named) => Object.fromEntries(Object.entries(named).map(([k, v]) => [k, [...v]]));
    out.push({tick: f.tick, populations: f.populations.map(({id, x, y, columns}) => plain({id, x, y, ...columns})),
              ...plain({...f.fields, ...f.images, ...f.graphs, ...f.curves})}); }
  return out; }"""


def test_both_readers_agree(bare):
    """What the page reads is what Python reads, number for number."""
    for seed in range(40):
        panel = random_panel(seed)
        content = pack(panel, sampled_every=1 + seed % 4)
        back = unpack(content)
        read = bare.page.evaluate(READ, base64.b64encode(content).decode())
        assert [frame["tick"] for frame in read] == back.frame_ticks.tolist()
        for k, frame in enumerate(read):
            for population, seen in zip(back.populations, frame["populations"], strict=True):
                here = population.tick == frame["tick"]
                whole = {"id": population.id, "x": population.x, "y": population.y, **population.columns}
                for name, values in whole.items():
                    assert np.allclose(seen[name], values[here], atol=1e-6), (seed, frame["tick"], name)
            bonds = back.graphs["bonds"]
            assert frame["bonds"] == bonds[bonds[:, 0] == frame["tick"], 1:].ravel().tolist()
            assert frame["eye"] == back.images["eye"][k].ravel().tolist()
            assert np.allclose(frame["loss"], back.curves["loss"][k])
            values, at = back.fields["food"]
            shown = values[np.searchsorted(at, frame["tick"], "right") - 1].ravel()
            assert np.array_equal(np.argsort(frame["food"], kind="stable"), np.argsort(shown, kind="stable"))


def test_a_source_of_ones_own(bare):
    """The contract: meta and frame, which may give a promise; a source may grow."""
    bare.page.evaluate(
        """() => { window.n = 2;
             const frame = async (t) => frameOf(100 + t, {id: [5, 9], x: [10, 90 - t], y: [10, 10]});
             const meta = () => metaOf("own", 100, window.n);
             const source = {meta, frame};
             window.player = mesocosm.createPlayer(document.getElementById("p"), [source], {autoplay: false});
             return window.player.opened; }"""
    )
    assert bare.state["n"] == 2 and bare.state["tick"] == 100
    bare.page.evaluate("() => { window.n = 5; return player.seek(4); }")
    assert bare.state["tick"] == 104 and bare.state["n_frames"] == 5


def test_measures_that_are_counted_through_stand_together_in_the_menu(bare):
    names = ["living", "visits_10", *(f"visits_{k}" for k in range(10)), "after_5", "after_10", "x2"]
    told = bare.page.evaluate(
        """(names) => mesocosm.measuresAsOptions(names, {}).map((one) => one.tagName === "OPTGROUP"
             ? [one.label, ...[...one.children].map((option) => option.value)] : one.textContent)""",
        names,
    )
    assert told == ["living", "after 5", "after 10", "x2", ["visits", *(f"visits_{k}" for k in range(11))]]


def test_a_player_whose_place_was_taken_changes_nothing_more(bare):
    """Its source may come late: then the page is another player's."""
    bare.page.evaluate(
        """async () => { const columns = [{name: "act", words: ["a", "b"], unit: "", kind: "class"}];
             const meta = () => metaOf("own", 8, 2, columns);
             const frame = (t) => frameOf(t, {id: [], x: [], y: [], columns: {act: []}});
             const source = {meta, frame}, place = document.getElementById("p");
             let come;
             const late = mesocosm.createPlayer(place, [new Promise((done) => (come = done))], {});
             window.player = mesocosm.createPlayer(place, [source], {details: true, autoplay: false});
             await player.opened;
             come(source);
             await late.opened; }"""
    )
    assert bare.page.locator(".mp.mp-detailed").count() == 1 and bare.state["ready"]


def test_a_source_that_fails_later_says_so(bare):
    bare.page.evaluate(
        """() => { const meta = () => metaOf("far", 8, 9);
             const frame = (t) => t < 2 ? frameOf(t, {id: [], x: [], y: []})
                                        : Promise.reject(new Error("The connection is lost."));
             window.player = mesocosm.createPlayer(document.getElementById("p"), [{meta, frame}], {autoplay: false});
             return player.opened; }"""
    )
    bare.page.evaluate("player.seek(3)")
    assert bare.page.locator(".mp-message").inner_text() == "The connection is lost."


def test_trails_go_around_the_torus(bare):
    """A body that leaves on the right comes in on the left: no line across the world."""
    bare.page.evaluate(
        """() => { const meta = () => metaOf("round", 100, 9);
             const frame = (t) => frameOf(t, {id: [1], x: [(95 + 2 * t) % 100], y: [50]});
             window.player = mesocosm.createPlayer(document.getElementById("p"), [{meta, frame}], {autoplay: false});
             return player.opened.then(() => player.seek(8)).then(() => player.select(0, 1)); }"""
    )
    assert bare.state["trail"] == 9
    row = bare.pixels()[300, :, :3].astype(int)
    is_trail = np.abs(row - bare.pixels()[100, 100, :3]).sum(axis=1) > 40
    assert is_trail[575:].any() and is_trail[:60].any()
    assert not is_trail[120:560].any()


MANY = """() => { const n = 5000, x = new Uint16Array(n).fill(9), y = new Uint16Array(n).fill(9);
  const act = new Uint8Array(n);
  [x[0], y[0], act[0]] = [4095, 2048, 1];
  [x[1], y[1]] = [2048, 0];
  const columns = [{name: "act", words: ["run", "tumble"], unit: "", kind: "class"}];
  const meta = () => metaOf("many", 4096, 2, columns);
  const frame = (t) => frameOf(t, {id: Int32Array.from(x, (_, i) => i + 1), x, y, columns: {act}});
  window.player = mesocosm.createPlayer(document.getElementById("p"), [{meta, frame}], {autoplay: false});
  return player.opened; }"""


def test_dots_lie_where_bodies_are_and_go_around_with_the_camera(bare):
    bare.page.evaluate(MANY)
    run, tumble = [0, 103, 168], [194, 74, 0]

    def seen() -> dict[tuple[int, int], list[int]]:
        dots = bare.pixels()[..., :3].astype(int)
        found = np.argwhere(np.abs(dots - [244, 242, 234]).sum(axis=-1) > 40)
        return {(int(y), int(x)): dots[y, x].tolist() for y, x in found}

    places = seen()
    assert places[300, 599] == tumble and places[0, 300] == run and places[1, 1] == run, "whole to the very edge"
    assert len(places) == 3 * 4 and places[300, 598] == tumble, "squares of two pixels, none beyond the edge"
    bare.page.evaluate("player.select(0, 1).then(() => player.follow(true))")
    assert seen()[300, 300] == tumble, "whom the camera follows is in the middle"


def test_a_hundred_thousand_bodies_are_drawn_in_memory(bare):
    milliseconds = bare.page.evaluate(
        """() => { const n = 100000, x = new Uint16Array(n), y = new Uint16Array(n), id = new Int32Array(n);
             const act = new Uint8Array(n);
             for (let i = 0; i < n; i++) [x[i], y[i], id[i], act[i]] = [(i * 7919) % 4096, (i * 1049) % 4096, i, i & 1];
             const columns = [{name: "act", words: ["run", "tumble"], unit: "", kind: "class"}];
             const meta = () => metaOf("many", 4096, 30, columns);
             const frame = (t) => frameOf(t, {id, x, y, columns: {act}});
             window.player = mesocosm.createPlayer(document.getElementById("p"), [{meta, frame}], {autoplay: false});
             return player.opened.then(async () => { const all = [];
               for (let t = 0; t < 20; t++) { await player.seek(t); all.push(player.state.draw_ms); }
               return all.sort((a, b) => a - b)[10]; }); }"""
    )
    print(f"\n100,000 bodies: {milliseconds:.1f} ms a frame (median)")
    assert milliseconds < 250  # a few on an idle machine
    seen = bare.pixels().reshape(-1, 4)
    assert len(np.unique(seen, axis=0)) >= 3
