"""Run folders made by the writer alone, without jax: for tests of what becomes of odd records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mesocosm.experiments.bilinear.declaration import DECLARATION, BilinearConfiguration
from mesocosm.record import Record, Writer, load
from mesocosm.record.configuration import to_dict, to_toml
from mesocosm.record.status import RunStatus
from mesocosm.record.writer import Batch

GAME = BilinearConfiguration(replicates=8, ticks=50, every=10)


def game(folder: Path, extinct: int = 0, values=None, configuration: BilinearConfiguration = GAME, **changes) -> Record:
    """A finished game of `replicates` pairs of players.

    Args:
      extinct: so many replicates end after the first window.
      values: [windows, replicates], the measures x and y; by default scattered.
      configuration: with `changes` of it.
    """
    c = replace(configuration, **changes)
    windows = c.ticks // c.every
    rng = np.random.default_rng(c.seed)
    values = rng.normal(size=(windows, c.replicates)) if values is None else np.asarray(values, float)
    tick, replicate = (a.ravel() for a in np.mgrid[1 : windows + 1, 0 : c.replicates])
    kept = (replicate >= extinct) | (tick == 1)
    columns = {"replicate": replicate, "tick": tick * c.every, "x": values.ravel(), "y": values.ravel()[::-1]}
    identity = {
        "experiment": "bilinear",
        "seed": c.seed,
        "replicates": c.replicates,
        "ticks": c.ticks,
        "every": c.every,
        "interventions": [],
        "configuration": to_dict(c),
        "declaration": DECLARATION.to_dict(),
        "logs": ["moves"],
        "frames": [],
    }
    log = {"replicate": np.arange(4) % c.replicates, "tick": np.arange(4), "size": np.arange(4.0)}
    with Writer.create(folder, identity, {"x": "REAL", "y": "REAL"}, to_toml(c)) as writer:
        batch = Batch(
            metrics={name: column[kept] for name, column in columns.items()},
            statuses=[(r, "extinct", c.every, "nobody lives") for r in range(extinct)],
            logs={"moves": log},
        )
        writer.commit(c.ticks, batch, {"x": values[-1]}, seconds=1.0, is_last=True)
        writer.set_status(RunStatus.FINISHED)
    return load(folder)
