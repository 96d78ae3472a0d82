"""A few array operations that the laws of many bodies share, each with a reason to exist.

`gather_cells` and `deposit` flatten the replicate axis when they are batched (a batched scatter is 2-3 times slower on
a CPU); `first_true` lists set bits without a scan over all places; `any_replicate` lets a loop inside a law go on until
no replicate of the batch needs another round; `in_turn` takes the replicates of a batch one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Int, Int32, UInt32

LANES = "lanes"
"""Name of the axis along which the loop batches replicates."""


def any_replicate(flag: Bool[Array, ""]) -> Bool[Array, ""]:
    """Whether `flag` holds in any replicate of the batch.

    For the condition of a loop whose extra rounds change nothing: unlike a batched condition it costs no copy of the
    carried arrays.
    """
    try:
        return lax.pmax(flag.astype(jnp.int32), LANES) > 0
    except NameError:  # outside a batch: one replicate alone
        return flag


def _flat(cells: Int[Array, "r n"], n_cells: int) -> Int[Array, " rn"]:
    offsets = jnp.arange(cells.shape[0], dtype=jnp.int32) * n_cells
    return (cells + offsets[:, None]).ravel()


def _batched(arg: Array, is_batched: bool, axis_size: int) -> Array:
    return arg if is_batched else jnp.broadcast_to(arg, (axis_size, *arg.shape))


@custom_vmap
def gather_cells(field: Array, cells: Int[Array, " n"]) -> Array:
    """`field[cells]` for a flat field; every cell must exist."""
    return field.at[cells].get(mode="promise_in_bounds")


@gather_cells.def_vmap
def _(axis_size, in_batched, field, cells):
    if not in_batched[0]:
        return gather_cells(field, cells.ravel()).reshape(cells.shape), True
    cells = _batched(cells, in_batched[1], axis_size)
    out = gather_cells(field.ravel(), _flat(cells, field.shape[1]))
    return out.reshape(cells.shape), True


def _scatter(update: Callable[[Array, Array, Array], Array]) -> Callable[[Array, Array, Array], Array]:
    @custom_vmap
    def scatter(field, cells, values):
        return update(field, cells, values)

    @scatter.def_vmap
    def _(axis_size, in_batched, field, cells, values):
        field, cells, values = (
            _batched(a, b, axis_size) for a, b in zip((field, cells, values), in_batched, strict=True)
        )
        out = scatter(field.ravel(), _flat(cells, field.shape[1]), values.ravel())
        return out.reshape(field.shape), True

    return scatter


deposit = _scatter(lambda field, cells, values: field.at[cells].add(values, mode="promise_in_bounds"))
"""`field[cells] += values`, several values for one cell adding up; every cell must exist."""

lowest_in = _scatter(lambda field, cells, values: field.at[cells].min(values, mode="promise_in_bounds"))
"""`field[cells] = min(field[cells], values)`."""

highest_in = _scatter(lambda field, cells, values: field.at[cells].max(values, mode="promise_in_bounds"))
"""`field[cells] = max(field[cells], values)`."""


@partial(jax.jit, static_argnums=1)  # XLA writes it into its caller, and a translator knows it by its name
def first_true(mask: Bool[Array, " n"], size: int) -> Int[Array, " size"]:
    """The places of the first `size` true values, in order; `n` where there are fewer.

    Packs the mask into words and looks bits up by counting, so the cost beyond one pass is that of `size` places.
    """
    n = mask.shape[0]
    shifts = jnp.arange(32, dtype=jnp.uint32)
    mask = jnp.pad(mask, (0, -n % 32))
    words = jnp.sum(mask.reshape(-1, 32).astype(jnp.uint32) << shifts[None, :], axis=1, dtype=jnp.uint32)
    counts = lax.population_count(words).astype(jnp.int32)
    ends = jnp.cumsum(counts)
    k = jnp.arange(size, dtype=jnp.int32)
    method = "compare_all" if words.shape[0] <= 128 else "scan"  # few words: one small fused kernel
    at = jnp.minimum(jnp.searchsorted(ends, k, side="right", method=method), words.shape[0] - 1)
    at = at.astype(jnp.int32)
    left = k - (ends[at] - counts[at])
    word, place = words[at], jnp.zeros_like(k)
    for step in (16, 8, 4, 2, 1):  # descend into the half of the word that holds the bit
        below = lax.population_count(word & jnp.uint32((1 << step) - 1)).astype(jnp.int32)
        up = left >= below
        left = jnp.where(up, left - below, left)
        word = jnp.where(up, word >> step, word)
        place = jnp.where(up, place + step, place)
    return jnp.where(k < ends[-1], at * 32 + place, n)


def lowest(mask: Bool[Array, " n"], rank: UInt32[Array, " n"], k: Int[Array, ""]) -> Bool[Array, " n"]:
    """The `k` masked places of lowest rank (all of them if there are no more). Masked ranks differ pairwise.

    The search for the limiting rank, bit by bit, runs only where the mask holds more than `k`.
    """
    crowded = jnp.sum(mask, dtype=jnp.int32) > k

    def narrow(carry):
        bit, limit = carry
        trial = limit | (jnp.uint32(1) << bit)
        fits = jnp.sum(mask & (rank < trial), dtype=jnp.int32) <= k
        return bit - jnp.uint32(1), jnp.where(fits, trial, limit)

    last = jnp.uint32(0xFFFFFFFF)  # bit 31, 30, ... 0, then wrapped below zero
    start = jnp.where(any_replicate(crowded), jnp.uint32(31), last)
    _, limit = lax.while_loop(lambda carry: carry[0] != last, narrow, (start, jnp.uint32(0)))
    return mask & (~crowded | (rank < limit))


def order_of(keys: UInt32[Array, " k"], valid: Bool[Array, " k"]) -> Int[Array, " k"]:
    """For each valid key the number of valid keys below it. Quadratic, for the short lists of a tick."""
    below = (keys[None, :] < keys[:, None]) & valid[None, :]
    return jnp.sum(below, axis=1, dtype=jnp.int32)


def materialise(tick: Int[Array, ""], compute: Callable[..., Any], *arguments: Any) -> Any:
    """`compute(*arguments)`, computed once and stored.

    XLA counts integer arithmetic as free and repeats it inside every kernel that uses its result; a branch (which is
    always taken: ticks are not below -1) is what it does not repeat.
    """
    shapes = jax.eval_shape(compute, *arguments)

    def never(*arguments: Any) -> Any:
        return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)

    return lax.cond(tick >= -1, compute, never, *arguments)


def shaped(call: Callable[..., Any], *args: Any) -> Any:
    """What `jax.eval_shape` gives: shapes and dtypes, nothing is computed.

    Traced once for all arguments of a form: many short runs of one law, as in a tournament or of the arms of an assay,
    would spend most of their time on it. Of jax's configuration only `enable_x64` is looked at.

    Args:
      call: a function of a module or a class: one that is made anew is traced anew.
      args: pytrees of arrays or of their shapes.
    """
    leaves, form = jax.tree.flatten(args)
    return _shaped(call, form, tuple(_shape_of(leaf) for leaf in leaves), jax.config.read("jax_enable_x64"))


def _shape_of(leaf: Any) -> jax.ShapeDtypeStruct:
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf
    return jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf), weak_type=jax.typeof(leaf).weak_type)


@lru_cache(maxsize=256)
def _shaped(call: Callable[..., Any], form: Any, leaves: tuple[jax.ShapeDtypeStruct, ...], is_x64: bool) -> Any:
    return jax.eval_shape(call, *jax.tree.unflatten(form, leaves))


def next_power_of_two(n: int, least: int = 32) -> int:
    """The size class that holds `n` places."""
    return max(least, 1 << max(0, n - 1).bit_length())


def sum32(x: Array) -> Int[Array, ""]:
    """The sum in int32 (the configuration proves that it fits)."""
    return jnp.sum(x, dtype=jnp.int32)


@jax.jit
def promised(x: Int32[Array, "..."], low: Int[Array, ""], high: Int[Array, ""]) -> Int32[Array, "..."]:
    """`x`, of which the law knows that it is in low ... high: for a translator, which cannot find that out."""
    return x


@jax.jit
def one_of(k: Int32[Array, ""], cases: Array) -> Array:
    """Case number `k`, or the first if there is none. Compared one after the other: a look-up does not vectorise."""
    out = cases[0]
    for number in range(1, cases.shape[0]):
        out = jnp.where(k == number, cases[number], out)
    return out


@jax.jit
def quotient(a: Int32[Array, " n"], b: Int32[Array, " n"]) -> Int32[Array, " n"]:
    """floor(a / b) for 0 <= a < 2^15 and b > 0. A float quotient, made exact: integer division does not vectorise."""
    q = (a.astype(jnp.float32) / b.astype(jnp.float32)).astype(jnp.int32)
    q = jnp.where(q * b > a, q - 1, q)
    return jnp.where((q + 1) * b <= a, q + 1, q)


@jax.jit
def root(a: Int32[Array, " n"]) -> Int32[Array, " n"]:
    """floor(sqrt(a)) for 0 <= a < 2^28. A float root, made exact."""
    q = jnp.sqrt(a.astype(jnp.float32)).astype(jnp.int32)
    q = jnp.where(q * q > a, q - 1, q)
    return jnp.where((q + 1) * (q + 1) <= a, q + 1, q)


def in_turn(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function of arrays; batched, it does one replicate after the other.

    For loops of scalars, of which a batch in lockstep would wait for the longest. What is not an argument must be
    constant.
    """
    alone = custom_vmap(function)

    @alone.def_vmap
    def _(axis_size, in_batched, *args):
        batched = [_batched(a, b, axis_size) for a, b in zip(args, in_batched, strict=True)]
        out = lax.map(lambda own: function(*own), tuple(batched))
        return out, jax.tree.map(lambda _: True, out)

    return alone
