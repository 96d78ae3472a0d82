"""Scoring: exact answers, what must change nothing, and controls of the statistics themselves."""

import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesocosm.reports.leaderboard import leaderboard
from mesocosm.reports.study import figure, markdown, summary
from mesocosm.studies import component
from mesocosm.studies.cell import Row
from mesocosm.studies.scoring import score, scores
from mesocosm.studies.shares import shares
from mesocosm.studies.study import Study, from_dict

component.load_file(Path(__file__).with_name("study_parts.py"))


def study(treatments=2, contexts=4, seeds=3, tasks=1, names=None, **more) -> Study:
    names = names or [f"t{k}" for k in range(treatments)]
    values = {
        "name": "toy",
        "question": "?",
        "tasks": [f"call/{k}" for k in range(tasks)],
        "seeds": seeds,
        "budget": {"calls": 1},
        "minimal_effect": 0.1,
        "fixed": {"subject": "noisy"},
        "vary": {"arm": names} if names[0] else {},
        "contexts": {"level": list(range(contexts))},
    }
    return from_dict(values | more)


def rows_of(asked: Study, values: np.ndarray):
    """Rows from values [tasks * contexts, treatments, seeds]; NaN is a row that has diverged."""
    order = {str(t): k for k, t in enumerate(asked.treatments)}
    out = []
    for cell in asked.cells:
        context = asked.tasks.index(cell.task) * len(asked.grid) + cell.parts.get("level", 0)
        treatment = order[str({"arm": cell.parts["arm"]})] if asked.vary else 0
        out.append((cell, Row.of(float(values[context, treatment, cell.seed["seed"]]))))
    return out


def noise(asked: Study, seed: int, shift=0.0) -> np.ndarray:
    shape = (len(asked.tasks) * len(asked.grid), len(asked.treatments), asked.seeds)
    values = np.random.default_rng(seed).normal(size=shape)
    values[:, 1:] += shift
    return values


def test_effects_by_hand():
    asked = study(treatments=2, contexts=2, seeds=2)
    control, treated = [[1.0, 2.0], [0.0, 0.0]], [[2.0, 4.0], [-1.0, 0.0]]
    table = score(asked, rows_of(asked, np.stack([control, treated], axis=1)))
    (effect,) = table.effects
    assert [c.mean for c in effect.contexts] == [1.5, -0.5]
    assert effect.estimate == effect.finding.estimate == 0.5
    assert [c.wins for c in effect.contexts] == [1.0, 0.25]
    assert effect.wins == 0.625
    assert effect.worst is not None and effect.worst.context["level"] == 1
    # both contexts have variance 1/2 over 2 seeds: SE^2 = (1/4 + 1/4) / 4, 2 degrees of freedom, t = 4.30265
    half = 4.302652729911275 * np.sqrt(0.125)
    assert (effect.fixed_low, effect.fixed_high) == pytest.approx((0.5 - half, 0.5 + half))


def test_a_failure_counts_and_has_the_floor_where_there_is_one():
    asked = study(contexts=1, seeds=3)
    values = np.array([[[1.0, 1.0, 1.0], [2.0, 2.5, np.nan]]])
    (effect,) = score(asked, rows_of(asked, values)).effects
    assert (effect.failures, effect.estimate, effect.contexts[0].n) == ({"diverged": 1}, 1.25, 2)
    (effect,) = score(asked := replace(asked, floor=0.0), rows_of(asked, values)).effects
    assert effect.estimate == pytest.approx(0.5)
    assert effect.failures == {"diverged": 1}
    skipped = [(cell, row if row.final else Row("skipped", cause="no package")) for cell, row in rows_of(asked, values)]
    (effect,) = score(asked, skipped).effects  # it has not failed: no floor
    assert (effect.failures, effect.estimate) == ({"skipped": 1}, 1.25)


def test_what_could_not_be_had_changes_neither_ranking_nor_variance():
    asked, without = study(treatments=3, contexts=3), study(treatments=2, contexts=3)
    values = noise(asked, 5, shift=1.0)
    rows = [
        (cell, Row("skipped", cause="no package") if cell.parts["arm"] == "t2" else row)
        for cell, row in rows_of(asked, values)
    ]
    table, other = score(asked, rows), score(without, rows_of(without, values[:, :2]))
    assert (table.shares, table.ranking) == (other.shares, other.ranking)
    assert "Skipped everywhere, so neither ranked nor part of the variance: t2." in table.notes
    assert score(asked, [(cell, Row("skipped")) for cell, _ in rows]).ranking is None


