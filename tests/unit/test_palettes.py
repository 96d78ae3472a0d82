"""The player's colours, light and dark, as eyes of four kinds see them: classes and fields apart, scales in order."""

import re
from itertools import combinations

import pytest

from mesocosm.player import assets
from tests.unit.colour_sight import EYES, apart, seen

LIGHT, *DARK = (
    dict(re.findall(r"--mp-([a-z0-9-]+): (#[0-9a-f]{6});", block))
    for block in re.findall(r"\{([^{}]*--mp-class-0: [^{}]*)\}", assets.style())
)
CLASSES, FIELDS = [f"class-{k}" for k in range(7)], [f"field-{k}" for k in range(3)]
JUST_SEEN = 2.0  # about the distance at which two colours beside each other can be told apart

every_light = pytest.mark.parametrize("colours", [LIGHT, DARK[0]], ids=["light", "dark"])
all_eyes = pytest.mark.parametrize("eyes", EYES)


def test_dark_is_the_same_whoever_asks_for_it():
    """The system, or the page."""
    assert len(DARK) == 2 and DARK[0] == DARK[1] and DARK[0].keys() == LIGHT.keys() and len(LIGHT) == 19


@every_light
@all_eyes
def test_classes_and_fields_are_told_apart(colours, eyes):
    """Any two lineages may be neighbours; what bodies do must be plainer still."""
    near = {
        pair: apart(colours[pair[0]], colours[pair[1]], eyes)
        for names in (CLASSES, FIELDS)
        for pair in combinations(names, 2)
    }
    assert min(near.values()) > 4.5 * JUST_SEEN, min(near, key=lambda pair: near[pair])
    assert near["class-0", "class-1"] > 10 * JUST_SEEN


@every_light
@all_eyes
def test_nothing_is_lost_on_the_ground(colours, eyes):
    for name in (*CLASSES, "ink", "accent", "scale-middle", "scale-high"):
        assert apart(colours[name], colours["ground"], eyes) > 10 * JUST_SEEN, name


@every_light
@all_eyes
def test_a_scale_only_rises(colours, eyes):
    """Lightness alone tells more from less; `draw.js` mixes sixteen steps from three."""
    ground = seen(colours["ground"], eyes)[0]
    low, middle, high = (abs(seen(colours[f"scale-{stop}"], eyes)[0] - ground) for stop in ("low", "middle", "high"))
    assert low > 5 * JUST_SEEN and middle - low > 10 * JUST_SEEN and high - middle > 10 * JUST_SEEN


def test_the_simulation_is_that_of_the_paper():
    """Without the cone for red, or for green, orange and olive come near each other; blue and yellow do not."""
    for eyes in ("protanopia", "deuteranopia"):
        assert apart("#b05000", "#7a6a00", eyes) < 0.5 * apart("#b05000", "#7a6a00", "all cones")
        assert apart("#0000ff", "#ffff00", eyes) > 40
    assert seen("#ffffff", "tritanopia") == pytest.approx([100, 0, 0], abs=0.5)
