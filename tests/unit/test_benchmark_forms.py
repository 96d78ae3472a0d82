"""Campaigns over forms: errors against those that are known, and what is kept of another campaign is refused."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import forms, forms_rivals
from benchmarks.forms_told import Row, error_and_p, kept, power, table


def test_errors_count_genomes_and_streams():
    """Of a_i + b_j the mean has the variance of both means; [8, 64]."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (8, 1)), rng.normal(0, 4, (1, 64))
    error, p = error_and_p(a + b - (a + b).mean())
    assert error == pytest.approx(np.sqrt(a.var() / 8 + b.var() / 64), rel=0.02)
    assert p > 0.9
    assert power(error) < power(np.sqrt(a.var() / 8))


def test_p_of_a_shift_is_that_of_its_error():
    found = np.random.default_rng(1).normal(0, 1, (8, 64))
    found += 2.5 * error_and_p(found)[0] - found.mean()
    assert 0.004 < error_and_p(found)[1] < 0.03


def test_all_rows_of_a_table_pay_for_each_other():
    found = np.random.default_rng(1).normal(0, 1, (8, 64, 2))
    found += 2.5 * error_and_p(found[..., 1])[0] - found.mean(axis=(0, 1))
    alone, beside = (table(n * [Row("a", "b", found)], (10, 20))[-1].split(" | ")[3] for n in (1, 4))
    assert float(beside) == pytest.approx(4 * float(alone), abs=0.003)


@pytest.mark.parametrize("changed", ["form", "campaign", "seed"])
def test_what_was_made_with_other_numbers_is_not_taken(tmp_path, changed):
    campaign = forms.CAMPAIGNS["regression"]
    arm = campaign.arms["evolved"]
    place, made = tmp_path / "regression-evolved.npz", forms.made_with(arm, campaign)
    assert kept(place, made) is None
    np.savez(place, genomes=np.ones(3), made_with=np.array(made))
    assert (kept(place, forms.made_with(arm, campaign)) or {}).keys() == {"genomes"}
    arm = replace(arm, form=replace(arm.form, memory=3)) if changed == "form" else arm
    campaign = replace(campaign, **{"campaign": {"generations": 3}, "seed": {"seed": 1}}.get(changed, {}))
    with pytest.raises(SystemExit, match="made with another form, campaign or seed"):
        kept(place, forms.made_with(arm, campaign))


def test_a_campaign_that_is_not_there_is_named(capsys, tmp_path):
    for arguments, said in (
        ([], "FOLDER"),
        ([str(tmp_path), "split", "lines"], "lines is no campaign; there are split"),
    ):
        with pytest.raises(SystemExit, match="2"):
            forms.main(arguments)
        assert said in capsys.readouterr().err


def test_a_small_campaign_runs_and_is_kept(tmp_path, monkeypatch, capsys):
    small = replace(forms.CAMPAIGNS["ranking"], generations=2, tasks=1, shown=(10, 20), searches=2, streams=3)
    monkeypatch.setattr(forms, "CAMPAIGNS", {"ranking": small})
    forms.main([str(tmp_path)])
    monkeypatch.setattr(forms, "searched", None)  # is not asked again
    first = capsys.readouterr().out
    forms.main([str(tmp_path)])
    assert first == capsys.readouterr().out
    assert "| evolved | logistic, online |" in first


def test_rivals_have_a_setting_for_each_number_of_examples():
    settings = forms_rivals.RATE, forms_rivals.PENALTY, forms_rivals.KERNEL_PENALTY, forms_rivals.WIDTH
    assert all(s.keys() == set(forms.CAMPAIGNS["regression"].shown) for s in settings)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    plain = forms_rivals.kernel_ridge(x, y, x)
    assert np.array_equal(plain, forms_rivals.kernel_ridge(x, y, x, 0.03, 0.003))
