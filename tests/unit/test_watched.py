"""A world that runs, without its process: what pages are told of it, and how soon."""

import json
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import anyio
import numpy as np
import pytest

from mesocosm.cli.watch import _door
from mesocosm.core import Interrupted
from mesocosm.core.steering import chunk_ticks
from mesocosm.ecology.setup import ecology
from mesocosm.ecology.words import ACTS
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.layers.elements.element import Element
from mesocosm.layers.elements.parameters import GERM, VIRULENCE, ElementParameters
from mesocosm.minds.parameters import TableParameters
from mesocosm.minds.policy import softmax_weight
from mesocosm.minds.table import Table
from mesocosm.player.encoder.bytes import answer, read_answer
from mesocosm.player.encoder.encoder import Encoder
from mesocosm.player.encoder.genes import read_gene
from mesocosm.player.encoder.snapshot import Seen, Snapshot
from mesocosm.record import ConfigurationError, FolderError, load
from mesocosm.record.about import About, Gene, Genome, PopulationAbout, SceneAbout, torus
from mesocosm.record.header import write_header
from mesocosm.viewer.live import NOTHING, Live
from mesocosm.viewer.questions import BadQuestion, question
from mesocosm.viewer.simulation import Pilot, Session
from mesocosm.worlds.petri.parameters import PetriParameters

pytest.importorskip("starlette", reason="NOT TESTED: the viewer (the extra `watch` is missing)")
from mesocosm.viewer.errands import MOST, Errands
from mesocosm.viewer.home import Home, Room
from mesocosm.viewer.server import _place, application
from tests.synthetic import game


@pytest.fixture
def live():
    """A running world to which nobody listens."""
    world = Live.__new__(Live)
    world.said, world.serial, world.trouble = threading.Condition(), 0, ""
    world.forget()
    world.title, world.run, world.shape, world.genomes = "made up", {}, NOTHING, ()
    world.state = state("starting", 0)
    world._tell = lambda wish: None
    return world


def state(status: str, tick: int, **others) -> dict:
    return {"status": status, "tick": tick, "ticks": 1000, "living": 1, "speed": None, "rate": 100.0 + tick, **others}


def take(live: Live, kind: str, header: dict, planes: dict | None = None) -> None:
    """As if the world had said so."""
    with live.said:
        live._take(kind, header, planes or {})
        live.said.notify_all()


def frame(tick: int) -> dict:
    return {"tick": tick, "n": 0, "scales": {}, "series": {}}


def test_who_waits_for_a_frame_is_not_woken_because_the_world_went_on(live):
    """Otherwise every second answer would be news that the next frame tells as well."""
    take(live, "state", state("playing", 1))
    before = live.serial

    def world() -> None:
        for tick in (2, 3):
            take(live, "state", state("playing", tick))
            time.sleep(0.05)
        take(live, "frame", frame(3))

    thread = threading.Thread(target=world)
    thread.start()
    now, _ = live.newest(-1, before)
    thread.join()
    assert now["t"] == 0 and now["tick"] == 3 and now["live"]["tick"] == 3


@pytest.mark.parametrize(
    "news", [state("paused", 1), state("ended", 2), state("playing", 2, speed=30), state("playing", 2, living=0)]
)
def test_whatever_else_is_new_is_told_at_once(live, news):
    take(live, "state", state("playing", 1))
    before = live.serial
    take(live, "state", news)
    began = time.monotonic()
    now, planes = live.newest(-1, before)
    assert time.monotonic() - began < 0.4 and now["live"]["status"] == news["status"] and planes == {}


def test_a_world_that_waits_tells_its_tick(live):
    """A step may be over before anybody has heard that it began."""
    take(live, "state", state("paused", 1))
    before = live.serial
    take(live, "state", state("paused", 2))
    assert live.serial > before


