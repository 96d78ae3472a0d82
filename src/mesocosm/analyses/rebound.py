"""Our planets beside those of REBOUND: the same star and planets by its integrator JANUS, as a third party's world.

JANUS of order 2 (H. Rein and D. Tamayo, MNRAS 473, 2018) is drift, kick, drift in 64-bit integers, with forces in
floating point; ours is the same in 32-bit integers throughout. Both come back to the last bit. How far the two are
apart is what 32 bits cost. Needs the extra `rebound`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.protocol.catalogue import Analysis, Result
from mesocosm.protocol.story import Axis, Trajectories
from mesocosm.record import Record
from mesocosm.record.configuration import MissingPackage, Range
from mesocosm.worlds.reversible import orbits

LEAST_VERSION = 5
"""From which on its integrators are set up as below."""
POINTS = 50


@dataclass(frozen=True)
class Settings:
    """How far both go."""

    ticks: Annotated[int, Range(1, 1 << 20, "ticks")] = 400
    """Of a quarter of a unit of time; REBOUND's own test goes to 100."""


def simulation() -> Any:
    """REBOUND's simulation of the system of `orbits`, with JANUS.

    Raises:
      MissingPackage: where it is not installed, or too old.
    """
    try:
        import rebound  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise MissingPackage("the analysis rebound", "rebound", "rebound") from None
    if int(rebound.__version__.split(".")[0]) < LEAST_VERSION:
        raise MissingPackage(f"the analysis rebound (this is {rebound.__version__})", "rebound 5", "rebound")
    sim = rebound.Simulation()
    sim.add(m=1.0)
    for m, a, e, omega, longitude in orbits.PLANETS:
        sim.add(m=m, a=a, e=e, omega=omega, l=longitude)
    sim.move_to_com()
    sim.dt = orbits.STEP
    sim.integrator = "janus"
    janus: Any = sim.integrator  # an object once its name is given
    janus.order, janus.scale_pos, janus.scale_vel = 2, 1e-16, 1e-16
    return sim


def places(sim: Any) -> np.ndarray:
    """[bodies, 4]: x, y and velocities."""
    return np.array([[p.x, p.y, p.vx, p.vy] for p in sim.particles])


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    sim = simulation()
    sim.steps(1)
    start, ours, theirs = places(sim), ours_after(settings.ticks), []
    for _ in range(settings.ticks - 1):
        theirs.append(places(sim))
        sim.steps(1)
    theirs.append(places(sim))
    sim.dt = -sim.dt
    sim.steps(settings.ticks - 1)
    apart = np.hypot(*np.moveaxis((ours - np.array(theirs))[:, 1:, :2], -1, 0)).max(axis=1)
    at = np.unique(np.linspace(0, settings.ticks - 1, POINTS).round().astype(int))
    return {
        "ticks": (at + 1).tolist(),
        "apart": apart[at].tolist(),
        "largest": float(apart.max()),
        "returns": bool((places(sim) == start).all()),
    }


def ours_after(ticks: int) -> np.ndarray:
    """Star and planets in our law after 1 ... `ticks` ticks, as REBOUND tells them: [ticks, 3, 4]."""
    import jax.numpy as jnp
    from jax import lax

    from mesocosm.worlds.reversible.gravity import pull

    def tick(now: Any, _: Any) -> Any:
        v = now[2:] + pull(now[:2], orbits.MASSES)
        now = jnp.concatenate([now[:2] + v, v])
        return now, now

    start = jnp.asarray(orbits.massive().astype(np.int32))
    states = np.asarray(lax.scan(tick, start, None, length=ticks)[1])
    return np.array([np.concatenate(orbits.in_numbers(state), axis=1) for state in states])


def show(record: Record, values: Mapping[str, Any]) -> Result:
    returned = "return to their start bit for bit" if values["returns"] else "do not return"
    sentence = (
        f"After {values['ticks'][-1]} ticks our planets are {values['apart'][-1]:.1e} from those of REBOUND (at most "
        f"{values['largest']:.1e} on the way, of orbits of 1.1 and 2.3); turned round, REBOUND's {returned}."
    )
    figure = Trajectories(
        title="Distance of our planets from those of REBOUND",
        alt=sentence,
        x_axis=Axis("tick"),
        y_axis=Axis("the larger distance", "units of length", low=0),
        x=np.array(values["ticks"]),
        lines=np.array([values["apart"]]),
        label="systems",
    )
    return Result(sentence, values, figures=(figure,))


def _of_planets(record: Record) -> str:
    law = record.header["configuration"].get("law")
    return "" if law == "planets" else "has no planets (run arrow-of-time with --law planets)"


ANALYSIS = Analysis(
    "rebound",
    "our planets beside those of REBOUND, the integrator of a third party",
    compute,
    show,
    Settings,
    needs=(_of_planets,),
)
