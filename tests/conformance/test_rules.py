"""The eight rules, over every registered experiment: the suite that anybody's experiment is held to.

One subject is tried in one process (`xdist_group`), so that its programs are compiled and its baseline is run once.
"""

from __future__ import annotations

import pytest

from mesocosm.record.configuration import check, from_dict
from mesocosm.testing import RULES
from mesocosm.testing.rules import NotAsked
from tests.conformance.cases import EXACT, SUBJECTS

ASKED = [
    pytest.param(subject, rule, id=f"{title}-{rule.number}-{rule.check.__name__}", marks=pytest.mark.xdist_group(title))
    for title, subject in SUBJECTS.items()
    for rule in RULES
    if not rule.not_asked(subject, title in EXACT)
]


def test_every_experiment_has_its_presets():
    for title, subject in SUBJECTS.items():
        declared = subject.entry.declaration
        wanted = {"default", "quick"} | ({"paper"} if declared.claims else set())
        assert wanted <= set(declared.presets) and declared.presets["default"] == {}, title
        for changes in declared.presets.values():
            check(from_dict(declared.configuration, dict(changes)))


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    return tmp_path_factory.mktemp("baselines")


@pytest.mark.parametrize(("subject", "rule"), ASKED)
def test_it_keeps_the_rule(subject, rule, tmp_path, shared):
    try:
        rule.check(subject, tmp_path / "runs", shared)
    except NotAsked as why:
        pytest.skip(str(why))