def test_a_run_that_cannot_begin_gives_way_to_the_one_that_was_shown():
    """A wish that is refused too late to be foreseen, as where the disk is full: it is told, and the world goes on."""
    told, went = [], []
    session = Session.__new__(Session)
    session.line = SimpleNamespace(put=lambda kind, header: told.append((kind, header)))
    session.folder, session.configuration, session.snapshots = Path("old"), ChemotaxisConfiguration(), []
    session.asked, session.presets, session.sets = session.configuration, {}, {}
    session.shown = session.folder, session.configuration
    session.pilot = pilot = Pilot(session.line, 0, session=session)

    def first():
        pilot.shown, pilot.leaves = (5, False), leave
        raise Interrupted(Path("old"), 5)

    def leave():
        session.folder = Path("new")
        return fails

    def fails():
        raise FolderError("new: no space left")

    def go_on():
        went.append(session.folder)
        pilot.leaves = lambda: None

    session.begin, session.go_on = first, go_on
    session.run()
    assert went == [Path("old")] and ("trouble", {"text": "new: no space left"}) in told
    assert [header["run"] for kind, header in told if kind == "run"] == ["old", "new", "old"]


def test_what_can_be_foreseen_is_refused_before_the_run_stops():
    told = []
    session = Session.__new__(Session)
    session.line = SimpleNamespace(put=lambda kind, header: told.append(header["text"]))
    session.configuration = session.asked = ChemotaxisConfiguration(seed=2**64 - 1)
    session.snapshots, session.pilot = [], Pilot(session.line, 0)
    session.name, session.presets = "chemotaxis", {"huge": ChemotaxisConfiguration(ticks=0)}
    for wish in (
        {"do": "reset", "seed": "new"},
        {"do": "preset", "preset": "nonsense"},
        {"do": "preset", "preset": "huge"},
        {"do": "branch", "snapshot": "../../etc"},
        {"do": "change", "field": "world.metabolism", "value": 70000.0},
        {"do": "change", "field": "world.side", "value": 64.0},
    ):
        session.ask(wish)
    assert len(told) == 6 and session.pilot.leaves is None
    session.ask({"do": "reset", "seed": "same"})
    assert session.pilot.leaves is not None and len(told) == 6


(ELEMENT,) = Element(ElementParameters(drain=8, help=2)).genomes()


def test_what_a_body_carried_is_told_from_the_frames_that_were_seen(live):
    """Each change with the tick of the first frame that shows it; frames that know of no genes tell nothing."""
    n = 3
    population = PopulationAbout("bodies", (("energy", About("quanta")),))
    about = SceneAbout(torus(8192), (population,), genomes=(Genome("bodies", "genome", (Gene("g"),)), ELEMENT))
    columns = {"id": np.array([5, 7, 9], np.int32), "energy": np.full(n, 40, np.int32)}
    columns |= {axis: np.arange(n, dtype=np.int32) for axis in "xy"} | {"genome": np.zeros((2, 4, n), np.int8)}
    encoder = None
    for tick, strain, virulence in ((10, 0, 0), (20, 0, 0), (30, 4, 127), (40, 4, 127), (50, 6, -128)):
        genes = np.zeros((2, 3, n), np.int8)
        genes[0, VIRULENCE], genes[0, GERM] = virulence, 127
        elements = {"element": np.array([1, strain, 0], np.int32), "element_genes": genes}
        seen = Snapshot(tick, {"bodies": Seen(columns | elements, np.ones(n, bool), is_by_place=True)})
        if encoder is None:
            encoder = Encoder(about, seen)
            take(live, "shape", encoder.meta | {"about": about.plain()})
        take(live, "frame", *read_answer(answer(*encoder.frame(seen))))
    told = live.individual(7)
    assert told["ticks"] == [10, 20, 30, 40, 50] and told["energy"] == [40] * 5 and told["genome"] == [["g", 0.0, ""]]
    assert told["carries"] == [
        [10, "nothing"],
        [30, "element 4: costs 8 quanta per tick, is inherited with probability 1"],
        [50, "element 6: costs -2 quanta per tick, is inherited with probability 1"],
    ]
    assert live.individual(7, t=1)["carries"] == [[10, "nothing"]], "as it was then"
    assert live.individual(9)["carries"] == [[10, "nothing"]]
    assert not [name for name in live.frame(0)[1] if " genome " in name], "no picture needs them"


