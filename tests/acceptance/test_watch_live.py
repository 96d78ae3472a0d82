"""`mesocosm watch NAME`: a world that runs, in a real browser; nobody who looks can change, slow or break it."""

import json
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from mesocosm.protocol.launch import begin, branch, proceed
from mesocosm.protocol.reading import configuration_of
from mesocosm.record import ConfigurationError, FolderError, Intervention, load
from tests.acceptance.accessible import faults, is_too_wide
from tests.acceptance.watching import COMPILES_MS, PATIENCE_MS, SPOILT, Server, ask, client, header, torn, when

SMALL = ["--world.side", "32", "--world.founders", "64", "--world.ceiling", "128"]
DISH = ["chemotaxis", *SMALL, "--every", "50", "--ticks", "100000", "--out", "live"]


@pytest.fixture(scope="module")
def living(tmp_path_factory):
    """A server with a running world, for all tests of this file."""
    server = Server(*DISH, cwd=tmp_path_factory.mktemp("living"))
    yield server
    server.stop()


@pytest.fixture
def arrive(living, visits):
    """Opens a page, and waits until the world is compiled and its newest frame is drawn."""

    def open(**how):
        v = visits(living.address, **how)
        v.page.wait_for_function("() => window.__viewer.live?.status === 'paused'", timeout=COMPILES_MS)
        v.page.wait_for_function("() => window.__viewer.tick === window.__viewer.live.tick")
        v.focus()
        return v

    return open


def pause(v):
    v.page.evaluate("player => document.getElementById('player').player.pause()")
    return when(v, "s.live.status === 'paused' && s.tick === s.live.tick && !s.playing")


def folder_of(living: Server, name: str) -> Path:
    return Path(living.cwd) / "live" / name


def test_a_recording_plays_until_the_world_is_compiled(living, visits):
    v = visits(living.address)
    state = v.state
    if "shipped" in state:  # compiled already where another test came first
        assert state["n"] > 300 and v.page.locator("#waits").is_visible() and v.pixels().any()
        assert "up to a minute" in v.page.locator("#waits").inner_text()
        loop = "(() => { const {player} = document.getElementById('player');"
        loop += " player.seek(player.nFrames - 2).then(() => player.play()); })()"
        v.page.evaluate(loop)
        v.when("s.live || s.t < 50")  # it begins again, as long as the world is not there
    state = when(v, "s.live && s.tick !== null")
    assert state["worlds"][0]["title"] == "chemotaxis" and not state.get("shipped")
    if state["live"]["status"] == "starting":  # it can be looked at before it moves
        assert state["tick"] == 0 and state["n"] == 64 and v.pixels().any()
        assert "Your world as it begins" in v.page.locator("#waits").inner_text()
    v.page.wait_for_function("() => window.__viewer.live?.status === 'paused'", timeout=COMPILES_MS)
    assert v.page.locator("#waits").is_hidden()


def test_a_preset_is_a_button_and_the_world_begins_again_as_it_says(tmp_path, visits):
    """Of presets that differ in nothing but how many worlds there are one is offered; a stranger's word is refused."""
    server = Server("bilinear", "--out", "live", cwd=tmp_path)
    try:
        v = visits(server.address)
        first = when(v, "s.live && s.live.status !== 'starting'")["live"]
        offered = v.page.locator("#running .presets button")
        assert offered.all_inner_texts() == ["default", "quick"]
        assert offered.first.get_attribute("aria-pressed") == "true" and first["preset"] == "default"
        offered.nth(1).click()
        other = when(v, f"s.live.run !== '{first['run']}' && s.live.ticks === 200 && s.live.status !== 'starting'")[
            "live"
        ]
        assert other["preset"] == "quick" and other["seed"] == first["seed"]
        assert offered.nth(1).get_attribute("aria-pressed") == "true"
        with client.connect(server.socket, origin=server.origin) as socket:
            ask(socket, n=1, ask="do", world=0, what="preset", preset="nonsense")
            assert "preset = None" in ask(socket, n=2, ask="do", world=0, what="preset")["error"]
        assert "nonsense: bilinear has no such preset" in when(v, "s.trouble.includes('nonsense')")["trouble"]
    finally:
        server.stop()


