"""Every count has an upper range that its memory justifies, and what is beyond is refused before anything is made."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import pytest

from mesocosm.cli import main
from mesocosm.core import memory
from mesocosm.ecology.assay.optimum import optimum
from mesocosm.ecology.assay.progress import _ticks
from mesocosm.experiments.bilinear.declaration import BilinearConfiguration
from mesocosm.protocol.declaration import MOST_INTERVENTIONS
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import MOST_IN_A_LIST, check
from tests.synthetic import game


@pytest.mark.parametrize("count", ["searches", "generations", "candidates", "worlds", "horizon"])
@pytest.mark.parametrize("value", [0, -1, 10**9, 2**63])
def test_a_search_of_any_size_is_refused_by_name_before_it_begins(tmp_path, count, value):
    if (count, value) == ("horizon", 0):
        return  # asks for the length that the world gives
    with pytest.raises(ConfigurationError, match=rf"^{count} = {value}: must be in \d+ \.\.\. \d+"):
        optimum(game(tmp_path / "run"), **{count: value})


def test_counts_that_are_bearable_one_by_one_must_be_bearable_together(tmp_path, capsys):
    record = game(tmp_path / "run")
    with pytest.raises(ConfigurationError, match=r"candidates \* worlds = 16777216: must be at most"):
        optimum(record, candidates=4096, worlds=4096)
    assert main(["optimum", str(record.folder), "--candidates", str(10**9)]) == 2
    assert "candidates = 1000000000" in capsys.readouterr().err


def test_no_tournament_is_of_more_snapshots_than_can_all_meet(tmp_path):
    source = SimpleNamespace(tick=10**9, status="finished", folder=tmp_path, header={"logs": ["births"]})

    with pytest.raises(ConfigurationError, match=r"snapshots = 1000000: must be 2 \.\.\. 1000"):
        _ticks(source, 10**6)
    assert len(_ticks(source, 3)) == 3


def test_lists_and_interventions_have_an_end():
    many = BilinearConfiguration(interventions=("1:rate=3",) * (MOST_INTERVENTIONS + 1))
    with pytest.raises(ConfigurationError, match=f"at most {MOST_INTERVENTIONS}"):
        check(many)
    more = BilinearConfiguration(interventions=("1:rate=3",) * (MOST_IN_A_LIST + 1))
    with pytest.raises(ConfigurationError, match=f"of {MOST_IN_A_LIST} at most"):
        check(more)


def test_more_replicates_than_the_machine_can_hold_are_refused(monkeypatch):
    state = {"field": jax.ShapeDtypeStruct((1024, 1024), jnp.int32), "n": jax.ShapeDtypeStruct((), jnp.int32)}
    monkeypatch.setattr(memory, "memory", lambda: 16 * 2**30)
    memory.check_memory(2000, state)
    with pytest.raises(ConfigurationError, match=r"replicates = 3000: the state of one takes 4 MiB.* has 16 GiB"):
        memory.check_memory(3000, state)
    monkeypatch.undo()
    assert memory.memory() > 2**28