@pytest.mark.parametrize("given", ["[", "[::1", "[x]:9", "\x00", "a" * 300, "127.0.0.1:notaport", ""])
def test_a_name_that_is_none_is_no_fault(given):
    """A stranger's Host or Origin: refused, never a traceback."""
    sent, names = [], [(b"host", given.encode()), (b"origin", f"http://{given}".encode())]
    scope = {"path": "/token/", "raw_path": b"/token/", "root_path": "", "query_string": b"", "headers": names}

    async def answered(kind: str) -> None:
        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message.get("status", message.get("code")))

        end = {"type": kind, "path": scope["path"] + ("socket" if kind == "websocket" else ""), "method": "GET"}
        await application([], "token", "t")(scope | end, receive, send)

    anyio.run(answered, "http")
    assert sent[0] == (200 if given.startswith("127.0.0.1") else 404)
    sent.clear()
    if not given.startswith("127.0.0.1"):
        anyio.run(answered, "websocket")
        assert sent == [4403]


def test_what_can_be_listened_to():
    with pytest.raises(FolderError, match=r"0\.0\.0\.0 everywhere"):
        _place("", 0)
    with pytest.raises(FolderError, match="no address of this machine"):
        _place("nowhere.invalid", 0)
    assert _place("::1", 0) == (socket.AF_INET6, ("::1", 0, 0, 0)) and _place("127.0.0.1", 80)[1][1] == 80


def test_a_browser_is_led_to_the_address_by_a_file_of_its_user():
    """Its command line, which everybody on the machine can read, holds no token."""
    with _door("http://127.0.0.1:1/to<ken>/") as path:
        assert "to" not in path.name.removeprefix("watch").removesuffix("html") and path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0 and "url=http://127.0.0.1:1/to&lt;ken&gt;/" in path.read_text()
    assert not path.exists()


@pytest.mark.parametrize("speed", [1e-300, 0.001, 0, -1, 1e300, "fast", True])
def test_a_speed_that_no_clock_can_keep_is_refused(speed):
    asked = {"n": 0, "ask": "do", "world": 0, "what": "speed", "ticks_per_second": speed}
    with pytest.raises(BadQuestion, match=r"0\.0167 to 1,000,000"):
        question(json.dumps(asked))


def test_the_slowest_speed_waits_without_harm():
    pilot = Pilot(SimpleNamespace(wait=lambda seconds, hear: None), 0, is_playing=True)
    pilot.hear({"do": "speed", "ticks_per_second": 5e-324})  # whoever let it through
    assert pilot.onward(3, 10).until == 4 and pilot.next_at > 1e9
    waits = []
    pilot.line = SimpleNamespace(wait=lambda seconds, hear: waits.append(seconds) or setattr(pilot, "leaves", bool))
    pilot.show, pilot.tell = lambda *_, **__: None, lambda *_: None
    pilot.steps = 0
    assert pilot.turn(SimpleNamespace(progress=SimpleNamespace(tick=4, ticks=10, living=1))) is None
    assert waits == [60.0]


def test_genes_are_named_by_what_a_body_senses():
    def named(*senses, signal=False):
        world = PetriParameters(senses=senses, signal=signal)
        return [gene.name for gene in ecology(ChemotaxisConfiguration(world=world)).genomes()[0].genes]

    assert named() == ["tumbles: always"]
    assert named("trend") == ["tumbles: trend falls", "tumbles: trend steady", "tumbles: trend rises"]
    both = named("signal", "odour", signal=True)  # a stimulus counts the levels of the last sense first
    assert both[:2] == ["tumbles: odour far, signal none", "tumbles: odour far, signal faint"]
    assert both[15] == "tumbles: odour near, signal strong"
    assert len(both) == 32 and both[16] == "emits: odour far, signal none"


def test_genes_say_what_the_mind_does():
    """Against the policy itself: how likely acts are, of random tables, under each stimulus."""
    loci = np.random.default_rng(0).integers(-128, 128, (50, 12)).astype(np.int8)
    for n_acts, bit in ((2, 1), (4, 2)):
        rows = loci.reshape(50, -1, n_acts).astype(int)
        chosen = [a for a in range(n_acts) if a & bit]
        weights = softmax_weight(rows.max(axis=2, keepdims=True) - rows, 8)
        likely = 100 * weights[:, :, chosen].sum(axis=2) / weights.sum(axis=2)
        best = 100 * np.isin(rows.argmax(axis=2), chosen)
        for sharpness, expected, off in ((8, likely, 1.0), (None, best, 0)):
            policy = TableParameters("argmax") if sharpness is None else TableParameters(sharpness=sharpness)
            genes = Table(policy, 3, n_acts).genome(("a", "b", "c"), ACTS, 12).genes
            mine = [g for g in genes if g.name.startswith("emits" if bit == 2 else "tumbles")]
            told = np.stack([read_gene(gene, loci) for gene in mine], axis=1)
            assert np.abs(told - expected[:, :3]).max() <= off, (n_acts, sharpness)