def test_it_is_played_stepped_and_scrubbed(arrive):
    v = arrive()
    first = v.state["tick"]
    v.press(".", tick=first + 1)
    v.page.keyboard.press(".")
    slow = when(v, f"s.live.status === 'paused' && s.tick === {first + 2}")["live"]["speed"]
    v.page.keyboard.press("]")
    when(v, f"s.live.speed > {slow}")
    v.page.keyboard.press(" ")
    state = when(v, f"s.playing && s.tick > {first + 30}")
    assert state["at_edge"] and state["frames_drawn"] > 4
    for _ in range(8):
        v.page.keyboard.press("]")
    fast = when(v, "s.live.speed === null && s.live.rate > 0")
    assert "as fast as it computes" in v.page.locator(".mp-speed").inner_text()
    when(v, f"s.tick > {fast['tick'] + 20}")
    bar = v.page.get_by_role("slider").first.bounding_box()
    v.page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    looked = when(v, "!s.at_edge && !s.playing")
    assert looked["t"] < 0.7 * looked["n_frames"], "a click on the timeline, while it runs"
    v.press("End", at_edge=True)
    pause(v)
    for _ in range(5):
        v.page.keyboard.press("[")
    when(v, "s.live.speed === 30")
    newest = v.state
    v.press(",", at_edge=False)
    assert when(v, f"s.t === {newest['t'] - 1}")["tick"] < newest["tick"]
    assert v.press("End", at_edge=True)["tick"] == newest["tick"], "looking back, the world has waited"
    charts = v.page.locator(".mp-charts canvas")
    assert charts.count() == 2 and "at tick" in charts.first.get_attribute("aria-label")
    box = charts.first.bounding_box()
    v.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 9)
    middle = when(v, "!s.at_edge")
    assert middle["tick"] < newest["tick"]


def test_an_individual_is_clicked_followed_and_coloured(arrive):
    v = arrive()
    for _ in range(3):
        v.press(".", tick=v.state["tick"] + 1)
    before = v.pixels()
    id = v.click_a_body()
    v.page.wait_for_function("() => document.querySelector('.mp-details').innerText.includes('Genome')")
    told = v.page.locator(".mp-details").inner_text()
    about = (f"Individual {id}", "energy", "age", "Genome: tumbles (%)", "odour near", "Energy over its life", "Family")
    assert all(word in told for word in about)
    assert (v.pixels() != before).any()
    when(v, "s.relatives > 0 && s.trail > 0")
    v.press("n", following=False)
    when(v, f"s.selected.id !== {id}")
    v.press("f", following=True)
    v.press("f", following=False)
    plain = v.pixels()
    genes = [f"tumbles: odour {level}" for level in ("far", "faint", "mid", "near")]
    for colour in ("energy", "age", "lineage", "parent", *genes, "behaviour"):
        v.press("o", colour=colour)
        if colour in ("energy", genes[0]):
            assert (v.pixels() != plain).any(), colour
    assert v.press("1")["overlays"] == ["odour"]
    assert v.press("1")["overlays"] == ["odour", "food"]
    v.press("Escape", selected=None)


def test_a_torn_answer_is_told_and_the_world_goes_on(arrive):
    v = arrive()
    page = torn(v, SPOILT[0])
    page.wait_for_function("() => window.__viewer?.trouble?.includes('was torn')", timeout=PATIENCE_MS)
    page.wait_for_function("tick => window.__viewer.tick === tick", arg=v.state["tick"])
    tick = v.press(".", tick=v.state["tick"] + 1)["tick"]
    page.wait_for_function("tick => window.__viewer.tick === tick && window.__viewer.error === null", arg=tick)
    page.close()


def test_a_stretch_is_saved_as_one_file(arrive, visits, tmp_path):
    v = arrive()
    for _ in range(6):
        v.press(".", tick=v.state["tick"] + 1)
    newest = v.state
    v.page.evaluate(f"document.getElementById('player').player.seek({newest['t'] - 4})")
    when(v, f"s.t === {newest['t'] - 4}")
    v.page.keyboard.press("b")
    v.press("End", at_edge=True)
    with v.page.expect_download() as saved:
        v.page.keyboard.press("s")
    path = tmp_path / "stretch.html"
    saved.value.save_as(path)
    alone = visits(path)
    assert alone.state["n_frames"] == 5
    alone.focus()
    state = alone.press("End", t=4)
    assert (state["tick"], state["n"]) == (newest["tick"], newest["n"])
    alone.press("n", following=False)
    alone.page.wait_for_function("() => document.querySelector('.mp-details').innerText.includes('Genome')")
    told = alone.page.locator(".mp-details").inner_text()
    assert "Energy over its life" in told and "Family" in told
    assert alone.press("o", colour="energy")["n"] == newest["n"]


