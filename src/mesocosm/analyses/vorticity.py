"""How much of the field that learners follow is curl, where a run has come to: pure descent has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.intervals import show_mean
from mesocosm.findings.outcomes import plain_lists
from mesocosm.protocol.catalogue import Analysis, Result, arrays
from mesocosm.protocol.story import Axis, Strips
from mesocosm.record import FolderError, Record
from mesocosm.record.configuration import Range

WHOLE = 64
"""Up to so many numbers the Jacobian is worked out whole; of larger games its squares are estimated."""


@dataclass(frozen=True)
class Settings:
    """How the squares of large games are estimated."""

    probes: Annotated[int, Range(2, 4096, "probes")] = 64
    """Random directions in which the Jacobian of a game of more than 64 numbers is tried."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    import jax

    from mesocosm.core.flags import pinned
    from mesocosm.instruments.revived import revived

    with pinned():
        run = revived(record)
        field: Any = getattr(run.experiment, "field", None)
        if field is None:
            raise FolderError(f"{record.folder}: its law has no field that players follow; vorticity is of games")
        share = jax.jit(lambda bits, z: _shares(field(bits), z, settings.probes))
        found = [np.asarray(share(run.bits(k), run.state(k).z), float) for k in range(run.replicates.size)]
    shares, real, turning = np.array(found).T if found else np.zeros((3, 0))
    return {
        "share": plain_lists(shares),
        "largest_real_part": plain_lists(real),
        "largest_imaginary_part": plain_lists(turning),
    }


def _shares(game: Any, z: Any, probes: int) -> Any:
    """|A|^2 / |J|^2; and the largest real and imaginary part of the eigenvalues of J, NaN of a large game."""
    import jax
    import jax.numpy as jnp

    from mesocosm.games.game import jacobian, vorticity

    if z.size <= WHOLE:
        matrix = jacobian(game, z)
        values = jnp.linalg.eigvals(matrix)
        return jnp.stack([vorticity(matrix), jnp.max(values.real), jnp.max(jnp.abs(values.imag))])
    _, back = jax.vjp(game.velocity, z)

    def tried(key: Any) -> Any:  # M. F. Hutchinson 1989: E |M r|^2 = |M|^2 for r of independent signs
        r = jax.random.rademacher(key, z.shape, z.dtype)
        forward, backward = jax.jvp(game.velocity, (z,), (r,))[1], back(r)[0]
        return jnp.stack([jnp.sum((forward - backward) ** 2) / 4, (jnp.sum(forward**2) + jnp.sum(backward**2)) / 2])

    curl, whole = jnp.mean(jax.lax.map(tried, jax.random.split(jax.random.key(0), probes)), axis=0)
    return jnp.stack([jnp.where(whole > 0, curl / jnp.where(whole > 0, whole, 1), 0), jnp.nan, jnp.nan])


def show(record: Record, values: Mapping[str, Any]) -> Result:
    shares = np.array(values["share"], float)
    if not shares.size:
        return Result("Nobody lives at the end: there is no field to look at.", values)
    said = show_mean(shares)
    kind = "pure descent" if shares.max() < 1e-9 else "pure curl" if shares.min() > 1 - 1e-6 else "both"
    real = np.array(values["largest_real_part"], float)
    turns = np.array(values["largest_imaginary_part"], float)
    eigen = (
        f" Eigenvalues there have real parts up to {real.max():.3g}, imaginary parts up to {turns.max():.3g}."
        if np.isfinite(real).all()
        else ""
    )
    sentence = f"Curl makes {said} of the field's Jacobian where play is at the end ({kind}).{eigen}"
    figure = Strips(
        title="Share of the curl",
        alt=sentence,
        conditions=["at the end"],
        y_axis=Axis("|A|² / |J|²", low=0, high=1),
        values=shares[None],
    )
    return Result(sentence, values, figures=(figure,))


ANALYSIS = Analysis(
    "vorticity", "how much of what learners follow is curl, which no descent has", compute, show, Settings,
    needs=(arrays("state.z"),),
)  # fmt: skip
