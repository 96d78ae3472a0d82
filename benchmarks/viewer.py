"""What watching costs: `python -m benchmarks.viewer [first] [frames] [page] [film] ...`, by part; all but memory.

first   milliseconds from asking for the page to its first picture: recorded, single file, home, running
frames  milliseconds a frame of 100,000 made-up bodies: recorded; running, in the world's process and in the server's
page    milliseconds of script a frame of 100,000 made-up bodies, by part, in Chromium (software rendering)
film    milliseconds between frames of 20,000 made-up bodies that are drawn, where each beat of the screen has something
        new: written into memory, and by WebGL2 in software
pace    ticks a second of a running world with a client that takes 20 frames a second and draws nothing, and without,
        in turns; and how old a frame is when the client has it
memory  resident memory of the world's process and the server's over some minutes (--minutes), as a slope
file    bytes of a single-file replay of 2,000 bodies in 600 frames
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from benchmarks import viewer_page
from mesocosm.player.encoder.bytes import answer, read_answer
from mesocosm.player.encoder.encoder import Encoder
from mesocosm.player.encoder.panel import Panel, Population
from mesocosm.player.encoder.places import told_space
from mesocosm.player.encoder.snapshot import snapshot_of
from mesocosm.protocol.registry import declaration
from mesocosm.record import Record
from mesocosm.record.about import About, FieldAbout, PopulationAbout, SceneAbout, torus
from mesocosm.record.configuration import check, from_dict, to_toml
from mesocosm.viewer.home import Home
from mesocosm.viewer.live import Live
from mesocosm.viewer.share import page_of, single_page
from mesocosm.viewer.world import World

FRAMES, SIDE, MANY, FEWER = 40, 512, 100_000, 20_000
CONFIGURATION = {"world": {"side": SIDE, "senses": ["odour"]}, "frames_every": 1}
COLUMNS = {"energy": About("quanta"), "born": About(since="age"), "lineage": About(is_class=True)}
BODIES = PopulationAbout("bodies", tuple(COLUMNS.items()), motion=("runs", "tumbles"))
FOOD = FieldAbout("food", About("quanta"), SIDE, SIDE)
ABOUT = SceneAbout(torus(256 * SIDE, per_unit=256, unit="cells"), (BODIES,), (FOOD,))
PER_SECOND = 20
WANT = ["behaviour"]


def timed(call: Callable[[int], Any], n: int) -> str:
    """CPU milliseconds a call: median, and the tenth and ninetieth percentile."""
    took = []
    for k in range(n):
        began = time.thread_time()
        call(k)
        took.append(1000 * (time.thread_time() - began))
    low, middle, high = np.percentile(took[n // 10 :], [10, 50, 90])
    return f"{middle:6.2f} ms [{low:.2f} {high:.2f}]"


def recorded(n: int) -> World:
    """A recorded world of n bodies, all in memory."""
    rng = np.random.default_rng(0)
    rows = n * FRAMES
    bodies = {"replicate": np.zeros(rows, np.int32), "tick": np.repeat(np.arange(FRAMES, dtype=np.int32), n)}
    bodies |= {"id": np.tile(np.arange(n, dtype=np.int32), FRAMES), "energy": rng.integers(0, 4000, rows, np.int32)}
    bodies |= {axis: rng.integers(0, 256 * SIDE, rows, np.int32) for axis in "xy"}
    every = {"replicate": np.zeros(FRAMES, np.int32), "tick": np.arange(FRAMES, dtype=np.int32)}
    field = every | {"food": rng.integers(0, 99, (FRAMES, 128, 128), np.int32)}
    cameras = {"bodies": bodies, "food_field": field}
    header = {"frames": [*cameras], "logs": [], "configuration": CONFIGURATION, "scene": ABOUT.plain()}
    metrics = every | {name: rng.random(FRAMES) for name in ("births", "deaths")}
    record = SimpleNamespace(header=header, frames=cameras.get, folder=Path(), status="finished", metrics=metrics)
    return World(cast(Record, cast(Any, record)), 0, "many").read()


def scene(n: int) -> Any:
    """What a running world of n bodies shows, in arrays of the next power of two."""
    rng = np.random.default_rng(0)
    slots = 1 << (n - 1).bit_length()
    columns = {name: rng.integers(0, 4000, slots, np.int32) for name in ("energy", "born", "lineage", "parent")}
    columns |= {axis: rng.integers(0, 256 * SIDE, slots, np.int32) for axis in "xy"}
    columns |= {"id": np.arange(1, slots + 1, dtype=np.int32), "genome": np.zeros((2, 8, slots), np.int8)}
    fields = {name: SimpleNamespace(values=rng.integers(0, 99, (SIDE, SIDE)), unit="") for name in ("food", "odour")}
    bodies = SimpleNamespace(alive=np.arange(slots) < n, columns=columns)
    return SimpleNamespace(points={"bodies": bodies}, fields=fields, curves={}, images={}, graphs={})


def frames() -> None:
    world, seen = recorded(MANY), snapshot_of(scene(MANY), 0)
    encoder = Encoder(ABOUT, seen)
    print(f"a frame of {MANY:,} bodies: median [10 % 90 %]")
    print("  recorded, in the server    ", timed(lambda k: sent(world.frame(k % FRAMES, WANT)), 10 * FRAMES))
    print("  recorded, all its columns  ", timed(lambda k: sent(world.frame(k % FRAMES)), 10 * FRAMES))
    print("  running, in the world      ", timed(lambda k: answer(*encoder.frame(seen, seen)), 5 * FRAMES))
    content = [answer(*encoder.frame(seen, seen)) for k in range(FRAMES)]
    live = Live.__new__(Live)
    live.forget()
    live.shape, live.genomes = encoder.meta, ()

    def serve(k: int) -> None:
        header, planes = read_answer(content[k % FRAMES])
        live.remember({**header, "tick": k}, planes)
        sent((header, live.wanted(planes, WANT)))

    print("  running, in the server     ", timed(serve, 10 * FRAMES))


def sent(frame: tuple[dict[str, Any], dict[str, np.ndarray]]) -> bytes:
    return answer({"n": 1, "said": frame[0]}, frame[1])


class Running(Live):
    """A running world, made up, whose next frame is there 20 times a second."""

    def __init__(self) -> None:
        self.title, self.genomes = "many", ()
        self.said = threading.Condition()
        self.forget()
        self.serial, self.trouble, self.run = 0, "", {"run": "many", "parameters": []}
        self.state = {"status": "playing", "tick": 0, "ticks": 10**6, "speed": None, "rate": 100.0}
        seen = scene(MANY)
        before = snapshot_of(seen, 0)
        encoder = Encoder(ABOUT, before)
        self.shape, self.content = encoder.meta, []
        for k in range(FRAMES):
            bodies = seen.points["bodies"]
            moved = {axis: (bodies.columns[axis] + 64) % (256 * SIDE) for axis in "xy"}
            seen.points["bodies"] = SimpleNamespace(alive=bodies.alive, columns=bodies.columns | moved)
            now = snapshot_of(seen, k)
            self.content.append(answer(*encoder.frame(now, before)))
            before = now
        self.next_at = 0.0
        self.newest(-1, 0)

    def newest(self, after: int, serial: int, want: list[str] | None = None) -> Any:
        time.sleep(max(0.0, self.next_at - time.monotonic()))
        self.next_at = time.monotonic() + 1 / PER_SECOND
        with self.said:
            tick = self._last() + 1
            header, planes = read_answer(self.content[tick % FRAMES])
            self.state = {**self.state, "tick": tick}
            self._take("frame", {**header, "tick": tick, "at": time.time()}, planes)
        return super().newest(after, serial, want)

    def do(self, wish: dict[str, Any]) -> dict[str, Any]:
        return {}


class Recorded:
    """A place that is a recorded world."""

    def __init__(self, world: World) -> None:
        self.world = lambda: world


def first() -> None:
    """How soon there is something to see. A running world shows a shipped recording while it is compiled."""
    if viewer_page.chromium() is None:
        print("first: not measured, there is no Chromium")
        return
    ordinary = Recorded(recorded(2000))
    with viewer_page.served([cast(Any, ordinary)]) as address:
        told = [("recorded, 2,000 bodies", viewer_page.first_picture(address))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stretch.html"
        path.write_bytes(page_of([ordinary.world()], "stretch", 0, 2**31).tobytes())
        told.append(("single file", viewer_page.first_picture(path.as_uri())))
        home = Home(cast(Any, None), dict(os.environ), Path(folder))
        with viewer_page.served(home) as address:
            viewer_page.first_picture(address)  # the browser compiles, the server reads what it keeps
            told.append(("home", float(np.median([viewer_page.first_picture(address) for _ in range(5)]))))
    with running(waits=False) as live, viewer_page.served([live]) as address:
        told.append(("running, while it is compiled", viewer_page.first_picture(address)))
    print("first picture: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in told))


def page() -> None:
    if viewer_page.chromium() is None:
        print("page: not measured, there is no Chromium")
        return
    for name, place in (("recorded", Recorded(recorded(MANY))), ("running", Running())):
        with viewer_page.served([cast(Any, place)]) as address:
            cost = viewer_page.cost_of(address)
        told = ", ".join(f"{part} {share:.0%}" for part, share in cost.parts.items() if share >= 0.01)
        print(f"page of {MANY:,} bodies, {name}: {cost.script:.2f} ms of script a frame,", end=" ")
        print(f"{cost.wall:.2f} by the clock ({told})")


def film() -> None:
    if viewer_page.chromium() is None:
        print("film: not measured, there is no Chromium")
        return
    with viewer_page.served([cast(Any, Recorded(recorded(FEWER)))]) as address:
        for on_graphics in (False, True):
            seen = viewer_page.film_of(address, on_graphics)
            if seen is None:
                print("film: not measured, this Chromium has no WebGL2")
                continue
            middle, high = np.percentile(seen.drawn, [50, 95])
            print(f"film of {FEWER:,} bodies, {seen.name}: {1000 / seen.drawn.mean():.1f} frames/s;", end=" ")
            print(f"{middle:.1f} ms between frames, 95 % within {high:.1f};", end=" ")
            told = ", ".join(f"{name} {ms:.1f}" for name, ms in seen.cpu.items())
            print(
                f"{seen.script:.2f} ms of script, {seen.calls:.0f} calls, {seen.sent / 1000:.0f} kB sent a frame;",
                end=" ",
            )
            print(f"ms of the processor a frame: {told}")


@contextmanager
def running(waits: bool = True, **changes: Any) -> Iterator[Live]:
    """A chemotaxis world that runs; `waits` until it has been compiled."""
    base = {"replicates": 1, "ticks": 1_000_000_000, "every": 50, "assays": False, "log_births_and_deaths": False}
    configuration = from_dict(declaration("chemotaxis").configuration, base | changes)
    check(configuration)
    with tempfile.TemporaryDirectory() as folder:
        names = {"name": "chemotaxis", "title": "chemotaxis", "config": to_toml(configuration)}
        job = {**names, "under": folder, "folder": str(Path(folder) / "run"), "replicate": 0}
        flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=1 --xla_cpu_multi_thread_eigen=false"}
        live = Live(job, dict(os.environ) | flags)
        try:
            while waits and live.state["status"] == "starting":
                time.sleep(0.1)
            live.do({"do": "speed", "ticks_per_second": None})
            yield live
        finally:
            live.stop()


def immortal(n: int, side: int) -> dict[str, int]:
    """A world in which always n bodies live: none starves, and there is no room for another."""
    return {"side": side, "founders": n, "ceiling": n, "metabolism": 0}


class Client:
    """Takes frames, so many a second, and draws nothing."""

    def __init__(self, live: Live) -> None:
        self.live, self.is_there, self.ages = live, True, []
        self.thread = threading.Thread(target=self._take)
        self.thread.start()

    def _take(self) -> None:
        meta = self.live.meta()
        after, serial, due = meta["n_frames"] - 1, meta["serial"], time.perf_counter()
        while self.is_there:
            header, planes = self.live.newest(after, serial, WANT)
            serial = header["serial"]
            if "t" in header:
                sent((header, planes))
                self.ages.append(1000 * (time.time() - header["at"]))
                after = header["t"]
            due = max(due + 1 / PER_SECOND, time.perf_counter() - 1 / PER_SECOND)  # what was missed is not made up for
            time.sleep(max(0.0, due - time.perf_counter()))

    def leave(self) -> None:
        self.is_there = False
        self.thread.join()


def ticks_in(live: Live, seconds: float) -> tuple[int, float]:
    """Ticks, and CPU seconds of the world's process, in a while of free running."""
    import psutil

    world = psutil.Process(live.process.pid)
    first, cpu = live.state["tick"], sum(world.cpu_times()[:2])
    time.sleep(seconds)
    return live.state["tick"] - first, sum(world.cpu_times()[:2]) - cpu


