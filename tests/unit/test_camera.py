"""What cameras take of fields: blocks that divide them, whatever their sides."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.experiment import Field, Scene, Tick
from mesocosm.core.instrument import Camera, Shutter, block_of, cameras_of, shapes
from mesocosm.protocol.launch import begin
from mesocosm.protocol.preparing import law_of
from mesocosm.protocol.registry import find


@pytest.mark.parametrize(
    "shape, taken", [((64, 32), (32, 32)), ((100, 48), (25, 24)), ((127, 6), (127, 6)), ((1, 96), (1, 32))]
)
def test_a_field_of_any_side_is_taken_whole_in_sum(shape, taken):
    values = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    camera = Camera("food_field", "food", (("food", "food"),), Shutter(1))
    scene = Scene(fields={"food": Field(jnp.asarray(values), "quanta")})
    seen = np.asarray(camera.emit(Tick(), scene, jnp.int32(0), jnp.uint32(0)).columns["food"])[..., 0]
    assert seen.shape == taken and seen.sum() == values.sum()
    height, width = (a // b for a, b in zip(shape, taken, strict=True))
    assert seen[0, 0] == values[:height, :width].sum()


def test_blocks_divide_a_side_into_half_of_what_is_asked_at_least():
    for side in range(1, 300):
        block = block_of(side, 32)
        assert side % block == 0
        assert block == 1 or 16 <= side // block <= 32


def test_who_films_one_films_it_as_who_films_all_and_keeps_nothing_of_the_others(tmp_path):
    """Whoever is filmed, the program is the same, and its buffers have one lane for all replicates together."""
    from mesocosm.core import chunk

    entry, plain = find("bilinear"), find("bilinear").declaration.configuration(replicates=5, ticks=40, every=10)
    taken = {}
    for whom in (-1, 3):
        configuration = replace(plain, frames_every=3, frames_of=whom)
        record = begin("bilinear", configuration, tmp_path / f"of{whom}")
        taken[whom] = record.frames("players")
        setup = law_of(entry, configuration)
        cameras = chunk.Watch({}, prepare_cameras(setup, configuration), jnp.int32(10))
        assert (len(cameras.of_one) > 0) == (whom >= 0) != (len(cameras.of_all) > 0)
    mine = taken[-1]["replicate"] == 3
    assert set(taken[-1]["replicate"]) == set(range(5)) and set(taken[3]["replicate"]) == {3}
    for name, values in taken[3].items():
        assert np.array_equal(values, taken[-1][name][mine]), name


def prepare_cameras(setup, configuration):
    return cameras_of(shapes(setup.experiment)[2], configuration.frames_every, configuration.frames_of)
