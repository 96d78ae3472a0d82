"""Operations of jax in ONNX: equal in ONNX Runtime for whole numbers, at their ends too; what is missing is named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mesocosm.core.arrays import first_true, in_turn

onnx = pytest.importorskip("onnx", reason="needs the extra export")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra export")
from mesocosm.artefacts.onnx.graph import NotExpressible  # noqa: E402
from mesocosm.artefacts.onnx.lowering import lower  # noqa: E402


def by_both(function, *arrays):
    """What jax gives, and what ONNX Runtime gives of its translation."""
    arrays = [np.asarray(a) for a in arrays]
    wanted = [np.asarray(a) for a in jax.jit(function)(*arrays)]
    names, outputs = [f"i{k}" for k in range(len(arrays))], [f"o{k}" for k in range(len(wanted))]
    model = lower(function, arrays, names, outputs)
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


def test_what_has_no_translation_is_refused_by_name():
    with pytest.raises(NotExpressible, match=r"the operation 'random_\w+' has no.*--to stablehlo"):
        by_both(lambda x: [jax.random.normal(jax.random.key(0), (3,)) + x], np.zeros(3, np.float32))
    with pytest.raises(NotExpressible, match="a sort by several keys"):
        by_both(lambda x: list(lax.sort((x, x), num_keys=2)), np.zeros(3, np.int32))
