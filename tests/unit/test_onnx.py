"""Operations of jax in ONNX: equal in ONNX Runtime for whole numbers, at their ends too; what is missing is named.

Of |-2^31|, which is -2^31, XLA says two things: it is the least number, and it is not below 0 (its simplifier answers
that before it computes). ONNX Runtime says that it is below 0.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mesocosm.core.arrays import first_true, in_turn
from mesocosm.core.random import Bits

onnx = pytest.importorskip("onnx", reason="needs the extra export")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra export")
from mesocosm.artefacts.onnx.graph import NotExpressible  # noqa: E402
from mesocosm.artefacts.onnx.lowering import lower  # noqa: E402


def by_both(function, *arrays, least=None, most=None):
    """What jax gives, and what ONNX Runtime gives of its translation."""
    arrays = [np.asarray(a) for a in arrays]
    wanted = [np.asarray(a) for a in jax.jit(function)(*arrays)]
    names, outputs = [f"i{k}" for k in range(len(arrays))], [f"o{k}" for k in range(len(wanted))]
    model = lower(function, arrays, names, outputs, least, most)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return wanted, session.run(outputs, dict(zip(names, arrays, strict=True)))


def test_whole_numbers_are_equal_in_every_operation():
    """At their ends too: what wraps, shifts by any number, division towards zero and by zero, negative places."""
    ends = [-(2**31), -(2**31) + 1, -7, -1, 0, 1, 2, 31, 32, 100, 2**31 - 1]
    a, b = (np.array(x, np.int32).ravel() for x in np.meshgrid(ends, ends))
    u, v, few = a.astype(np.uint32), b.astype(np.uint32), (b & 63).astype(np.int32)

    def of_two(a, b, u, v, few):
        k = few.astype(jnp.uint32)
        safe = jnp.where((a == -(2**31)) & (b == -1), 3, b)
        return [
            *(f(x, y) for x, y in ((a, b), (u, v)) for f in (jnp.add, lax.sub, lax.mul, lax.max, lax.min)),
            *(f(x, y) for x, y in ((a, b), (u, v)) for f in (lax.bitwise_and, lax.bitwise_or, lax.bitwise_xor)),
            *(f(x, y) for x, y in ((a, b), (u, v)) for f in (lax.lt, lax.ge, lax.eq, lax.ne)),
            *(f(a, safe) for f in (lax.div, lax.rem, jnp.floor_divide, jnp.mod)),
            *(f(u, v) for f in (lax.div, lax.rem)),
            *(f(a, few) for f in (lax.shift_left, lax.shift_right_logical, lax.shift_right_arithmetic)),
            *(f(u, k) for f in (lax.shift_left, lax.shift_right_logical)),
            *(f(a) for f in (lax.neg, lax.sign, lax.abs, lax.bitwise_not, lambda x: lax.integer_pow(x, 5))),
            *(f(u) for f in (lax.population_count, lax.clz, lax.bitwise_not)),
            jnp.clip(a, -5, 9),
            a.astype(jnp.int8),
            (a > b) ^ (a < 3),
            lax.select_n(jnp.clip(few % 3, 0, 2), a, b, few),
            jnp.where(a > b, a.astype(jnp.int16), few.astype(jnp.int16)),
        ]

    wanted, found = by_both(of_two, a, b, u, v, few)
    for k, (x, y) in enumerate(zip(wanted, found, strict=True)):
        assert x.dtype == y.dtype and np.array_equal(x, y), f"operation {k}"


def test_places_loops_and_branches_are_equal():
    rng = np.random.default_rng(0)
    field = rng.integers(-9, 9, (3, 5, 4)).astype(np.int32)
    at = np.array([-6, -1, 0, 2, 4, 4, 5, 90], np.int32)
    key = rng.integers(0, 9, 20).astype(np.uint32)

    def moved(field, at, key):
        flat, (i, j) = field[0, :, 0], (at[:3] % 3, at[:3] % 5)
        each = in_turn(lambda row: jnp.sum(row * row))
        return [
            field.at[:, at].get(mode="fill", fill_value=7),
            field.at[:, at, 1].get(mode="clip"),
            field[i, j],
            jax.vmap(lambda row, k: row[k])(field, i),
            field.at[:, at].set(field[:, :1] + at[None, :, None] * 0, mode="drop"),
            flat.at[at].add(1, mode="drop"),
            flat.at[at % 5].max(at, mode="promise_in_bounds"),
            field.at[i, j].set(1),
            jax.vmap(lambda row, k: row.at[k].add(2))(field, i),
            lax.dynamic_slice(field, (at[3], 3, at[0]), (1, 3, 4)),
            lax.dynamic_update_slice(field, field[:, :2] * 2, (0, at[3], 0)),
            jnp.sort(key),
            jnp.argsort(key, stable=True),
            *lax.top_k(key.astype(jnp.int32) // 2, 5),
            *lax.top_k(field.astype(jnp.float32).reshape(3, 20), 4),
            jnp.cumsum(key, dtype=jnp.uint32),
            jnp.searchsorted(jnp.sort(key.astype(jnp.int32)), at, method="compare_all"),
            first_true(key > 4, 12),
            jnp.argmax(field, axis=1),
            jnp.pad(field, ((1, 0), (0, 2), (0, 0)), constant_values=3)[::-1, ::2],
            jnp.concatenate([field, field[:, :1]], 1).transpose(2, 0, 1),
            jnp.einsum("abc,abd->acd", field, field),
            jnp.any(field > 5, 1),
            lax.reduce(key[:8], jnp.uint32(0), lax.bitwise_or, (0,)),
            *(lax.switch(k, [lambda x: x, lambda x: x + 1, lambda x: x * 0, jnp.negative], flat) for k in at[1:5]),
            lax.while_loop(lambda c: c[0] < 7, lambda c: (c[0] + 2, c[1] * 3 + c[0]), (at[2], flat))[1],
            *lax.scan(lambda c, x: (c + x, c * x), flat, field[..., 0], reverse=True),
            lax.fori_loop(
                0, 5, lambda k, c: lax.cond(c[0] > k, lambda c: c - k, lambda c: c + key[k].astype(jnp.int32), c), flat
            ),
            each(field[0]),
        ]

    wanted, found = by_both(moved, field, at, key)
    for k, (x, y) in enumerate(zip(wanted, found, strict=True)):
        assert x.dtype == y.dtype and np.array_equal(x, y), f"output {k}"


def test_floats_become_whole_numbers_as_in_jax():
    """Towards zero, at the ends of the type if beyond them, 0 for what is no number; known numbers too."""
    x = np.array([3e9, -3e9, 5e9, np.nan, np.inf, -np.inf, -1.5, 300.7, -300, 2.0**31, 2.0**32, 7e4, 0.9], np.float32)
    kinds = (jnp.int32, jnp.uint32, jnp.int16, jnp.uint16, jnp.int8, jnp.uint8)
    wanted, found = by_both(lambda a: [b.astype(kind) for b in (a, jnp.array(x)) for kind in kinds], x)
    for kind, a, b in zip(kinds * 2, wanted, found, strict=True):
        assert a.dtype == b.dtype and a.tolist() == b.tolist(), kind


def test_sums_and_products_that_wrap_are_equal():
    """Along any axes and all, of an odd number of rows, of one and of none; what is added at places."""
    x = np.random.default_rng(0).integers(-(2**31), 2**31, (7, 6, 2), np.int32)

    def wrapped(a):
        kinds = [a, a.astype(jnp.uint32), a.astype(jnp.int8)]
        return [
            *(f(b, axes, dtype=b.dtype) for f in (jnp.sum, jnp.prod) for b in kinds for axes in (0, 1, (0, 2), None)),
            *(f(a[:n] | 1, 0) for f in (jnp.sum, jnp.prod) for n in (0, 1, 3)),
            jnp.einsum("abc,abc->b", a, a),
            jnp.zeros(4, jnp.int32).at[a & 3].add(a),
            jnp.ones(4, jnp.int32).at[a & 3].multiply(a),
        ]

    wanted, found = by_both(wrapped, x)
    for k, (a, b) in enumerate(zip(wanted, found, strict=True)):
        assert a.dtype == b.dtype and np.array_equal(a, b), f"output {k}: {a} {b}"


def test_what_is_no_number_comes_first_of_the_largest_and_last_of_the_sorted():
    """Before what is infinite and behind it; -0 is less than 0 among the largest, and its equal where it is sorted."""
    line = np.array([1, np.nan, 3, np.inf, -0.0, 0.0, np.nan, -np.inf, 3, -0.0, -1e-30, 3.4028235e38], np.float32)
    x = np.stack([line, line[::-1], np.roll(line, 5)])

    def ordered(x):
        return [
            *(f for k in (1, 4, 12) for f in lax.top_k(x, k)),
            *lax.top_k(jnp.broadcast_to(x[0], (2, 12)), 5),
            jnp.sort(x, 1),
            jnp.argsort(x, axis=1, stable=True),
        ]

    wanted, found = by_both(ordered, x)
    for k, (a, b) in enumerate(zip(wanted, found, strict=True)):
        assert a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), f"output {k}: {a} {b}"


def test_nothing_is_lost_near_zero():
    """exp(x) - 1 and log(1 + x) of small numbers and large; of what is no number, what jax says."""
    x = np.array([1e-8, -1e-8, 1e-4, 0.3, -0.7, 5, 80, -80, 0, np.nan, np.inf], np.float32)
    functions = (jnp.expm1, jnp.log1p, jax.nn.softplus)
    wanted, found = by_both(lambda a: [f(a) for f in functions], x)
    for a, b in zip(wanted, found, strict=True):
        assert np.allclose(b, a, rtol=5e-7, atol=1e-37, equal_nan=True), (a, b)


def test_what_onnx_runtime_has_not_for_a_type_is_composed():
    """Odd types, no axes, what is no number; windows that fall outside."""
    few, big = np.array([[1, 5, 3], [100, 7, -9]]), np.array([1, 2**31 + 5, 2**32 - 1], np.uint32)
    window = lax.ScatterDimensionNumbers((0,), (), (0,))
    narrow = [few.astype(kind) for kind in (np.int16, np.int8, np.uint8, np.uint16)]

    def odd(t, big, x, truth, *narrow):
        line = narrow[0][0].astype(jnp.int32)
        return [
            *(f(a) for a in narrow for f in (jnp.max, jnp.min, jnp.argmax, jnp.argmin)),
            *(f(a, dtype=a.dtype) for a in narrow for f in (jnp.sum, jnp.prod, jnp.cumsum)),
            *(jnp.sort(a, axis=1) for a in (*narrow, truth)),
            *(lax.dot(a, a.T, preferred_element_type=kind) for a in narrow for kind in (a.dtype, jnp.int32)),
            *(f(big) for f in (jnp.max, jnp.min, jnp.argmax, jnp.prod, lambda a: a[None] * a[:, None] @ a)),
            *(f(truth[0], truth[1]) for f in (lax.lt, lax.le, lax.gt, lax.ge, lax.eq)),
            *(lax.reduce_sum_p.bind(a, axes=(), out_sharding=None) for a in (line, big)),
            *(f(x, axis=1) for f in (jnp.argmax, jnp.argmin)),
            t.astype(jnp.int16) >= 0,
            t >= 0,
            *(
                lax.scatter(line, jnp.array([k]), line[:2] + 70, window, mode="drop")
                for k in (t - 40000, t, t - 39998, -t)
            ),
        ]

    x = np.array([[1, np.nan, 3], [np.nan, np.nan, 1], [2, 2, -1]], np.float32)
    wanted, found = by_both(odd, np.int32(40000), big, x, few > 4, *narrow, least={"i0": 0})
    for k, (a, b) in enumerate(zip(wanted, found, strict=True)):
        assert a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b), f"output {k}"


def test_what_has_no_translation_is_refused_by_name():
    half, small = np.ones(3, np.float16), np.ones(3, np.float32)
    with pytest.raises(NotExpressible, match="the operation 'reduce_precision' has no translation"):
        by_both(lambda x: [lax.reduce_precision(x, 5, 3)], small)
    with pytest.raises(NotExpressible, match="'mul' gives float16, which ONNX Runtime computes in float32"):
        by_both(lambda x: [x * x], half)
    with pytest.raises(NotExpressible, match=r"calls Python on its host.*neither ONNX nor StableHLO"):
        by_both(lambda x: [jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x)], small)
    with pytest.raises(NotExpressible, match=r"the operation 'random_\w+' has no.*--to stablehlo"):
        by_both(lambda x: [jax.random.normal(jax.random.key(0), (3,)) + x], np.zeros(3, np.float32))
    with pytest.raises(NotExpressible, match="a sort by several keys"):
        by_both(lambda x: list(lax.sort((x, x), num_keys=2)), np.zeros(3, np.int32))


def test_bits_that_do_not_wait_for_one_another_are_drawn_at_once():
    """Of three addresses, one of which is made from the bits of another: two Threefrys; and a third for their key."""

    def drawn(seed, tick, ids):
        bits = Bits.at(seed, jnp.uint32(1), tick)
        (a, b), (c, d) = bits.of(ids, 3), bits.of(jnp.arange(6).reshape(2, 3), 4)
        e, f = bits.of(a, 5)
        alone = bits.of(jnp.uint32(7), 6)[1]
        return [a, b, c, d, e, f, jnp.broadcast_to(alone, (2,)), lax.cond(tick > 3, lambda: c + alone, lambda: d)]

    given = np.array([7, 2**32 - 1], np.uint32), np.int32(5), np.array([0, 1, 2**31 - 1, 77], np.int32)
    wanted, found = by_both(drawn, *given, least={"i1": 0})
    for k, (a, b) in enumerate(zip(wanted, found, strict=True)):
        assert a.dtype == b.dtype and np.array_equal(a, b), f"output {k}"
    model = lower(drawn, given, ["seed", "tick", "ids"], [f"o{k}" for k in range(8)], {"tick": 0})
    assert sum(node.op_type == "BitShift" for node in model.graph.node) == 3 * 20
    assert not any(node.op_type == "Draw" for node in model.graph.node)


def test_what_only_has_the_name_of_a_known_function_is_itself():
    @jax.jit
    def remainder(a, b):
        return a + b

    @partial(jax.jit, static_argnums=1)
    def first_true(mask, size):
        return jnp.zeros(size, jnp.int32) - mask[:size].astype(jnp.int32)

    a, mask = np.array([5, -7, 9], np.int32), np.array([True, False, True])
    wanted, found = by_both(lambda a, m: [remainder(a, jnp.int32(4)), first_true(m, 2)], a, mask)
    assert all(np.array_equal(x, y) for x, y in zip(wanted, found, strict=True))


def test_bounds_spare_nodes_and_change_nothing():
    """Of what cannot be negative or large; and the same of what can, at its ends."""
    ends = np.array([-(2**31), -(2**31) + 1, -1025, -1024, -5, -1, 0, 1, 7, 1023, 2**30, 2**31 - 1], np.int32)

    def moved(x, few, small):
        low = x & 1023
        root = jnp.sqrt((low * low).astype(jnp.float32)).astype(jnp.int32)
        return [
            *(v >> k for v in (x, low, low - 1024, low - 5) for k in (0, 1, 4, 30, 31)),
            *(jnp.floor_divide(v, k) for v in (x, low, -low) for k in (1, 7, 16)),
            *(jnp.remainder(v, k) for v in (x, low, -low) for k in (1, 7, 16)),
            root,
            jnp.where(x < 0, x + 12, x),
            jnp.where(x > low, low, low - 1),
            jnp.where(x > low, 0, x),
            jnp.where(x > low, small, small + 3),
            (low * 1024) | (low + 0),
            (x << 10) | low,
            (low << 5) ^ (low & 31),
            x ^ jnp.int32(-(2**31)),
            low[low % 12],
            ((x + 5) + few) + 2**30 + few,
            jnp.sum(low) + jnp.sum(x > 0) + jnp.sum(x),
            jnp.clip(low, 0, 2000) + jnp.clip(low, 3, 9),
            (low >= 0) & (low < 1024) & (x != -3000),
            few[:, None] * x[None, :] + low[None, :],
        ]

    wanted, found = by_both(moved, ends, ends[::-1].copy(), (ends & 7).astype(np.int8))
    for k, (a, b) in enumerate(zip(wanted, found, strict=True)):
        assert a.dtype == b.dtype and np.array_equal(a, b), f"output {k}: {a} {b}"
