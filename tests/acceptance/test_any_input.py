"""Whatever is given, it is either sound or refused in words: by property."""

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.record import ConfigurationError, Intervention
from mesocosm.record.configuration import Range, check, digest, from_dict, from_toml, to_dict, to_toml
from mesocosm.worlds.petri.parameters import PetriParameters
from mesocosm.worlds.petri.senses import SENSES
from tests.acceptance.test_bad_input import CONFIGURATIONS, leaves


def numbers(permitted: Range, kind: type):
    if kind is int:
        return st.integers(int(permitted.low), int(permitted.high))
    return st.floats(permitted.low, permitted.high)


@st.composite
def valid(draw, cls):
    """Any configuration whose single values are permitted."""
    values = {}
    for leaf in leaves(cls):
        if leaf.is_number:
            value = draw(numbers(leaf.permitted, leaf.hint))
        elif leaf.hint is bool:
            value = draw(st.booleans())
        elif typing.get_origin(leaf.hint) is typing.Literal:
            value = draw(st.sampled_from(typing.get_args(leaf.hint)))
        elif leaf.name == "senses":
            value = draw(st.lists(st.sampled_from(list(SENSES)), unique=True))
        elif leaf.name == "interventions":
            value = [f"{t}:seed={t} # {note}" for t, note in draw(st.lists(st.tuples(st.integers(), notes)))]
        else:
            value = sorted(draw(st.lists(numbers(leaf.permitted, int), min_size=3, max_size=3)))
        table = values
        for key in leaf.path.split(".")[:-1]:
            table = table.setdefault(key, {})
        table[leaf.name] = value
    return from_dict(cls, values)


notes = st.text(st.characters(codec="utf-8"), max_size=5)


@pytest.mark.parametrize("cls", CONFIGURATIONS)
@given(data=st.data())
def test_any_configuration_survives_being_written_and_read(cls, data):
    configuration = data.draw(valid(cls))
    again = from_toml(cls, to_toml(configuration), "config.toml")
    assert again == configuration and digest(to_dict(again)) == digest(to_dict(configuration))


@given(world=valid(PetriParameters))
def test_any_world_is_either_sound_or_refused_naming_a_field(world):
    try:
        check(world, "world.")
    except ConfigurationError as refused:
        assert str(refused).startswith("world.")
    else:
        assert world.side**2 * world.cell_capacity < 2**31 and world.ceiling * world.division_energy < 2**31
        assert world.founders <= world.ceiling and world.side.bit_count() == 1


@given(text=st.text(max_size=40))
def test_any_text_is_an_intervention_or_refused(text):
    try:
        Intervention.parse(text)
    except ConfigurationError as refused:
        assert "TICK:FIELD=VALUE" in str(refused)


@given(text=st.text(st.sampled_from('worldspeedseed=[]{}"." \n10,#-+'), max_size=30))
def test_any_text_is_a_configuration_or_refused(text):
    try:
        check(from_toml(ChemotaxisConfiguration, text, "my.toml", ChemotaxisConfiguration()))
    except ConfigurationError as refused:
        assert str(refused)
