"""Assays: the law of the source run with some parameters changed, founded by chosen genomes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int8, Int32, UInt32

from mesocosm.core import Founding, Setup, founders
from mesocosm.experiments.assay.declaration import AssayConfiguration
from mesocosm.experiments.assay.population import genes_of, living, places_of_first, resolved
from mesocosm.experiments.assay.snapshots import meetings, pairs_of
from mesocosm.experiments.ecology import Ecology, EcologyState
from mesocosm.instruments.ecology import ecology_cameras
from mesocosm.record import ConfigurationError, FolderError, Record, load
from mesocosm.record.configuration import to_dict


class Given(Founding):
    """Bodies with given genomes (in both strands) and a mark for a lineage, at the places of founders."""

    genomes: Int8[Array, "replicates loci bodies"]
    marks: Int32[Array, " bodies"]
    is_founded: Bool[Array, " replicates"]

    def replace(self, state: EcologyState, replicate: UInt32[Array, ""]) -> EcologyState:
        n = self.marks.shape[0]
        # Padding lanes ask for replicates that are not there; what they get counts nowhere.
        row = jnp.minimum(replicate.astype(jnp.int32), self.genomes.shape[0] - 1)
        genomes = state.genomes.at[:, :, :n].set(self.genomes[row][None])
        bodies = state.world.bodies
        is_body = self.is_founded[row] & (bodies.id > 0)
        lineage = jnp.where(is_body, bodies.lineage.at[:n].set(self.marks), 0)
        bodies = dataclasses.replace(bodies, id=jnp.where(is_body, bodies.id, 0), lineage=lineage)
        return EcologyState(dataclasses.replace(state.world, bodies=bodies), jnp.where(is_body, genomes, 0))


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
    module = import_module(f"mesocosm.experiments.{record.header['experiment']}.system")
    setup: Setup = module.build(source)
    if not isinstance(setup.experiment, Ecology):
        raise FolderError(f"{c.of}: is a run of {record.header['experiment']}, which has no bodies to assay")
    n = setup.experiment.world.founders
    folds, logs = setup.folds, tuple(log for log in setup.logs if not log.is_view)
    if in_tournament:
        populations = meetings(record, c.snapshots, 0 if c.strand == "evolved" else 1, n, c.first_pair, c.replicates)
        # Thousands of matches: what is not counted in the end is not written down.
        folds, logs = {name: folds[name] for name in ("census", "ledger")}, ()
    else:
        populations = [_genomes(name, c, record, setup.experiment) for name in _who(c)]
    return dataclasses.replace(
        setup,
        experiment=_under(c.kind, setup.experiment),
        folds=folds,
        logs=(*logs, *ecology_cameras(c.frames_every, replicate=c.frames_of)),
        founding=_founding(c, populations, n),
        facts={"resolved": to_dict(source), "experiment": record.header["experiment"]},
        reconfigure=None,
    )


def _who(c: AssayConfiguration) -> tuple[str, ...]:
    return (c.population, c.against) if c.kind == "competition" else (c.population,)


def _under(kind: str, ecology: Ecology) -> Ecology:
    """The law with the parameters of an assay; its program stays the same."""
    zero = jnp.int32(0)

    def off(law: Ecology) -> list[Any]:
        """What is zero: mutation and exchange always; in a garden the costs and births, for survival births."""
        world, heredity = law.world, law.heredity
        always = [heredity.mutation_threshold, heredity.exchange_threshold]
        births = [] if kind == "competition" else [world.ceiling]
        return always + births + ([world.metabolism, world.emission_cost] if kind == "garden" else [])

    ecology = eqx.tree_at(off, ecology, [zero] * len(off(ecology)))
    if kind != "garden":
        return ecology
    # Full bodies: what they eat is wasted.
    return eqx.tree_at(lambda e: e.world.founding_energy, ecology, ecology.world.division_energy)


def _genomes(name: str, c: AssayConfiguration, record: Record, ecology: Ecology) -> tuple[np.ndarray, np.ndarray]:
    """Genomes [replicates, loci, bodies] of a population, and which replicates have one."""
    n, replicates = ecology.world.founders, c.replicates
    if name == "genotypes":
        each = [genes_of(text, ecology.mind) for text in c.genotypes]
        rows = np.stack([each[r % len(each)] for r in range(replicates)])
        return np.repeat(rows[:, :, None], n, axis=2), np.ones(replicates, bool)
    if name == "founders":
        original = import_module(f"mesocosm.experiments.{record.header['experiment']}.system").build(
            resolved(c, record, changed=False)
        )
        state = founders(original, int(record.header["seed"]), record.replicates, int(record.header["every"]))
        genomes = np.asarray(state.genomes)[:, 0, :, :n]
        rows = [genomes[r % record.replicates] for r in range(replicates)]
        return np.stack(rows), np.ones(replicates, bool)
    return living(record, 0 if name == "evolved" else 1, n, replicates)


def _founding(c: AssayConfiguration, populations: Sequence[tuple[np.ndarray, np.ndarray]], n: int) -> Given:
    """One population, or two that share the places of the founders in a fixed pattern of ten."""
    genomes, is_founded = populations[0]
    marks = np.ones(n, np.int32)
    if c.kind == "competition":
        others, are_founded = populations[1]
        is_first = places_of_first(n, c.tenths, c.marks_swapped)
        genomes = np.where(is_first, genomes, others)
        marks = np.where(is_first != c.marks_swapped, 1, 2).astype(np.int32)
        is_founded = is_founded & are_founded
    return Given(jnp.asarray(genomes), jnp.asarray(marks), jnp.asarray(is_founded))
