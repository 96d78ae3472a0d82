"""The inner loop: many ticks of many replicates in one compiled program.

Replicates are lanes of a batch; lanes are shared out over devices, and each device runs its own loop. It stops at the
tick asked for, or before the first tick that an allocation could bind, or at once when a replicate's status changes:
the host then grows, drains or takes out, and calls again. Nothing here depends on how long a chunk is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core.arrays import LANES, any_replicate, first_true
from mesocosm.core.experiment import Events, Experiment, Tick
from mesocosm.core.instrument import Camera, Fold, Log
from mesocosm.core.plan import Founding
from mesocosm.core.random import Bits

MAX_ROWS = 64
"""Rows (windows) that fit on the device before the host must drain them."""

LOG_ROWS, FRAMES = 8192, 64
"""Events, and frames of a field, of one replicate that fit on the device at least."""

DEVICES = "devices"


class Buffer(eqx.Module):
    """Rows of a log that wait for the host, oldest first."""

    columns: dict[str, Array]  # each [capacity, ...]; with lanes in front outside the loop
    used: Int32[Array, "*lanes"]
    places: int = eqx.field(static=True)  # events that a tick can hold at most


class Lanes(eqx.Module):
    """All that the loop carries. Leading axis: lanes, but for `tick` and `n_rows`: blocks of lanes (`core.blocks`)."""

    tick: Int32[Array, " blocks"]
    n_rows: Int32[Array, " blocks"]
    state: Any
    folded: dict[str, Any]
    rows: dict[str, Array]  # each [lanes, MAX_ROWS]
    buffers: dict[str, Buffer]  # of logs: lanes; of cameras that take one replicate: blocks


class Watch(eqx.Module):
    """The instruments of a run."""

    folds: dict[str, Fold]
    logs: tuple[Log | Camera, ...]
    every: Int32[Array, ""]

    @property
    def of_all(self) -> tuple[Log | Camera, ...]:
        """What looks at every lane."""
        return tuple(log for log in self.logs if not is_of_one(log))

    @property
    def of_one(self) -> tuple[Camera, ...]:
        """Cameras that take one replicate alone."""
        return tuple(log for log in self.logs if isinstance(log, Camera) and is_of_one(log))

    def open(self, experiment: Experiment, state: Any) -> dict[str, Any]:
        scene = experiment.scene(state)
        return {name: fold.init(scene) for name, fold in self.folds.items()}

    def update(self, folded: dict[str, Any], tick: Tick) -> dict[str, Any]:
        return {name: fold.update(folded[name], tick) for name, fold in self.folds.items()}

    def read(self, experiment: Experiment, folded: dict[str, Any], state: Any) -> dict[str, Array]:
        scene = experiment.scene(state)
        rows: dict[str, Array] = {}
        for name, fold in self.folds.items():
            rows.update(fold.read(folded[name], scene))
        return rows


def is_of_one(log: Log | Camera) -> bool:
    """Whether a log is a camera that takes one replicate alone."""
    return isinstance(log, Camera) and log.shutter.is_of_one


def round_length(n: int) -> int:
    return min(1024, max(8, n // 64))


def empty_buffer(events: Events, zeros: Callable[[tuple[int, ...], Any], Any]) -> Buffer:
    """A buffer with room for many ticks of such events of one replicate.

    Args:
      events: or their shapes.
      zeros: makes an array of a shape and dtype, with whatever axes it puts in front.
    """
    n = events.happened.shape[-1]
    # A frame of a field is as large as many events, but there is one a tick at most.
    capacity = max(LOG_ROWS if n > 1 else FRAMES, 4 * n) + round_length(n)
    columns = {name: zeros((capacity, *column.shape[:-1]), column.dtype) for name, column in events.columns.items()}
    return Buffer({"tick": zeros((capacity,), jnp.int32), **columns}, zeros((), jnp.int32), n)


def _append(buffer: Buffer, events: Events, bits: Bits, live: Bool[Array, ""]) -> Buffer:
    n = events.happened.shape[0]
    size = round_length(n)

    def one_round(carry):
        buffer, waiting = carry
        places = first_true(waiting, size)
        rows = {
            name: jnp.moveaxis(column.at[..., places].get(mode="fill", fill_value=0), -1, 0)
            for name, column in events.columns.items()
        }
        rows["tick"] = jnp.full(size, 0, jnp.int32) + bits.tick
        columns = {
            name: lax.dynamic_update_slice_in_dim(column, rows[name], buffer.used, axis=0)
            for name, column in buffer.columns.items()
        }
        used = buffer.used + jnp.sum(places < n, dtype=jnp.int32)
        return Buffer(columns, used, n), waiting.at[places].set(False, mode="drop")

    carry = (buffer, events.happened & live)
    return lax.while_loop(lambda carry: any_replicate(jnp.any(carry[1])), one_round, carry)[0]


def _has_capacity(buffer: Buffer) -> Bool[Array, ""]:
    """Whether the buffer holds whatever one more tick can bring (and the scratch rows of a round)."""
    capacity = buffer.columns["tick"].shape[0]
    return buffer.used + buffer.places + round_length(buffer.places) <= capacity


@partial(jax.jit, static_argnames=("mesh",), donate_argnames=("lanes",))
def run_chunk(
    experiment: Experiment,
    watch: Watch,
    lanes: Lanes,
    live: Bool[Array, " lanes"],
    seed: UInt32[Array, "2"],
    replicate: UInt32[Array, " lanes"],
    until: Int32[Array, ""],
    mesh: Mesh,
) -> tuple[Lanes, Int32[Array, " lanes"], Bool[Array, " lanes"]]:
    """Advance every device's replicates to tick `until`, or to where the host is needed.

    Returns the lanes, the status of each, and whether each fits its arrays.

    Args:
      lanes: is consumed (its memory is used again).
      live: lanes that count; the others are padding, or replicates that have ended.
    """
    split, whole = PartitionSpec(DEVICES), PartitionSpec()
    on_device = jax.shard_map(
        _advance,
        mesh=mesh,
        in_specs=(whole, whole, split, split, whole, split, whole),
        out_specs=split,
        check_vma=False,
    )
    return on_device(experiment, watch, lanes, live, seed, replicate, until)


def _film(experiment, watch, live, replicate, tick, state, buffers):
    """Take pictures of the one replicate that is filmed, where it is in this block and one of its shutters is open.

    Args:
      live, replicate: [lanes].
      state: of all lanes, after the tick.
      buffers: of the cameras that take one replicate, by name; a lane each.
    """

    def take(camera, buffer):
        wanted = (replicate == camera.shutter.replicate.astype(replicate.dtype)) & live
        lane = jnp.argmax(wanted)

        def picture(state, buffer):
            bits = Bits.at(jnp.zeros(2, jnp.uint32), replicate[lane], tick)  # nothing is drawn: of its tick alone
            events = camera.emit(None, experiment.scene(state), tick, replicate[lane])
            return _append(buffer, events, bits, jnp.bool_(True))

        def taken(buffer):
            mine = jax.tree.map(lambda x: lax.dynamic_slice_in_dim(x, lane, 1), state)
            return jax.vmap(picture, axis_name=LANES)(mine, buffer)

        is_due = jnp.any(wanted) & camera.shutter.is_open(tick, replicate[lane])
        return lax.cond(is_due, taken, lambda buffer: buffer, buffer)

    return {camera.name: take(camera, buffers[camera.name]) for camera in watch.of_one}


def _must_stop(experiment, live, n_rows, state, buffers):
    """Whether the host is needed: a replicate has ended or has no room, or rows or a log are full."""
    ended = jax.vmap(experiment.status)(state) != 0
    cramped = ~jax.vmap(experiment.has_room)(state)
    stop = jnp.any(live & (ended | cramped)) | (n_rows >= MAX_ROWS)
    for buffer in buffers.values():
        is_full = ~jax.vmap(_has_capacity)(buffer)
        stop = stop | jnp.any(is_full & live if is_full.shape == live.shape else is_full)
    return stop


def _advance(experiment, watch, lanes, live, seed, replicate, until):
    """One device's blocks of lanes, one after the other, each to tick `until` or to where it needs the host."""
    n_blocks = lanes.tick.shape[0]
    if n_blocks == 1 and experiment.exact:
        return _advance_block(experiment, watch, lanes, live, seed, replicate, until)

    def part(tree, k):
        """Block k; of `tick` and `n_rows` one element, of all else its lanes."""
        return jax.tree.map(
            lambda x: lax.dynamic_slice_in_dim(x, k * (x.shape[0] // n_blocks), x.shape[0] // n_blocks), tree
        )

    # Sums of floats depend on what they are fused with: a block is compiled the same beside however many others.
    apart = (lambda tree: tree) if experiment.exact else lax.optimization_barrier

    def one_block(k, carry):
        mine = apart((part(carry[0], k), part(live, k), part(replicate, k)))
        out = apart(_advance_block(experiment, watch, mine[0], mine[1], seed, mine[2], until))
        return jax.tree.map(
            lambda whole, new: lax.dynamic_update_slice_in_dim(whole, new, k * new.shape[0], 0), carry, out
        )

    codes, rooms = jnp.zeros(replicate.shape, jnp.int32), jnp.zeros(replicate.shape, bool)
    return lax.fori_loop(0, n_blocks, one_block, (lanes, codes, rooms))


def _advance_block(experiment, watch, lanes, live, seed, replicate, until):
    """The loop of a block: windows, and within them ticks."""
    start = lanes.tick[0], lanes.n_rows[0], lanes.state, lanes.folded, lanes.rows, lanes.buffers

    def step(carry):
        tick, n_rows, state, folded, rows, buffers, _ = carry

        def one(replicate, live, state, folded, buffers):
            bits = Bits.at(seed, replicate, tick)
            state, happened = experiment.tick(bits, state)
            scene = experiment.scene(state)
            emitted = {log.name: log.emit(happened, scene, tick, replicate) for log in watch.of_all}
            buffers = {name: _append(buffers[name], events, bits, live) for name, events in emitted.items()}
            return state, watch.update(folded, happened), buffers

        logged = {log.name: buffers[log.name] for log in watch.of_all}
        state, folded, logged = jax.vmap(one, axis_name=LANES)(replicate, live, state, folded, logged)
        buffers = {**logged, **_film(experiment, watch, live, replicate, tick, state, buffers)}
        return tick + 1, n_rows, state, folded, rows, buffers, _must_stop(experiment, live, n_rows, state, buffers)

    def close_window(tick, n_rows, state, folded, rows, buffers, stop):
        read = jax.vmap(lambda folded, state: watch.read(experiment, folded, state))(folded, state)
        rows = {name: column.at[:, n_rows].set(read[name], mode="drop") for name, column in rows.items()}
        folded = jax.vmap(lambda state: watch.open(experiment, state))(state)
        n_rows = n_rows + 1
        return tick, n_rows, state, folded, rows, buffers, stop | (n_rows >= MAX_ROWS)

    def window(carry):
        end = jnp.minimum(until, (carry[0] // watch.every + 1) * watch.every)
        carry = lax.while_loop(lambda carry: (carry[0] < end) & ~carry[-1], step, carry)
        return lax.cond(carry[0] % watch.every == 0, close_window, lambda *carry: carry, *carry)

    carry = (*start, _must_stop(experiment, live, start[1], start[2], start[5]))
    carry = lax.while_loop(lambda carry: (carry[0] < until) & ~carry[-1], window, carry)
    tick, n_rows, state, folded, rows, buffers, _ = carry
    lanes = Lanes(tick[None], n_rows[None], state, folded, rows, buffers)
    return lanes, jax.vmap(experiment.status)(state), jax.vmap(experiment.has_room)(state)


@partial(jax.jit, static_argnames=("mesh",))
def found(
    experiment: Experiment,
    founding: Founding | None,
    watch: Watch,
    seed: UInt32[Array, "2"],
    replicate: UInt32[Array, " lanes"],
    mesh: Mesh,
) -> tuple[Any, dict[str, Any]]:
    """The states of newly founded replicates, and the first window of each fold."""

    def one(replicate):
        bits = Bits.founding(seed, replicate)
        state = experiment.init(bits)
        if founding is not None:
            state = founding.replace(bits, state, replicate)
        return state, watch.open(experiment, state)

    out = jax.vmap(one, axis_name=LANES)(replicate)
    return lax.with_sharding_constraint(out, NamedSharding(mesh, PartitionSpec(DEVICES)))


@jax.jit
def grown(experiment: Experiment, state: Any) -> Any:
    return jax.vmap(experiment.grow)(state)
