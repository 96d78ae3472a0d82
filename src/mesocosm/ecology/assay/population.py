"""Who is assayed: genomes out of a finished run, or written by hand. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol

import numpy as np

from mesocosm.ecology.assay.declaration import AssayConfiguration
from mesocosm.protocol.reading import after, configuration_of
from mesocosm.record import FolderError, Record
from mesocosm.record.configuration import Intervention, replace_together

Carried = Mapping[str, np.ndarray]


class OfLayer(Protocol):
    """What is asked of a layer (`mesocosm.layers.layer.Layer`)."""

    name: ClassVar[str]

    def of_strand(self, own: Carried, strand: int) -> Carried: ...
    def at(self, record: Record, replicate: int, tick: int, ids: np.ndarray) -> Carried | None: ...


@dataclass(frozen=True)
class Population:
    """Who is assayed: bodies of each replicate, with what layers have of them.

    Args:
      genomes: [replicates, loci, bodies], int8; zeros where nobody is there.
      is_there: [replicates].
      carried: by layer and name of its arrays, [replicates, ..., bodies]; what is not there is zero.
    """

    genomes: np.ndarray
    is_there: np.ndarray
    carried: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    @classmethod
    def of_nobody(cls, replicates: int, loci: int, n: int) -> Population:
        """Places to be filled."""
        return cls(np.zeros((replicates, loci, n), np.int8), np.zeros(replicates, bool))

    def fill(self, replicate: int, genomes: np.ndarray) -> None:
        """These genomes [loci, bodies] are there."""
        self.genomes[replicate], self.is_there[replicate] = genomes, True

    def give(self, layer: str, replicate: int, own: Carried) -> None:
        """Bodies have this of a layer, [..., bodies] each."""
        arrays = self.carried.setdefault(layer, {})
        for name, values in own.items():
            everybody = arrays.setdefault(name, np.zeros((self.is_there.size, *values.shape), values.dtype))
            everybody[replicate] = values

    def with_genomes(self, genomes: np.ndarray) -> Population:
        """The same bodies with other genomes."""
        return replace(self, genomes=genomes)

    def without(self, layer: str) -> Population:
        """The same bodies without what a layer has of them."""
        return replace(self, carried={name: own for name, own in self.carried.items() if name != layer})

    def beside(self, others: Population, is_mine: np.ndarray) -> Population:
        """Two populations in one world: this one at the places named [bodies], the others elsewhere."""

        def mixed(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray:
            zero = np.zeros((), a.dtype if a is not None else b.dtype if b is not None else None)
            return np.where(is_mine, zero if a is None else a, zero if b is None else b)

        names = {(layer, name) for side in (self, others) for layer, own in side.carried.items() for name in own}
        out = Population(mixed(self.genomes, others.genomes), self.is_there & others.is_there)
        for layer, name in sorted(names):
            sides = (side.carried.get(layer, {}).get(name) for side in (self, others))
            out.carried.setdefault(layer, {})[name] = mixed(*sides)
        return out


def resolved(c: AssayConfiguration, record: Record, changed: bool = True) -> Any:
    """The configuration of the source at its end, with the changes of a transplant.

    Args:
      changed: else the one under which the source was founded.

    Raises:
      ConfigurationError: for a change that is not permitted.
    """
    configuration = configuration_of(record)
    if not changed:
        return replace(configuration, interventions=())
    ended = replace(after(configuration, configuration.parsed_interventions()), interventions=())
    changes = [Intervention.parse(f"0:{text}") for text in c.changes]
    return replace_together(ended, {change.field: change.value for change in changes})


def living(record: Record, strand: int, n: int, rows: Sequence[int], layers: Sequence[OfLayer] = ()) -> Population:
    """n living bodies of each of these replicates, evenly spaced by id (again and again where fewer live).

    Args:
      rows: replicates of the run, one for each replicate of the assay.
      strand: which of their genomes, and of the genes that layers have: 0 the expressed one, 1 the shadow.
      layers: what bodies are taken with.
    """
    state = record.state
    lanes = {int(r): lane for lane, r in enumerate(state["replicate"])}
    if "state.genomes" not in state:
        if lanes:
            raise FolderError(f"{record.folder}: its checkpoint holds no genomes; it cannot be assayed")
        return Population.of_nobody(len(rows), 1, n)
    ids, genomes = state["state.world.bodies.id"], state["state.genomes"]
    out = Population.of_nobody(len(rows), genomes.shape[2], n)
    for r, row in enumerate(rows):
        lane = lanes.get(int(row))
        if lane is None:
            continue
        slots = np.flatnonzero(ids[lane] > 0)
        slots = slots[np.argsort(ids[lane][slots], kind="stable")]
        chosen = slots[np.arange(n) * max(slots.size, 1) // n] if slots.size >= n else slots[np.arange(n) % slots.size]
        out.fill(r, genomes[lane, strand][:, chosen])
        for layer in layers:
            prefix = f"state.{layer.name}."
            own = {k.removeprefix(prefix): v[lane][..., chosen] for k, v in state.items() if k.startswith(prefix)}
            if own:
                out.give(layer.name, r, layer.of_strand(own, strand))
    return out


def clones(record: Record, n: int, rows: Sequence[int]) -> Population:
    """n copies of the commonest living genotype of each of these replicates; of several as common, the lowest genes."""
    state = record.state
    lanes = {int(r): lane for lane, r in enumerate(state["replicate"])}
    out = Population.of_nobody(len(rows), state["state.genomes"].shape[2] if lanes else 1, n)
    for r, row in enumerate(rows):
        if (lane := lanes.get(int(row))) is None:
            continue
        genomes = state["state.genomes"][lane, 0][:, state["state.world.bodies.id"][lane] > 0]
        kinds, counts = np.unique(genomes.T, axis=0, return_counts=True)
        if counts.size:
            out.fill(r, np.repeat(kinds[np.argmax(counts)][:, None], n, axis=1))
    return out


def places_of_first(n: int, tenths: int, swapped: bool) -> np.ndarray:
    """Whose places the first population of a competition takes, in a pattern of ten: [n] booleans.

    Swapped is the mirror image: at five tenths each population stands where the other stood.
    """
    place = np.arange(n) % 10
    return place >= 10 - tenths if swapped else place < tenths
