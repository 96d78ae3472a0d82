"""Measure: scripts/bench [NAME ...]; all of them if none is named. See BENCHMARKS at the end for the names.

Both sides of a comparison run in one process, alternating; ratios are medians with their spread. Only living agents
count. The first rounds, which compile, are left out and shown apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time

from benchmarks.minds import learners, planners
from benchmarks.sides import one_core, spread


def table() -> None:
    """Ours against the Numba witness: the same law, generator and worlds, bit for bit."""
    one_core()
    from benchmarks.worlds import Ours, Witness, configuration

    print(
        f"{'bodies':>7} {'replic.':>7} {'alive':>6}  {'ours M/s':>22} {'with logs':>22} {'Numba M/s':>22} {'ratio':>20}"
    )
    for bodies, replicates in [
        (118_000, 1), (490, 32), (1000, 1), (10_000, 1), (1000, 32), (10_000, 32), (490, 256), (1000, 256),
    ]:  # fmt: skip
        c = configuration(bodies)
        ours, logged, other = Ours(c, replicates), Ours(c, replicates, logs=True), Witness(c, replicates)
        ticks = max(4, int(4e6 / (bodies * replicates)))
        began = time.perf_counter()
        for side in (ours, logged, other):
            side.advance(200)
        compiled = time.perf_counter() - began
        rates: list[list[float]] = [[], [], []]
        for _ in range(9):
            for side, rate in zip((ours, logged, other), rates, strict=True):
                seconds = side.advance(ticks)
                rate.append(side.population() * ticks / seconds / 1e6)
        assert ours.population() == other.population(), "both sides are the same worlds"
        ratio = [a / b for a, b in zip(rates[0], rates[2], strict=True)]
        alive = 100 * ours.population() / ours.slots()
        print(
            f"{bodies:7d} {replicates:7d} {alive:5.0f}%  {spread(rates[0]):>22} {spread(rates[1]):>22} "
            f"{spread(rates[2]):>22} {spread(ratio):>20}   (compile and 200 ticks: {compiled:.0f} s)",
            flush=True,
        )


def mesa() -> None:
    """Ours against the same model in Mesa, one world of 10^5 bodies."""
    one_core()
    from benchmarks.mesa_petri import PetriModel
    from benchmarks.worlds import Ours, configuration, law_of

    c = configuration(100_000)
    ours, model = Ours(c, 1), PetriModel(law_of(c), 0)
    ours.advance(50)
    model.step()
    ratios = []
    for _ in range(5):
        seconds = ours.advance(40)
        rate = ours.population() * 40 / seconds
        began = time.perf_counter()
        model.step()
        slow = len(model.agents) / (time.perf_counter() - began)
        ratios.append(rate / slow)
        print(f"ours {rate / 1e6:.2f} M/s, Mesa {slow / 1e6:.3f} M/s, ratio {rate / slow:.0f}", flush=True)
    print(f"ratio {spread(ratios)}")


_WORKER = """
import os, sys
devices, core = int(sys.argv[1]), int(sys.argv[2])
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices} --xla_cpu_multi_thread_eigen=false"
if core >= 0:
    os.sched_setaffinity(0, {core})
from benchmarks.worlds import Ours, configuration
side = Ours(configuration(1000), int(sys.argv[3]), devices=devices)
side.advance(100)
print("ready", flush=True)
for line in sys.stdin:
    ticks = int(line)
    print(side.population() * ticks / side.advance(ticks), flush=True)
