"""What is to be run: an experiment with its instruments, and the plan that is the identity of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, UInt32

from mesocosm.core.experiment import Experiment
from mesocosm.core.instrument import Camera, Fold, Log
from mesocosm.core.random import Bits
from mesocosm.record.configuration import ConfigurationError, Intervention


class Founding(eqx.Module):
    """Who is there at the beginning, where that is not what the experiment founds by itself. Subclasses are final."""

    def replace(self, bits: Bits, state: Any, replicate: UInt32[Array, ""]) -> Any:
        """The founding state of one replicate, changed; its shapes stay."""
        raise NotImplementedError


@dataclass(frozen=True)
class Setup:
    """An experiment with what watches it.

    Args:
      folds: measures by name; each gives columns of the metrics.
      logs: which events are recorded one by one, and the cameras.
      founding: who is there at the beginning, if that is given.
      facts: plain values that the configuration names but does not hold (what it reads elsewhere); they belong to the
        identity of the run.
      reconfigure: the experiment with its folds and logs after these interventions, from the first on; needed only
        where there are some. It may change parameters, nothing else.
    """

    experiment: Experiment
    folds: dict[str, Fold] = field(default_factory=dict)
    logs: tuple[Log | Camera, ...] = ()
    founding: Founding | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    reconfigure: Callable[[Sequence[Intervention]], Setup] | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be run: the identity of a run.

    Args:
      name: of the experiment.
      ticks: length of the run; a multiple of `every`.
      every: ticks in a window; each window is a row of the metrics.
      interventions: sorted changes of parameters.
      configuration: all plain values that determine the setup.
      declaration: what was claimed before the run, plain values; part of its identity.
      config: the same as TOML, written into the run folder.
      code: where the experiment's code comes from and its digest, where that is not this package.
      says: what is to be seen of it, in a sentence; no part of its identity.
    """

    name: str
    seed: int
    replicates: int
    ticks: int
    every: int
    interventions: tuple[Intervention, ...] = ()
    configuration: dict[str, Any] = field(default_factory=dict)
    declaration: dict[str, Any] = field(default_factory=dict)
    config: str = ""
    code: dict[str, str] = field(default_factory=dict)
    says: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**64:
            raise ConfigurationError(f"seed = {self.seed}: must be in 0 ... 2^64 - 1")
        if not 1 <= self.replicates < 2**31:
            raise ConfigurationError(f"replicates = {self.replicates}: must be at least 1")
        if not 1 <= self.every < 2**31:
            raise ConfigurationError(f"every = {self.every}: must be at least 1")
        if not 1 <= self.ticks < 2**31 or self.ticks % self.every:
            raise ConfigurationError(
                f"ticks = {self.ticks}: must be a multiple of every = {self.every}, at least once and below 2^31"
            )
        ticks = [i.tick for i in self.interventions]
        if ticks != sorted(ticks) or any(t < 0 for t in ticks):
            raise ConfigurationError(f"interventions at ticks {ticks}: must be sorted, from tick 0 on")

    def identity(self) -> dict[str, Any]:
        """All that makes it this run and no other, as plain values."""
        interventions = [[i.tick, i.field, i.value] for i in self.interventions]
        return {
            "experiment": self.name,
            "seed": self.seed,
            "replicates": self.replicates,
            "ticks": self.ticks,
            "every": self.every,
            "interventions": interventions,
            "configuration": self.configuration,
            "declaration": self.declaration,
        }


@dataclass(frozen=True)
class Progress:
    """Where a run is. `row` holds the newest measures, one value a living replicate."""

    name: str
    tick: int
    ticks: int
    living: int
    replicates: int
    ticks_per_second: float
    row: dict[str, np.ndarray]
