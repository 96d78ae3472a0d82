"""The eight rules (docs/explanation/reproducibility.md) as a suite that any experiment can be held to:
`mesocosm check moran.py`.

from mesocosm.testing import check

def test_it_keeps_the_rules(tmp_path):
    assert [o for o in check("moran.py", tmp_path) if o.fault] == []
"""

from mesocosm.testing.rules import RULES, Rule
from mesocosm.testing.subject import Subject, subjects
from mesocosm.testing.suite import Outcome, check

__all__ = ["RULES", "Outcome", "Rule", "Subject", "check", "subjects"]
