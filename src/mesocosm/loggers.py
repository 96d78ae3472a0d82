"""Runs in the boards of others: TensorBoard and Weights & Biases, each an extra, both without a network.

    mc.run("chemotaxis", progress=loggers.tensorboard("boards/a"))    while it runs
    loggers.tensorboard("boards/b").replay(mc.load(folder))           a finished one, every window

Of each measure the mean over living replicates is written, and their standard deviation; the step is the tick. A run
that follows (an arm, an assay) writes under its own name. A logger changes nothing: the run has the same bits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.record import needs

if TYPE_CHECKING:
    from mesocosm.api import Run
    from mesocosm.core import Progress


__all__ = ["Logger", "tensorboard", "told", "wandb"]


class Logger(ABC):
    """Writes numbers somewhere, step by step. Call it as the `progress` of a run; close it, or use it in a `with`."""

    @abstractmethod
    def write(self, name: str, tick: int, numbers: Mapping[str, float]) -> None:
        """Numbers by name, of the run of this name, at a tick."""

    @abstractmethod
    def close(self) -> None:
        """Bring all to disk."""

    def __call__(self, progress: Progress) -> None:
        """Write the newest measures of a run that is on its way."""
        numbers = {"living": float(progress.living), "ticks_per_second": float(progress.ticks_per_second)}
        self.write(progress.name, progress.tick, numbers | told(progress.row))

    def replay(self, run: Run) -> None:
        """Write every window of a recorded run."""
        metrics = run.metrics
        for tick in np.unique(metrics["tick"]):
            now = metrics["tick"] == tick
            row = {name: values[now] for name, values in metrics.items() if name not in ("replicate", "tick")}
            self.write(run.record.header["experiment"], int(tick), told(row))
        self.close()

    def __enter__(self) -> Logger:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def told(row: Mapping[str, Any]) -> dict[str, float]:
    """Mean and standard deviation of each measure over replicates; what is no number is left out."""
    out = {}
    for name, values in row.items():
        values = np.asarray(values, float).ravel()
        values = values[np.isfinite(values)]
        if values.size:
            out[f"{name}/mean"] = float(values.mean())
            out[f"{name}/sd"] = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return out


def tensorboard(folder: str | Path) -> Logger:
    """A logger into a folder that `tensorboard --logdir FOLDER` shows. Needs the extra `tensorboard`.

    Raises:
      MissingPackage: where tensorboardX is missing.
    """
    with needs("a logger for TensorBoard", "tensorboard"):
        from tensorboardX import SummaryWriter
    return _TensorBoard(SummaryWriter(str(folder)))


class _TensorBoard(Logger):
    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, name: str, tick: int, numbers: Mapping[str, float]) -> None:
        for what, value in numbers.items():
            self._writer.add_scalar(f"{name}/{what}", value, tick)

    def close(self) -> None:
        self._writer.close()


def wandb(project: str = "mesocosm", mode: str = "offline", **settings: Any) -> Logger:
    """A logger into Weights & Biases, offline unless told otherwise: `wandb sync` sends it later. Needs `wandb`.

    Args:
      mode: "offline", "online" or "disabled".
      settings: what `wandb.init` takes besides (`dir`, `name`, `config`).

    Raises:
      MissingPackage: where wandb is missing.
    """
    with needs("a logger for W&B", "wandb"):
        import wandb as weights_and_biases  # pyright: ignore[reportMissingImports]
    return _WandB(weights_and_biases.init(project=project, mode=mode, **settings))  # type: ignore[arg-type]


class _WandB(Logger):
    def __init__(self, run: Any) -> None:
        self._run = run

    def write(self, name: str, tick: int, numbers: Mapping[str, float]) -> None:
        self._run.log({"tick": tick, **{f"{name}/{what}": value for what, value in numbers.items()}})

    def close(self) -> None:
        self._run.finish()