def test_parameters_are_changed_and_the_run_branches(living, arrive):
    """A change makes a labelled branch that its folder repeats; snapshots; beginning again."""
    v = arrive()
    panel = v.page.locator("#running")
    parent, tick = v.state["live"]["run"], v.state["live"]["tick"]
    slider = panel.locator("[data-field='world.metabolism']")
    box, usual = slider.get_by_label("world.metabolism", exact=True), "4"
    assert box.input_value() == usual and "other" not in slider.get_attribute("class")
    panel.get_by_label("At tick").fill(str(tick + 7))
    box.fill("9")
    box.press("Enter")
    state = when(v, f"s.live.run !== '{parent}' && s.live.interventions.length === 1")
    branched = state["live"]["run"]
    assert state["live"]["interventions"] == [f"{tick + 7}:world.metabolism=9"] and "-from-" in branched
    assert box.input_value() == usual, "not yet"
    v.page.evaluate("document.getElementById('player').player.play()")
    when(v, f"s.tick > {tick + 20}")
    pause(v)
    assert box.input_value() == "9", "what is in force stands in the box"
    assert "other" in slider.get_attribute("class"), "and is seen to differ from the default"
    panel.get_by_label("At tick").fill("")
    shown = v.state
    v.focus()  # in a box the key is the box's own
    v.press("Home", at_edge=False)
    when(v, f"s.tick < {tick}")  # the past of the branch is still there
    v.press("End", at_edge=True)
    box.fill("70000")
    box.press("Enter")
    after = when(v, "s.trouble && s.trouble.includes('0 ... 65535')")
    assert [after[k] for k in ("tick", "t", "n_frames", "n")] == [shown[k] for k in ("tick", "t", "n_frames", "n")]
    assert box.input_value() == "9", "what was refused does not stay"
    panel.get_by_role("button", name="snapshot").click()
    kept = when(v, "s.live.snapshots.length === 1")["live"]
    v.page.evaluate("document.getElementById('player').player.play()")
    when(v, f"s.tick > {kept['tick'] + 20}")
    pause(v)
    panel.get_by_role("button", name="branch").click()
    again = when(v, f"s.live.run !== '{branched}' && s.live.tick < {kept['tick'] + 15}")["live"]
    assert again["run"].startswith("chemotaxis-0-from-") and again["interventions"] == kept["interventions"]
    panel.get_by_role("button", name="again", exact=True).click()
    anew = when(v, "s.live.run.includes('watched-2') && s.live.tick < 5 && s.tick < 5")["live"]
    assert anew["seed"] == 0 and anew["interventions"] == []
    panel.get_by_role("button", name="again, new seed").click()
    assert when(v, "s.live.run === 'chemotaxis-1-watched'")["live"]["seed"] == 1
    for name in (parent, branched):
        repeated(folder_of(living, name))
    assert load(folder_of(living, branched)).header["parent"]["run"] == parent


