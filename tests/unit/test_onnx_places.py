"""What the translation to ONNX computes for fewer places, for fewer ticks, or not at all: equal all the same."""

from collections import Counter
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
import pytest
from jax import lax

from mesocosm.core.arrays import quotient
from mesocosm.core.random import Bits
from tests.unit.test_onnx_bounds import OPERATIONS, program, value
from tests.unit.test_onnx_rewrites import names_of, same, written

from mesocosm.artefacts.looped import looped  # isort: skip  (test_onnx says what it needs)
from mesocosm.artefacts.onnx.lowering import lower  # isort: skip

N = 2048
K = np.arange(N)
IDS = {
    "none": K * 0,
    "all": K * 0 + 1,
    "one": np.where(K == 700, 5, 0),
    "the last": np.where(K == N - 1, 5, 0),
    "half": np.where(K < N // 2, K & 3, 0),
}
AT = (K * 37 % 256).astype(np.int32)
X = ((K * 2654435761) % 2**32).astype(np.uint32).astype(np.int32)
SURE = "promise_in_bounds"


def _numbers(ids, at):
    """Who is alive, and how many are in one's cell."""
    is_alive = ids > 0
    count = jnp.zeros(256, jnp.int32).at[at].add(is_alive.astype(jnp.int32), mode=SURE)
    return is_alive, count.at[at].get(mode=SURE)


@pytest.mark.parametrize("alive", IDS)
def test_what_counts_under_a_mask_alone_is_computed_for_the_places_it_holds(alive):
    """Shared among those who are there, taken away, and asked for as truth; what is behind the last is as it was."""

    def eaten(ids, at, x, food):
        is_alive, here = _numbers(ids, at)
        share = quotient(food.at[at].get(mode=SURE) & 4095, jnp.maximum(here, 1))
        more = jnp.where(is_alive, jnp.minimum(share * 3 - here, 64), 0)
        met, odd = is_alive & (here >= 2), is_alive | (here >= 2)
        told = jnp.where(met & (share > 5), x ^ 3, 0)
        other = jnp.where(is_alive, told.at[x & (N - 1)].get(mode=SURE) ^ 1, 0)
        return [
            other,
            x + more,
            food.at[at].add(-more, mode=SURE),
            met,
            told,
            -told + more,
            odd,
            here * 3 ^ x,
            more + 5,
        ]

    given = IDS[alive].astype(np.int32), AT, X, np.resize(X, 256)
    same(eaten, *given)
    assert written(eaten, *given)["Pad"] >= 3


@pytest.mark.parametrize("alive", ["none", "one", "half"])
def test_random_functions_under_a_mask_are_equal(alive):
    """Of which some are read without it too."""
    rng = np.random.default_rng(7)
    names = set(OPERATIONS) - {"div", "rem", "sum", "sum of all", "cumsum"}
    of_all = [of for _ in range(60) if names_of(of := program(rng, 4)) <= names]

    def values(ids, at, x):
        is_alive, here = _numbers(ids, at)
        got = [value(of, {"x": x, "y": here}) for of in of_all]
        under = [jnp.where(is_alive, v, 0) for v in got]
        return [*under, *got[::4], *(a + b for a, b in pairwise(under)), under[0] * x, under[1] - x]

    given = IDS[alive].astype(np.int32), AT, X
    same(values, *given)
    assert written(values, *given)["Pad"] > 5


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_what_only_rounds_read_is_computed_if_there_is_one(rounds):
    def summed(x, n, is_told):
        table = ((x * 7) ^ 3) >> 2
        table = jnp.maximum(table, -table) | 5
        begin = x & 63
        out, left = lax.while_loop(lambda c: c[1] > 0, lambda c: (c[0] + table[c[0] & 7], c[1] - 1), (begin, n))
        return [out, left, table[3] if is_told else left]

    given = X, np.int32(rounds)
    for is_told in (False, True):
        same(lambda x, n, is_told=is_told: summed(x, n, is_told), *given)
    alone, told = (written(lambda x, n, t=t: summed(x, n, t), *given) for t in (False, True))
    assert (alone["If"], alone["Loop"], alone["Max"]) == (1, 0, 0), alone
    assert (told["If"], told["Loop"], told["Max"]) == (0, 1, 1), told


@pytest.mark.parametrize("rounds", [0, 3])
@pytest.mark.parametrize("alive", IDS)
def test_what_only_rounds_read_whole_is_short_elsewhere(alive, rounds):
    def met(ids, x, y, n):
        is_alive, at = ids > 0, (((x * 7 ^ y) * 5 ^ 3) - y) & 255
        count = jnp.zeros(256, jnp.int32).at[at].add(is_alive.astype(jnp.int32), mode=SURE)
        here = jnp.where(is_alive, count.at[at].get(mode=SURE), 0)
        add = lambda c: (c[0] + at[(c[0] * 77) & (N - 1)] + count[at[N - 1]], c[1] - 1)  # noqa: E731
        return [here, *lax.while_loop(lambda c: c[1] > 0, add, (jnp.int32(9), n))]

    given = IDS[alive].astype(np.int32), X, X[::-1].copy(), np.int32(rounds)
    same(met, *given)
    names = [f"i{k}" for k in range(4)], [f"o{k}" for k in range(3)]
    nodes = lower(met, given, *names).graph.node
    cut = {name for node in nodes if node.op_type == "Slice" for name in node.output}
    assert all(cut.intersection(node.input) for node in nodes if node.op_type == "Mul" and "i1" in node.input)
    assert not any({"i1", "i2"}.intersection(node.input) for node in nodes if node.op_type != "Slice")


def _tick(seed, tick, x, y):
    """Of the seed alone, of the tick alone as numbers and as lists, and of a list that is too long."""
    bits = Bits.at(seed, jnp.uint32(1), tick)
    a, b = bits.of(jnp.arange(5, dtype=jnp.int32), 3)
    a = a ^ bits.of(jnp.arange(2, dtype=jnp.int32), 4)[1][1]
    k, fixed = (a[1] >> 3).astype(jnp.int32) & 7, ((seed[0] ^ seed[1]) & 31).astype(jnp.int32)
    few = ((b & 15).astype(jnp.int32) + k) * jnp.maximum(fixed, 1) - jnp.arange(5)
    many = jnp.arange(300) * (k | 1) + tick
    y = jnp.where((k & 1) == 1, y + many, y ^ few[2])
    x, told = lax.cond(x[0] > 40, lambda: (x * 3 + few, x[3]), lambda: (x + few, x[2] * 7))
    return [x, y, (jnp.sum(x) == 12345679).astype(jnp.int32), told + jnp.sum(y * y * 7)]


def test_what_depends_on_the_tick_alone_is_a_table():
    """For no tick, one, and as many as are at once, one less and one more; what a tick tells is not computed."""
    x, y = np.arange(5, dtype=np.int32), np.arange(300, dtype=np.int32)
    seed, tick, names = (
        np.array([7, 2**31 + 9], np.uint32),
        np.array(11, np.int32),
        ["seed", "tick", "state.x", "state.y"],
    )
    model = lower(
        _tick, [seed, tick, x, y], names, ["next.state.x", "next.state.y", "status", "flow.told"], {"tick": 0}
    )
    before = model.SerializeToString()
    whole = looped(onnx, model)
    assert model.SerializeToString() == before
    session = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    inside = next(n for n in whole.graph.node if n.op_type == "Loop").attribute[0].g
    ticks = Counter(n.op_type for n in next(n for n in inside.node if n.op_type == "Loop").attribute[0].g.node)
    assert ticks["Mul"] >= 2, "the long list is no table"
    assert not ticks["BitShift"] and 0 < ticks["Gather"] <= 6 and ticks["ReduceSum"] == 1, ticks
    ours, after, step = [[x, y]], ["after.tick", "after.state.x", "after.state.y"], jax.jit(_tick)
    for k in range(260):
        ours.append([np.asarray(a) for a in step(seed, np.int32(11 + k), *ours[-1])[:2]])
    for n in (0, 1, 127, 128, 129, 260):
        begin = {"ticks": np.array(n), "seed": seed, "begin.tick": tick, "begin.state.x": x, "begin.state.y": y}
        found = [np.asarray(a) for a in session.run(after, begin)]
        assert found[0] == 11 + n and all(np.array_equal(a, b) for a, b in zip(found[1:], ours[n], strict=True)), n
