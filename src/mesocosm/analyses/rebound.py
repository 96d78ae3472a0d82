"""The planets of a run beside those of REBOUND: both start as world 0 of the run did, REBOUND's by its JANUS.

JANUS of order 2 (H. Rein and D. Tamayo, MNRAS 473, 2018) is drift, kick, drift in 64-bit integers, with forces in
floating point; ours is the same in 32-bit integers throughout. Both come back to the last bit. How far the two are
apart is what 32 bits cost. The run is led anew from its seed by its own law; its dust has no mass, so star and planets
are the same in all of its worlds. Needs the extra `rebound`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.protocol.catalogue import Analysis, Result
from mesocosm.protocol.story import Axis, Trajectories
from mesocosm.record import Record
from mesocosm.record.configuration import MissingPackage, Range, needs
from mesocosm.worlds.reversible import orbits

LEAST_VERSION = 5
"""From which on its integrators are set up as below."""
POINTS = 50


@dataclass(frozen=True)
class Settings:
    """How far both go."""

    ticks: Annotated[int, Range(1, 1 << 20, "ticks")] = 400
    """Of a quarter of a unit of time, without a turn; REBOUND's own test goes to 100."""


def simulation(start: np.ndarray) -> Any:
    """REBOUND's simulation of a star and planets, with JANUS.

    Args:
      start: places and velocities of star and planets, [3, 4].

    Raises:
      MissingPackage: where it is not installed, or too old.
    """
    with needs("the analysis rebound", "rebound"):
        import rebound  # type: ignore[import-not-found, unused-ignore]
    if int(rebound.__version__.split(".")[0]) < LEAST_VERSION:
        raise MissingPackage(f"the analysis rebound (this is {rebound.__version__})", "rebound 5", "rebound")
    sim = rebound.Simulation()
    for m, (x, y, vx, vy) in zip((1.0, *(planet[0] for planet in orbits.PLANETS)), start.tolist(), strict=True):
        sim.add(m=m, x=x, y=y, vx=vx, vy=vy)
    sim.dt = orbits.STEP
    sim.integrator = "janus"
    janus: Any = sim.integrator  # an object once its name is given
    janus.order, janus.scale_pos, janus.scale_vel = 2, 1e-16, 1e-16
    return sim


def places(sim: Any) -> np.ndarray:
    """[bodies, 4]: x, y and velocities."""
    return np.array([[p.x, p.y, p.vx, p.vy] for p in sim.particles])


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    states = ours(record, settings.ticks)
    sim = simulation(states[0])
    sim.steps(1)
    start, theirs = places(sim), []
    for _ in range(settings.ticks - 1):
        theirs.append(places(sim))
        sim.steps(1)
    theirs.append(places(sim))
    sim.dt = -sim.dt
    sim.steps(settings.ticks - 1)
    apart = np.hypot(*np.moveaxis((states[1:] - np.array(theirs))[:, 1:, :2], -1, 0)).max(axis=1)
    at = np.unique(np.linspace(0, settings.ticks - 1, POINTS).round().astype(int))
    return {
        "ticks": (at + 1).tolist(),
        "apart": apart[at].tolist(),
        "largest": float(apart.max()),
        "returns": bool((places(sim) == start).all()),
    }


def ours(record: Record, ticks: int) -> np.ndarray:
    """Star and planets of world 0 of the run at ticks 0 ... `ticks`, as REBOUND tells them: [1 + ticks, 3, 4]."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    from mesocosm.core import Bits
    from mesocosm.core.random import seed_words
    from mesocosm.protocol.preparing import law_of
    from mesocosm.protocol.reading import configuration_of
    from mesocosm.protocol.registry import entry_of

    law: Any = law_of(entry_of(record), configuration_of(record)).experiment
    words, replicate = seed_words(int(record.header["seed"])), jnp.uint32(0)

    def tick(now: Any, t: Any) -> Any:
        return law.world.step(Bits.at(words, replicate, t), now, law.by_chance), now[:, :3]

    start = law.world.found(Bits.founding(words, replicate), law.is_prepared)
    states = np.asarray(jax.jit(lambda now: lax.scan(tick, now, jnp.arange(ticks + 1, dtype=jnp.int32))[1])(start))
    return np.array([np.concatenate(orbits.in_numbers(state), axis=1) for state in states])


def show(record: Record, values: Mapping[str, Any]) -> Result:
    returned = "return to their start bit for bit" if values["returns"] else "do not return"
    sentence = (
        f"After {values['ticks'][-1]} ticks the planets of this run are {values['apart'][-1]:.1e} from those of "
        f"REBOUND (at most {values['largest']:.1e} on the way, of orbits of 1.1 and 2.3); turned round, REBOUND's "
        f"{returned}."
    )
    figure = Trajectories(
        title="Distance of the planets of this run from those of REBOUND",
        alt=sentence,
        x_axis=Axis("tick"),
        y_axis=Axis("the larger distance", "units of length", low=0),
        x=np.array(values["ticks"]),
        lines=np.array([values["apart"]]),
        label="systems",
    )
    return Result(sentence, values, figures=(figure,))


def _of_planets(record: Record) -> str:
    configuration = record.header["configuration"]
    if configuration.get("law") != "planets":
        return "has no planets (run arrow-of-time with --law planets)"
    return "" if configuration.get("collisions") == "law" else "is kicked by chance (run it with --collisions law)"


ANALYSIS = Analysis(
    "rebound",
    "the planets of a run beside those of REBOUND, the integrator of a third party",
    compute,
    show,
    Settings,
    needs=(_of_planets,),
)
