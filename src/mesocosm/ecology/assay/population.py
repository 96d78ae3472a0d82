"""Who is assayed: genomes out of a finished run, or written by hand. NumPy, no jax."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from mesocosm.ecology.assay.declaration import AssayConfiguration
from mesocosm.layers.elements.parameters import N_LOCI
from mesocosm.minds.policy import softmax_weight
from mesocosm.protocol.reading import after, configuration_of
from mesocosm.record import ConfigurationError, FolderError, Record
from mesocosm.record.configuration import Intervention


@dataclass(frozen=True)
class Population:
    """Who is assayed: bodies of each replicate, with what they carry.

    Args:
      genomes: [replicates, loci, bodies], int8; zeros where nobody is there.
      is_there: [replicates].
      strain: [replicates, bodies], of the element that each carries, 0 for none.
      genes: [replicates, loci, bodies], of that element.
    """

    genomes: np.ndarray
    is_there: np.ndarray
    strain: np.ndarray
    genes: np.ndarray

    @classmethod
    def of(cls, genomes: np.ndarray, is_there: np.ndarray) -> Population:
        """Bodies that carry nothing."""
        replicates, _, n = genomes.shape
        strain = np.zeros((replicates, n), np.int32)
        return cls(genomes, is_there, strain, np.zeros((replicates, N_LOCI, n), np.int8))

    def cured(self) -> Population:
        """The same bodies without their elements."""
        return Population.of(self.genomes, self.is_there)

    def beside(self, others: Population, is_mine: np.ndarray) -> Population:
        """Two populations in one world: this one at the places named [bodies], the others elsewhere."""
        mixed = (np.where(is_mine, getattr(self, k), getattr(others, k)) for k in ("genomes", "strain", "genes"))
        genomes, strain, genes = mixed
        return Population(genomes, self.is_there & others.is_there, strain, genes)


class _Table(Protocol):
    n_stimuli: int
    n_acts: int
    policy: str
    sharpness: Any


def resolved(c: AssayConfiguration, record: Record, changed: bool = True) -> Any:
    """The configuration of the source at its end, with the changes of a transplant.

    Args:
      changed: else the one under which the source was founded.

    Raises:
      ConfigurationError: for a change that is not permitted.
    """
    configuration = configuration_of(record)
    changes = (*configuration.parsed_interventions(), *(Intervention.parse(f"0:{text}") for text in c.changes))
    return replace(after(configuration, changes if changed else ()), interventions=())


def living(record: Record, strand: int, n: int, replicates: int) -> Population:
    """n living bodies of each replicate, evenly spaced by id (again and again where fewer live).

    Args:
      strand: which of their genomes, and of the genes of their elements: 0 the expressed one, 1 the shadow.
    """
    state = record.state
    lanes = {int(r): lane for lane, r in enumerate(state["replicate"])}
    if "state.genomes" not in state:
        if lanes:
            raise FolderError(f"{record.folder}: its checkpoint holds no genomes; it cannot be assayed")
        return Population.of(np.zeros((replicates, 1, n), np.int8), np.zeros(replicates, bool))
    ids, genomes = state["state.world.bodies.id"], state["state.genomes"]
    out = Population.of(np.zeros((replicates, genomes.shape[2], n), np.int8), np.zeros(replicates, bool))
    for r in range(replicates):
        lane = lanes.get(r % record.replicates)
        if lane is None:
            continue
        slots = np.flatnonzero(ids[lane] > 0)
        slots = slots[np.argsort(ids[lane][slots], kind="stable")]
        chosen = slots[np.arange(n) * max(slots.size, 1) // n] if slots.size >= n else slots[np.arange(n) % slots.size]
        out.genomes[r], out.is_there[r] = genomes[lane, strand][:, chosen], True
        if "state.elements.strain" in state:
            out.strain[r] = state["state.elements.strain"][lane][chosen]
            out.genes[r] = state["state.elements.genes"][lane, strand][:, chosen]
    return out


def places_of_first(n: int, tenths: int, swapped: bool) -> np.ndarray:
    """Whose places the first population of a competition takes, in a pattern of ten: [n] booleans.

    Swapped is the mirror image: at five tenths each population stands where the other stood.
    """
    place = np.arange(n) % 10
    return place >= 10 - tenths if swapped else place < tenths


def genes_of(text: str, mind: _Table) -> np.ndarray:
    """The genes [loci] whose table tumbles with these probabilities, one for each stimulus, as nearly as genes can.

    Raises:
      ConfigurationError: for what is no list of probabilities of that length.
    """
    try:
        chances = np.array([float(word) for word in text.split(",")])
    except ValueError:
        chances = np.array([np.nan])
    if chances.size != mind.n_stimuli or not np.all((chances >= 0) & (chances <= 1)):
        raise ConfigurationError(
            f"genotypes = {text!r}: must be {mind.n_stimuli} probabilities of tumbling between commas, one a stimulus"
        )
    return _silent_genes(chances, mind)


def muted(genomes: np.ndarray, mind: _Table) -> np.ndarray:
    """Genomes [replicates, loci, bodies] that tumble as likely as these do and emit as little as genes can.

    That is never for `argmax`, and in less than 1 % of ticks for `softmax` at its default sharpness.
    """
    replicates, _, n = genomes.shape
    read = mind.n_stimuli * mind.n_acts  # loci beyond these are not the mind's
    rows = np.moveaxis(genomes[:, :read], 2, 1).astype(np.int32).reshape(replicates, n, mind.n_stimuli, mind.n_acts)
    if mind.policy == "argmax":
        weights = (np.argmax(rows, axis=3)[..., None] == np.arange(mind.n_acts)).astype(np.int32)
    else:
        weights = softmax_weight(rows.max(axis=3, keepdims=True) - rows, int(mind.sharpness))
    silent = np.moveaxis(_silent_genes(weights[..., 1::2].sum(axis=3) / weights.sum(axis=3), mind), 1, 2)
    return np.concatenate([silent, genomes[:, read:]], axis=1)


def _silent_genes(chances: np.ndarray, mind: _Table) -> np.ndarray:
    """The genes [..., loci] of tables that tumble with these chances [..., stimuli], as nearly as genes can."""
    gaps = np.arange(-255, 256)  # the gene of tumbling less that of running
    if mind.policy == "argmax":
        offered = (gaps > 0).astype(float)
    else:
        run, tumble = (softmax_weight(np.maximum(0, sign * gaps), int(mind.sharpness)) for sign in (1, -1))
        offered = tumble / (run + tumble)  # rises with the gap
    above = np.clip(np.searchsorted(offered, chances), 1, gaps.size - 1)
    best = gaps[np.where(chances - offered[above - 1] <= offered[above] - chances, above - 1, above)]
    genes = np.full((*chances.shape, mind.n_acts), -128, np.int16)
    genes[..., 1], genes[..., 0] = 127 + np.minimum(best, 0), 127 - np.maximum(best, 0)
    return genes.reshape(*chances.shape[:-1], -1).astype(np.int8)