"""


def cores() -> None:
    """One process on all cores against independent processes, one a core."""
    n = len(os.sched_getaffinity(0))

    def worker(devices: int, core: int, replicates: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _WORKER, str(devices), str(core), str(replicates)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    together = worker(n, -1, 16 * n)
    apart = [worker(1, core, 16) for core in sorted(os.sched_getaffinity(0))]

    def rates(workers: list[subprocess.Popen[str]]) -> float:
        for w in workers:
            print(150, file=w.stdin, flush=True)
        return sum(float(w.stdout.readline()) for w in workers)

    for w in (together, *apart):
        w.stdout.readline()
    ratios = []
    for _ in range(11):
        one, many = rates([together]), rates(apart)
        ratios.append(one / many)
        print(f"one process on {n} cores {one / 1e6:.2f} M/s, {n} processes {many / 1e6:.2f} M/s", flush=True)
    print(f"ratio {spread(ratios)}")
    for w in (together, *apart):
        w.kill()


def stages() -> None:
    """Where the time goes: the tick with one stage left out, against the whole tick, alternating."""
    one_core()
    import jax.numpy as jnp

    from benchmarks.worlds import Ours, configuration, without

    def no_phase(self, bits, state, book):
        return state, book

    left_out = {
        "divide": dict(_divide=lambda self, bits, state, book: (state, book.add({"births": jnp.int32(0)}))),
        "sources and drops": dict(drop=lambda self, bits, state: (state, jnp.int32(0))),
        "fields": dict(age_fields=lambda self, bits, state: (state, dict.fromkeys(state.fields, jnp.int32(0)))),
        "move": dict(move=lambda self, state, act, word: state),
        "meet": dict(_meet=no_phase),
    }
    for bodies, replicates in ((118_000, 1), (490, 32)):
        ticks = max(4, int(2e6 / (bodies * replicates)))
        whole = Ours(configuration(bodies), replicates)
        whole.advance(50)
        for stage, methods in left_out.items():
            part = Ours(configuration(bodies), replicates, change=lambda e, m=methods: without(e, m))
            part.advance(50)
            pairs = [(whole.advance(ticks), part.advance(ticks)) for _ in range(9)]
            share = spread([100 * (1 - b / a) for a, b in pairs])
            print(f"{bodies:7d} x {replicates:3d}: {stage:18s} {share} % of the tick", flush=True)


def folds() -> None:
    """What all folds together add to a tick, a row every 100 ticks: the same worlds with and without, alternating."""
    one_core()
    from benchmarks.worlds import Ours, configuration
    from mesocosm.experiments.symbiont.declaration import SymbiontConfiguration
    from mesocosm.record.configuration import from_dict, to_dict

    for bodies, replicates in ((490, 32), (10_000, 4)):
        plain = configuration(bodies)
        for name, c in (("chemotaxis", plain), ("symbiont", from_dict(SymbiontConfiguration, to_dict(plain)))):
            bare, watched = Ours(c, replicates), Ours(c, replicates, folds=True)
            ticks = max(100, int(2e6 / (bodies * replicates)))
            for side in (bare, watched):
                side.advance(200)
            pairs = [(bare.advance(ticks), watched.advance(ticks)) for _ in range(9)]
            share = spread([100 * (b / a - 1) for a, b in pairs])
            print(f"{bodies:7d} x {replicates:3d}: {name:10s} folds add {share} % to a tick (bar: 20)", flush=True)


def progress() -> None:
    """A tournament of 10 snapshots x 32 replicates of `chemotaxis`: seconds on all cores, compilation included."""
    import shutil
    from pathlib import Path

    from mesocosm.cli.devices import prepare_devices

    prepare_devices()
    import mesocosm as mc

    with tempfile.TemporaryDirectory() as folder:
        run = mc.run("chemotaxis", assays=False, out=Path(folder) / "run")
        for what in ("first", "again, compiled"):
            shutil.rmtree(run.folder / "assays", ignore_errors=True)
            began, cpu = time.perf_counter(), time.process_time()
            found = run.progress()
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            n = sum(found.statuses.values())
            print(f"{what}: {n} matches in {seconds:.0f} s ({cpu:.0f} s of CPU; bar: 120 s on two cores)", flush=True)


def memory() -> None:
    """Bytes of state a body, and resident memory over a million ticks."""
    one_core()
    import psutil

    from benchmarks.worlds import Ours
    from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
    from mesocosm.record.configuration import from_dict

    small = from_dict(
        ChemotaxisConfiguration,
        {"world": dict(side=16, founders=100, ceiling=256, drop_food=20, jump_probability=0.0, founding_energy=2000)},
    )
    side = Ours(small, 1, logs=True)
    bodies = side.loop.lanes.state.world.bodies
    per_body = sum(column.dtype.itemsize for column in vars(bodies).values())
    print(f"{per_body} bytes of state a body, {side.loop.lanes.state.genomes.nbytes // bodies.id.size} of genome")
    process = psutil.Process()
    for _ in range(11):
        resident = process.memory_info().rss / 2**20
        print(f"tick {side.loop.tick:8d}: {resident:.1f} MiB resident, {side.population()} alive", flush=True)
        side.advance(100_000)


_FIRST_TICK = """
import sys, time
began = time.perf_counter()
from mesocosm.cli.devices import prepare_devices
prepare_devices()
from pathlib import Path
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.protocol.launch import start
def first(progress):
    if progress.tick:
        print(time.perf_counter() - began, flush=True)
        raise SystemExit
start("chemotaxis", ChemotaxisConfiguration(), Path(sys.argv[1]), first)
"""


def start() -> None:
    """Seconds from the start of Python to the first tick of the default run, cold and with compiled programs kept."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": folder}
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        for k, what in enumerate(("cold", "cached", "cached")):
            command = [sys.executable, "-c", _FIRST_TICK, f"{folder}/run{k}"]
            out = subprocess.run(command, env=environment, capture_output=True, text=True)
            print(f"{what}: first tick after {float(out.stdout):.1f} s", flush=True)


