"""What a world costs in ONNX Runtime: a tick of it beside a tick of ours, compiled into one loop; one core each.

`python -m benchmarks.artefacts`: both sides in one process, in turns, each timed twice: all ticks in one loop, as a run
has them, and a tick a call through Python.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

TICKS = 100
SIZES = {"small": {"side": 32, "founders": 64, "ceiling": 256, "drops": 20}, "default": {}}


def _program(world: dict[str, Any]) -> Any:
    import jax
    import jax.numpy as jnp

    from mesocosm.artefacts import subjects
    from mesocosm.core.random import Bits, seed_words
    from mesocosm.protocol.launch import prepare
    from mesocosm.protocol.registry import declaration
    from mesocosm.record.configuration import from_dict

    configuration = from_dict(declaration("chemotaxis").configuration, {"world": world})
    law = prepare("chemotaxis", configuration)[0].experiment
    state = jax.jit(lambda: law.init(Bits.founding(seed_words(0), jnp.uint32(0))))()
    about = {"seed": 0, "replicate": 0, "tick": 0}
    return subjects.tick_of(law, subjects.roomy(law, state), about)


def _ours(program: Any) -> Any:
    """All ticks in one compiled loop, as a run has them."""
    import jax
    from jax import lax

    n = sum(name.startswith("state") for name in program.begins)

    @jax.jit
    def many(seed: Any, replicate: Any, tick: Any, *own: Any) -> Any:
        def one(_: Any, carry: Any) -> Any:
            return carry[0] + 1, tuple(program.compute(seed, replicate, carry[0], *carry[1])[:n])

        return lax.fori_loop(0, TICKS, one, (tick, own))

    values = list(program.begins.values())
    return lambda: jax.block_until_ready(many(*values))


def _seconds(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main(rounds: int = 9) -> None:
    import numpy as np

    from mesocosm import artefacts
    from mesocosm.artefacts.program import played
    from mesocosm.artefacts.written import as_onnx

    for name, world in SIZES.items():
        program = _program(world)
        with tempfile.TemporaryDirectory() as folder:
            (path := Path(folder) / "tick.onnx").write_bytes(as_onnx(program)["tick.onnx"])
            opened = artefacts.load(path)
        sides = (
            lambda opened=opened: opened.later(TICKS),
            _ours(program),
            lambda opened=opened: [None for _ in opened.play(TICKS)],
            lambda program=program: [None for _ in played(program.step, program.begins, TICKS)],
        )
        for side in sides:
            side()
        times = np.array([[_seconds(side) for side in sides] for _ in range(rounds)]) / TICKS
        alive = np.sum(opened.later(TICKS)["state.world.bodies.id"] > 0)
        print(f"{name}: {alive} bodies after {TICKS} ticks")
        for words, k in (("in a loop", 0), ("a tick a call", 2)):
            theirs, ours = 1e3 * np.median(times[:, k : k + 2], axis=0)
            low, middle, high = np.quantile(times[:, k] / times[:, k + 1], [0.1, 0.5, 0.9])
            print(f"  {words}: ONNX Runtime {theirs:.3f} ms, ours {ours:.3f}: {middle:.1f} [{low:.1f}, {high:.1f}]")


if __name__ == "__main__":
    flags = "--xla_force_host_platform_device_count=1 --xla_cpu_multi_thread_eigen=false"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    main()
