"""Is a player better than its past, or only different? The players of all times meet each other (docs/progress.md).

Snapshot i is all players of one time. It scores against snapshot j what its players earn when each takes the place of
its namesake among those of time j, less what those of time j earn among its own (`Game.against`). Where the players are
an artist and a critic: `V(artist j, critic i) - V(artist i, critic j)`, V being what the critic earns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.claim import Finding
from mesocosm.findings.tournament import HALVES, Tournament, from_pairs
from mesocosm.protocol.catalogue import Analysis, Result, arrays, log
from mesocosm.protocol.story import Axis, Heat
from mesocosm.record import FolderError, Record
from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class Settings:
    """Who meets."""

    snapshots: Annotated[int, Range(2, 64, "snapshots")] = 12
    """How many of the kept players, evenly spaced; the last is among them."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    return rematch(record, settings.snapshots).to_dict()


def rematch(record: Record, snapshots: int = 12) -> Tournament:
    """The tournament of the players that were kept. Halves are two independent draws, where a game has any.

    Raises:
      FolderError: if fewer than two times were kept.
    """
    import jax
    import jax.numpy as jnp

    from mesocosm.core.flags import pinned
    from mesocosm.instruments.revived import revived

    kept = record.log("players")
    ticks = np.unique(kept["tick"])
    if len(ticks) < 2:
        raise FolderError(f"{record.folder}: kept players of {len(ticks)} times; rematch needs 2: lower keep_every")
    ticks = ticks[np.unique(np.linspace(0, len(ticks) - 1, snapshots).round().astype(int))]
    n = len(ticks)
    i, j = np.triu_indices(n, 1)
    first = np.full((HALVES, len(i), record.replicates), np.nan)
    with pinned():
        run = revived(record)

        @jax.jit
        def all_pairs(bits: Any, z: Any) -> Any:
            game = run.experiment.field(bits)  # type: ignore[attr-defined]
            return jax.lax.map(lambda a: jax.vmap(lambda b: game.against(a, b))(z), z)

        for k, r in enumerate(run.replicates):
            mine = (kept["replicate"] == r) & np.isin(kept["tick"], ticks)
            z = jnp.asarray(kept["z"][mine])
            for half in range(HALVES):
                first[half, :, r] = np.asarray(all_pairs(run.bits(k, half), z))[i, j]
    return from_pairs((ticks + 1) / 1000, first, -first, time_unit="1000 ticks", score_unit="earned per match")


def show(record: Record, values: Mapping[str, Any]) -> Result:
    times = [f"{float(t):g}" for t in values["times"]]
    figure = Heat(
        title="Who beats whom",
        alt=f"What the players of each time (row) earn against those of each other time (column). {values['sentence']}",
        x_axis=Axis(f"opponents, {values['units']['time']}"),
        y_axis=Axis(f"players, {values['units']['time']}"),
        columns=times,
        rows=times,
        values=np.array(values["matrix"]["mean"], float),
        centre=0.0,
    )
    return Result(values["sentence"], values, tuple(map(Finding.from_dict, values["findings"])), (figure,))


ANALYSIS = Analysis(
    "rematch", "whether players are better than their past, or only different", compute, show, Settings,
    needs=(log("players", "keep_every"), arrays("state.z")),
)  # fmt: skip