def rules() -> None:
    """Learning rules: factored against naive, the fast cell, and a generation of the preset `paper` (both cores)."""
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    one_core()
    import psutil

    from benchmarks.rules import episode_flops, generation, matmul_peak, table

    found = table()
    for name, ns in found.items():
        naive = found["naive, m = 4" if "m = 4" in name else "naive"]
        print(f"{name:>16} {spread(ns)} ns/synapse-tick   naive / this {spread(naive / ns)}")
    if affinity:
        os.sched_setaffinity(0, affinity)
    if os.environ.get("MESOCOSM_DATA"):
        seconds, each, peak = generation(), episode_flops(), matmul_peak()
        used = 32 * 8 * each / seconds
        print(f"generation of `paper`: {spread(seconds)} s, {each / 1e6:.0f} MFLOP an episode")
        print(f"{spread(used / 1e9)} GFLOP/s, {spread(100 * used / peak)} % of a matrix product's {peak / 1e9:.0f}")
        print(f"{psutil.Process().memory_info().rss / 2**30:.2f} GiB resident")
    else:
        print("generation of `paper`: set MESOCOSM_DATA")


def reports() -> None:
    """Reports of finished runs: seconds to build, to compare, to open; size; and what it takes to judge claims."""
    from pathlib import Path

    from benchmarks.reports import command, findings, opened, runs, size

    with tempfile.TemporaryDirectory() as under:
        for worlds, folder in runs(Path(under)).items():
            for words in (["report", str(folder)], ["compare", str(folder), str(folder)]):
                clock, busy = command(*words)
                print(
                    f"{worlds}: {words[0]} {spread(clock)} s on the clock, {spread(busy)} s of the processor",
                    flush=True,
                )
            page, replay = size(folder / "report.html")
            print(f"{worlds}: {page:.2f} MB and {replay:.2f} MB of replay")
            seconds = opened(folder / "report.html")
            print(f"{worlds}: opened in {spread(seconds)} s" if seconds is not None else "NOT MEASURED: no Chromium")
    clock, busy = findings()
    print(f"1000 replicates x 20 claims: {spread(clock)} s on the clock, {spread(busy)} s of the processor")


def soup() -> None:
    """Pairs of tapes against the Numba witness, in a random soup and in one that replicators have taken."""
    one_core()
    from benchmarks.soup import REGIMES, rates

    for regime in REGIMES:
        found, reads = rates(regime)
        for name, values in found.items():
            print(
                f"{regime:>10}, {reads:6.0f} reads a pair: {name:>18} {spread(values)} M pairs/s   "
                f"of Numba's {spread(values / found['Numba, runs alone'])}",
                flush=True,
            )


def mirror() -> None:
    """Minds that foretell each other: agent-steps a second of the processor, beside the plain witness."""
    one_core()
    from benchmarks.mirror import rates

    ours, theirs = rates()
    print(f"orders to 3: {spread([v / 1e6 for v in ours])} M agent-steps/CPU-s (the bar is 1)")
    print(f"times the witness: {spread([a / b for a, b in zip(ours, theirs, strict=True)])}")


def school() -> None:
    """Nets of 8-8-2 that learn in a world: agent-steps a second of the processor, beside the witness of the mind."""
    one_core()
    from benchmarks.school import rates

    ours, theirs = rates()
    print(f"world and mind: {spread([v / 1e6 for v in ours])} M agent-steps/CPU-s (the bar is 0.1)")
    print(f"times the witness of the mind alone: {spread([a / b for a, b in zip(ours, theirs, strict=True)])}")


def gases() -> None:
    """HPP, 1024 x 1024: bits in words beside NumPy and Numba forms of the same law, which end in the same state."""
    one_core()
    from benchmarks.gases import rates

    found = rates()
    ours = found["packed, ours"]
    print(f"{'':>22}  {'10^9 sites / CPU-s':>22}  {'ours is so many times':>22}")
    for name, values in found.items():
        ratio = [a / b for a, b in zip(ours, values, strict=True)]
        print(f"{name:>22}  {spread([v / 1e9 for v in values])}  {spread(ratio)}")


def inverse() -> None:
    """A reward inferred on 64 states and 4 acts, by Newton's method beside plain gradients."""
    one_core()
    from benchmarks.inverse import ACTS, STATES, rounds

    seconds, ratios = rounds()
    print(f"{STATES} states, {ACTS} acts: {spread([1000 * s for s in seconds])} ms")
    print(f"plain gradients take so many times as long: {spread(ratios)}")


_ALL = (
    table,
    mesa,
    cores,
    stages,
    learners,
    planners,
    folds,
    progress,
    memory,
    start,
    rules,
    reports,
    soup,
    mirror,
    school,
    gases,
    inverse,
)
BENCHMARKS = {f.__name__: f for f in _ALL}


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if len(names) == 1:
        BENCHMARKS[names[0]]()
        return
    import platform

    print(json.dumps({"machine": platform.processor() or platform.machine(), "cores": os.cpu_count()}))
    for name in names or BENCHMARKS:  # each in a process of its own: one core or all, a fresh memory
        print(f"\n== {name}: {BENCHMARKS[name].__doc__}", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks", name], check=False)


if __name__ == "__main__":
    main(sys.argv[1:])