def test_data_sets_are_what_is_counted_where_there_are_several():
    asked = study(tasks=7, contexts=5)
    table = score(asked, rows_of(asked, noise(asked, 0, shift=3.0)))
    assert (table.cluster, table.n_clusters, table.effects[0].finding.n_used) == ("task", 7, 7)


def test_less_can_be_better():
    asked = study(contexts=8, direction=-1)
    (effect,) = score(asked, rows_of(asked, noise(asked, 0, shift=-5.0))).effects
    assert effect.finding.verdict == "supported" and effect.wins == 1.0


def test_without_treatments_the_metric_is_mapped():
    asked = study(names=[""], contexts=8, seeds=6, control="what it was before")
    values = 1 + 0.1 * np.random.default_rng(0).normal(size=(8, 1, 6))
    values[7] -= 2
    table = score(asked, rows_of(asked, values))
    assert [c.verdict for c in table.effects[0].contexts] == ["supported"] * 7 + ["refuted"]
    assert table.ranking is None and not table.effects[0].is_level


def test_a_metric_that_is_no_difference_is_a_mean_level_where_nothing_is_varied():
    asked = study(names=[""], contexts=8, seeds=8, metric="share")
    rows = rows_of(asked, 5 + noise(asked, 0))
    tables = scores(asked, rows)
    (effect,) = tables[asked.name].effects
    assert effect.is_level and effect.estimate == pytest.approx(5, abs=0.5) and effect.finding.low is not None
    assert (effect.wins, effect.p_adjusted, effect.finding.p, effect.finding.n_right) == (None,) * 4
    told = [effect.finding, *effect.contexts, effect.worst, *(level.finding for level in effect.levels)]
    assert {one.verdict for one in told if one} == {"undecided"}
    for page in (summary(asked, tables), markdown(asked, tables, rows, "?"), figure(asked, tables)):
        assert not [word for word in ("supported", " above", "wins", "; p ", "**", ", against") if word in page], page
    assert "share: mean level: " in summary(asked, tables) and "held against nothing" in summary(asked, tables)
    assert "mean level" in leaderboard(asked, tables, rows)


def test_of_an_ecology_a_claim_is_a_difference_and_a_measure_is_a_level():
    for statistic, is_level in (("carry", True), ("benign", False)):
        asked = study(names=[""], contexts=1, control="worlds without help")
        asked = replace(asked, tasks=("experiment/symbiont",), contexts={}, fixed={"statistic": statistic})
        assert score(asked, []).effects[0].is_level == is_level


def test_rows_that_are_missing_are_said():
    asked = study()
    table = score(asked, rows_of(asked, noise(asked, 0))[:-2])
    assert (table.n_rows, table.n_cells) == (22, 24)
    assert "2 of 24 cells are not measured yet." in table.notes


def test_nothing_measured_is_a_table_too():
    asked = study()
    table = score(asked, [])
    assert table.effects[0].finding.verdict == "undecided"
    assert "24 of 24" in summary(asked, scores(asked, []))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 3), st.booleans())
