"""The benchmark `swap`, its learners, and what they cost."""

import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.flops import Uncounted, flops
from mesocosm.record import ConfigurationError
from mesocosm.studies import component, nets, swap, tabular, task
from mesocosm.studies.cell import COSTS, Cell
from mesocosm.studies.study import from_dict
from mesocosm.tasks.arrays import DataError

STUDIES = Path(__file__).parents[2] / "studies"


def cells(parts, n=2, steps=50, name="swap/clouds-1") -> list[Cell]:
    seeds = [dict.fromkeys(("data", "initial", "order"), k) for k in range(n)]
    return [Cell(name, parts, seed, {"steps": steps}) for seed in seeds]


def rows(parts, **more):
    asked = cells(parts, **more)
    return [row for _, row in task.find(asked[0].task).measure(asked, Path())]


def test_flops_by_hand():
    a, b = jnp.ones((2, 3)), jnp.ones((3, 5))
    assert flops(jnp.matmul, a, b) == 2 * 2 * 3 * 5
    assert flops(lambda a: jnp.tanh(a).T.reshape(-1), a) == 6  # moving costs nothing
    assert flops(jnp.sum, a) == 6
    assert flops(lambda a: a.astype(jnp.int32) + 1, a) == 0
    assert flops(jax.jit(jnp.matmul), a, b) == 60
    assert flops(jax.vmap(jnp.matmul, (0, None)), jnp.ones((7, 2, 3)), b) == 7 * 60


def test_flops_of_a_scan_are_those_of_all_its_steps():
    def steps(w, n):
        return jax.lax.scan(lambda c, _: (jnp.tanh(c @ w), None), jnp.ones((2, 3)), None, length=n)[0]

    assert flops(lambda w: steps(w, 10), jnp.ones((3, 3))) == 10 * (36 + 6)
    nested = jax.grad(lambda w: jnp.sum(steps(w, 20)))
    assert flops(nested, jnp.ones((3, 3))) > 2 * 20 * 36  # forward once, backward twice


def test_a_loop_without_a_length_is_not_counted():
    with pytest.raises(Uncounted):
        flops(lambda x: jax.lax.while_loop(lambda c: c < 3, lambda c: c + 1, x), jnp.float32(0))


def test_a_net_learns_and_a_constant_does_not():
    trained, constant = (np.mean([r.final for r in rows(p, steps=200)]) for p in ({}, {"learner": "constant"}))
    assert trained > constant + 0.15


def test_a_seed_gives_the_same_alone_or_among_others():
    assert rows({}, n=1)[0].final == pytest.approx(rows({}, n=3)[0].final, abs=0.01)


def test_a_net_that_is_not_finite_has_diverged():
    (row,) = rows({"optimiser": {"component": "sgd", "rate": 1e30}}, n=1)
    assert row.status == "diverged"


def test_parts_of_a_net_do_not_concern_other_learners():
    boosted = {"learner": "nearest", "width": 16}
    assert [r.final for r in rows(boosted)] == [r.final for r in rows({"learner": "nearest"})]


def test_costs_are_told_apart():
    (row,) = rows({"width": 32}, n=1)
    assert row.cost["seconds"] > 0 and row.cost["compile_seconds"] > 0
    assert row.cost["flops"] > 3 * 50 * 2 * 32 * (32 * 32 + 32 * 3)  # forward and backward through both layers
    assert [x for x, _ in row.curve] == [10, 20, 30, 40, 50]
    assert row.cost["device_bytes"] > 2 * 1000 * 32 * 4  # at least the inputs to learn from and to be tested on
    assert set(row.cost) == set(COSTS)


def test_an_aligned_layer_goes_forward_as_any_and_back_over_other_weights():
    rng = np.random.default_rng(0)
    x, w, b = (jnp.asarray(rng.normal(size=s)) for s in ((4, 3), (3, 2), (3, 2)))
    assert np.allclose(nets._aligned(x, w, b), x @ w, atol=1e-6)
    to_x, to_w = jax.grad(lambda x, w: jnp.sum(nets._aligned(x, w, b) ** 2), (0, 1))(x, w)
    error = 2 * x @ w
    assert np.allclose(to_x, error @ b.T, atol=1e-5)
    assert np.allclose(to_w, x.T @ error, atol=1e-5)


def test_automl_is_budgeted_in_processor_time_and_skipped_where_it_is_not_there(monkeypatch):
    part = {"learner": {"component": "automl", "cpu_seconds": 0.5}}
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "flaml", None)
        with pytest.raises(component.Skipped, match=r"pip install 'mesocosm\[automl\]'"):
            rows(part, n=1)
    pytest.importorskip("flaml.automl.automl", exc_type=ImportError)
    (row,) = rows(part, n=1)
    assert row.status == "ok" and row.final > 0.3 and "flops" not in row.cost
    assert 0.5 <= row.cost["cpu_seconds"] < 10 and time.time() > 1e9, "the clock is that of the wall again"


