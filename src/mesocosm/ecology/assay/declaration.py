"""Assays of the bodies of a finished run: what is asked of whom, and what the record says. No jax.

An assay is the law of the source run itself with some of its parameters changed, founded by chosen genomes; mutation
and exchange are off. It runs in fresh worlds: the same for every population of a replicate, other than the run's own.

Bodies keep what layers have of them, frozen as each layer says; layers name populations of their own (a `cured` one).
What the minds of a world share is that of the world they come from, as it was at its end.

garden       nobody is born, dies or pays; reserves are full, so that what is eaten goes to heat: behaviour alone counts
survival     bodies pay and die, nobody is born
competition  births and deaths; two marked populations share a world
monoculture  births and deaths; one population, whose bodies still swap genes where they meet (of one genotype: in vain)
A *transplant* is any of them with `changes` to the world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from mesocosm.protocol.declaration import AfterConfiguration, Declaration, Summary
from mesocosm.protocol.measure import Measure
from mesocosm.record.configuration import Range

if TYPE_CHECKING:
    from mesocosm.record import Record

Kind = Literal["garden", "survival", "competition", "monoculture"]
Strand = Literal["evolved", "shadow"]
ASSAY_SEEDS = 0x6173736179 << 20
"""Differs a seed of assays from the seed of the run: their worlds are fresh."""


@dataclass(frozen=True)
class AssayConfiguration(AfterConfiguration):
    """Frozen bodies of a finished run, or genotypes written by hand, in fresh worlds of its kind."""

    seed: Annotated[int, Range(0, 2**64 - 1)] = ASSAY_SEEDS
    """Of the worlds of the assay: another than the run's, so that they are fresh."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 600
    """Length of the assay, a multiple of `every`."""
    every: Annotated[int, Range(1, 2**31 - 1, "ticks", "switch")] = 50
    """Ticks in a window: each window is a row of the metrics."""
    kind: Kind = "garden"
    """garden, survival, competition or monoculture."""
    population: str = "evolved"
    """Who is assayed: `evolved`, the living at the end of the run; their `shadow`; its `founders`; `clones` of the
    commonest of the living; `genotypes`; or the living in another state that layers name: `cured`, `mute`, `deaf`."""
    against: str = "founders"
    """In a competition: the other population."""
    tenths: Annotated[int, Range(1, 9, "of ten bodies")] = 5
    """In a competition: the share of the first population at the beginning."""
    marks_swapped: bool = False
    """In a competition: the first population has the other mark, and takes the others' places."""
    genotypes: tuple[str, ...] = ()
    """P(tumble) under each stimulus, 0.1,0.1,0.5,0.9, or what the minds of the run write: replicate r has genotype r
    modulo their number."""
    snapshots: Annotated[tuple[int, ...], Range(0, 2**31 - 1, "ticks")] = ()
    """In a tournament: ticks of the run, in order. The population `snapshots` plays itself, all pairs of them."""
    first_pair: Annotated[int, Range(0, 2**31 - 1, "pairs")] = 0
    """In a tournament: the number of the first pair that meets here; replicates are pairs times worlds of the run."""
    strand: Strand = "evolved"
    """In a tournament: which genome of the snapshots is expressed."""
    sources: Annotated[tuple[int, ...], Range(0, 2**31 - 1, "replicate")] = ()
    """Replicates of the run whose bodies are taken: replicate r takes those of the r-th, again and again; none named:
    those of all in turn."""
    changes: tuple[str, ...] = ()
    """In what the worlds differ from those of the run: FIELD=VALUE (a transplant)."""
    frames_every: Annotated[int, Range(0, 2**20, "ticks")] = 0
    """Ticks between frames kept for the replay; 0 keeps none."""
    frames_of: Annotated[int, Range(-1, 2**31 - 1, "replicate")] = -1
    """Whose frames are kept; -1 is everybody's."""

    def contradictions(self):
        yield from super().contradictions()
        who = {self.population, self.against if self.kind == "competition" else self.population}
        if "genotypes" in who and not self.genotypes:
            yield "genotypes = (): name some, or choose another population"
        if "snapshots" in who or self.snapshots:
            yield from self._of_a_tournament(who)
        if not self.of:
            yield "of: name the folder of a finished run"
        for text in self.changes:
            if "=" not in text:
                yield f"changes = {text!r}: write FIELD=VALUE, for example world.speed=128"
        if self.interventions:
            yield f"interventions = {self.interventions}: an assay takes none; use changes"

    def _of_a_tournament(self, who: set[str]):
        if self.kind != "competition" or who != {"snapshots"}:
            yield "snapshots: they play each other; kind must be competition, population and against be snapshots"
        if self.frames_every:
            yield f"frames_every = {self.frames_every}: a tournament takes no frames"
        if len(self.snapshots) < 2 or list(self.snapshots) != sorted(set(self.snapshots)):
            yield f"snapshots = {self.snapshots}: must be two ticks of the run or more, in order"


def _summarise(record: Record) -> Summary:
    from mesocosm.ecology.assay.analysis import summarise

    return summarise(record)


DECLARATION = Declaration(
    name="assay",
    title="An assay of frozen bodies",
    question="What do these genomes do in fresh worlds, where nothing evolves?",
    prediction="none of its own; the claims that use it are those of the run",
    control="the same worlds with another population",
    configuration=AssayConfiguration,
    summarise=_summarise,
    measures=(Measure("intake", "eaten", "food a body and tick", per="agent_ticks"),),
)
