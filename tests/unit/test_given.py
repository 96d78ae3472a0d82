"""Arrays as people hand them over: units do not matter, nothing is cast before it is looked at, messages are true."""

from datetime import date

import numpy as np
import pytest

from mesocosm.record import given
from mesocosm.tasks import DataError, DataSet
from mesocosm.tasks.images import standardised

pd = pytest.importorskip("pandas")
X = np.random.default_rng(0).normal(size=(40, 5))
Y = np.arange(40) % 4


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e20, 1e300])
@pytest.mark.parametrize("shift", [0.0, 1e8])
def test_an_example_is_standardised_alike_in_any_unit(scale, shift):
    mine = given.standardised((X + shift) * scale)
    assert np.allclose(mine, given.standardised(X), atol=1e-5)
    assert np.allclose(mine.mean(axis=1), 0, atol=1e-6) and np.allclose(mine.std(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3e19, 3e-30])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_constant_example_is_zero_in_any_unit(value, kind):
    assert not given.standardised(np.full((2, 784), value, kind)).any()


def test_pictures_have_no_unit_either():
    picture = np.abs(X).astype(np.float32)
    assert np.allclose(standardised(picture * np.float32(1e-9)), standardised(picture), atol=1e-6)
    assert np.allclose(standardised(picture * np.float32(1e25)), standardised(picture), atol=1e-6)


MASKED = np.ma.masked_array(X, np.arange(200).reshape(40, 5) == 17)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (MASKED, "1 of|1 examples hold masked values, the first is number 3"),
        ([[1, 2], [3, 4], [5]], "example 2 has 1 numbers, example 0 has 2"),
        (pd.DataFrame({"a": pd.array([1, 2, None], "Int64"), "b": 0}), "example 2 lacks a value"),
        (np.array([[1, 2], [3, "x"]], object), "example 1 holds 'x'; numbers are needed"),
        (np.array([["a", "b"]]), "holds text"),
        (np.zeros((3, 2), "datetime64[D]"), "holds dates"),
        (np.full((3, 2), 1j), "holds complex numbers"),
        (np.array([[1.0, 2.0], [np.inf, 1.0]]), "1 of 2 examples hold NaN or infinity, the first is number 1"),
        (np.zeros(3), "has shape (3,)"),
        (np.zeros((0, 3)), "has shape (0, 3)"),
        ("text", "has shape|holds text"),
        (None, "lacks a value"),
        (X * 1e40, "40 of 40 examples hold numbers beyond 3.4e+38, which float32 cannot hold, the first is number 0"),
        (1.7e18 + 1e6 * np.arange(40)[:, None], "of 40 different numbers in column 0"),
        (1e9 + 40.0 * np.arange(40)[:, None], "float32 keeps"),
        (X * 1e-60, "float32 keeps 1"),
    ],
)
def test_inputs_that_are_none_are_refused_with_what_is_true(x, words):
    n = len(x) if hasattr(x, "__len__") else 1
    with pytest.raises(DataError) as told:
        DataSet.of(x, np.arange(n) % 2)
    assert any(word in str(told.value) for word in words.split("|")), told.value


@pytest.mark.parametrize(
    "x",
    [
        X.tolist(),
        X.astype(np.float16),
        pd.DataFrame(X),
        pd.DataFrame(X).astype("Float64"),
        np.ma.masked_array(X, False),
        np.column_stack([np.full(40, 0.1), np.full(40, 0.3) + 1e-17, Y]),
        (X * 100).astype(np.int64),
        X > 0,
    ],
)
def test_inputs_that_are_numbers_are_taken(x):
    assert DataSet.of(x, Y).inputs.dtype == np.float32


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (["a", None] * 20, "the label of example 1 is missing (None)"),
        (["a", float("nan")] * 20, "the label of example 1 is missing (nan)"),
        (pd.Series(["a", np.nan] * 20), "the label of example 1 is missing"),
        (pd.Series([1, pd.NA] * 20, dtype="Int64"), "the label of example 1 is missing"),
        (np.array(["2020-01-01", "NaT"] * 20, "datetime64[D]"), "the label of example 1 is missing"),
        (np.ma.masked_array(Y, Y == 3), "10 labels hold masked values, the first is number 3"),
        (np.where(Y == 3, np.nan, Y), "the label of example 3 is missing (nan)"),
        (["a", 1] * 20, "labels mix text and number: example 0 is 'a', example 1 is 1"),
        (X[:, 0], "40 different labels in 40 examples are measurements"),
        (np.arange(40), "a name for each row"),
        (np.eye(4)[Y], "of one-hot labels take argmax"),
        (Y[:39], "one for each of 40 examples"),
        ([[1], [2, 3]] * 20, "labels have shape"),
        (Y + 1j, "complex numbers"),
        ("a" * 40, "labels are one text"),
        ([2**70, 2**71] * 20, "more than 64 bits"),
        ([{}, {}] * 20, "labels hold dict"),
        (np.zeros(40), "all labels are 0.0"),
    ],
)
def test_labels_that_are_none_are_refused_with_what_is_true(y, words):
    with pytest.raises(DataError) as told:
        DataSet.of(X, y)
    assert words in str(told.value)


@pytest.mark.parametrize(
    "y",
    [
        list("abcd") * 10,
        Y.astype(float),
        Y + 2**33,
        Y - 2,
        Y.astype(np.uint64) + 2**63,
        pd.Categorical(list("abcd") * 10),
        pd.Series(Y, dtype="Int64"),
        [date(2020, 1, k) for k in (1, 2, 3, 4)] * 10,
        [True, False] * 20,
        [0.5, 1.5] * 20,
    ],
)
def test_labels_of_any_kind_are_numbered_in_order(y):
    data = DataSet.of(X, y)
    assert data.labels.dtype == np.int32 and data.n_classes in (2, 4)
    assert np.array_equal(data.labels, Y) or data.n_classes == 2
