"""A world that runs, without its process: what pages are told of it, and how soon."""

import threading
import time

import pytest

from mesocosm.viewer.live import Live


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