def repeated(folder: Path) -> None:
    """The run of a folder, gone on with, is the run that its configuration describes, unwatched: the same digest."""
    record = load(folder)
    ticks = -(-(record.tick + 30) // 50) * 50
    watched = proceed(Path(shutil.copytree(folder, folder.with_name(f"{folder.name}-copied"))), ticks)
    configuration = replace(configuration_of(record), ticks=ticks)
    assert watched.digest() == begin("chemotaxis", configuration, folder.with_name(f"{folder.name}-unwatched")).digest()


def test_a_page_that_is_slow_or_gone_slows_nobody(living, arrive):
    v = arrive()
    v.page.evaluate("document.getElementById('player').player.running.wish('speed', {ticks_per_second: 100})")
    with (
        client.connect(living.socket, origin=living.origin) as asks,
        client.connect(living.socket, origin=living.origin) as sleeps,
    ):
        said = ask(asks, n=0, ask="meta", world=0)["said"]
        sleeps.send(json.dumps({"n": 1, "ask": "newest", "world": 0, "after": -1, "serial": said["serial"]}))
        other = arrive_too(v)  # two pages at once
        ask(asks, n=2, ask="do", world=0, what="play")
        began, tick = time.monotonic(), ask(asks, n=3, ask="meta", world=0)["said"]["live"]["tick"]
        seen = when(v, f"s.tick > {tick + 60}")["tick"]
        other.wait_for_function(f"() => window.__viewer.tick > {seen}")
        other.close()
        went = ask(asks, n=4, ask="meta", world=0)["said"]["live"]["tick"] - tick
        assert went > 25 * (time.monotonic() - began), "a quarter of what it is asked for, on a busy machine"
        ask(asks, n=5, ask="do", world=0, what="pause")
    state = when(v, "s.live.status === 'paused' && s.tick === s.live.tick")
    assert state["latency_ms"] < 5000  # measured in benchmarks/viewer.py
    v.page.evaluate("document.getElementById('player').player.running.wish('speed', {ticks_per_second: 30})")


def arrive_too(v):
    page = v.context.new_page()
    page.goto(v.address)
    page.wait_for_function("() => window.__viewer?.live", timeout=COMPILES_MS)
    return page


def test_malformed_wishes_are_answered_and_change_nothing(living, arrive):
    v = arrive(width=390)
    assert v.page.locator("#running").is_visible()
    assert not is_too_wide(v.page) and faults(v.page) == [], "the panel fits a small screen, and can be read by all"
    state = v.state["live"]
    wrong = [
        '"what": "change", "field": "world.nothing", "value": 3, "tick": null',
        '"what": "change", "field": "ticks", "value": 3, "tick": null',
        '"what": "change", "field": "world.side", "value": 64, "tick": null',
        '"what": "branch", "snapshot": "../../etc"',
    ]
    refused = ['"what": "change", "field": "world.metabolism", "value": "9", "tick": null', '"what": "speed"']
    refused += [
        '"what": "speed", "ticks_per_second": -1',
        '"what": "speed", "ticks_per_second": NaN',
        '"what": "reset"',
    ]
    with client.connect(living.socket, origin=living.origin) as socket:
        for text in refused:
            socket.send(f'{{"n": 1, "ask": "do", "world": 0, {text}}}')
            assert "cannot be wished" in header(socket.recv())["error"], text
        for text in wrong:
            socket.send(f'{{"n": 1, "ask": "do", "world": 0, {text}}}')
            assert header(socket.recv())["said"] == {}
            until = time.monotonic() + 60
            while not ask(socket, n=2, ask="meta", world=0)["said"]["live"]["trouble"]:
                assert time.monotonic() < until, text
                time.sleep(0.1)
        now = ask(socket, n=3, ask="meta", world=0)["said"]["live"]
    assert [now[key] for key in ("tick", "run", "interventions")] == [
        state[key] for key in ("tick", "run", "interventions")
    ]


def test_a_simulation_that_dies_is_told_and_its_past_stays(living, arrive):
    """The last test of this file: it ends the world."""
    v = arrive()
    v.press(".", tick=v.state["tick"] + 1)
    run, t = v.state["live"]["run"], v.state["t"]
    (world,) = [p for p in psutil.Process(living.process.pid).children() if "mesocosm.viewer.simulation" in p.cmdline()]
    world.send_signal(signal.SIGKILL)
    when(v, "s.trouble && s.live.status === 'died'")
    told = v.page.locator("#trouble").inner_text()
    assert "ended unexpectedly (exit code -9)" in told and f"mesocosm resume live/{run}" in told
    v.press("Home", at_edge=False)
    assert when(v, f"s.t < {t}") and v.pixels().any()
    assert load(folder_of(living, run)).status == "killed"
    repeated(folder_of(living, run))


def test_a_branch_names_what_it_cannot_do(tmp_path):
    from tests.synthetic import game

    record = game(tmp_path / "game")
    with pytest.raises(ConfigurationError, match="lies in the past"):
        branch(record.folder, tmp_path / "b", [Intervention(3, "rate", 8)])
    with pytest.raises(FolderError, match="exists already"):
        branch(record.folder, tmp_path / "game")
