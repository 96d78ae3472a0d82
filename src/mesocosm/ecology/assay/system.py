"""Assays: the law of the source run with some parameters changed, founded by chosen genomes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int8, Int32, UInt32

from mesocosm.core import Founding, Setup, founders
from mesocosm.ecology.assay.declaration import AssayConfiguration
from mesocosm.ecology.assay.population import Population, genes_of, living, muted, places_of_first, resolved
from mesocosm.ecology.assay.snapshots import meetings, pairs_of
from mesocosm.ecology.ecology import Ecology, EcologyState
from mesocosm.instruments.ecology import ecology_cameras
from mesocosm.layers.elements.element import Elements
from mesocosm.protocol.launch import law_of
from mesocosm.protocol.registry import entry_of
from mesocosm.record import ConfigurationError, FolderError, Record, load
from mesocosm.record.configuration import to_dict


class Given(Founding):
    """Bodies with given genomes, elements (the same in both strands); marks for lineages, at founders' places."""

    genomes: Int8[Array, "replicates loci bodies"]
    strain: Int32[Array, "replicates bodies"]
    genes: Int8[Array, "replicates element_loci bodies"]
    marks: Int32[Array, " bodies"]
    is_founded: Bool[Array, " replicates"]

    def replace(self, state: EcologyState, replicate: UInt32[Array, ""]) -> EcologyState:
        n = self.marks.shape[0]
        row = replicate.astype(jnp.int32)
        genomes = state.genomes.at[:, :, :n].set(self.genomes[row][None])
        bodies = state.world.bodies
        is_body = self.is_founded[row] & (bodies.id > 0)
        lineage = jnp.where(is_body, bodies.lineage.at[:n].set(self.marks), 0)
        bodies = dataclasses.replace(bodies, id=jnp.where(is_body, bodies.id, 0), lineage=lineage)
        elements = state.elements
        if elements is not None:
            strain, genes = (
                elements.strain.at[:n].set(self.strain[row]),
                elements.genes.at[..., :n].set(self.genes[row]),
            )
            elements = Elements(strain, genes).where(is_body & (strain > 0))
        return EcologyState(dataclasses.replace(state.world, bodies=bodies), jnp.where(is_body, genomes, 0), elements)


def build(configuration: AssayConfiguration) -> Setup:
    """The source's experiment under the conditions of the assay, watched by the source's instruments.

    Raises:
      FolderError: if the source cannot be read, or is another one than before.
      ConfigurationError: for changes that are not permitted.
    """
    c = configuration
    record = load(c.of)
    if c.source and record.digest() != c.source:
        raise FolderError(f"{c.of}: is not the run that was assayed before (its record has another digest)")
    in_tournament = bool(c.snapshots)
    n_pairs = len(pairs_of(len(c.snapshots))) - c.first_pair if in_tournament else 1
    most = record.replicates * max(n_pairs, 0)
    if c.replicates > most and "genotypes" not in _who(c):
        raise ConfigurationError(f"replicates = {c.replicates}: {c.of} has {most}; each has one population to assay")
    source = resolved(c, record)
    setup = _setup_of(record, source)
    if not isinstance(setup.experiment, Ecology):
        raise FolderError(f"{c.of}: is a run of {record.header['experiment']}, which has no bodies to assay")
    if overflow := source.world.window_overflow(c.every):
        raise ConfigurationError(overflow)
    n = setup.experiment.world.founders
    carried = ("element",) if setup.experiment.element else ()
    folds = setup.folds
    logs = *(log for log in setup.logs if not log.is_view), *ecology_cameras(c.frames_every, 0, c.frames_of, carried)
    if in_tournament:
        populations = meetings(record, c.snapshots, 0 if c.strand == "evolved" else 1, n, c.first_pair, c.replicates)
        # Thousands of matches: what is not counted in the end is not written down.
        folds, logs = {name: folds[name] for name in ("census", "ledger")}, ()
    else:
        populations = [_population(name, c, record, setup.experiment) for name in _who(c)]
    return dataclasses.replace(
        setup,
        experiment=_under(c.kind, setup.experiment),
        folds=folds,
        logs=logs,
        founding=_founding(c, populations, n),
        facts={"resolved": to_dict(source), "experiment": record.header["experiment"]},
        reconfigure=None,
    )


def _setup_of(record: Record, configuration: Any) -> Setup:
    return law_of(entry_of(record), configuration)


def _who(c: AssayConfiguration) -> tuple[str, ...]:
    return (c.population, c.against) if c.kind == "competition" else (c.population,)


def _under(kind: str, ecology: Ecology) -> Ecology:
    """The law with the parameters of an assay; its program stays the same."""
    zero = jnp.int32(0)

    def off(law: Ecology) -> list[Any]:
        """What is zero: mutation, exchange, passing; in a garden costs and births too, for survival births."""
        world, heredity, element = law.world, law.heredity, law.element
        zeros = [heredity.mutation_threshold, heredity.exchange_threshold]
        zeros += [] if kind == "competition" else [world.ceiling]
        zeros += [world.metabolism, world.emission_cost] if kind == "garden" else []
        if element:
            zeros += [element.mutation_threshold, element.reach_threshold]
            zeros += [element.drain, element.help] if kind == "garden" else []
        return zeros

    ecology = eqx.tree_at(off, ecology, [zero] * len(off(ecology)))
    if kind != "garden":
        return ecology
    # Full bodies: what they eat is wasted.
    return eqx.tree_at(lambda e: e.world.founding_energy, ecology, ecology.world.division_energy)


def _population(name: str, c: AssayConfiguration, record: Record, ecology: Ecology) -> Population:
    """The bodies that are assayed."""
    n, replicates = ecology.world.founders, c.replicates
    if name == "genotypes":
        each = [genes_of(text, ecology.mind) for text in c.genotypes]
        rows = np.stack([each[r % len(each)] for r in range(replicates)])
        rows = np.pad(rows, ((0, 0), (0, ecology.heredity.n_loci - rows.shape[1])))  # loci that no mind reads
        return Population.of(np.repeat(rows[:, :, None], n, axis=2), np.ones(replicates, bool))
    if name == "founders":
        original = _setup_of(record, resolved(c, record, changed=False))
        state = founders(original, int(record.header["seed"]), record.replicates, int(record.header["every"]))
        row = np.arange(replicates) % record.replicates
        there = Population.of(np.asarray(state.genomes)[row, 0, :, :n], np.ones(replicates, bool))
        if state.elements is None:
            return there
        strain, genes = np.asarray(state.elements.strain)[row, :n], np.asarray(state.elements.genes)[row, 0, :, :n]
        return dataclasses.replace(there, strain=strain, genes=genes)
    there = living(record, 1 if name == "shadow" else 0, n, replicates)
    if name == "mute":
        there = dataclasses.replace(there, genomes=muted(there.genomes, ecology.mind))
    return there.cured() if name == "cured" else there


def _founding(c: AssayConfiguration, populations: Sequence[Population], n: int) -> Given:
    """One population, or two that share the places of the founders in a fixed pattern of ten."""
    there, marks = populations[0], np.ones(n, np.int32)
    if c.kind == "competition":
        is_first = places_of_first(n, c.tenths, c.marks_swapped)
        there = there.beside(populations[1], is_first)
        marks = np.where(is_first != c.marks_swapped, 1, 2).astype(np.int32)
    arrays = (there.genomes, there.strain, there.genes, marks, there.is_there)
    return Given(*(jnp.asarray(a) for a in arrays))