def test_what_is_filled_up_takes_no_part():
    data = swap.data_set("clouds-1")
    x, y, x_test, y_test = (np.asarray(v)[None] for v in swap.split(data, 0))
    split = nets.Split(x[..., :20], y, x_test[..., :20], y_test, data.n_classes)
    filled = nets._filled(split)
    assert [v.shape for v in filled] == [(1, 1000, 32), (1, 1000), (1, 1000, 32), (1, 1000)]
    net = nets.Net("adam", component.find("optimiser", "adam")[0].make(), "relu", 16, 1, "backprop", 20)
    one = nets._learner(net, nets.CLASSES)
    seeds = np.int32(0), np.int32(0)
    plain = one(*(jnp.asarray(v[0]) for v in filled), *nets._sizes(split), *seeds)
    rubbish = [v.copy() for v in filled]
    rubbish[0][:, x.shape[1] :] = 1e9
    rubbish[1][:, y.shape[1] :] = 3
    rubbish[2][:, x_test.shape[1] :] = 7.0  # finite: only what is real must be
    assert np.array_equal(plain, one(*(jnp.asarray(v[0]) for v in rubbish), *nets._sizes(split), *seeds))
    right = np.asarray(plain) * y_test.shape[1]  # a share of what is really there
    assert right.max() > 0 and np.allclose(right, right.round(), atol=1e-3)


def test_splits_do_not_overlap_and_are_standardised_by_what_is_learnt_from():
    data = swap.data_set("clouds-1")
    x, y, x_test, y_test = swap.split(data, 0)
    assert len(x) + len(x_test) == len(data.labels) == len(y) + len(y_test)
    inner = np.abs(x).max(axis=0) < 10  # what lies farther out is cut off
    assert inner.any() and np.allclose(x[:, inner].mean(axis=0), 0, atol=1e-4)
    together = {row.tobytes() for row in x} & {row.tobytes() for row in x_test}
    assert not together
    assert not np.array_equal(swap.split(data, 1)[1], y)


def test_what_is_missing_is_filled_up_from_what_is_learnt_from_in_any_unit():
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(100, 3)), np.arange(100) % 2
    train, test = np.split(np.random.default_rng([0, 20]).permutation(100), [60])
    inputs[train[:9], 0] = inputs[test[:9], 0] = np.nan
    seen = swap.split(tabular.Columns(inputs, labels), 0)
    filled = np.where(np.isnan(inputs), np.nanmean(inputs[train], axis=0), inputs)
    mean, sd = filled[train].mean(axis=0), np.nanstd(inputs[train], axis=0)
    assert np.allclose(seen[2], ((filled - mean) / sd)[test], atol=1e-6)
    inputs[test[9:], 0] *= 1e3  # what the test holds changes nothing of what is learnt from
    assert np.array_equal(swap.split(tabular.Columns(inputs, labels), 0)[0], seen[0])
    for scale, shift in ((1e-12, 0), (1e20, 0), (1, 1e6)):
        again = swap.split(tabular.Columns(inputs * scale + shift, labels), 0)
        assert np.allclose(again[0], seen[0], atol=1e-4), (scale, shift)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"optimizer": "adam"}, "swap has no such slot; it has learner, optimiser"),
        ({"optimiser": "adm"}, "Did you mean adam"),
        ({"learner": {"component": "net", "optimiser": {"component": "adam", "rates": 1}}}, "it takes rate"),
        ({"learner": "forest"}, "there is no such component"),
    ],
)
def test_what_is_no_part_is_refused(parts, words):
    with pytest.raises(ConfigurationError, match=words):
        swap.Swap("iris").check(parts, {"steps": 100})


def test_an_unknown_activation_is_said():
    with pytest.raises(ConfigurationError, match="activation = sine: must be one of relu"):
        rows({"activation": "sine"}, n=1)


def test_columns_become_numbers():
    text = "% note\n@relation r\n@attribute 'a b' real\n@DATA\n1,'x y',a\n?, ? ,b\n3,z,a\n"
    read = tabular._rows(text, "r.arff")
    assert read == [["1", "x y", "a"], ["?", "?", "b"], ["3", "z", "a"]]
    assert np.array_equal(tabular._inputs([r[0] for r in read]), [[1.0], [np.nan], [3.0]], equal_nan=True)
    assert tabular._inputs([r[1] for r in read]).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert tabular._rows("1;2;a\n3;4;b\n", "r.csv") == [["1", "2", "a"], ["3", "4", "b"]]
    assert tabular._inputs([f"name {k}" for k in range(200)]).shape == (200, 0)


def test_a_set_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MESOCOSM_DATA", str(tmp_path))
    tabular.load.cache_clear()
    with pytest.raises(DataError, match="MESOCOSM_DATA=/path/to/data"):
        tabular.load("iris")
    (tmp_path / "tabular").mkdir()
    (tmp_path / "tabular" / "iris.arff").write_text("@data\n1,a\n2,b\n")
    with pytest.raises(DataError, match="is not the published file"):
        tabular.load("iris")
    with pytest.raises(DataError, match="there is no such tabular set"):
        tabular.load("irises")


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.toml")), ids=lambda p: p.stem)
def test_the_studies_that_are_shipped_can_be_run(path):
    import tomllib

    asked = from_dict(tomllib.loads(path.read_text()), path.name)
    assert asked.name == path.stem
    assert len({c.identity for c in asked.cells}) == len(asked.cells) > 100
