"""The eight rules, over every registered experiment: the suite that anybody's experiment is held to.

One subject is tried in one process (`xdist_group`), so that its programs are compiled and its baseline is run once.
"""

from __future__ import annotations

import pytest

from mesocosm.testing import RULES
from tests.conformance.cases import SUBJECTS

ASKED = [
    pytest.param(subject, rule, id=f"{title}-{rule.number}-{rule.check.__name__}", marks=pytest.mark.xdist_group(title))
    for title, subject in SUBJECTS.items()
    for rule in RULES
]


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    return tmp_path_factory.mktemp("baselines")


@pytest.mark.parametrize(("subject", "rule"), ASKED)
def test_it_keeps_the_rule(subject, rule, tmp_path, shared):
    if rule.applies(subject):
        rule.check(subject, tmp_path / "runs", shared)
