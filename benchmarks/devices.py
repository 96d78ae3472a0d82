"""Speed on whatever device jax has, and whether its bits are those of the golden digests.

`python -m benchmarks.devices` on a machine with an accelerator, once with JAX_PLATFORMS=cpu and once with cuda. Only
living bodies count; what compiles is left out and shown apart. `--digests` runs the exact experiments in their small
configurations and compares their states with those kept with the tests.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "tests" / "conformance" / "golden.json"
SIZES = ((1000, 1), (490, 32), (490, 256), (490, 4096), (118_000, 1), (118_000, 32), (500_000, 1), (500_000, 16))
"""Bodies of a world, and worlds."""


def digests() -> int:
    """How many exact subjects have other bits here than the golden ones."""
    from mesocosm.protocol.registry import names
    from mesocosm.testing.subject import subjects, worlds

    golden, wrong = json.loads(GOLDEN.read_text()), 0
    for subject in [s for name in names() for s in subjects(name) if s.title in golden]:
        small = subject.case(ticks=40)
        with tempfile.TemporaryDirectory() as folder:
            found = worlds(small.setup, small.run(Path(folder) / "run"))
        is_same = {r: found.get(int(r)) for r in golden[subject.title]} == golden[subject.title]
        wrong += not is_same
        print(f"{subject.title:30s} {'equal' if is_same else 'DIFFERENT'}", flush=True)
    return wrong


def speeds(most: int) -> None:
    """Agent-steps a second at each size: the median of five stretches, with the lowest and the highest.

    Args:
      most: bodies in all; larger sizes are left out.
    """
    import numpy as np

    from benchmarks.worlds import Ours, configuration

    print(f"{'bodies':>9} {'worlds':>7} {'alive':>6} {'M agent-steps/s':>26} {'compiled in':>12}")
    for bodies, replicates in (size for size in SIZES if size[0] * size[1] <= most):
        world, began = Ours(configuration(bodies), replicates), time.perf_counter()
        world.advance(50)
        compiled = time.perf_counter() - began
        ticks, rates = 50, []
        while (seconds := world.advance(ticks)) < 0.5 and ticks < 20_000:
            ticks *= 4
        for _ in range(5):
            seconds = world.advance(ticks)
            rates.append(world.population() * ticks / seconds / 1e6)
        alive = 100 * world.population() / world.slots()
        said = f"{np.median(rates):10.1f} [{min(rates):.1f} {max(rates):.1f}]"
        print(f"{bodies:9d} {replicates:7d} {alive:5.0f}% {said:>26} {compiled:10.1f} s", flush=True)


if __name__ == "__main__":
    import jax

    print(f"jax {jax.__version__} on {jax.devices()[0].device_kind}", flush=True)
    if "--digests" in sys.argv:
        sys.exit(digests())
    speeds(int(sys.argv[1]) if len(sys.argv) > 1 else 10**9)