def test_order_and_repetition_of_rows_change_nothing(seed, treatments, tasks, holes):
    asked = study(treatments=treatments, tasks=tasks)
    values = noise(asked, seed)
    if holes:
        values[np.random.default_rng(seed).random(values.shape) < 0.2] = np.nan
    rows = rows_of(asked, values)
    mixed = [rows[k] for k in np.random.default_rng(seed + 1).permutation(len(rows))]
    assert score(asked, mixed + mixed[: len(mixed) // 2]) == score(asked, rows)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.permutations(["a", "b", "c"]))
def test_names_change_nothing(seed, names):
    first, other = study(names=["a", "b", "c"]), study(names=names)
    values = noise(first, seed)
    a, b = score(first, rows_of(first, values)), score(other, rows_of(other, values))
    for x, y in zip(a.effects, b.effects, strict=True):
        assert replace(x.finding, sentence="", control="") == replace(y.finding, sentence="", control="")
        assert (x.fixed_low, x.wins, x.p_adjusted) == (y.fixed_low, y.wins, y.p_adjusted)
    assert a.ranking is not None and b.ranking is not None
    assert list(a.ranking.scores.values()) == pytest.approx(list(b.ranking.scores.values()))
    assert (a.ranking.order, a.ranking.cycles) == pytest.approx((b.ranking.order, b.ranking.cycles))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_what_is_said_of_two_treatments_does_not_depend_on_a_third(seed):
    three, two = study(names=["a", "b", "c"]), study(names=["a", "b"])
    values = noise(three, seed)
    rows = rows_of(three, values)
    few = [(cell, row) for cell, row in rows if cell.parts["arm"] != "c"]
    of_three, of_two = score(three, rows).effects[0], score(two, few).effects[0]
    assert replace(of_three, p_adjusted=None) == replace(of_two, p_adjusted=None)
    assert score(two, rows) == score(two, few)  # rows that the study does not ask for are left aside


def test_variance_goes_to_the_slots_that_make_it():
    rng = np.random.default_rng(0)
    a, b = np.arange(4.0), np.array([0.0, 5.0, 1.0])
    means = a[:, None] + 0 * b
    found, notes = shares((means[..., None] + 0.1 * rng.normal(size=(4, 3, 50))).reshape(12, -1), {"a": 4, "b": 3})
    assert not notes
    assert {s.slots: round(s.share, 2) for s in found} == {("a",): 1.0, ("b",): 0.0, ("a", "b"): 0.0}
    product = (a - a.mean())[:, None] * (b - b.mean())
    found, _ = shares(np.repeat(product.reshape(12, 1), 2, axis=1), {"a": 4, "b": 3})
    assert {s.slots: s.share for s in found} == pytest.approx({("a",): 0, ("b",): 0, ("a", "b"): 1}, abs=1e-12)


def test_shares_of_an_additive_table_are_those_of_its_variances():
    a, b = np.array([0.0, 2.0]), np.array([0.0, 1.0, 2.0])
    found, _ = shares(np.repeat((a[:, None] + b).reshape(6, 1), 3, axis=1), {"a": 2, "b": 3})
    total = a.var() + b.var()
    assert {s.slots: s.share for s in found} == pytest.approx(
        {("a",): a.var() / total, ("b",): b.var() / total, ("a", "b"): 0.0}, abs=1e-12
    )


def test_the_spread_over_seeds_is_no_share_of_a_slot():
    rng = np.random.default_rng(0)
    means = np.repeat([0.0, 2.0, 4.0], 6).reshape(18, 1)  # all from the first slot
    drawn = [shares(means + rng.normal(size=(18, 2)), {"a": 3, "b": 6})[0] for _ in range(200)]
    found = {slots: np.mean([s.share for d in drawn for s in d if s.slots == slots]) for slots in (("b",), ("a", "b"))}
    assert found == pytest.approx({("b",): 0, ("a", "b"): 0}, abs=0.02)


def ranking_of(worth: np.ndarray):
    """The ranking of values [contexts, treatments]."""
    asked = study(treatments=worth.shape[1], contexts=len(worth), seeds=1)
    found = score(asked, rows_of(asked, worth[:, :, None])).ranking
    assert found is not None
    return found


def test_rock_paper_scissors_has_no_order():
    rounds = np.array([[2, 1, 0], [0, 2, 1], [1, 0, 2]], float)  # each beats the next in two rounds of three
    found = ranking_of(rounds)
    assert list(found.scores.values()) == pytest.approx([0, 0, 0])
    assert found.raw == pytest.approx(0)


def test_one_that_always_wins_is_all_order_of_two():
    found = ranking_of(np.tile([0.0, 1.0], (5, 1)))
    assert (found.raw, found.cycles) == pytest.approx((1.0, 0.0))
    assert found.order == pytest.approx(2.0)  # |A|^2 of two: 1 + 1


def test_noise_adds_nothing_to_order_or_cycles():
    rng = np.random.default_rng(0)
    found = [ranking_of(rng.normal(size=(20, 4))) for _ in range(60)]
    for values in ([f.order for f in found], [f.cycles for f in found]):
        assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(60)
    assert np.mean([f.raw for f in found]) > 0.5  # the share as it is takes pure noise for an order


def test_equal_treatments_are_hardly_ever_told_apart():
    asked = study(contexts=20, seeds=3)
    tables = [score(asked, rows_of(asked, noise(asked, k))) for k in range(60)]
    shown = sum(t.effects[0].finding.verdict in ("supported", "refuted") for t in tables)
    assert shown <= 60 * 0.05
    covered = sum(t.effects[0].fixed_low <= 0 <= t.effects[0].fixed_high for t in tables)
    assert covered >= 51  # 95 % of 60 is 57; 51 is 4 standard deviations below


def test_a_planted_effect_is_found():
    asked = study(contexts=20, seeds=3)
    tables = [score(asked, rows_of(asked, noise(asked, k, shift=1.0))) for k in range(40)]
    found = sum(t.effects[0].finding.verdict == "supported" for t in tables)
    assert found >= 36  # the mean has a standard error of sqrt(2 / 60) = .18; 1 - .1 lies 4.9 of them away


def crossed(tasks=1, contexts=8) -> Study:
    slots = {"arm": ["a", "b"], "other": ["x", "y", "z"]}
    return replace(study(names=[""], tasks=tasks, contexts=contexts, seeds=2), cross=slots)


def planted(asked: Study, seed=0):
    """b beats a by 1 where the other slot is x, else by 0; every context of a level shares a draw of size 5."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(scale=5, size=100)
    out = []
    for cell in asked.cells:
        p = cell.parts
        value = shared[p.get("level", 0)] + (p["arm"] == "b") * (p["other"] == "x") + rng.normal(scale=0.01)
        out.append((cell, Row.of(float(value))))
    return out


def test_a_crossed_slot_is_compared_in_every_combination_of_the_others_and_n_is_clusters():
    asked = crossed()
    tables = scores(asked, planted(asked))
    assert list(tables) == ["arm", "other"]
    (effect,) = tables["arm"].effects
    assert (tables["arm"].cluster, tables["arm"].n_clusters, len(effect.contexts)) == ("cluster", 8, 24)
    assert effect.estimate == pytest.approx(1 / 3, abs=0.01)
    assert effect.finding.n_started == 8  # not 24: contexts of one level are one cluster
    told = {level.value: level.finding for level in effect.levels}
    assert told["x"].estimate == pytest.approx(1, abs=0.02) and told["x"].verdict == "supported"
    assert told["y"].estimate == pytest.approx(0, abs=0.02) and told["y"].verdict == "equivalent"
    assert not told["x"].declared
    pair = {s.slots: s.share for s in tables["arm"].shares}
    assert pair["level",] > 0.9
    y, z = tables["other"].effects
    assert (y.estimate, z.estimate) == pytest.approx((-0.5, -0.5), abs=0.02)


def test_copies_of_a_context_within_a_cluster_make_nothing_more_certain():
    """Architectures within one data set are clustered: ten of them are no ten data sets."""
    one = study(tasks=6, contexts=1, seeds=2)
    many = study(tasks=6, contexts=10, seeds=2)
    values = noise(one, 3)
    found = score(one, rows_of(one, values)).effects[0].finding
    copied = score(many, rows_of(many, np.repeat(values, 10, axis=0))).effects[0].finding
    assert (found.low, found.high, found.n_started) == pytest.approx((copied.low, copied.high, copied.n_started))
    apart = replace(many, cluster=("task", "level"))
    assert score(apart, rows_of(apart, np.repeat(values, 10, axis=0))).n_clusters == 60


def test_a_page_of_crossed_slots_has_a_part_for_each():
    asked = crossed(tasks=2, contexts=3)
    rows = planted(asked)
    tables = scores(asked, rows)
    text = markdown(asked, tables, rows, "mesocosm study toy.toml")
    assert "## arm, by the other slots" in text and "## other, by the other slots" in text
    assert "%; of the rest " in text and "worst context: " in text and "at task = call/" in text
    assert "| other | x | +" in text and "counted as independent | 2 tasks" in text
    drawn = figure(asked, tables)
    assert drawn.count("<g transform") == 2 and "against arm = a" in drawn and "against other = x" in drawn
    n_effects = sum(len(table.effects) for table in tables.values())
    assert drawn.count("<circle") == n_effects and drawn.count('stroke="#067"') == n_effects
    page = leaderboard(asked, tables, rows)
    levels = 3 + 2  # of the slots arm and other: each stands in the table of its slot
    assert page.count("<tr") == 4 + levels + 3 + len(rows) and ">slot<" in page
    alone = replace(crossed(), contexts={}, cluster=())  # all other slots are contexts
    rows = planted(alone)
    assert "by the other slots" not in markdown(alone, scores(alone, rows), rows, "mesocosm study toy.toml")


def test_pages_show_every_row_and_escape_what_is_written(tmp_path):
    asked = study(contexts=2, question="Is <b>1 & 2</b> | 3?", metric="a | b")
    values = noise(asked, 0)
    values[0, 1, 0] = np.nan
    rows = rows_of(asked, values)
    tables = scores(asked, rows)
    page = leaderboard(asked, tables, rows)
    assert page.count("<tr") == 3 + 2 + 1 + len(rows)  # three heads, two treatments, one effect
    assert page.count("<tr class=failed>") == 2 and "the metric is nan" in page  # the treatment, and its row
    assert page.count("only what failed (1)") == 2 and "1 diverged" in page
    assert "<b>" not in page and "://" not in page.replace("http://www.w3.org/2000/svg", "")
    text = markdown(asked, tables, rows, "mesocosm study toy.toml")
    assert "a \\| b" in text and "1 diverged" in text
    assert "<b>" not in figure(asked, tables)


def test_a_map_of_two_or_three_slots_is_drawn_as_squares():
    asked = study(names=[""], contexts=3, seeds=2)
    asked = replace(asked, contexts={**asked.contexts, "other": (0, 1)})
    rows = [(cell, Row.of(float(k))) for k, cell in enumerate(asked.cells)]
    drawn = figure(asked, scores(asked, rows))
    assert drawn.count("<rect") == 6 + 1


def test_one_treatment_against_its_control_is_mapped_too():
    asked = study(contexts=3, seeds=2)
    asked = replace(asked, contexts={**asked.contexts, "other": (0, 1)})
    rows = [(cell, Row.of(float(k))) for k, cell in enumerate(asked.cells)]
    drawn = figure(asked, scores(asked, rows))
    assert drawn.count("<rect") == 6 + 1 and "the metric: t1, less t0" in drawn and drawn.count(">+2.00<") == 6


def test_a_map_of_five_slots_has_a_panel_for_each_combination_of_the_first_three():
    asked = study(names=[""], contexts=3, seeds=2)
    asked = replace(asked, contexts={**asked.contexts, **{name: (0, 1) for name in ("b", "c", "d", "e")}})
    rows = [(cell, Row.of(float(k))) for k, cell in enumerate(asked.cells)]
    drawn = figure(asked, scores(asked, rows))
    squares = [tuple(map(int, found)) for found in re.findall(r'<rect x="(\d+)" y="(\d+)" width="56"', drawn)]
    apart = [max(abs(a - c), abs(b - d)) for (a, b), (c, d) in itertools.combinations(squares, 2)]
    assert len(squares) == 48 and min(apart) >= 56, "no square lies on another"
    titles = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>(?:level|b|c) = ', drawn)
    on = [(x, y) for x, y in titles for a, b in squares if a <= float(x) < a + 56 and b <= float(y) < b + 56]
    assert len(titles) == 3 * 12 and not on, "no title lies on a square"
    assert drawn.count("<rect") == 48 + 1 and "columns: e; rows: d" in drawn and drawn.count(">c = 1<") == 6


def test_what_holds_over_the_whole_map_is_bold_and_what_holds_alone_is_not():
    asked = study(names=[""], contexts=4, seeds=12, control="nothing")
    asked = replace(asked, contexts={**asked.contexts, "other": (0, 1)})
    values = np.stack([np.full((1, 12), 1.0) + noise(asked, k)[0] * 0.01 for k in range(8)])
    values[1] = 0.29 + np.resize([-0.3, 0.3, 0.1, -0.1], (1, 12))
    values[2] = noise(asked, 9)[0]
    values[3] -= 2
    rows = [(cell, Row.of(float(values[k // 12, 0, k % 12]))) for k, cell in enumerate(asked.cells)]
    tables = scores(asked, rows)
    contexts = tables[asked.name].effects[0].contexts
    assert [c.verdict for c in contexts[2:4]] == [c.over_all for c in contexts[2:4]] == ["undecided", "refuted"]
    assert [c.verdict for c in contexts[:2]] == ["supported", "supported"], "each alone"
    assert [c.over_all for c in contexts[:2]] == ["supported", "undecided"]
    text = markdown(asked, tables, rows, "mesocosm study toy.toml")
    assert (text.count("**supported**"), text.count("**refuted**"), text.count("**")) == (5, 1, 12)
    drawn = re.findall(r'class="(\w)"[^>]*>([+-]\d\.\d\d)<', figure(asked, tables))
    bold = [f"{c.mean:+.2f}" for c in contexts if c.over_all in ("supported", "refuted")]
    assert len(drawn) == 8 and [words for look, words in drawn if look == "t"] == bold
    assert "1 - .05 / 8, with which all 8 hold at once" in text
