"""The leaderboard of a study in a real browser: it sorts, filters, shows what failed, and asks for nothing."""

from pathlib import Path

import pytest

from mesocosm.reports.leaderboard import leaderboard
from mesocosm.studies import component
from mesocosm.studies.cell import Row
from mesocosm.studies.scoring import scores
from mesocosm.studies.study import from_dict
from tests.acceptance.browsing import Visit

component.load_file(Path(__file__).parents[1] / "unit" / "study_parts.py")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_a_leaderboard_sorts_filters_and_shows_failures(browser, tmp_path, width, scheme):
    values = {"name": "toy", "question": "Is it?", "tasks": ["call/toy"], "seeds": 4, "budget": {"calls": 1}}
    values |= {"minimal_effect": 0.1, "fixed": {"subject": "noisy"}, "vary": {"arm": ["a", "b", "c"]}}
    asked = from_dict(values)
    rows = [(c, Row.of(10.0 - k)) for k, c in enumerate(asked.cells)]
    rows[5] = rows[5][0], Row("timeout", cause="not done in time")
    path = tmp_path / "toy.html"
    path.write_text(leaderboard(asked, scores(asked, rows), rows))
    visit = Visit(browser, path, width=width, wait=False, color_scheme=scheme)
    page = visit.page
    board = page.get_by_role("region", name="Rows")
    told = board.locator("output")
    assert told.text_content() == "12 of 12 rows"

    def column(k: int) -> list[str]:
        return board.locator(f"tbody tr:visible td:nth-child({k})").all_text_contents()

    value = [h.strip() for h in board.locator("th").all_text_contents()].index("value") + 1
    board.get_by_role("button", name="value").click()
    numbers = [float(v) for v in column(value) if v]
    assert numbers == sorted(numbers) and len(numbers) == 11 and column(value)[-1] == ""
    board.get_by_role("button", name="value").click()
    assert [float(v) for v in column(value) if v] == numbers[::-1] and column(value)[-1] == ""
    board.get_by_role("searchbox").fill("b ok")
    assert told.text_content() == "3 of 12 rows"
    board.get_by_role("searchbox").fill("")
    board.get_by_role("checkbox").check()
    assert told.text_content() == "1 of 12 rows" and "not done in time" in board.locator("tr.failed").text_content()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    assert dark == (scheme == "dark")
    assert visit.asked == [] and visit.complaints == []
