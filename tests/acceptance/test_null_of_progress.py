"""The slope of progress on shadow genomes is null at the nominal rate: a control that ships with the instrument."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import mesocosm as mc

WORLDS, GROUP = 256, 8


@pytest.mark.slow
def test_shadows_make_progress_as_often_as_chance_says_and_the_evolved_nearly_always(tmp_path):
    """256 worlds in 32 groups of 8: a group raises an alarm where Student's t is below 0.05."""
    run = mc.run("chemotaxis", replicates=WORLDS, ticks=2000, assays=False, seed=5, out=tmp_path / "run")
    alarms = {strand: _alarms(run.progress(3, strand, horizon=150).slopes()) for strand in ("shadow", "evolved")}
    # Of 32 groups 1.6 are expected by chance; more than 5 come in 1 of 170 tries.
    assert alarms["shadow"] <= 5
    assert alarms["evolved"] >= 29


def _alarms(slopes: np.ndarray) -> int:
    there = slopes[np.isfinite(slopes)]
    groups = there[: there.size // GROUP * GROUP].reshape(-1, GROUP)
    assert groups.shape[0] >= 30
    return int(np.sum(stats.ttest_1samp(groups, 0, axis=1).pvalue < 0.05))
