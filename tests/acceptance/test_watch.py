"""`mesocosm watch`: a recorded run in a real browser, and what the server says to those who ask wrongly."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from mesocosm.core import Turn
from mesocosm.protocol.registry import declaration
from mesocosm.record import FolderError, load
from tests.acceptance.accessible import faults, is_too_wide
from tests.acceptance.breaking import GAME, going
from tests.acceptance.test_command_line import mesocosm
from tests.acceptance.watching import SPOILT, Server, ask, client, header, torn

DISH = ["run", "chemotaxis", "--replicates", "1", "--ticks", "600", "--every", "50", "--assays", "False"]
DISH += ["--world.side", "32", "--world.founders", "64", "--world.ceiling", "128"]


@pytest.fixture(scope="module")
def dish(tmp_path_factory) -> Path:
    """A finished run that kept frames."""
    folder = tmp_path_factory.mktemp("dish")
    mesocosm(*DISH, "--frames-every", "4", "--out", "dish", cwd=folder)
    return folder / "dish"


@pytest.fixture
def serve(tmp_path):
    """Starts servers, and stops them at the end of the test."""
    started = []

    def start(*words) -> Server:
        started.append(Server(*words, cwd=tmp_path))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def written(dish: Path) -> tuple[str, list[str]]:
    """What a run folder says, and its files; those that a reader of SQLite leaves beside it do not count."""
    return load(dish).digest(), sorted(str(p) for p in dish.rglob("*") if "-wal" not in p.name and "-shm" not in p.name)


def test_a_recorded_run_is_watched(dish, serve, visits):
    """Scrub to the end, play, charts that share the cursor, fields; nothing in the folder changes."""
    before, bodies = written(dish), load(dish).frames("bodies")
    v = visits(serve(dish).address)
    v.focus()
    state = v.press("End", t=149)
    assert state["tick"] == 596 and state["n"] == int((bodies["tick"] == 596).sum())
    first = v.pixels()
    v.press("Home", t=0)
    assert (first != v.pixels()).any()
    v.press("End", t=149)
    an_individual_is_chosen(v, dish)
    charts = v.page.locator(".mp-charts canvas")
    assert charts.count() == 3
    box = charts.first.bounding_box()
    v.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 9)
    v.wait(t=75)
    assert str(int((bodies["tick"] == 300).sum())) in charts.first.get_attribute("aria-label")
    assert all("at tick 300" in chart.get_attribute("aria-label") for chart in charts.all()), "one cursor"
    v.press(" ", playing=True)
    v.page.wait_for_function("() => window.__viewer.t > 78")
    v.press(" ", playing=False)
    assert "tick" in v.page.locator(".mp [aria-live=polite]").first.text_content()
    assert v.press("1")["overlays"] == ["odour"]
    assert before == written(dish)


def an_individual_is_chosen(v, dish: Path) -> None:
    """Its genome and family are read, its parent gone to and followed; colours by every column."""
    record = load(dish)
    bodies, births = record.frames("bodies"), record.log("births")
    newest = int(bodies["id"][bodies["tick"] == 596].max())
    v.page.evaluate("(id) => document.getElementById('player').player.select(0, id)", newest)
    v.page.wait_for_function("() => window.__viewer.relatives > 0")
    parent = int(births["parent"][births["id"] == newest][0])
    told = v.page.locator(".mp-details").inner_text()
    assert f"Individual {newest}" in told and "odour near" in told
    if parent:
        v.page.get_by_role("button", name=str(parent), exact=True).click()
        v.page.wait_for_function("(id) => window.__viewer.selected.id === id", arg=parent)
    v.focus()
    v.press("f", following=True)
    genes = [f"tumbles: odour {level}" for level in ("far", "faint", "mid", "near")]
    for colour in ("energy", "age", "lineage", "parent", *genes, "behaviour"):
        v.press("o", colour=colour)


def test_what_an_individual_is_comes_from_the_log(dish, serve):
    record, server = load(dish), serve(dish)
    births, bodies = record.log("births"), record.frames("bodies")
    parents, n = np.unique(births["parent"][births["parent"] > 0], return_counts=True)
    chosen = int(parents[n.argmax()])
    with client.connect(server.socket, origin=server.origin) as socket:
        said = ask(socket, n=1, ask="individual", world=0, id=chosen, t=0)["said"]
    assert said["children"] == births["id"][births["parent"] == chosen].tolist()
    mine = bodies["id"] == chosen
    assert said["ticks"] == bodies["tick"][mine].tolist() and said["energy"] == bodies["energy"][mine].tolist()
    weights = births["genome"][births["id"] == chosen][0, 0].reshape(-1, 2)
    more = [p > 50 for _, p, _ in said["genome"]]
    assert all((a < b) == m for (a, b), m in zip(weights.tolist(), more, strict=True) if a != b)


def test_two_runs_side_by_side_and_two_pages(dish, serve, visits, tmp_path):
    server = serve(dish, dish)
    pages = [visits(server.address), visits(server.address, width=400, color_scheme="dark")]
    for page in pages:
        page.focus()
        state = page.press("End", t=149)
        assert [world["tick"] for world in state["worlds"]] == [596, 596]
    pages[0].page.evaluate("document.getElementById('player').player.seek(147)")
    pages[0].press("b", t=147)
    pages[0].press("End", t=149)
    with pages[0].page.expect_download() as saved:
        pages[0].page.keyboard.press("s")
    saved.value.save_as(tmp_path / "both.html")
    both = visits(tmp_path / "both.html").state
    assert both["n_frames"] == 3 and [world["tick"] for world in both["worlds"]] == [588, 588]
    width = pages[1].page.evaluate("document.documentElement.scrollWidth")
    boxes = [pages[1].page.locator(which).bounding_box() for which in (".mp-main", ".mp-details")]
    assert width <= 400 and boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"]  # one beneath the other


def test_a_server_that_ends_is_told_in_the_page(dish, serve, visits):
    server = serve(dish)
    v = visits(server.address)
    assert server.stop() in (0, 130, -signal.SIGINT)
    v.page.wait_for_function("() => window.__viewer.trouble")
    assert "connection to mesocosm is lost" in v.page.locator("#trouble").inner_text()
    assert v.pixels().any()


def test_a_torn_answer_is_told_in_the_page(dish, serve, visits):
    """A sentence, and it is asked for once more; where that is torn as well, the world says how to go on."""
    v = visits(serve(dish).address)
    for spoil in SPOILT:
        page = torn(v, spoil)
        page.wait_for_function("() => window.__viewer?.trouble?.includes('was torn') && window.__viewer.frames_drawn")
        assert "asked for once more" in page.locator("#trouble").inner_text()
        page.locator(".mp canvas").first.focus()
        page.keyboard.press("End")
        page.wait_for_function("() => window.__viewer.tick === 596 && window.__viewer.error === null")
        page.close()
    page = torn(v, SPOILT[0], times=2)
    page.wait_for_function("() => window.__viewer?.error?.includes('was torn')")
    assert "load the page again" in page.locator(".mp-message").inner_text()
    page.close()


def test_a_damaged_recording_is_told_in_the_page(dish, tmp_path, serve, visits):
    torn = Path(shutil.copytree(dish, tmp_path / "torn"))
    chunk = next(torn.glob("frames/bodies-*"))
    chunk.write_bytes(chunk.read_bytes()[:-100])
    v = visits(serve(dish, torn).address)
    assert "is damaged" in v.page.locator(".mp-message").nth(1).inner_text()
    v.focus()
    assert v.press("End", t=149)["n"] > 0


def test_malformed_questions_are_answered_and_change_nothing(dish, serve):
    server = serve(dish)
    wrong = ["", "no JSON", "[]", "{}", "[" * 4000, '{"ask": "frame", "n": 1, "world": 9, "t": 0}']
    wrong += [
        f'{{"ask": "frame", "n": 1, "world": 0, "t": {t}}}' for t in ("-1", "1e9", '"../../etc"', "null", "1" * 99)
    ]
    wrong += ['{"ask": "individual", "n": 1, "world": 0, "id": 2000000000, "t": 0}']
    wrong += [f'{{"ask": "do", "n": 1, "world": 0, "what": {what}}}' for what in ('"play"', '"rm"', "7")]
    wrong += [
        '{"ask": "frame", "n": 1, "world": 0, "t": 0, "want": "x"}',
        '{"ask": "page", "n": 1, "world": 0, "from": 9}',
    ]
    with client.connect(server.socket, origin=server.origin) as socket:
        for text in wrong:
            socket.send(text)
            assert header(socket.recv())["error"], text
        assert ask(socket, n=5, ask="frame", world=0, t=10**9)["said"]["tick"] == 596
        socket.send(b"bytes")
        with pytest.raises(Exception, match="close"):
            socket.recv()
    with client.connect(server.socket, origin=server.origin) as socket:
        socket.send("x" * 100_000)
        with pytest.raises(Exception, match=r"close|big"):
            socket.recv()
    with client.connect(server.socket, origin=server.origin) as socket:
        assert ask(socket, n=6, ask="meta", world=0)["said"]["n_frames"] == 150


def test_its_page_is_there_for_all(dish, serve, visits):
    """Nothing grave by axe-core, in the light and in the dark; it fits a phone."""
    server = serve(dish)
    for how in ({}, {"color_scheme": "dark", "width": 390}):
        v = visits(server.address, **how)
        assert faults(v.page) == [] and not is_too_wide(v.page), how


def test_only_the_page_of_the_token_is_let_in(dish, serve):
    server = serve(dish)
    for origin in (
        None,
        "http://[",
        "http://elsewhere.example",
        "null",
        server.origin.replace("127.0.0.1", "localhost"),
    ):
        with pytest.raises(Exception, match="403"), client.connect(server.socket, origin=origin):
            pass
    stranger = server.socket.replace(urlsplit(server.address).path, "/another/")
    with pytest.raises(Exception, match="403"), client.connect(stranger, origin=server.origin):
        pass
    tries = [server.origin + path for path in ("/", "/another/", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd")]
    named = urllib.request.Request(server.address, headers={"Host": "elsewhere.example"})
    for request in [*tries, f"{server.address}run.json", named]:
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(request, timeout=10)
    assert urlsplit(server.address).hostname == "127.0.0.1"


def test_it_listens_elsewhere_only_when_asked(dish, serve):
    server = serve(dish, "--host", "127.0.0.2")
    assert urlsplit(server.address).hostname == "127.0.0.2"
    assert b"mesocosm" in urllib.request.urlopen(server.address, timeout=10).read()
    with pytest.raises(OSError, match=r"refused|unreachable"):
        urllib.request.urlopen(server.address.replace("127.0.0.2", "127.0.0.1"), timeout=10)
    for name in ("elsewhere.example", "["):
        named = urllib.request.Request(server.address, headers={"Host": name})
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(named, timeout=10)
    server = serve(dish, "--host", "::1")
    assert b"mesocosm" in urllib.request.urlopen(server.address, timeout=10).read() and "[::1]" in server.address
    with client.connect(server.socket, origin=server.origin) as socket:
        assert ask(socket, n=1, ask="meta", world=0)["said"]["n_frames"] == 150


def test_a_run_that_is_being_written_grows(dish, tmp_path, monkeypatch):
    """The record is read again while it says running; what cannot be read leaves what was read before."""
    fcntl = pytest.importorskip("fcntl")
    from mesocosm.record import folder as where
    from mesocosm.record.database import append, seal
    from mesocosm.record.header import write_header
    from mesocosm.viewer import opening

    growing = Path(shutil.copytree(dish, tmp_path / "growing"))
    whole = load(growing).header
    write_header(growing, {**whole, "status": "running"})
    monkeypatch.setattr(opening, "_ANEW_AFTER_SECONDS", 0.0)
    with open(growing / where._LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with sqlite3.connect(growing / "record.sqlite") as db:
            rows = db.execute("SELECT * FROM chunks WHERE log = 'bodies'").fetchall()
            db.execute("DELETE FROM chunks WHERE log = 'bodies'")
            seal(db, ["chunks"])
        place = opening.places([growing])[0]
        with pytest.raises(FolderError, match="no frames of world 0 yet"):
            place.world()
        with sqlite3.connect(growing / "record.sqlite") as db:
            append(db, "chunks", rows)
        assert place.world().meta()["status"] == "running"
        seen = place.world()
        chunk = next(growing.glob("frames/bodies-*"))
        content = chunk.read_bytes()
        chunk.write_bytes(content[:-9])
        assert place.world() is seen
        chunk.write_bytes(content)
        write_header(growing, whole)
    assert place.world().meta()["status"] == "finished"
    assert place.world() is place.world()


def test_a_page_waits_for_a_first_frame_only_while_somebody_writes(dish, serve, visits, tmp_path):
    """A run that is killed before it will never have one, and the page says so."""
    fcntl = pytest.importorskip("fcntl")
    from mesocosm.record import folder as where
    from mesocosm.record.database import seal
    from mesocosm.record.header import write_header

    begun = Path(shutil.copytree(dish, tmp_path / "begun"))
    write_header(begun, {**load(begun).header, "status": "running"})
    with sqlite3.connect(begun / "record.sqlite") as db:
        for table in ("chunks", "metrics", "sums"):
            db.execute(f"DELETE FROM {table}")
        seal(db, ["chunks"])
    with open(begun / where._LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        v = visits(serve("begun").address, wait=False)
        v.page.locator("#waits", has_text="has no frames of world 0 yet").wait_for()
    v.page.get_by_text("none are to come (it was killed: resume it)").first.wait_for()
    assert v.page.locator("#waits").is_hidden()


class Waits:
    """Steering that lets a run go on to tick 100, and once it is told, to its end."""

    def __init__(self) -> None:
        self.is_there, self.goes_on = threading.Event(), threading.Event()

    def turn(self, present):
        now = present.progress
        if now.tick >= 100:
            self.is_there.set()
            self.goes_on.wait(120)
        return Turn(100 if now.tick < 100 else now.ticks)


def test_the_page_of_a_run_that_is_being_written_grows(serve, visits, tmp_path):
    """By itself: what is written while it is looked at can be scrubbed to, and charts reach as far."""
    waits, game = Waits(), replace(GAME, ticks=200, every=10, frames_every=4, frames_of=0)
    writes = threading.Thread(target=going, args=(game, tmp_path / "game"), kwargs={"steering": waits})
    writes.start()
    try:
        assert waits.is_there.wait(120)
        v = visits(serve("game").address)
        v.focus()
        assert v.press("End", t=24)["tick"] == 96 and v.state["n_frames"] == 25
    finally:
        waits.goes_on.set()
        writes.join()
    v.when("s.n_frames === 50")
    assert v.press("End", t=49)["tick"] == 196 and v.press(",", t=48)["tick"] == 192
    v.page.get_by_role("slider").first.fill("40")
    assert v.wait(t=40)["tick"] == 160
    assert "at tick 160" in v.page.locator(".mp-charts canvas").first.get_attribute("aria-label")


def test_a_port_in_use_and_words_that_mean_nothing_are_told(dish, serve, tmp_path):
    port = urlsplit(serve(dish).address).port
    taken = mesocosm("watch", dish, "--no-browser", "--port", port, cwd=tmp_path, code=2)
    assert f"port {port}: cannot be used" in taken.stderr and "--port" in taken.stderr
    elsewhere = mesocosm("watch", dish, "--no-browser", "--rate", "3", cwd=tmp_path, code=2)
    assert "unrecognised: --rate 3" in elsewhere.stderr


def test_what_is_seen_is_told_in_a_sentence_with_the_legend_beside_it(dish, serve, visits):
    """Above the fold where there is room; beneath the world on a phone."""
    address = serve(dish).address
    v = visits(address)
    assert v.page.locator("#first").inner_text().startswith(declaration("chemotaxis").seen)
    world, legend = (v.page.locator(name).bounding_box() for name in (".mp-world", ".mp-legend"))
    assert legend["x"] >= world["x"] + world["width"] and legend["y"] + legend["height"] < 800
    assert v.page.locator(".mp-legend").inner_text().split("\n")[:3] == ["runs", "tumbles", "sources"]
    v = visits(address, width=390)
    world, legend = (v.page.locator(name).bounding_box() for name in (".mp-world", ".mp-legend"))
    assert legend["y"] >= world["y"] + world["height"] and legend["x"] + legend["width"] <= 390


def test_a_run_without_frames_is_shown_by_its_measures(serve, visits, tmp_path):
    game = ["run", "bilinear", "--replicates", "2", "--ticks", "100", "--every", "10", "--out", "game"]
    mesocosm(*game, cwd=tmp_path)
    v = visits(serve("game").address)
    v.page.locator(".mp-charts canvas").first.focus()
    assert v.state["n_frames"] == 10 and "no pictures" in v.page.locator("#first").inner_text()
    x = load(tmp_path / "game").metrics
    value = int(x["x"][(x["replicate"] == 0) & (x["tick"] == 10)][0])
    assert f"{value:,} at tick 10".replace("-", "\u2212") in v.page.locator(".mp-charts canvas").first.get_attribute(
        "aria-label"
    )


def test_watching_waits_for_no_jax(dish):
    code = "import sys, mesocosm.viewer.server, mesocosm.cli.watch; print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.strip() == "False", done.stderr