def pace() -> None:
    for n, side in ((500, 128), (20_000, 128)):
        with running(world=immortal(n, side)) as live:
            live.do({"do": "play"})
            time.sleep(3)
            ratios, by_cpu, ages, taken = [], [], [], 0
            for _ in range(6):
                alone, cpu_alone = ticks_in(live, 4)
                client = Client(live)
                watched, cpu_watched = ticks_in(live, 4)
                client.leave()
                time.sleep(1.2)  # until nobody counts as looking
                ages, taken = ages + client.ages, taken + len(client.ages)
                ratios.append(watched / max(alone, 1))
                by_cpu.append(watched / max(cpu_watched, 1e-9) / (alone / max(cpu_alone, 1e-9)))
            low, middle, high = np.percentile(ages, [10, 50, 90])
            print(f"{n:,} bodies: ticks/s with a client over without: {np.median(ratios):.3f}", end=" ")
            print(f"[{min(ratios):.3f} {max(ratios):.3f}]; a CPU second: {np.median(by_cpu):.3f}", end="; ")
            print(f"{taken / 24:.1f} frames/s, {middle:.0f} ms old [{low:.0f} {high:.0f}]")


def growth(minutes: np.ndarray, megabytes: np.ndarray, pieces: int = 8) -> tuple[float, float, float]:
    """Megabytes a minute from one piece of the time to the next: mean, and its 95 % t interval over the pieces."""
    from mesocosm.findings import t_interval

    when, held = ([part.mean() for part in np.array_split(values, pieces)] for values in (minutes, megabytes))
    found = t_interval(np.diff(held) / np.diff(when))
    return float(found.estimate), float(found.low), float(found.high)


