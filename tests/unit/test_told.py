"""What a page tells of a world at first sight: who lives there, and that no pictures are to come."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from mesocosm.player.encoder.encoder import Encoder
from mesocosm.player.encoder.recording import Recording
from mesocosm.player.encoder.snapshot import Seen, Snapshot
from mesocosm.record import FolderError, Record
from mesocosm.record.about import PopulationAbout, SceneAbout
from mesocosm.record.errors import NotYetError
from mesocosm.record.header import HEADER
from mesocosm.viewer.server import _answer


@pytest.mark.parametrize(("look", "lives"), [("rings", False), ("dots", True)])
def test_rings_are_places_and_do_not_live(look, lives):
    place = {name: np.arange(3) for name in ("id", "x", "y")}
    now = Snapshot(0, {"modes": Seen(place)})
    header, _ = Encoder(SceneAbout(populations=(PopulationAbout("modes", look=look),)), now).frame(now)
    assert ("living" in header["series"]) is lives


@pytest.mark.parametrize(
    ("every", "says"), [(0, "keeps no pictures .*charts are shown"), (5, "no frames of world 0 yet")]
)
def test_a_run_that_has_just_begun_says_what_is_to_come(every, says):
    with pytest.raises(NotYetError, match=says):
        _ = empty(every, "running").ticks


def empty(every: int, status: str) -> Recording:
    """Of a run that has written nothing."""
    nothing = {"replicate": np.zeros(0, int), "tick": np.zeros(0, int)}
    header = {"configuration": {"frames_every": every}, "frames": []}
    record = SimpleNamespace(folder="runs/a", header=header, config="", metrics=nothing, status=status)
    return Recording(cast("Record", record), 0, "world 0", SceneAbout())


@pytest.mark.parametrize("every", [0, 5])
@pytest.mark.parametrize(
    ("status", "ends"), [("killed", "was killed: resume it"), ("interrupted", "resume it"), ("finished", "is finished")]
)
def test_of_a_run_that_goes_on_no_more_nothing_is_promised(every, status, ends):
    with pytest.raises(FolderError, match=f"none are to come .*{ends}") as told:
        _ = empty(every, status).ticks
    assert not isinstance(told.value, NotYetError) and "yet" not in str(told.value)


@pytest.mark.parametrize(("error", "waits"), [(NotYetError("later"), True), (FolderError("not yet, nor ever"), False)])
def test_a_page_is_told_to_wait_where_something_is_to_come_and_not_by_a_word(error, waits):
    def world():
        raise error

    said = _answer([cast("Any", SimpleNamespace(world=world))], "", '{"n": 1, "ask": "meta", "world": 0}')
    assert (b'"wait":true' in said) is waits and str(error).encode() in said


def test_presets_are_compared_once_for_a_header_and_not_at_each_listing(tmp_path, monkeypatch):
    from mesocosm.viewer import home

    asked = []
    (tmp_path / HEADER).write_text("{}")
    monkeypatch.setattr(home, "load", lambda folder: folder)
    monkeypatch.setattr(home, "_brief", lambda record: {"status": "running"})
    monkeypatch.setattr(home, "_named", lambda record: asked.append(record) or {"preset": "quick"})
    house = cast("Any", SimpleNamespace(_seen={}, _names={}))
    for _ in range(3):
        assert home.Home._told(house, tmp_path) == {"status": "running", "preset": "quick"}
    assert len(asked) == 1
    (tmp_path / HEADER).write_text('{"resumed": []}')
    home.Home._told(house, tmp_path)
    assert len(asked) == 2
