"""What the translation to ONNX writes in place of what the program says, for speed: equal at every end and edge."""

from collections import Counter
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mesocosm.core.arrays import one_of, promised, quotient, root
from mesocosm.core.random import Bits, mix32
from tests.unit.test_onnx import by_both
from tests.unit.test_onnx_bounds import OPERATIONS, program, value

from mesocosm.artefacts.onnx.lowering import lower  # isort: skip  (test_onnx says what it needs)

N = 2048
ENDS = np.array([-(2**31), -(2**31) + 1, -1, 0, 1, 2**24 - 1, 2**24, 2**24 + 1, 2**30, 2**31 - 1], np.int32)


def same(function, *arrays, least=None, most=None):
    wanted, found = by_both(function, *arrays, least=least, most=most)
    for k, (a, b) in enumerate(zip(wanted, found, strict=True)):
        assert a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b), f"output {k}: {a} {b}"


def written(function, *arrays, least=None, most=None):
    """How often each operator is in the model."""
    n = len(jax.eval_shape(function, *arrays))
    names, outputs = [f"i{k}" for k in range(len(arrays))], [f"o{k}" for k in range(n)]
    return Counter(node.op_type for node in lower(function, arrays, names, outputs, least, most).graph.node)


def test_long_sums_are_exact_and_wrap():
    """In float32 and float64, of numbers at the ends of their types, along one axis and all."""
    x = np.resize(ENDS, N)

    def sums(x):
        few = x & 0xFFFF
        kinds = (
            x,
            x.astype(jnp.uint32),
            x.astype(jnp.int8),
            x.astype(jnp.uint16),
            few,
            few - 40000,
            (x > 0).astype(jnp.int32),
            x > 1,
        )
        return [jnp.sum(v, dtype=v.dtype if v.dtype != bool else jnp.int32) for v in kinds] + [
            f(v.reshape(2, -1)) for v in (x, few) for f in (lambda v: jnp.sum(v, 0), lambda v: jnp.sum(v, 1))
        ]

    same(sums, x)
    same(sums, np.full(N, 2**31 - 1, np.int32))
    same(lambda u: [jnp.sum(u, dtype=u.dtype)], np.full(2**21 + 1, 2**32 - 1, np.uint32))  # odd, and above 2^53


def test_numbers_made_of_truth_are_asked_as_truth():
    x = np.resize(ENDS, N)

    def asked(x):
        one = (x > 0).astype(jnp.int32)
        return [one == 1, one == 0, one != 1, one != 0, one == 1, one == 2, (one & 1) == 1, one.astype(jnp.float32)]

    same(asked, x)
    assert written(asked, x)["Equal"] == 0


