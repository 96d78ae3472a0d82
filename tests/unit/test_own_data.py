"""A file of one's own for `digits` and `digits-shown`: what is taken, and what is refused by name."""

import numpy as np
import pytest

from mesocosm.experiments.digits.declaration import Schooling
from mesocosm.experiments.digits_shown.system import _own_pools
from mesocosm.rivals.school import build_sources
from mesocosm.rivals.table import KINDS, Shown, grade
from mesocosm.tasks.arrays import DataError
from mesocosm.tasks.own import content_of, own

RNG = np.random.default_rng(0)
Y = np.arange(60) % 3


@pytest.fixture
def file(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "mine.npz", **arrays)
        return str(tmp_path / "mine.npz")

    return write


@pytest.mark.parametrize("shape", [(60, 9), (60, 3, 3), (60, 12, 12), (60, 5)])
def test_a_file_becomes_examples_of_side_x_side(file, shape):
    data = own(file(x=RNG.normal(size=shape), y=np.array(list("abc"))[Y]), 3)
    assert data.inputs.shape == (60, 9) and data.n_classes == 3 and data.side == 3
    if shape == (60, 5):
        assert np.allclose(data.inputs[:, 5:], data.inputs[:, :5].mean(axis=1, keepdims=True), atol=1e-6)


def test_what_is_missing_or_damaged_is_named(file, tmp_path):
    good = file(x=RNG.normal(size=(60, 9)), y=Y)
    for path, words in (
        ("none.npz", "is no file; write one with np.savez"),
        (str(tmp_path), "is no file"),
        (good, "each example has 9 numbers, side = 2 has room for 4"),
    ):
        with pytest.raises(DataError) as told:
            own(path, 2)
        assert words in str(told.value)
    for arrays, words in (
        ({"x": Y}, "lacks the array y; it has x"),
        ({"y": Y}, "lacks the array x"),
        ({"x": np.array([[{}]] * 60), "y": Y}, "cannot be read as an NPZ"),
        ({"x": np.full((60, 9), np.nan), "y": Y}, "hold NaN"),
    ):
        with pytest.raises(DataError) as told:
            own(file(**arrays), 3)
        assert words in str(told.value)
    for damage in (b"", b"PK", (tmp_path / "mine.npz").read_bytes()[:-40]):
        (tmp_path / "torn.npz").write_bytes(damage)
        with pytest.raises(DataError, match=r"torn\.npz"):
            own(str(tmp_path / "torn.npz"), 3)


def test_classes_are_halved_for_learning_and_for_judging(file):
    path = file(x=RNG.normal(size=(60, 9)), y=Y)
    school = Schooling(file=path, side=3, classes=3, examples=6, shown=(2, 4), judged_images=5)
    train, judge = build_sources(school)
    assert train.pools[0].inputs.shape == judge.pools[0].inputs.shape == (3, 10, 9) and len(train.kinds) == 1
    tuned, tested = _own_pools(path, 3, content_of(path))
    both = {row.tobytes() for pool in (tuned, tested) for row in np.asarray(pool.inputs).reshape(-1, 9)}
    assert len(both) == 60
    with pytest.raises(DataError, match="class 2 has one example"):
        build_sources(Schooling(file=file(x=RNG.normal(size=(5, 9)), y=np.array([0, 0, 1, 1, 2])), side=3))


@pytest.mark.parametrize(
    ("ahead", "noise", "expected"),
    [(0.06, 0.001, "strong"), (0.0, 0.001, "good"), (0.0, 0.2, "pass"), (-0.05, 0.001, "pass"), (0.031, 0.05, "good")],
)
def test_a_grade_holds_where_its_interval_does(ahead, noise, expected):
    rng = np.random.default_rng(1)
    base = 0.5 + 0 * rng.normal(size=(60, 4))
    families = {"sgd linear": base - 0.3, "class mean": base, "kernel vote": base + 0.1}
    assert {kind for kind in KINDS} == {"online gradient", "baseline", "ceiling"}
    rules = base[None] + ahead + noise * rng.normal(size=(6, 60, 4))
    rules += ahead - (rules - base[None]).mean(axis=(0, 1), keepdims=True)  # the mean says the same in both
    found = Shown(np.array([10, 20, 50, 100]), rules, families, {})
    assert grade(found) == expected


def test_a_table_in_csv_is_read_with_its_label(tmp_path):
    path = tmp_path / "mine.csv"
    x = RNG.normal(size=(60, 4)).round(3)
    for heads, order in (("a,b,c,d,y", [0, 1, 2, 3]), ("class,a,b,c,d", None), ("", [0, 1, 2, 3])):
        rows = [[*map(str, v), "abc"[k]] if order else ["abc"[k], *map(str, v)] for v, k in zip(x, Y, strict=True)]
        path.write_text("\n".join([*([heads] if heads else []), *(",".join(row) for row in rows)]))
        data = own(str(path), 2)
        assert data.inputs.shape == (60, 4) and data.n_classes == 3
        assert np.allclose(data.inputs, x, atol=1e-5) and data.labels.tolist() == Y.tolist()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,y\n1,0\n2,1\nx,1\n", "line 4: must be 1 numbers and a label"),
        ("a,y\n1,0\n", "two rows and two columns"),
        ("a,b,y\n1,1000,0\n2,-99000,1\n3,0,1\n", "scale columns first"),
        ("", "two rows"),
    ],
)
def test_a_table_that_cannot_be_learnt_from_is_refused_by_name(text, says, tmp_path):
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(DataError, match=says):
        own(str(tmp_path / "mine.csv"), 2)
