"""What cameras take of fields: blocks that divide them, whatever their sides."""

import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.experiment import Field, Scene, Tick
from mesocosm.core.instrument import Camera, Shutter, block_of


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