def test_a_chunk_is_at_once_as_short_as_is_wished_and_grows_by_four():
    assert chunk_ticks(1, np.inf, 0.5) == 1, "the first"
    assert chunk_ticks(100, 0.5, 0.045) == 9 and chunk_ticks(9, 0.045, 0.5) == 36
    assert chunk_ticks(100, 0.5, 0.5) == 100 and chunk_ticks(1, 10.0, 0.045) == 1


# -- the home ---------------------------------------------------------------------------------------------------------


def test_a_home_lists_what_lies_there_and_acts_on_nothing_else(tmp_path):
    game(tmp_path / "runs" / "one", seed=1)
    (tmp_path / "runs" / "no-run").mkdir()
    (tmp_path / "own.py").write_text(
        'raise SystemExit\nlab.Declaration(name="own", question="Why?", presets={"q": {}})'
    )
    home = Home(lambda *_: None, {}, tmp_path / "runs", tmp_path)
    assert [run["name"] for run in home.runs()] == ["one"]
    assert (home.runs()[0]["status"], home.runs()[0]["cut"]) == ("interrupted", True)  # what it claims is not judged
    card = home.cards["own.py"]
    assert (card["question"], card["presets"], card["from"]) == ("Why?", [{"name": "q", "sets": ""}], "file")
    said, planes = home.answer({"ask": "thumb", "name": "one"})
    assert len(said["ticks"]) > 1 or "content" in planes
    for asked in (
        {"ask": "stop", "name": "one"},
        {"ask": "thumb", "name": "../one"},
        {"ask": "open", "names": ["no-run"]},
    ):
        with pytest.raises(ConfigurationError):
            home.answer(asked)
    room = home.answer({"ask": "open", "names": ["one"]})[0]["room"]
    assert home.rooms[room].title == "one" and home.rooms[room].report is None
    for text, is_ours in (("<title>another page</title>", False), ("<title>t · mesocosm</title>", True)):
        (tmp_path / "runs" / "one" / "report.html").write_text(text)
        room = home.answer({"ask": "open", "names": ["one"]})[0]["room"]
        assert (home.rooms[room].report is not None) == is_ours == home.runs()[0]["report"]


def test_what_watching_live_leaves_behind_can_be_gone_back_to_stopped_and_removed_and_nothing_else(tmp_path, live):
    names = ("bilinear-1-watched", "bilinear-1-watched-2", "bilinear-1-0123456789", "bilinear-1-watched-of-mine")
    for name in names:
        game(tmp_path / name, seed=1)
    home, said = Home(lambda *_: live, {}, tmp_path, tmp_path), []
    live.run, live.process = {"run": names[0]}, SimpleNamespace(poll=lambda: None)
    live.stop = lambda why: said.append(why)
    room = home._opened(Room([live], "made up"))
    assert home.answer({"ask": "open", "names": [names[0]]})[0]["room"] == room, "back to the world that runs"
    home.answer({"ask": "stop", "name": names[0]})
    assert said and "resumed" in said[0]
    for name in names:  # finished runs stay, whoever wrote them
        with pytest.raises(ConfigurationError, match="by hand"):
            home.answer({"ask": "remove", "name": name})
    for name in names:
        write_header(tmp_path / name, {**load(tmp_path / name).header, "status": "interrupted"})
    home.answer({"ask": "remove", "name": names[1]})
    for name in (names[2], names[3]):
        with pytest.raises(ConfigurationError, match="by hand"):
            home.answer({"ask": "remove", "name": name})
    assert {path.name for path in tmp_path.iterdir()} == {names[0], names[2], names[3]}


def test_a_home_runs_no_more_at_once_than_it_may(tmp_path):
    errands = Errands({}, tmp_path)
    going = SimpleNamespace(process=SimpleNamespace(poll=lambda: None))
    errands.known = {tmp_path / str(k): going for k in range(MOST)}
    for folder in ("another", "0"):
        with pytest.raises(ConfigurationError, match=r"are going on|is running already"):
            errands.begin(tmp_path / folder, ["list"])
