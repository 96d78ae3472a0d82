"""One odd cell never destroys the page of all: whatever rows hold, a table, a page, a figure and a board are made."""

import json
import re

import numpy as np
import pytest

from mesocosm.reports.leaderboard import leaderboard
from mesocosm.reports.study import figure, markdown, summary
from mesocosm.studies import component
from mesocosm.studies.cell import STATUSES, Cell, Row
from mesocosm.studies.compute import Machine, gain
from mesocosm.studies.scoring import pairs, scores
from mesocosm.studies.study import Study, from_dict
from tests.unit.test_studies import PARTS

component.load_file(PARTS)
NUMBERS = [0.0, -0.0, 1.0, -2.5, 5e-324, 1e-300, 1e160, -1e160, 1.7e308, -1.7e308]
STRANGE = ["", "<script>alert(1)</script>", "a | b\n\nc", "\x1b[31m", "=HYPERLINK(1)", "é" * 300]


def _study(**changes) -> Study:
    values = {"name": "odd", "question": "?", "tasks": ["call/x"], "seeds": 3, "budget": {"calls": 1}}
    slots = {"vary": {"subject": ["noisy", "prints", "shaped"]}, "contexts": {"level": [0.0, 1e300], "other": [0, 1]}}
    return from_dict({**values, "minimal_effect": 0.1, **slots, **changes})


def odd_row(rng: np.random.Generator) -> Row:
    """A row that a store may hold."""
    status = str(rng.choice(STATUSES)) if rng.random() < 0.3 else "ok"
    final = float(rng.choice(NUMBERS)) if status == "ok" else None
    curve = tuple((float(rng.choice(NUMBERS)), float(rng.choice(NUMBERS))) for _ in range(rng.integers(0, 4)))
    cost = {name: float(rng.choice(NUMBERS)) for name in ("seconds", "flops") if rng.random() < 0.9}
    return Row(status, final, curve, {"m": None}, cost, cause=str(rng.choice(STRANGE)))


def pages(asked: Study, rows: list[tuple[Cell, Row]]) -> str:
    """Everything that is made of rows."""
    tables = scores(asked, rows)
    assert json.dumps({name: table.to_dict() for name, table in tables.items()}, allow_nan=False)
    words = summary(asked, tables, rows) + markdown(asked, tables, rows, "command") + figure(asked, tables)
    return words + leaderboard(asked, tables, rows, pairs(asked, rows) if asked.vary else ())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("changes", [{}, {"vary": {}, "fixed": {"subject": "noisy"}}, {"floor": -1.7e308}])
def test_a_page_is_made_of_any_rows(seed, changes):
    rng, asked = np.random.default_rng(seed), _study(**changes)
    rows = [(cell, odd_row(rng)) for cell in asked.cells]
    assert not re.search(r"\b(nan|inf)\b|\x1b", pages(asked, rows))


@pytest.mark.filterwarnings("error")
def test_one_large_value_leaves_the_others_as_they_are():
    asked, rng = _study(), np.random.default_rng(0)
    rows = [(cell, Row.of(rng.normal())) for cell in asked.cells]
    before = scores(asked, rows)["odd"].effects
    treatment = {"subject": "shaped"}
    k = next(k for k, (cell, _) in enumerate(rows) if cell.parts["subject"] == treatment["subject"])
    rows[k] = rows[k][0], Row.of(1e160)
    after = scores(asked, rows)["odd"].effects
    assert after[0] == before[0].__class__(**{**vars(before[0]), "p_adjusted": after[0].p_adjusted})
    assert "1e+160" in pages(asked, rows)


def test_a_gain_has_no_largest_number():
    assert gain(Machine(1e300, 1e300, 1e-300), Machine(1e-300, 1e-300, 1e300)).words()
