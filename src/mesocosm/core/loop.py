"""Running an experiment: replicates over devices, chunk after chunk, into a record that survives being killed."""

from __future__ import annotations

import math
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mesocosm.core import chunk
from mesocosm.core.arrays import shaped
from mesocosm.core.blocks import blocks
from mesocosm.core.checkpoint import named, unnamed
from mesocosm.core.chunk import DEVICES, Lanes, Watch
from mesocosm.core.instrument import check_instruments, emitted, shapes, shown_after
from mesocosm.core.interrupt import Interrupted, watching_for_interrupt
from mesocosm.core.plan import Progress
from mesocosm.core.programs import devices as all_devices
from mesocosm.core.random import seed_words
from mesocosm.core.steering import CHUNK_SECONDS, Present, ToTheEnd, chunk_ticks, scene_of
from mesocosm.record.status import RunStatus, Status
from mesocosm.record.writer import Batch


class Loop:
    """The host's side of a run."""

    def __init__(self, setup, plan, writer, devices, progress, checkpoint_seconds, steering, shown=None, columns=None):
        self.setup, self.plan, self.writer, self.progress = setup, plan, writer, progress
        self.checkpoint_seconds, self.steering = checkpoint_seconds, steering or ToTheEnd()
        self.mesh = Mesh(np.array(devices if devices is not None else all_devices()), (DEVICES,))
        self.by_lane = NamedSharding(self.mesh, PartitionSpec(DEVICES))
        self.watch = Watch(setup.folds, setup.logs, jnp.int32(plan.every))
        self.experiment, self.applied = setup.experiment, 0  # interventions so far
        self.shown = shown if shown is not None else shapes(setup.experiment)
        self.columns = columns if columns is not None else check_instruments(self.shown, setup.folds, setup.logs)
        self.seed = seed_words(plan.seed)
        self.tick = 0
        self.batch = Batch()
        self.pending_rows: list[dict[str, np.ndarray]] = []
        self.pending_logs: dict[str, list[dict[str, np.ndarray]]] = {log.name: [] for log in setup.logs}
        self.newest: dict[str, np.ndarray] = {}
        self.begun, self.before = time.perf_counter(), 0.0
        self.chunk = 1, np.inf  # ticks and seconds of the last one

    # -- lanes -----------------------------------------------------------------------------------------------------

    def found(self) -> None:
        self._set_lanes(np.arange(self.plan.replicates))
        replicate = jnp.asarray(self.replicate)
        state, folded = chunk.found(
            self.experiment, self.setup.founding, self.watch, self.seed, replicate, mesh=self.mesh
        )
        self._load(state, folded)
        self.checkpoint()

    def restore(self) -> None:
        self.tick, arrays = self.writer.last_checkpoint()
        self.before = float(arrays["seconds"])
        shape_counts = arrays["replicate"].size and not self.experiment.exact  # bits of floats may depend on the batch
        self._set_lanes(arrays["replicate"], self.plan.replicates if shape_counts else 0)
        if self.replicate.size == 0:
            return
        pad = np.minimum(np.arange(self.replicate.size), arrays["replicate"].size - 1)
        template = self.shown[0]
        folded = shaped(Watch.open, self.watch, self.experiment, template)
        tree = {"state": template, "folded": folded}
        batched = jax.tree.map(lambda s: jax.ShapeDtypeStruct((1, *s.shape), s.dtype), tree)
        values = jax.tree.map(lambda a: jax.device_put(a[pad], self.by_lane), unnamed(batched, arrays))
        self._load(values["state"], values["folded"])

    def _set_lanes(self, replicate: np.ndarray, least: int = 0) -> None:
        """One lane a replicate, padded to `least`, and so that every block of every device has equally many."""
        n = replicate.size
        self.blocks, together = self._arranged(max(n, least))
        pad = self.blocks * together - n
        self.replicate = np.concatenate([replicate, np.zeros(pad, replicate.dtype)]).astype(np.uint32)
        self.live = np.arange(n + pad) < n
        self._put_lanes()

    def _arranged(self, n: int) -> tuple[int, int]:
        """Blocks that hold n replicates on all devices, and lanes in each."""
        devices = self.mesh.devices
        platform, lanes = devices.flat[0].platform, -(-n // devices.size)
        in_turn, together = blocks(lanes, self.shown[0], is_exact=self.experiment.exact, platform=platform)
        return devices.size * in_turn, together

    def _put_lanes(self) -> None:
        """What every chunk is told of the lanes: numbers of replicates, and which count."""
        self.there = self._put(self.replicate), self._put(self.live.copy())  # a device may share memory with the host

    def _load(self, state: Any, folded: Any) -> None:
        """Put replicates on the devices, with empty rows and buffers."""
        n = self.replicate.size
        one_state = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), state)
        self.lanes = Lanes(
            tick=self._put(np.full(self.blocks, self.tick, np.int32)),
            n_rows=self._put(np.zeros(self.blocks, np.int32)),
            state=state,
            folded=folded,
            rows=self._empty_rows(n),
            buffers=self._empty_buffers(n, one_state),
        )

    def _put(self, x: Any) -> Any:
        return jax.device_put(x, self.by_lane)

    def _empty_rows(self, n: int) -> dict[str, Any]:
        return {name: self._put(np.zeros((n, chunk.MAX_ROWS), c.dtype)) for name, c in self.columns.items()}

    def _empty_buffers(self, n: int, one_state: Any) -> dict[str, Any]:
        if not self.setup.logs:
            return {}
        if jax.tree.map(lambda s: s.shape, one_state) != jax.tree.map(lambda s: s.shape, self.shown[0]):
            self.shown = one_state, *shown_after(self.experiment, one_state)
        events = {log.name: emitted(log, self.shown[1], self.shown[2]) for log in self.setup.logs}
        of_one = {camera.name for camera in self.watch.of_one}

        def empty(name: str) -> Any:
            lanes = self.blocks if name in of_one else n
            return chunk.empty_buffer(events[name], lambda shape, dtype: self._put(np.zeros((lanes, *shape), dtype)))

        return {name: empty(name) for name in events}

    # -- going on --------------------------------------------------------------------------------------------------

    def to_the_end(self) -> None:
        """Advance to the plan's last tick, applying interventions and writing checkpoints on the way."""
        with watching_for_interrupt() as interrupt:
            last_checkpoint = time.perf_counter()
            while self.tick < self.plan.ticks and self.live.any():
                turn = self.steering.turn(self._present())
                if turn is not None:
                    self._intervene()
                    self._advance(min(self._next_stop(), turn.until), turn.seconds)
                late = time.perf_counter() - last_checkpoint > self.checkpoint_seconds
                stops = turn is None or interrupt.is_set()
                if late or stops:
                    self._synchronise()
                    self.checkpoint()
                    last_checkpoint = time.perf_counter()
                if stops:
                    self.writer.set_status(RunStatus.INTERRUPTED)
                    raise Interrupted(self.writer.folder, self.tick)
        self.steering.turn(self._present())
        self.tick = self.plan.ticks  # where all replicates have ended before it, nothing is left to happen
        self.checkpoint(is_last=True)
        self.writer.set_status(RunStatus.FINISHED)

    def _intervene(self) -> None:
        applied = [i for i in self.plan.interventions if i.tick <= self.tick]
        if len(applied) != self.applied and self.setup.reconfigure:
            after = self.setup.reconfigure(applied)
            self.experiment = after.experiment
            self.watch = Watch(after.folds, self.setup.logs, self.watch.every)
            self.applied = len(applied)

    def _next_stop(self) -> int:
        """The tick up to which the experiment's parameters stay as they are."""
        return min([i.tick for i in self.plan.interventions if i.tick > self.tick] + [self.plan.ticks])

    def _advance(self, stop: int, chunk_seconds: float = CHUNK_SECONDS) -> None:
        """One chunk on every device, at most to `stop`; `tick` is then what all devices have reached."""
        until = min(stop, self.tick + chunk_ticks(*self.chunk, chunk_seconds))
        began = time.perf_counter()
        numbers, live = self.there
        self.lanes, statuses, rooms = chunk.run_chunk(
            self.experiment, self.watch, self.lanes, live, self.seed, numbers, np.int32(until), mesh=self.mesh
        )
        ticks = np.asarray(self.lanes.tick)
        seconds = time.perf_counter() - began
        done = int(ticks.min()) - self.tick
        if done > 0:
            self.chunk = done, seconds
        self._drain(ticks, np.asarray(statuses), np.asarray(rooms))
        self.tick = int(ticks.min())
        if self.progress:
            self.progress(self._progress())

    def _synchronise(self) -> None:
        """Let all devices reach the tick of the foremost."""
        foremost = int(np.asarray(self.lanes.tick).max())
        while self.tick < foremost and self.live.any():
            self._advance(foremost)
        self.tick = max(self.tick, foremost)  # where nobody lives, nothing is left to happen up to there

    def _progress(self) -> Progress:
        living, plan, (done, seconds) = int(self.live.sum()), self.plan, self.chunk
        return Progress(plan.name, self.tick, plan.ticks, living, plan.replicates, done / seconds, self.newest)

    def _present(self) -> Present:
        return Present(self._progress(), self._scene)

    def _scene(self, replicate: int) -> tuple[int, Any] | None:
        """What is there in a replicate, and its tick."""
        lane = np.flatnonzero(self.replicate == replicate)
        if not lane.size:
            return None
        tick = int(np.asarray(self.lanes.tick)[lane[0] // (self.replicate.size // self.blocks)])
        return tick, scene_of(self.experiment, self.lanes.state, int(lane[0]))

    # -- what the devices give back --------------------------------------------------------------------------------

    def _drain(self, ticks: np.ndarray, codes: np.ndarray, rooms: np.ndarray) -> None:
        """Take over rows and logged events, note statuses, grow what is cramped."""
        lane_tick = np.repeat(ticks, self.replicate.size // self.blocks)
        live = np.flatnonzero(self.live)
        self._drain_rows(live, lane_tick)
        self._drain_logs(live)
        ended = live[codes[live] != 0]
        for lane in ended:
            status = Status(int(codes[lane]))
            cause = type(self.setup.experiment).endings.get(status, status.name.lower())
            entry = int(self.replicate[lane]), status.name.lower(), int(lane_tick[lane]), cause
            self.batch.statuses.append(entry)
            self.live[lane] = False
        if ended.size:
            self._put_lanes()
        if not np.all(rooms[self.live]):
            self._load_after_growth()

    def _drain_rows(self, live: np.ndarray, lane_tick: np.ndarray) -> None:
        n_rows = np.repeat(np.asarray(self.lanes.n_rows), self.replicate.size // self.blocks)
        if n_rows.max() == 0:
            return
        lane, row = np.nonzero(np.arange(chunk.MAX_ROWS)[None, :] < n_rows[live][:, None])
        lane = live[lane]
        every = self.plan.every
        tick = (lane_tick[lane] // every - n_rows[lane] + row + 1) * every
        rows = {"replicate": self.replicate[lane].astype(np.int64), "tick": tick.astype(np.int64)}
        rows |= {name: np.asarray(column)[lane, row] for name, column in self.lanes.rows.items()}
        if lane.size:
            self.pending_rows.append(rows)
            newest = tick == tick.max()
            self.newest = {name: column[newest] for name, column in rows.items()}
        zero = self._put(np.zeros(self.blocks, np.int32))
        self.lanes = Lanes(**{**vars(self.lanes), "n_rows": zero})

    def _drain_logs(self, live: np.ndarray) -> None:
        buffers = dict(self.lanes.buffers)
        filmed = {camera.name: int(camera.shutter.replicate) for camera in self.watch.of_one}
        for name, buffer in self.lanes.buffers.items():
            used = np.asarray(buffer.used)
            taken = np.flatnonzero(used) if name in filmed else live[used[live] > 0]
            if not taken.size:
                continue
            columns = {c: np.asarray(values) for c, values in buffer.columns.items()}
            for lane in taken:
                whose = filmed.get(name, int(self.replicate[lane]))
                rows = {c: values[lane, : used[lane]].copy() for c, values in columns.items()}
                rows["replicate"] = np.full(used[lane], whose, np.int32)
                self.pending_logs[name].append(rows)
            buffers[name] = chunk.Buffer(buffer.columns, self._put(np.zeros(used.shape, np.int32)), buffer.places)
        if any(buffers[name] is not buffer for name, buffer in self.lanes.buffers.items()):
            self.lanes = Lanes(**{**vars(self.lanes), "buffers": buffers})

    def _load_after_growth(self) -> None:
        ticks, n_rows, rows = self.lanes.tick, self.lanes.n_rows, self.lanes.rows
        self._load(self._put(chunk.grown(self.experiment, self.lanes.state)), self.lanes.folded)
        self.lanes = Lanes(**{**vars(self.lanes), "tick": ticks, "n_rows": n_rows, "rows": rows})

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def checkpoint(self, is_last: bool = False) -> None:
        """Make everything so far part of the record. All devices must be at the same tick."""
        lanes = np.flatnonzero(self.live)
        tree = {"state": self.lanes.state, "folded": self.lanes.folded} if self.replicate.size else {}
        state = {name: values[lanes] for name, values in named(tree).items()}
        seconds = self.before + time.perf_counter() - self.begun
        state |= {"replicate": self.replicate[lanes].astype(np.int64), "seconds": np.array(seconds)}
        self.batch.metrics = _ordered(self.pending_rows, ("tick", "replicate"))
        for log in self.setup.logs:
            rows = _ordered(self.pending_logs[log.name], ("tick", "replicate", log.columns[0][0]))
            if rows:
                front = {"replicate": rows.pop("replicate"), "tick": rows.pop("tick")}
                place = self.batch.frames if log.is_view else self.batch.logs
                place[log.name] = {**front, **rows}
        self.writer.commit(self.tick, self.batch, state, seconds, is_last)
        self.batch, self.pending_rows = Batch(), []
        self.pending_logs = {log.name: [] for log in self.setup.logs}
        self._shrink(lanes)

    def _shrink(self, lanes: np.ndarray) -> None:
        """Take ended replicates out of the batch once half of it has ended."""
        fewer = math.prod(self._arranged(lanes.size))
        if not 0 < fewer <= self.replicate.size // 2 or not self.experiment.exact:
            return  # what is exact has the same bits in every batch
        replicate = self.replicate[lanes]
        index = np.concatenate([lanes, np.full(fewer - lanes.size, lanes[0])])
        tree = jax.tree.map(lambda x: self._put(np.asarray(x)[index]), (self.lanes.state, self.lanes.folded))
        self._set_lanes(replicate)
        self._load(*tree)


def _ordered(parts: list[dict[str, np.ndarray]], keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Parts joined, rows in the order of the keys (the first being the most significant)."""
    if not parts:
        return {}
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort([joined[key] for key in reversed(keys) if joined[key].ndim == 1])  # a field orders nothing
    return {name: values[order] for name, values in joined.items()}
