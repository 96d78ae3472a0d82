"""A world that runs, without its process: what pages are told of it, and how soon."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from mesocosm.core.steering import chunk_ticks
from mesocosm.elements.parameters import GERM, VIRULENCE
from mesocosm.viewer.genes import gene_names
from mesocosm.viewer.lens import Lens
from mesocosm.viewer.live import Live
from mesocosm.viewer.wire import answer, read_answer


@pytest.fixture
def live():
    """A running world to which nobody listens."""
    world = Live.__new__(Live)
    world.said, world.serial, world.trouble = threading.Condition(), 0, ""
    world.forget()
    world.title, world.configuration, world.run, world.shape = "made up", {"world": {"side": 32}}, {}, {}
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
    return {"tick": tick, "n": 0, "highs": {}, "series": {}}


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


def test_what_a_body_carried_is_told_from_the_frames_that_were_seen(live):
    """Each change with the tick of the first frame that shows it; frames that know of no genes tell nothing."""
    live.configuration = {"world": {"side": 32}, "element": {"drain": 8, "help": 2}}
    lens, n = Lens(live.configuration), 3
    columns = {"id": np.array([5, 7, 9], np.int32), "energy": np.full(n, 40, np.int32)}
    columns |= {axis: np.arange(n, dtype=np.int32) for axis in "xy"} | {"genome": np.zeros((2, 4, n), np.int8)}
    for tick, strain, virulence in ((10, 0, 0), (20, 0, 0), (30, 4, 127), (40, 4, 127), (50, 6, -128)):
        genes = np.zeros((2, 3, n), np.int8)
        genes[0, VIRULENCE], genes[0, GERM] = virulence, 127
        elements = {"element": np.array([1, strain, 0], np.int32), "element_genes": genes}
        bodies = SimpleNamespace(alive=np.ones(n, bool), columns=columns | elements)
        scene = SimpleNamespace(points={"bodies": bodies}, fields={}, curves={})
        take(live, "frame", *read_answer(answer(*lens.frame(scene, tick, False))))
    told = live.individual(7)
    assert told["ticks"] == [10, 20, 30, 40, 50] and told["energy"] == [40] * 5
    assert told["carries"] == [
        [10, "nothing"],
        [30, "strain 4: costs 8.0 quanta per tick; a child inherits it with probability 1.00"],
        [50, "strain 6: saves 2.0 quanta per tick; a child inherits it with probability 1.00"],
    ]
    assert live.individual(7, t=1)["carries"] == [[10, "nothing"]], "as it was then"
    assert live.individual(9)["carries"] == [[10, "nothing"]]
    assert not {"strain", "element", "genome"} & set(live.frame(0)[1]), "no picture needs them"


def test_genes_are_named_by_what_a_body_senses():
    def named(*senses):
        return gene_names({"mind": {"policy": "argmax"}, "world": {"senses": senses}}, 99)

    assert named() == ["tumbles: always"]
    assert named("trend") == ["tumbles: trend falls", "tumbles: trend steady", "tumbles: trend rises"]
    both = named("signal", "odour")  # a stimulus counts the levels of the last sense first
    assert both[:2] == ["tumbles: odour far, signal none", "tumbles: odour far, signal faint"]
    assert len(both) == 16 and both[-1] == "tumbles: odour near, signal strong"


def test_a_chunk_is_at_once_as_short_as_is_wished_and_grows_by_four():
    assert chunk_ticks(1, np.inf, 0.5) == 1, "the first"
    assert chunk_ticks(100, 0.5, 0.045) == 9 and chunk_ticks(9, 0.045, 0.5) == 36
    assert chunk_ticks(100, 0.5, 0.5) == 100 and chunk_ticks(1, 10.0, 0.045) == 1
