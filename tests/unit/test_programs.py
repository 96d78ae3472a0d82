"""A process that compiles again and again does not run out of memory maps."""

import jax
import jax.numpy as jnp
import pytest

from mesocosm.core import programs


@pytest.fixture
def maps(tmp_path, monkeypatch):
    """How many maps there seem to be, of at most a hundred."""
    monkeypatch.setattr(programs, "_MAPS", str(tmp_path / "maps"))
    monkeypatch.setattr(programs, "_MOST", str(tmp_path / "most"))
    (tmp_path / "most").write_text("100\n")
    return lambda n: (tmp_path / "maps").write_text("a line\n" * n)


def test_programs_are_forgotten_only_where_they_are_too_many(maps):
    f = jax.jit(lambda x: x + 1)
    f(jnp.int32(1))
    maps(50)
    assert not programs.make_room() and f._cache_size() == 1
    maps(51)
    assert programs.make_room() and f._cache_size() == 0
    assert f(jnp.int32(1)) == 2


def test_a_system_that_counts_no_maps_is_left_alone(maps, tmp_path):
    assert not programs.make_room()  # there is no file
    maps(99)
    (tmp_path / "most").write_text("unknown")
    assert not programs.make_room()