def memory(minutes: float) -> None:
    import psutil

    with running(world=immortal(2000, 128)) as live:
        live.do({"do": "play"})
        client, both = Client(live), [psutil.Process(live.process.pid), psutil.Process()]
        rows = []
        until = time.monotonic() + 60 * minutes
        while time.monotonic() < until:
            time.sleep(2)
            rows.append((time.monotonic() / 60, *(p.memory_info().rss / 1e6 for p in both), live.state["tick"]))
        client.leave()
        at = np.array(rows)[len(rows) // 3 :]  # once the frames that are kept have filled
        for k, name in enumerate(("world", "server"), 1):
            slope, low, high = growth(at[:, 0], at[:, k])
            print(f"memory of the {name}: {at[0, k]:.0f} to {at[-1, k]:.0f} MB, at most {at[:, k].max():.0f};", end=" ")
            print(f"{slope:+.3f} MB a minute [{low:+.3f} {high:+.3f}] over {at[-1, 0] - at[0, 0]:.0f} minutes")
        print(f"frames seen: {live.first + len(live.frames):,}, kept {len(live.frames):,}; ticks {at[-1, 3]:,.0f}")


def file() -> None:
    """Bodies that run straight or tumble, a twentieth of them replaced now and then."""
    rng = np.random.default_rng(0)
    n, frames, side = 2000, 600, 128
    x, y = rng.integers(0, 256 * side, (2, n))
    turn, ids, energy = rng.integers(0, 256, n), np.arange(1, n + 1), rng.integers(500, 4000, n)
    rows: dict[str, list[np.ndarray]] = {k: [] for k in ("tick", "id", "x", "y", "act", "energy")}
    for t in range(frames):
        tumbles = rng.random(n) < 0.3
        turn = np.where(tumbles, rng.integers(0, 256, n), turn)
        angle = turn * np.pi / 128
        x = (x + np.where(tumbles, 0, 192 * np.cos(angle)).astype(int)) % (256 * side)
        y = (y + np.where(tumbles, 0, 192 * np.sin(angle)).astype(int)) % (256 * side)
        energy = np.maximum(energy - 4 + 64 * (rng.random(n) < 0.05), 1)
        if t % 50 == 49:
            gone = rng.random(n) < 0.05
            ids = np.sort(np.where(gone, ids.max() + 1 + np.cumsum(gone), ids))
        for name, values in (
            ("tick", np.full(n, t)),
            ("id", ids),
            ("x", x),
            ("y", y),
            ("act", tumbles),
            ("energy", energy),
        ):
            rows[name].append(values.astype(np.int64))
    bodies = {name: np.concatenate(parts) for name, parts in rows.items()}
    bodies |= {axis: bodies[axis] * 16 // side for axis in "xy"}
    about = {"act": About(words=("run", "tumble")), "energy": About("quanta")}
    space = told_space(torus(256 * side, per_unit=256, unit="cells"))
    panel = Panel("many", space, [Population.of("bodies", bodies, "bodies", **about)])
    print(f"single file of {n:,} bodies x {frames} frames: {len(single_page([panel], 'many').encode()) / 1e6:.2f} MB")


def main() -> None:
    words = sys.argv[1:]
    minutes = float(words[words.index("--minutes") + 1]) if "--minutes" in words else 5.0
    parts = {
        "first": first,
        "frames": frames,
        "page": page,
        "film": film,
        "pace": pace,
        "memory": lambda: memory(minutes),
        "file": file,
    }
    asked = [word for word in words if word in parts] or [part for part in parts if part != "memory"]
    for part in asked:
        parts[part]()


if __name__ == "__main__":
    main()
