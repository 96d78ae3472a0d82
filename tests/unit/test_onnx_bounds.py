"""Random programs of whole numbers in ONNX, and what is decided there by their bounds, against jax.

A wrong bound changes no number by itself: it changes what is decided by it. So each result is compared with the least
and the most that it really becomes, at the ends of its type and of every mask; a bound that leaves one of them out
answers the comparison wrongly.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.unit.test_onnx import by_both

ROWS, COLUMNS, N, DEPTH = 8, 32, 50, 3
ENDS = [-(2**31), -(2**31) + 1, -1025, -1024, -8, -1, 0, 1, 7, 1023, 2**16, 2**30, 2**31 - 1]
MIXED = ([-5, -2, 3], [-1, 7, 1], [-9, -3, -2], [2, 5, 16])


def program(rng: np.random.Generator, depth: int = DEPTH) -> tuple:
    """A program as nested tuples: the name of an operation, its numbers, its operands."""
    if depth == 0:
        return str(rng.choice(["x", "y"])), ()
    name = str(rng.choice(list(OPERATIONS)))
    n, _ = OPERATIONS[name]
    k = int(rng.integers(0, 12))
    return name, (k, int(rng.integers(-1, 2))), *(program(rng, int(rng.integers(0, depth))) for _ in range(n))


def value(of: tuple, given: dict[str, jax.Array]) -> jax.Array:
    name, numbers, *operands = of
    if name in given:
        return given[name]
    return OPERATIONS[name][1](*numbers, *(value(operand, given) for operand in operands))


def some(numbers: list[int]) -> jax.Array:
    return jnp.asarray(np.resize(np.array(numbers, np.int32), COLUMNS))


def as_truth(k: int, near: int, a: jax.Array) -> jax.Array:
    return (few(k, near, a).astype(jnp.float32) / 2**k).astype(bool).astype(jnp.int32)


def few(k: int, near: int, a: jax.Array) -> jax.Array:
    """Masked: [0, 2^k - 1], or one bit."""
    return a & jnp.int32(max((1 << k) + min(near, 0), 1))


def top(a: jax.Array) -> jax.Array:
    return a ^ jnp.int32(-(2**31))


OPERATIONS = {
    "few": (1, few),
    "moved": (1, lambda k, near, a: few(k, -1, a) + near * k),
    "add": (2, lambda k, near, a, b: a + b),
    "sub": (2, lambda k, near, a, b: a - b),
    "mul": (2, lambda k, near, a, b: a * b),
    "own product": (1, lambda k, near, a: (few(k, -1, a) - k) * (few(k, -1, a) - k)),
    "max": (2, lambda k, near, a, b: jnp.maximum(a, b)),
    "min": (2, lambda k, near, a, b: jnp.minimum(a, b + near)),
    "neg": (1, lambda k, near, a: -a),
    "abs": (1, lambda k, near, a: jnp.abs(a >> 1)),
    "sign": (1, lambda k, near, a: jnp.sign(a)),
    "div": (1, lambda k, near, a: lax.div(a, jnp.broadcast_to(some(MIXED[k % 4]), a.shape))),
    "rem": (1, lambda k, near, a: lax.rem(a, jnp.broadcast_to(some(MIXED[k % 4]), a.shape))),
    "floor": (1, lambda k, near, a: a // jnp.int32(2 * k - 11)),
    "bits or": (2, lambda k, near, a, b: (a << k) | few(k, near, b)),
    "bits xor": (2, lambda k, near, a, b: (a * (1 << k)) ^ few(k, near, b)),
    "any bits": (2, lambda k, near, a, b: (a & few(k, near, b), a | b, a ^ b)[near]),
    "top": (1, lambda k, near, a: jnp.where(a > k, a, top(a)) if near else jnp.where(a > k, top(a), a)),
    "left": (1, lambda k, near, a: a << k),
    "right": (1, lambda k, near, a: a >> k),
    "right, without sign": (1, lambda k, near, a: lax.shift_right_logical(a, jnp.full_like(a, k + 20 * (near > 0)))),
    "sum": (1, lambda k, near, a: jnp.broadcast_to(jnp.sum(few(k + 12, -1, a), 1, keepdims=True), a.shape)),
    "sum of all": (1, lambda k, near, a: jnp.broadcast_to(jnp.sum(a, 0, keepdims=True), a.shape)),
    "cumsum": (1, lambda k, near, a: jnp.cumsum(few(k, -1, a) + near * 3, 1)),
    "truth": (1, as_truth),
    "narrow": (1, lambda k, near, a: a.astype((jnp.int8, jnp.uint8, jnp.int16, jnp.uint32)[k % 4]).astype(jnp.int32)),
    "clip": (1, lambda k, near, a: jnp.clip(a, -k, k + near)),
    "where": (2, lambda k, near, a, b: jnp.where(a > k, b, b + near)),
    "either": (2, lambda k, near, a, b: jnp.where(few(k, near, a) >= k, a, b)),
    "root": (1, lambda k, near, a: jnp.sqrt(few(k, -1, a).astype(jnp.float32)).astype(jnp.int32)),
}
"""By name: how many operands, and the function of a small number, of -1, 0 or 1, and of them."""


@pytest.mark.parametrize("seed", range(6))
def test_what_is_decided_by_bounds_is_what_jax_says(seed):
    rng = np.random.default_rng(seed)
    of_all = [program(rng) for _ in range(N)]
    of_all += [
        (name, (k, near), *(program(rng, 1),) * n)
        for name, (n, _) in OPERATIONS.items()
        for k, near in [(int(rng.integers(0, 12)), int(rng.integers(-1, 2)))]
    ]
    x, y = (rng.choice(np.array(ENDS, np.int32), (ROWS, COLUMNS)) for _ in range(2))
    x[1:3], y[2:4] = (rng.integers(-(2**31), 2**31, (2, COLUMNS), np.int32) for _ in range(2))

    def values(x, y):
        return [value(of, {"x": x, "y": y}) for of in of_all]

    known = [np.asarray(v) for v in jax.jit(values)(x, y)]

    def decided(x, y):
        """Whether a number is the least, is not above it, is the most, is not below it."""
        found = values(x, y)
        ends = [(v, jnp.int32(k.min()), jnp.int32(k.max())) for v, k in zip(found, known, strict=True)]
        return [*found, *(f for v, low, high in ends for f in (v == low, v <= low, v >= high, v == high))]

    _, found = by_both(decided, x, y)
    wanted = [f for v in known for f in (v == v.min(), v <= v.min(), v >= v.max(), v == v.max())]
    for k, of in enumerate(of_all):
        assert np.array_equal(known[k], found[k]), f"value of {of}"
        for a, b in zip(wanted[4 * k : 4 * k + 4], found[len(of_all) + 4 * k :][:4], strict=True):
            assert np.array_equal(a, b), f"what is decided of {of}"


def test_bounds_of_what_is_not_monotone():
    """A quotient by numbers of both signs; floats that become truth; a difference of 2^31."""
    x = np.array([-(2**31), -7, 0, 1, 5, 100, 1000, 2**31 - 1, 3], np.int32)

    def decided(x):
        low = x & 1023
        near = low.astype(jnp.float32) / 2048
        return [
            lax.div(low, some([-5, -2, 3])[: x.size]) < -300,
            near.astype(bool).astype(jnp.int32) >= 1,
            (near - 1).astype(bool).astype(jnp.int32) >= 1,
            (low - 5).astype(bool).astype(jnp.int32) >= 1,
            *(jnp.where(x > 3, *pair) for y in (top(x), x + jnp.int32(-(2**31))) for pair in ((x, y), (y, x))),
        ]

    wanted, found = by_both(decided, x)
    for k, (a, b) in enumerate(zip(wanted, found, strict=True)):
        assert a.dtype == b.dtype and np.array_equal(a, b), f"output {k}: {a} {b}"
