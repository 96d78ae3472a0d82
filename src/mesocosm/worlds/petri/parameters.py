"""The configuration of `petri`, without jax. Ranges and bounds are those of `docs/worlds/petri.md`, section 7."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from mesocosm.record.configuration import Range
from mesocosm.worlds.petri.senses import digit, n_stimuli

SenseName = Literal["odour", "trend", "touch", "signal", "energy"]

Quanta = Annotated[int, Range(0, 32767, "quanta")]
Speed = Annotated[int, Range(0, 1024, "1/256 cell per tick")]
Diffusion = Annotated[int, Range(0, 128, "1/256 per matching")]
Decay = Annotated[int, Range(0, 65535, "1/65536 per four ticks")]
Probability = Annotated[float, Range(0, 1, "per tick")]
Levels = Annotated[tuple[int, int, int], Range(0, 32767, "quanta in the cell")]


@dataclass(frozen=True)
class PetriParameters:
    """The world: how large, how rich, how fast, and what can be sensed in it."""

    side: Annotated[int, Range(8, 1024, "cells", "size")] = 128
    """Side of the torus, a power of two."""
    founders: Annotated[int, Range(1, 1 << 20, "bodies", "size")] = 512
    """Bodies at the beginning, with random genomes at random places."""
    ceiling: Annotated[int, Range(1, 1 << 20, "bodies")] = 4096
    """Population at which divisions wait."""
    founding_energy: Annotated[int, Range(1, 1 << 20, "quanta")] = 3000
    """Energy of a founder."""
    division_energy: Annotated[int, Range(2, 1 << 20, "quanta")] = 4000
    """Energy at which a body divides; it can hold no more."""
    metabolism: Annotated[int, Range(0, 65535, "quanta per tick")] = 4
    """What it costs to live."""
    bite: Quanta = 64
    """The most that a body eats in a tick."""
    speed: Speed = 256
    """Speed of a running body."""
    n_sources: Annotated[int, Range(1, 16, "sources", "size")] = 1
    """Sources of food and odour."""
    drops: Annotated[int, Range(1, 256, "drops per tick", "size")] = 16
    """Drops that a source lets fall in each tick."""
    drop_food: Quanta = 128
    """Food in a drop."""
    drop_odour: Quanta = 64
    """Odour in a drop (information, no energy)."""
    drop_spread: Annotated[int, Range(0, 32767, "1/256 cell")] = 1024
    """How far from the source drops fall at most."""
    source_speed: Speed = 8
    """Speed at which a source wanders."""
    turn_probability: Probability = 0.05
    """Probability that a source takes a new heading."""
    jump_probability: Probability = 1 / 300
    """Probability that a source jumps to a random place."""
    food_diffusion: Diffusion = 32
    """How fast food spreads: the share of a difference between neighbours that moves; 0: it lies where it fell."""
    food_decay: Decay = 256
    """How fast food decays: the share that is lost in four ticks."""
    odour_diffusion: Diffusion = 128
    """How fast odour spreads, likewise."""
    odour_decay: Decay = 2048
    """How fast odour decays, likewise: how far it is smelt."""
    signal_diffusion: Diffusion = 128
    """How fast signal spreads, likewise."""
    signal_decay: Decay = 2048
    """How fast signal decays, likewise."""
    cell_capacity: Annotated[int, Range(1, 32767, "quanta")] = 32767
    """What a cell holds of each field; the rest spills."""
    senses: tuple[SenseName, ...] = ("odour",)
    """What a body senses; any of odour, trend, touch, signal, energy."""
    odour_levels: Levels = (4, 32, 256)
    """Odour at which its level is 1, 2, 3."""
    trend_margin: Quanta = 0
    """Change of odour that counts as none."""
    signal: bool = False
    """Whether bodies can emit a signal."""
    signal_levels: Levels = (4, 32, 256)
    """Signal at which its level is 1, 2, 3."""
    emission_cost: Annotated[int, Range(0, 65535, "quanta per tick")] = 1
    """Energy that an emission costs."""
    emission_quanta: Quanta = 16
    """Signal in an emission."""
    demes: Annotated[int, Range(1, 64, "tori", "size")] = 1
    """Tori in one replicate, each with sources of its own; bodies of different ones meet only after migration."""
    migration: Probability = 0.0
    """Probability that a body moves to another torus, each as likely."""
    recolonise_every: Annotated[int, Range(0, 2**20, "ticks")] = 0
    """Ticks between recolonisations of empty tori; 0: only migrants come."""
    propagule: Annotated[int, Range(1, 1 << 20, "bodies")] = 8
    """Bodies of one other torus that recolonise an empty one, at most."""

    @property
    def n_acts(self) -> int:
        """How many acts a body can choose between."""
        return 4 if self.signal else 2

    @property
    def n_stimuli(self) -> int:
        """How many stimuli there are: levels of all senses together."""
        return n_stimuli(self.senses)

    def digit(self, sense: SenseName) -> tuple[int, int]:
        """Where the level of a sense stands in a stimulus: what it is multiplied by, and how many levels it has."""
        return digit(self.senses, sense)

    @property
    def inflow(self) -> int:
        """Food that falls in a tick, in quanta."""
        return self.demes * self.n_sources * self.drops * self.drop_food

    def contradictions(self) -> Iterator[str]:
        """What no single range can say: powers of two, order, and every sum that int32 must hold."""
        if self.side & (self.side - 1):
            yield f"side = {self.side}: must be a power of two, 8 ... 1024"
        if self.founders > self.ceiling:
            yield f"founders = {self.founders}: must not exceed ceiling = {self.ceiling}; raise the ceiling"
        if self.founding_energy > self.division_energy:
            yield f"founding_energy = {self.founding_energy}: must not exceed division_energy = {self.division_energy}"
        for name in ("odour_levels", "signal_levels"):
            levels = getattr(self, name)
            if list(levels) != sorted(levels):
                yield f"{name} = {levels}: must ascend"
        if len(set(self.senses)) != len(self.senses):
            yield f"senses = {self.senses}: names a sense twice"
        if "signal" in self.senses and not self.signal:
            yield f"senses = {self.senses}: the sense signal needs signal = true"
        if self.demes & (self.demes - 1):
            yield f"demes = {self.demes}: must be a power of two, 1 ... 64"
        if self.demes == 1 and (self.migration or self.recolonise_every):
            yield "migration, recolonise_every: need demes = 2 or more"
        area = self.demes * self.side**2
        several = "demes * " if self.demes > 1 else ""
        bounds = {
            f"{several}side^2 * cell_capacity": (area * self.cell_capacity, 31, "lower cell_capacity or side"),
            "ceiling * division_energy": (self.ceiling * self.division_energy, 31, "lower ceiling or division_energy"),
            "ceiling * emission_quanta": (self.ceiling * self.emission_quanta, 30, "lower emission_quanta or ceiling"),
        }
        for product, (value, power, remedy) in bounds.items():
            if value >= 2**power:
                yield f"{product} = {value}: must be below 2^{power}, or sums would overflow; {remedy}"

    def window_overflow(self, every: int) -> str | None:
        """Why the totals of a window of `every` ticks could leave int32, if they could."""
        turnover = every * self.ceiling * max(self.metabolism, self.emission_cost, self.bite, 1)
        fallen = every * self.inflow + self.demes * self.side**2 * self.cell_capacity
        distances = every * 16 * self.side
        if (most := max(turnover, fallen, distances)) < 2**31:
            return None
        return (
            f"every = {every}: totals of a window could reach {most}, more than int32 holds; "
            "lower every, world.ceiling, world.metabolism, world.bite, world.cell_capacity or the inflow"
        )
