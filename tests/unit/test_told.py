"""What a page tells of a world at first sight: who lives there, and that no pictures are to come."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from mesocosm.player.encoder.encoder import Encoder
from mesocosm.player.encoder.recording import Recording
from mesocosm.player.encoder.snapshot import Seen, Snapshot
from mesocosm.record import FolderError, Record
from mesocosm.record.about import PopulationAbout, SceneAbout


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
    nothing = {"replicate": np.zeros(0, int), "tick": np.zeros(0, int)}
    header = {"configuration": {"frames_every": every}, "frames": []}
    record = SimpleNamespace(folder="runs/a", header=header, config="", metrics=nothing, status="running")
    with pytest.raises(FolderError, match=says):
        _ = Recording(cast("Record", record), 0, "world 0", SceneAbout()).ticks
