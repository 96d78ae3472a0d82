"""The suite of rules can fail: laws that break one rule each are told so, in a sentence, by that rule."""

from __future__ import annotations

from typing import ClassVar

import pytest

from mesocosm.core import Experiment, Setup
from mesocosm.testing import rules
from mesocosm.testing.rules import Broken, NotAsked
from mesocosm.testing.subject import in_larger_arrays, subjects

LAW = '''"""A walk of integers."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import jax.numpy as jnp
from jax import lax

from mesocosm import lab

TRACED = []


def over_all(operation, value):
    try:
        return operation(value, "lanes")
    except NameError:  # one replicate alone
        return value


@dataclass(frozen=True)
class WalkConfiguration(lab.RunConfiguration):
    """A walk."""

    pace: Annotated[int, lab.Range(1, 16)] = 1
    """How long its steps are."""


class Walk(lab.Experiment):
    """Where it is."""

    exact: ClassVar[bool] = True
    pace: jnp.ndarray

    def init(self, bits):
        return bits.of(jnp.uint32(0), 1)[0].astype(jnp.int32) & 1023

    def tick(self, bits, place):
        TRACED.append(1)
        step = bits.of(jnp.uint32(0), 0)[0].astype(jnp.int32) & 63
        place = (place + self.pace * step) & 0xFFFFF
        return place, lab.Tick()

    def scene(self, place):
        return lab.Scene(curves={"place": place})


DECLARATION = lab.Declaration(
    name="walk",
    title="A walk",
    question="Where to?",
    prediction="on",
    control="none",
    configuration=WalkConfiguration,
    build=lambda c: lab.Setup(Walk(jnp.int32(c.pace))),
    measures=(lab.Measure("place", "place"),),
    presets={"default": {}, "quick": {}},
    trial=lab.Trial(interventions=("30:pace=4",)),
)
'''
MOVED = "        return place, lab.Tick()"
BROKEN = [
    (
        MOVED,
        f"        place = over_all(lax.pmax, place)\n{MOVED}",
        rules.replicates_beside_it_change_nothing,
        "among seven",
    ),
    (
        MOVED,
        f"        place = place + over_all(lax.psum, 1)\n{MOVED}",
        rules.replicates_are_shared_out_over_devices,
        "on two devices",
    ),
    ("bits.of(jnp.uint32(0), 1)[0]", "jnp.uint32(5)", rules.seeds_give_different_worlds_and_each_the_same, "two seeds"),
    (MOVED, f"        place = place + len(TRACED)\n{MOVED}", rules.alone_equals_in_a_batch, "a replicate alone"),
]


def test_a_law_that_breaks_no_rule_is_told_nothing(tmp_path):
    (tmp_path / "walk.py").write_text(LAW)
    (subject,) = subjects(str(tmp_path / "walk.py"))
    for *_, rule, _ in BROKEN:
        rule(subject, tmp_path / rule.__name__, tmp_path)


@pytest.mark.parametrize(("old", "new", "rule", "says"), BROKEN, ids=[says for *_, says in BROKEN])
def test_a_law_that_breaks_a_rule_is_told_so(old, new, rule, says, tmp_path):
    text = LAW.replace(old, new)
    if "uint32(5)" in new:  # the same walk under every seed
        text = text.replace("bits.of(jnp.uint32(0), 0)[0]", "bits.tick")
    assert text != LAW
    (tmp_path / "walk.py").write_text(text)
    (subject,) = subjects(str(tmp_path / "walk.py"))
    with pytest.raises(Broken, match=says):
        rule(subject, tmp_path / "runs", tmp_path)


GROWING = LAW.replace(
    "        return bits.of(jnp.uint32(0), 1)[0].astype(jnp.int32) & 1023\n",
    """        return jnp.zeros(2, jnp.int32).at[0].set(bits.of(jnp.uint32(0), 1)[0].astype(jnp.int32) & 7)

    def grow(self, place):
        return jnp.concatenate([place, jnp.zeros_like(place)])

    def canonical(self, place):
        return place[:1]
""",
).replace('{"place": place}', '{"place": place[0]}')
FAULTS = {
    "no array was seen to grow": ("return jnp.concatenate([place, jnp.zeros_like(place)])", "return place"),
    "larger arrays leave": ("& 63\n", "& 63\n        step = step + place.size\n"),
    "growth in the midst": (
        "jnp.concatenate([place,",
        "jnp.concatenate([place + (place > 7).astype(jnp.int32),",
    ),
}


def test_a_law_that_grows_as_it_should_is_told_nothing(tmp_path):
    (tmp_path / "walk.py").write_text(GROWING)
    (subject,) = subjects(str(tmp_path / "walk.py"))
    for rule in (rules.slots_allocated_change_nothing, rules.buffers_that_hold_little_change_nothing):
        rule(subject, tmp_path / rule.__name__, tmp_path)
    law = in_larger_arrays(subject.case().setup).experiment
    assert type(law).endings == {} and type(law) is type(in_larger_arrays(subject.case().setup).experiment)


def test_where_nothing_can_grow_it_is_not_asked(tmp_path):
    (tmp_path / "walk.py").write_text(LAW)
    (subject,) = subjects(str(tmp_path / "walk.py"))
    with pytest.raises(NotAsked, match="no `grow` of its own"):
        rules.slots_allocated_change_nothing(subject, tmp_path / "runs", tmp_path)


@pytest.mark.parametrize("says", FAULTS)
def test_a_law_that_grows_otherwise_is_told_so(says, tmp_path):
    text = GROWING.replace(*FAULTS[says])
    assert text not in (GROWING, LAW)
    (tmp_path / "walk.py").write_text(text)
    (subject,) = subjects(str(tmp_path / "walk.py"))
    with pytest.raises(Broken, match=says):
        rules.slots_allocated_change_nothing(subject, tmp_path / "runs", tmp_path)


def test_laws_in_larger_arrays_keep_their_own_endings():
    class Long(Experiment):
        exact: ClassVar[bool] = True
        endings: ClassVar[dict[int, str]] = {2: "too long"}

        def grow(self, state):
            return state

    class Wide(Long):
        endings: ClassVar[dict[int, str]] = {3: "too wide"}

    long, wide = (type(in_larger_arrays(Setup(law)).experiment) for law in (Long(), Wide()))
    assert long.endings == {2: "too long"} and wide.endings == {3: "too wide"}
