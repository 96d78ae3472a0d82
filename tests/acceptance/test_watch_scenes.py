"""Whatever a scene names is drawn live: points of a plane, curves, the strengths of a net."""

import numpy as np
import pytest

from tests.acceptance.watching import COMPILES_MS, Server, when

SEARCH = """
form = { cell = "hebbian", messages = 1, memory = 1 }
search = { searcher = "cma-es", population = 4 }
[schooling]
source = "clouds"
side = 3
classes = 3
examples = 4
tasks = 2
shown = [2, 4]
judged_tasks = 2
judged_images = 5
"""


@pytest.mark.parametrize(
    "words, seen",
    [
        (["bilinear"], lambda v: v.pixels()),
        (["lorenz"], lambda v: curves(v)),
        (["digits", "--config", "search.toml"], lambda v: curves(v)),
    ],
    ids=["a game of two", "an attractor", "a search"],
)
def test_whatever_a_scene_names_is_drawn(tmp_path, visits, words, seen):
    """Points of a plane, curves: live, with the same code."""
    (tmp_path / "search.toml").write_text(SEARCH)
    server = Server(*words, "--out", "live", cwd=tmp_path)
    try:
        v = visits(server.address)
        v.page.wait_for_function("() => window.__viewer.live?.status === 'paused'", timeout=COMPILES_MS)
        v.page.locator(".mp-charts canvas").first.focus()
        v.page.evaluate("document.getElementById('player').player.step(1)")
        when(v, "s.tick >= 2")
        before = seen(v)
        assert len(np.unique(before.reshape(-1, 4), axis=0)) > 4
        v.page.evaluate("document.getElementById('player').player.step(1)")
        when(v, "s.tick >= 3")
        assert before.shape != seen(v).shape or (before != seen(v)).any()
        if words[0] == "digits":
            a_matrix_is_drawn(v)
        at = f"at tick {v.state['tick']}"
        assert at in v.page.locator(".mp-charts canvas").first.get_attribute("aria-label")
    finally:
        server.stop()


MATRIX = """() => {
  const {frame, curveView, meta} = document.getElementById("player").player.panes[0];
  const k = meta.curves.findIndex((curve) => curve.name === "strengths");
  const top = meta.curves.slice(0, k).reduce((sum, curve) => sum + curveView.heightOf(curve), 0);
  return {top, width: curveView.canvas.clientWidth, most: Math.max(...curveView.ranges.strengths.map(Math.abs)),
          shape: meta.curves[k].shape, values: [...frame.curves.strengths]};
}"""
GROUND, ABOVE, BELOW = ([0xF4, 0xF2, 0xEA], [0, 103, 168], [194, 74, 0])


def a_matrix_is_drawn(v) -> None:
    """The strengths of a net that a rule has taught: three images of three by three, blue above zero, orange below."""
    drawn = v.page.evaluate(MATRIX)
    values = np.array(drawn["values"]).reshape(drawn["shape"])
    assert values.shape == (3, 9) and values.min() < 0 < values.max()
    side, picture = min(drawn["width"] - 20, 480) / 9, curves(v)[..., :3].astype(float)
    for (row, column), value in np.ndenumerate(values):
        colour = picture[int(drawn["top"] + 19 + (row + 0.5) * side), int(10 + (column + 0.5) * side)]
        full = np.array(ABOVE if value > 0 else BELOW)
        expected = GROUND + abs(value) / drawn["most"] * (full - GROUND)
        assert np.abs(colour - expected).sum() < 12, (row, column, value)


def curves(v) -> np.ndarray:
    return v.pixels(0, "canvas.mp-curves")
