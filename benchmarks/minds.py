"""Minds that learn or plan against tables, both sides in one process, alternating."""

from __future__ import annotations

import time

from benchmarks.sides import one_core, spread


def learners() -> None:
    """Minds that learn during life against tables, in the same worlds: agent-steps per second of CPU (bar: 10^5)."""
    one_core()
    from benchmarks.worlds import Ours, configuration
    from mesocosm.ecology.setup import ecology
    from mesocosm.minds.learner import Learner
    from mesocosm.minds.parameters import LearnerParameters
    from mesocosm.record.configuration import replace_at

    for bodies, replicates, senses in (
        (490, 32, ("odour",)),
        (490, 32, ("odour", "trend", "touch")),
        (10_000, 1, ("odour",)),
    ):
        c = replace_at(configuration(bodies), "world.senses", senses)
        learning = ecology(c, mind=lambda stimuli, acts: Learner(LearnerParameters(), stimuli, acts))
        tables, learn = Ours(c, replicates), Ours(c, replicates, change=lambda _, law=learning: law)
        ticks = max(20, int(2e6 / (bodies * replicates)))
        for side in (tables, learn):
            side.advance(200)
        rates: list[list[float]] = [[], []]
        for _ in range(7):
            for side, rate in zip((tables, learn), rates, strict=True):
                began = time.process_time()
                side.advance(ticks)
                rate.append(side.population() * ticks / (time.process_time() - began))
        what = f"{bodies:6d} x {replicates:2d}, {', '.join(senses)}"
        ratio = spread([b / a for a, b in zip(*rates, strict=True)])
        print(f"{what}: learners {spread([r / 1e6 for r in rates[1]])} M/s of CPU, {ratio} of tables", flush=True)


def planners() -> None:
    """Minds that plan against tables, in the worlds of `rewards`, enlarged to 500 bodies (bar: 2 x 10^5 of CPU)."""
    one_core()
    from benchmarks.worlds import Ours
    from mesocosm.ecology.setup import ecology
    from mesocosm.experiments.rewards.declaration import RewardsConfiguration
    from mesocosm.minds.parameters import TableParameters
    from mesocosm.minds.planner import Planner
    from mesocosm.minds.table import Table
    from mesocosm.record.configuration import replace_at

    c = RewardsConfiguration()
    for name, value in (("n_sources", 4), ("side", 64), ("founders", 500)):
        c = replace_at(c, f"world.{name}", value)
    for senses in (("odour", "energy"), ("odour", "signal", "energy")):
        of = replace_at(c, "world.senses", senses)
        laws = [
            ecology(of, mind=lambda s, a: Table(TableParameters(), s, a)),
            ecology(of, mind=lambda s, a, of=of: Planner(of.mind, s, a)),
        ]
        sides = [Ours(of, 32, change=lambda _, law=law: law) for law in laws]
        rates: list[list[float]] = [[], []]
        for side in sides:
            side.advance(400)
        for _ in range(7):
            for side, rate in zip(sides, rates, strict=True):
                before, began = side.population(), time.process_time()
                side.advance(64)
                rate.append((before + side.population()) / 2 * 64 / (time.process_time() - began))
        ratio = spread([b / a for a, b in zip(*rates, strict=True)])
        bodies = " and ".join(str(side.population() // 32) for side in sides)
        what = f"{', '.join(senses)}, 32 worlds of {bodies} bodies"
        print(f"{what}: planners {spread([r / 1e6 for r in rates[1]])} M/s of CPU, {ratio} of tables", flush=True)
