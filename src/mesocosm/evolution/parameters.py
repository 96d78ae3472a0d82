"""Which searcher, and how it begins. No jax is needed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class SearchParameters:
    """A search of the outer loop."""

    searcher: Literal["meta-gradient", "cma-es", "ga", "sep-cma-es", "snes", "openai-es"] = "meta-gradient"
    """How genomes are improved; meta-gradient follows the gradient through the life of a learner (Adam)."""
    population: Annotated[int, Range(1, 4096, "genomes", "size")] = 32
    """Genomes judged in a generation; meta-gradient has one."""
    sigma: Annotated[float, Range(1e-6, 100, "", "switch")] = 0.05
    """Initial standard deviation of a number of the genome (mutation of ga)."""
    rate: Annotated[float, Range(1e-6, 10, "", "switch")] = 0.01
    """Learning rate of Adam (meta-gradient, openai-es)."""
    decay: Annotated[int, Range(0, 1 << 30, "generations", "switch")] = 0
    """Generations over which the rate of meta-gradient falls to a twentieth (cosine); 0: it stays."""

    def contradictions(self):
        if self.searcher != "meta-gradient" and self.population < 4:
            yield f"population = {self.population}: {self.searcher} needs 4 or more"
        if self.searcher == "openai-es" and self.population % 2:
            yield f"population = {self.population}: openai-es draws mirrored pairs; it must be even"
