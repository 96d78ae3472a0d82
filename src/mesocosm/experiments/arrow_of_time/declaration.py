"""What is asked of reversible worlds: where does the arrow of time come from? No jax.

After E. Jang, "Three questions that keep me up at night" (2020), and J. Loschmidt's objection to L. Boltzmann (1876).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any, Literal

from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Columns, Measure
from mesocosm.record.configuration import Range
from mesocosm.worlds.reversible.parameters import (
    DiscParameters,
    GasParameters,
    Law,
    PlanetParameters,
    RingParameters,
    UrnParameters,
)


@dataclass(frozen=True)
class ArrowConfiguration(RunConfiguration):
    """A world is started far from equilibrium, goes on for `turn` ticks, is turned round, and goes on for as many."""

    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 768
    """Independently founded worlds; a share of 99 % cannot be shown with fewer."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 512
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 8
    law: Law = "fhp"
    """Lattice gases (fhp, hpp), a ring that recurs (kac), soft discs, planets and dust, urns that draw lots."""
    start: Literal["prepared", "equilibrium"] = "prepared"
    """A drop in an empty world and a blank tape; or both as they look long afterwards."""
    tape_start: Literal["as the world", "blank", "full"] = "as the world"
    """Blank beside a prepared world and full of lots in equilibrium; or one of these beside either."""
    collisions: Literal["law", "chance"] = "law"
    """By chance their outcomes are drawn anew in every tick, and there is no way back."""
    turn: Annotated[int, Range(0, 2**30, "ticks")] = 256
    """After so many ticks time is turned round; 0: never."""
    reversor: Literal["whole", "velocities"] = "whole"
    """What turns it round: the collision and the velocities, or the velocities alone."""
    flips: Annotated[int, Range(0, 1024, "bits")] = 0
    """So many bits are flipped at that moment."""
    tape: Annotated[int, Range(1, 1 << 16, "cells", "size")] = 256
    """Cells of the record that the world writes of itself, 32 bits in each. Shorter than the way it is overwritten."""
    film_every: Annotated[int, Range(0, 1 << 20, "ticks", "switch")] = 8
    """Ticks between frames of the film of coarse cells on the way there; 0: no film."""
    gas: GasParameters = field(default_factory=GasParameters)
    ring: RingParameters = field(default_factory=RingParameters)
    urn: UrnParameters = field(default_factory=UrnParameters)
    discs: DiscParameters = field(default_factory=DiscParameters)
    planets: PlanetParameters = field(default_factory=PlanetParameters)
    assays: bool = True
    """Whether its controls follow the run: by chance, velocities alone, a flipped bit, from equilibrium; the claims
    need them."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        if 2 * self.turn > self.ticks:
            yield (
                f"turn = {self.turn}: must be at most ticks / 2 = {self.ticks // 2}, so that there is time to come "
                "back; or 0 for never"
            )
        most = {
            "kac": self.ring.balls,
            "urn": self.urn.balls,
            "discs": self.discs.bodies,
            "planets": self.planets.dust + 3,
        }.get(self.law)
        if most is not None and self.flips > most:
            yield f"flips = {self.flips}: must be at most {most} with the law {self.law}, one for each ball or body"


def _information(columns: Columns, of: str) -> Any:
    """What a bit of the tape tells of a bit that was or will be seen: mutual information of the two, in bits."""
    import numpy as np

    n = 32.0 * np.asarray(columns["ticks"], float)
    cell, seen, both = (np.asarray(columns[name], float) for name in (of, "seen", f"{of}_seen"))
    joint = np.stack([both, cell - both, seen - both, n - cell - seen + both]) / n
    product = np.stack([cell * seen, cell * (n - seen), (n - cell) * seen, (n - cell) * (n - seen)]) / n**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sum(np.where(joint > 0, joint * np.log2(joint / product), 0.0), axis=0)


CONSERVED = {
    "hpp": ("particles", "momentum_x", "momentum_y"),
    "fhp": ("particles", "momentum_x", "momentum_y"),
    "kac": ("markers",),
    "discs": ("momentum_x", "momentum_y"),
    "planets": (),
    "urn": (),
}
"""What no tick may change, by law."""


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    entropy = Measure("entropy", "entropy", "coarse entropy", "bits", control_words="equilibrium")
    return (
        entropy,
        Measure("rise", "rise", "entropy above that of the start", "bits"),
        Measure("wrong", "wrong_bits", "bits other than at the start", "bits", low=0),
        Measure("later", lambda c: _information(c, "after"), "what a later reader of the tape knows", "bits", low=0),
        Measure("earlier", lambda c: _information(c, "before"), "what an earlier reader knows", "bits", low=0),
        *(Measure(name, name, in_table=False) for name in CONSERVED[configuration["law"]]),
    )


CLAIMS = (
    Claim(
        "rises",
        "the coarse entropy is higher at the turn than at the start, in at least 99 % of starts",
        control="the entropy of the start",
        statistic="whether the entropy at the turn is above that of the start",
        delta=0.99,
        kind="fraction",
        replicates=768,
    ),
    Claim(
        "returns",
        "turned round, at least 99 % of worlds return to their start bit for bit",
        control="the same worlds with collisions by chance",
        statistic="whether no bit of world and tape is other than at the start",
        delta=0.99,
        kind="fraction",
        replicates=768,
    ),
    Claim(
        "chance-returns",
        "with collisions by chance at most 1 % of worlds return",
        control="the same worlds under the law",
        statistic="whether no bit is other than at the start, with collisions by chance",
        delta=0.01,
        direction=-1,
        kind="fraction",
        replicates=768,
    ),
    Claim(
        "velocities-return",
        "turned round by the velocities alone at most 1 % of worlds return",
        control="the same worlds, turned round by the reversor",
        statistic="whether no bit is other than at the start, where only velocities were turned round",
        delta=0.01,
        direction=-1,
        kind="fraction",
        replicates=768,
    ),
    Claim(
        "fragile",
        "one flipped bit destroys the echo",
        control="the undisturbed echo",
        statistic="share of the rise of entropy that is still there at the end, where one bit was flipped at the turn",
        delta=0.1,
    ),
    Claim(
        "told",
        "films from a prepared start can be told from the same films run backward",
        control="chance, 1/2",
        statistic="share of films of a world held out that a classifier sees rightly, less 1/2",
        delta=0.1,
    ),
    Claim(
        "untold",
        "films from equilibrium cannot be told from the same films run backward",
        control="chance, 1/2",
        statistic="share of films of a world held out that a classifier sees rightly, less 1/2, where all began in "
        "equilibrium",
        delta=0.05,
        expects="equivalent",
    ),
)

OF_THE_WAY_BACK = ("returns", "chance-returns", "velocities-return", "fragile")


def _claims(configuration: ArrowConfiguration) -> tuple[Claim, ...]:
    """What is claimed of a run: of the way back only where there is one, of lots nothing that needs a law."""
    c = configuration
    without: set[str] = set() if c.start == "prepared" else {claim.name for claim in CLAIMS} - {"untold"}
    if not c.assays:
        return ()  # nothing is judged
    if c.ticks != 2 * c.turn or c.law == "urn" or c.collisions != "law" or c.reversor != "whole" or c.flips:
        without |= set(OF_THE_WAY_BACK)
    if c.law == "kac":
        without |= {"velocities-return"}  # nothing happens at rest: the velocities are the whole reversor
    if c.turn % c.every:
        without |= {"rises", "fragile"}  # no row ends at the turn
    if c.law in ("discs", "planets"):
        without |= {"untold"}  # how these look in equilibrium is not known exactly
    if not c.film_every:
        without |= {"told", "untold"}
    return tuple(claim for claim in CLAIMS if claim.name not in without)


def _results() -> Any:
    return import_module("mesocosm.experiments.arrow_of_time.results")


DECLARATION = Declaration(
    name="arrow-of-time",
    title="The arrow of time",
    question="The laws run both ways. Why does the world not?",
    prediction="entropy rises from every prepared start; turned round, worlds return bit for bit, by chance or after "
    "one flipped bit they do not; only on the side of low entropy can one see which way a film runs",
    control="the same worlds with collisions by chance, turned round by their velocities alone, with one bit flipped "
    "at the turn, and from equilibrium",
    configuration=ArrowConfiguration,
    columns={
        "seen": "bits set in what happens, summed over the ticks of the window",
        "before": "bits set in the cell of the tape before it is written, likewise",
        "after": "bits set in the cell once it is written, likewise",
        "before_seen": "bits set in both what happens and the cell before",
        "after_seen": "bits set in both what happens and the cell after",
        "apart": "how far the world is from its start: bits that differ, or the largest difference of a coordinate",
        "film.clock": "the tick of the picture",
        "film.cells": "particles in each block of cells",
    },
    measures=_measures,
    claims=CLAIMS,
    under=_claims,
    results=_results,
    answers={
        "supported": "The arrow points away from the prepared start",
        "refuted": "Entropy does not rise from the prepared starts",
        "undecided": "Whether entropy rises from nearly all prepared starts is undecided",
    },
    asks_first="rises",
    seen="Each cell is the brighter the more particles are in it, six at most; they meet by a rule that runs as "
    "well backward.",
    about="Particles, balls or bodies under laws that lose nothing: each state has exactly one before it and one "
    "after it. Each world starts as a drop in emptiness beside a blank tape, goes on, is turned round, and comes back.",
    presets={
        "default": {},
        "quick": {"replicates": 128},
        "paper": {
            "replicates": 1024,
            "gas": {"side": 128},
            "ticks": 1024,
            "turn": 512,
            "tape": 512,
            "every": 16,
            "film_every": 16,
        },
    },
    noun="worlds",
    trial=Trial(
        {"": {"turn": 10, "film_every": 6, "tape": 32}},
        interventions=('12:collisions="chance"', "5:turn=20"),
    ),
)
