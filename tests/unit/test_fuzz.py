"""A few trials of every fuzz target, the same each time. Many more by command: `python -m tests.fuzz 100000`."""

import pytest

from tests.fuzz import faults, targets


@pytest.mark.parametrize("name", targets())
def test_what_is_thrown_at_it_is_answered_or_refused_in_one_line(name, tmp_path):
    target = targets()[name]
    found = [fault for fault in faults(target, tmp_path, range(target.IN_SUITE), seed=0) if fault]
    assert not found, f"{len(found)} faults; the first:\n{found[0]}"