def test_long_arrays_are_halved_as_floats_only_where_that_is_exact():
    x = np.resize(np.concatenate([ENDS, ENDS >> 7, np.arange(-700, 700, dtype=np.int32)]), N)
    low, high = x & (2**24 - 1), x & (2**25 - 1)
    same(lambda *of: [v >> k for v in of for k in (0, 1, 8, 23, 30)] + [of[1] // 256, of[2] // 2], x, low, high)
    bounded = {"least": {"i0": 0}, "most": {"i0": 2**24 - 1}}
    assert written(lambda v: [v >> 3], low, **bounded)["Div"] == 0
    assert written(lambda v: [v >> 3], high, least={"i0": 0}, most={"i0": 2**24})["Div"] == 1


def test_quotients_and_roots_are_exact():
    """Of all squares, and what is beside them; of all quotients that are whole, and what is beside those."""
    k = np.arange(1, 16384)
    squares = np.concatenate([k * k + d for d in (-1, 0, 1)]).astype(np.int32)
    b = np.concatenate([np.repeat(np.arange(1, 400), 40), [32767, 2**24 + 1, 2**31 - 1] * 40])
    whole = np.resize(np.arange(1, 80), b.size) * b
    a = np.clip(whole + np.resize([-1, 0, 1], b.size), 0, 32767)

    def near(most):
        return lambda s: [root(jnp.minimum(s, most))]

    same(lambda a, b: [quotient(a, b)], a.astype(np.int32), b.astype(np.int32))
    for most in (2**22, 2**28 - 1):
        same(near(most), squares, least={"i0": 0})
    assert written(near(2**22), squares, least={"i0": 0}) == {"Min": 1, "Cast": 2, "Sqrt": 1}


def test_constants_that_differ_in_the_sign_of_zero_are_kept_apart():
    """Known as they stand, and when they are computed while the graph is written; 1 / 0 shows it."""
    for zeros in ([0.0, -0.0], [-0.0, 0.0]):
        z = np.array(zeros, np.float32)
        same(lambda x, z=z: [x / z, x / (jnp.array(z) * 2), x / (jnp.array(z) + z)], np.ones(2, np.float32))


def test_what_is_promised_is_believed():
    x = np.arange(N, dtype=np.int32)
    same(lambda x: [promised(x, jnp.int32(0), jnp.int32(N - 1)) >= 0], x)
    assert written(lambda x: [promised(x, jnp.int32(0), jnp.int32(9)) >= 0], x) == {"Identity": 1}


def test_one_of_many_cases_is_looked_up_where_its_number_is_one():
    """Beyond the last, and below 0, the first is taken: of numbers that may be there, nothing is looked up."""
    cases = np.resize(np.arange(-128, 127), (8, N)).astype(np.int8)
    k = np.resize(np.arange(-3, 9, dtype=np.int32), N)

    def of(k, cases):
        each = jax.vmap(one_of, (0, 1))
        return [each(k, cases[::2]), each(k & 3, cases[1::2]), each(k & 7, cases[:4]), each(k & 3, cases[:4])]

    same(of, k, cases)
    same(lambda k, cases: [one_of(k[4], cases)], k, cases)
    assert written(of, k, cases)["GatherElements"] == 2


def test_rows_are_looked_up_where_they_lie():
    """Of an array of which they were cut out, unless they do not lie in it one as far as the other."""
    x = np.resize(np.arange(-128, 127), (2, 8, N)).astype(np.int8)
    k, each = np.resize(np.arange(4, dtype=np.int32), N), jax.vmap(one_of, (0, 1))

    def lying(k, x):
        cuts = x[0][::2], x[1][1::2], x[1][3:7], x.reshape(16, N)[3:15:3], x[1:].reshape(8, N)[1:][::2]
        return [each(k & 3, cut) for cut in cuts]

    def others(k, x):
        cuts = x[::1, 3:5].reshape(4, N), x.reshape(4, 4, N)[::2].reshape(8, N)[2:6], x[0, ::2, ::-1], x[:, :, 5:] * 2
        return [each(k & 3, cut) for cut in cuts[:3]] + [each((k & 1)[5:], cuts[3][:, 2])]

    same(lying, k, x)
    assert "Slice" not in written(lying, k, x)
    same(others, k, x)


def test_branchings_by_one_number_are_one():
    """Those within them too; but not one that needs what the other finds."""
    x, y = np.resize(ENDS, 20), np.arange(20, dtype=np.int32)

    def stepped(k, v, n):
        return lax.switch(k & 3, [lambda v: v * 3 + n, lambda v: v ^ 7, lambda v: v - n, lambda v: (v >> 1) + k], v)

    def fields(k, x, y):
        a = stepped(k, x, 5)
        return [a, stepped(k, y, 9), stepped(k, a, 2), stepped(k + 1, y, 1), k & 3]

    def branchings(nodes):
        own = [node for node in nodes if node.op_type == "If"]
        return len(own) + sum(branchings(a.g.node) for node in own for a in node.attribute)

    for k in range(5):
        same(fields, np.int32(k), x, y)
    names = [f"i{k}" for k in range(3)], [f"o{k}" for k in range(5)]
    assert branchings(lower(fields, [np.int32(0), x, y], *names).graph.node) == 9


def test_bounds_go_through_branches_and_loops_as_far_as_they_hold():
    """What a round may leave has no bounds that only the beginning has; a branch has those of all."""
    x = np.resize(np.arange(8, dtype=np.int32), N)

    def moved(x, go):
        low = x & 7
        grown, kept, n = lax.fori_loop(0, go, lambda k, c: (c[0] - 3, (c[1] + 1) & 7, c[2] + 1), (low, low, go & 3))
        later, _ = lax.while_loop(lambda c: c[1] < go, lambda c: (-c[0] - 1, c[1] + 1), (low, 0))
        either = lax.cond(go > 2, lambda: low - 9, lambda: low)
        rows = lax.scan(lambda c, k: ((c + k) & 15, c - 20), low, jnp.arange(3))
        return [
            *(v < 0 for v in (grown, kept, later, either, rows[1])),
            *(v >> 1 for v in (grown, kept, later, either, rows[0])),
            n > 3,
            low[kept % 7],
            x[grown],
        ]

    for go in (0, 1, 2, 5):
        same(moved, x, np.int32(go))


def test_what_no_one_reads_of_a_branching_is_not_computed():
    x = np.resize(ENDS, N)

    def first(x):
        nested = [lambda v: lax.cond(v[1] > 0, lambda v: (v + 1, v * v), lambda v: (v - 1, v | 9), v), lambda v: (v, v)]
        return [lax.cond(x[0] > 0, *nested, x)[0]]

    same(first, x)
    model = lower(first, [x], ["x"], ["y"])
    inner = [node for top in model.graph.node for a in top.attribute for node in a.g.node]
    deeper = [node for top in inner for a in top.attribute for node in a.g.node]
    assert {node.op_type for node in (*inner, *deeper)}.isdisjoint({"Mul", "BitwiseOr"})


# -- tables ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_random_functions_of_few_numbers_are_equal_as_tables(seed):
    """Of numbers below zero too, and sums of functions of two."""
    rng = np.random.default_rng(seed)
    names = set(OPERATIONS) - {"div", "rem", "sum", "sum of all", "cumsum"}
    of_all = [of for _ in range(150) if names_of(of := program(rng, 4)) <= names]
    x, y = (rng.integers(low, high + 1, N, np.int32) for low, high in ((0, 900), (-300, 700)))

    def values(x, y):
        got = [value(of, {"x": x, "y": y}) for of in of_all]
        return [*got, *(((a * 3 + (b & 31)) * 4 - a) for a, b in pairwise(got))]

    bounds = {"least": {"i0": 0, "i1": -300}, "most": {"i0": 900, "i1": 700}}
    same(values, x, y, **bounds)
    assert written(values, x, y, **bounds)["GatherElements"] > 10


def names_of(of):
    name, _, *operands = of if len(of) > 1 and of[0] in OPERATIONS else (None, None)
    return set().union({name} - {None}, *(names_of(operand) for operand in operands))


def test_a_table_stands_for_what_is_cheaper_looked_up():
    """A cell of a place is two of them; levels are one; what a table cannot know stays."""
    place, heading = (np.arange(N, dtype=np.int32) * k % 2**15 for k in (7, 16))
    bounds = {"least": {"i0": 0, "i1": 0}, "most": {"i0": 2**15 - 1, "i1": 2**15 - 1}}

    def cell(x, y):
        row, column = y >> 8, x >> 8
        return [(((row & 1) * 2 + (column & 1)) * 64 + (row >> 1)) * 64 + (column >> 1)]

    def level(x, _):
        return [jnp.sum(x[None, :] >= jnp.array([4, 32, 256])[:, None], 0, dtype=jnp.int32)]

    for function, wanted in ((cell, {"GatherElements": 2, "Add": 1}), (level, {"GatherElements": 1})):
        same(function, place, heading, **bounds)
        assert written(function, place, heading, **bounds) == wanted
        assert "GatherElements" not in written(function, place, heading)


def test_a_sum_with_few_values_is_a_number_too():
    """Of what is no sum of functions, and goes on from one."""
    x, y = (np.arange(N, dtype=np.int32) * k % 128 for k in (7, 16))
    bounds = {"least": {"i0": 0, "i1": 0}, "most": {"i0": 127, "i1": 127}}

    def weight(x, y):
        d = (jnp.minimum(x, y) - x) * 8
        return [(((d & 63) * (d & 31)) ^ (d & 24)) & 511]

    def weights(x, y):
        d = (jnp.minimum(x, y) - x) * 8
        return [((d & 63) ^ 5) & 60, (((d + 9) >> 2) ^ 3) & 31]

    same(weight, x, y, **bounds)
    assert written(weight, x, y, **bounds) == {"Min": 1, "Sub": 1, "GatherElements": 1}
    same(weights, x, y, **bounds)
    assert written(weights, x, y, **bounds) == {"Min": 1, "Sub": 1, "GatherElements": 2}


@pytest.mark.parametrize("most", [1, 127, 2**13 - 1, 2**14, 2**31 - 1])
def test_what_is_more_than_the_other_is_a_function_of_their_difference(most):
    ends = [0, 1, -1, most, -most, most // 3, -most // 7]
    x, y = (np.resize(v, N).astype(np.int32) for v in np.meshgrid(ends, ends))
    bounds = {"least": {"i0": -most, "i1": -most}, "most": {"i0": most, "i1": most}}

    def weights(x, y):
        more, less = jnp.maximum(x, y) - x, jnp.maximum(y, x) - y
        a, b = (((((v * 5) ^ 9) & 63) * 3 ^ 5) & 511 for v in (more, less))
        return [a, a + b, jnp.maximum(x, 7) - x, jnp.maximum(x, x) - x]

    same(weights, x, y, **bounds)
    assert (written(weights, x, y, **bounds)["BitwiseXor"] == 0) == (2 * most < 2**14)


def test_a_table_of_few_numbers_spares_calls():
    place = np.array([0, 1, 255, 256, 2**15 - 1], np.int32)
    bounds = {"least": {"i0": 0}, "most": {"i0": 2**15 - 1}}

    def cell(x):
        row = x >> 8
        return [((row & 1) * 2 + (row >> 1)) * 64 ^ 1, x + 1]

    same(cell, place, **bounds)
    assert written(cell, place, **bounds) == {"GatherElements": 1, "Add": 1}
    assert "GatherElements" not in written(cell, place)


def test_a_table_has_places_that_never_come():
    """Below the least number too, where nothing is divided by 0."""
    x, y = (np.arange(N, dtype=np.int32) % n + 5 for n in (890, 640))
    ends = {"least": {"i0": 5, "i1": 5}, "most": {"i0": 900, "i1": 700}}
    same(lambda x, _: [(lax.div(jnp.uint32(999), x.astype(jnp.uint32)) & 31) ^ 7], x, y, **ends)

    def both(x, y):
        return [(((x >> 3) & 7) + 5) * 7 + (((y >> 2) & 7) + 9) * 3]

    same(both, x, y, **ends)
    assert written(both, x, y, **ends) == {"GatherElements": 2, "Add": 1}


# -- what ends alike ---------------------------------------------------------------------------------------------------

TAILS = {
    "none": np.arange(N),
    "all": np.full(N, 7),
    "but the last": np.r_[np.zeros(N - 1), 5],
    "but the first": np.r_[5, np.zeros(N - 1)],
    "half": np.r_[np.arange(N // 2), np.full(N // 2, 9)],
}


@pytest.mark.parametrize("name", TAILS)
def test_what_an_array_ends_with_is_drawn_once(name):
    ids = TAILS[name].astype(np.int32)

    def drawn(seed, ids, word):
        bits = Bits.at(seed, jnp.uint32(1), jnp.int32(5))
        a, b = bits.of(ids, 3)
        rank = mix32(ids.astype(jnp.uint32) ^ word)
        return [a, b & 63, rank, rank > 9, ids > 0]

    given = np.array([7, 9], np.uint32), ids, np.uint32(2**31 + 5)
    same(drawn, *given)
    assert written(drawn, *given)["Pad"] >= 3


@pytest.mark.parametrize("name", [*TAILS, "but the last two"])
def test_where_a_mask_ends_is_where_all_are_alike(name):
    """What is drawn for nobody is drawn once; what counts under the mask alone, for nobody."""
    ids = TAILS.get(name, np.r_[np.full(N - 2, 3), 0, 0]).astype(np.int32)
    at = (np.arange(N) * 37 % 64).astype(np.int32)

    def drawn(seed, ids, at):
        a, b = Bits.at(seed, jnp.uint32(1), jnp.int32(5)).of(ids, 3)
        is_there, sure = ids > 0, "promise_in_bounds"
        here = jnp.zeros(64, jnp.int32).at[at].add(is_there.astype(jnp.int32), mode=sure).at[at].get(mode=sure)
        share = jnp.where(is_there, (here * 5 ^ 3) * here, 0)
        return [a, share, is_there & ((((b & 15).astype(jnp.int32) ^ 3) * 5 - here) % 3 == 0)]

    given, least = (np.array([7, 9], np.uint32), ids, at), {"i1": 0}
    same(drawn, *given, least=least)
    for own in (ids, -ids, ids - 3):  # where some may be below 0, nothing is known of those that the mask leaves out
        same(drawn, given[0], own, at)
    known, unknown = (written(drawn, *given, least=own) for own in (least, None))
    assert known["ReduceMax"] < unknown["ReduceMax"] and known["Pad"] < unknown["Pad"], (known, unknown)


@pytest.mark.parametrize("alive", ["none", "all", "one", "half"])
def test_what_changes_nothing_at_the_end_is_not_put(alive):
    """Sums, products, the least and the most of a place, under a mask; under two, of which one is a part."""
    k = np.arange(N)
    ids = {"none": k * 0, "all": k * 0 + 1, "one": np.where(k == 700, 5, 0), "half": np.where(k < N // 2, k & 3, 0)}
    at = (k * 37 % 32 + 32 * (k >= N // 2)).astype(np.int32)
    x = ((k * 2654435761) % 2**32).astype(np.uint32).astype(np.int32) | 1

    def put(ids, at, x):
        sure, is_there, zero = "promise_in_bounds", ids > 0, jnp.zeros(64, jnp.int32)
        u, part = x.astype(jnp.uint32), (ids > 0) & (x > 0)
        return [
            zero.at[at].add(is_there.astype(jnp.int32), mode=sure),
            zero.at[at].add(jnp.where(is_there, x, 0), mode=sure),
            zero.at[at].add(-jnp.where(part, x, 0), mode=sure),
            zero.at[at].add(jnp.where(is_there | (x > 9), x, 0), mode=sure),
            (zero + 3).at[at].add(jnp.where(is_there, x, 1), mode=sure),
            (zero + 3).at[at].multiply(jnp.where(is_there, x, 1), mode=sure),
            (zero + 3).at[at].multiply(jnp.where(is_there, x, 2), mode=sure),
            zero.at[at].max(jnp.where(part, x, 0), mode=sure),
            zero.at[at].max(jnp.where(part, x, 5), mode=sure),
            (zero - 3).at[at].max(jnp.where(part, x, 0), mode=sure),
            jnp.full(64, 0xFFFFFFFF, jnp.uint32).at[at].min(jnp.where(is_there, u, jnp.uint32(0xFFFFFFFF)), mode=sure),
            jnp.zeros(64, jnp.uint32).at[at].max(jnp.where(is_there, u, jnp.uint32(0)), mode=sure),
        ]

    given = ids[alive].astype(np.int32), at, x
    same(put, *given)
    assert written(put, *given)["ReduceMax"] >= 1
