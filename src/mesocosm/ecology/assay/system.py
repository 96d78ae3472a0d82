"""Assays: the law of the source run with some parameters changed, founded by chosen genomes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int8, Int32, UInt32

from mesocosm.core import Bits, Camera, Founding, Setup, founders
from mesocosm.core.checkpoint import named
from mesocosm.ecology.assay.declaration import AssayConfiguration
from mesocosm.ecology.assay.population import Population, clones, living, places_of_first, resolved
from mesocosm.ecology.assay.snapshots import meetings, pairs_of
from mesocosm.ecology.ecology import Ecology
from mesocosm.ecology.state import EcologyState, of_the_living
from mesocosm.heredity.strands import EXPRESSED, SHADOW
from mesocosm.instruments.ecology import ecology_cameras
from mesocosm.layers.layer import Layer, Variant
from mesocosm.protocol.preparing import law_of
from mesocosm.protocol.registry import entry_of
from mesocosm.record import ConfigurationError, FolderError, Record, load
from mesocosm.record.configuration import to_dict


class Given(Founding):
    """Bodies with given genomes (the same in both strands), with what layers have of them; marks for lineages, at
    founders' places."""

    law: Ecology
    genomes: Int8[Array, "replicates loci bodies"]
    carried: dict[str, dict[str, Array]]
    marks: Int32[Array, " bodies"]
    is_founded: Bool[Array, " replicates"]
    colony: Any = None  # what the minds of each replicate share; None: what they share at a founding

    def replace(self, bits: Bits, state: EcologyState, replicate: UInt32[Array, ""]) -> EcologyState:
        n = self.marks.shape[0]
        row = replicate.astype(jnp.int32)
        bodies = state.world.bodies
        is_body = self.is_founded[row] & (bodies.id > 0)
        lineage = jnp.where(is_body, bodies.lineage.at[:n].set(self.marks), 0)
        bodies = dataclasses.replace(bodies, id=jnp.where(is_body, bodies.id, 0), lineage=lineage)
        genomes = jnp.where(is_body, state.genomes.at[:, :, :n].set(self.genomes[row][None]), 0)
        colony = state.colony if self.colony is None else jax.tree.map(lambda shared: shared[row], self.colony)

        def given(layer: str, own: Any) -> Any:
            leaves, form = jax.tree_util.tree_flatten_with_path(own)
            theirs = self.carried.get(layer, {})
            names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves]
            placed = [
                leaf.at[..., :n].set(theirs[name][row]) if name in theirs else jnp.zeros_like(leaf)
                for name, (_, leaf) in zip(names, leaves, strict=True)
            ]
            return of_the_living(form.unflatten(placed), is_body)

        return dataclasses.replace(
            state,
            world=dataclasses.replace(state.world, bodies=bodies),
            genomes=genomes,
            owns={layer: given(layer, own) for layer, own in state.owns.items()},
            brains=of_the_living(self.law.developed(bits, genomes, bodies.id, colony), is_body),
            colony=colony,
        )


def build(configuration: AssayConfiguration) -> Setup:
    """The source's experiment under the conditions of the assay, watched by the source's instruments.

    Raises:
      FolderError: if the source cannot be read, or is another one than before.
      ConfigurationError: for changes that are not permitted.
    """
    c = configuration
    record = _assayed(c)
    source = resolved(c, record)
    setup = _setup_of(record, source)
    if not isinstance(setup.experiment, Ecology):
        raise FolderError(f"{c.of}: is a run of {record.header['experiment']}, which has no bodies to assay")
    if overflow := source.world.window_overflow(c.every):
        raise ConfigurationError(overflow)
    law, variants = setup.experiment, _variants(setup.experiment)
    n = law.world.founders
    folds, logs = setup.folds, (*(log for log in setup.logs if not log.is_view), *_cameras(c, law))
    if c.snapshots:
        strand = EXPRESSED if c.strand == "evolved" else SHADOW
        populations = meetings(record, c.snapshots, strand, n, c.first_pair, c.replicates, law.layers)
        # Thousands of matches: what is not counted in the end is not written down.
        folds, logs = {name: folds[name] for name in ("census", "ledger")}, ()
    else:
        populations = [_population(name, c, record, law, variants) for name in _who(c)]
    for name in _who(c):
        law = _under_variant(law, name, variants, c.kind)
    return dataclasses.replace(
        setup,
        experiment=law.frozen(c.kind),
        folds=folds,
        logs=logs,
        founding=_founding(c, law, populations, n, _colony(c, record, law)),
        facts={**setup.facts, "resolved": to_dict(source), "experiment": record.header["experiment"]},
        reconfigure=None,
    )


def _assayed(c: AssayConfiguration) -> Record:
    """The source, as it was when it was assayed before, with a population for each replicate."""
    record = load(c.of)
    if c.source and record.digest() != c.source:
        raise FolderError(f"{c.of}: is not the run that was assayed before (its record has another digest)")
    n_pairs = len(pairs_of(len(c.snapshots))) - c.first_pair if c.snapshots else 1
    most = record.replicates * max(n_pairs, 0)
    if c.replicates > most and "genotypes" not in _who(c):
        raise ConfigurationError(f"replicates = {c.replicates}: {c.of} has {most}; each has one population to assay")
    return record


def _cameras(c: AssayConfiguration, law: Ecology) -> tuple[Camera, ...]:
    """They film what those of the source do, at the assay's own ticks."""
    seen = tuple(name for layer in law.layers for name in layer.seen)
    fields = tuple(field.name for field in law.world.fields)
    return ecology_cameras(c.frames_every, 0, c.frames_of, seen, fields, law.unseen)


def _variants(law: Ecology) -> dict[str, tuple[Layer, Variant]]:
    """Populations that the layers of an ecology offer, by name."""
    return {name: (layer, variant) for layer in law.layers for name, variant in layer.variants().items()}


def _under_variant(law: Ecology, name: str, variants: Mapping[str, tuple[Layer, Variant]], kind: str) -> Ecology:
    if name not in variants or (change := variants[name][1].law) is None:
        return law
    if kind == "competition":
        raise ConfigurationError(f"population = {name}: is a law for all of a world; in a competition it has no sides")
    changed = variants[name][0]
    layers = tuple(change(layer) if layer.name == changed.name else layer for layer in law.layers)
    return dataclasses.replace(law, layers=layers)


def _setup_of(record: Record, configuration: Any) -> Setup:
    return law_of(entry_of(record), configuration)


def _who(c: AssayConfiguration) -> tuple[str, ...]:
    return (c.population, c.against) if c.kind == "competition" else (c.population,)


def _population(
    name: str, c: AssayConfiguration, record: Record, law: Ecology, variants: Mapping[str, tuple[Layer, Variant]]
) -> Population:
    """The bodies that are assayed.

    Raises:
      ConfigurationError: for a population that is none of this ecology's.
    """
    n, rows = law.world.founders, _rows(c, record).tolist()
    if name == "genotypes":
        return _genotypes(c, law)
    if name == "founders":
        return _founders(c, record, n)
    if name == "clones":
        return clones(record, n, rows)
    if name not in ("evolved", "shadow", *variants):
        known = ", ".join(("evolved", "shadow", "founders", "clones", "genotypes", *variants))
        raise ConfigurationError(f"population = {name!r}: must be one of {known}")
    there = living(record, SHADOW if name == "shadow" else EXPRESSED, n, rows, law.layers)
    change = variants[name][1].bodies if name in variants else None
    return change(there, law.mind) if change else there


def _rows(c: AssayConfiguration, record: Record) -> np.ndarray:
    """The replicate of the run from which each replicate of the assay takes its bodies. [replicates]"""
    among = np.array(c.sources or range(record.replicates))
    if among.max() >= record.replicates:
        raise ConfigurationError(f"sources = {c.sources}: the run has replicates 0 ... {record.replicates - 1}")
    return among[np.arange(c.replicates) % among.size]


def _genotypes(c: AssayConfiguration, law: Ecology) -> Population:
    if (written := getattr(law.mind, "written", None)) is None:
        raise ConfigurationError("population = genotypes: the minds of this run have no way of writing them")
    each = [written(text) for text in c.genotypes]
    rows = np.stack([each[r % len(each)] for r in range(c.replicates)])
    rows = np.pad(rows, ((0, 0), (0, law.heredity.n_loci - rows.shape[1])))  # loci that no mind reads
    return Population(np.repeat(rows[:, :, None], law.world.founders, axis=2), np.ones(c.replicates, bool))


def _founders(c: AssayConfiguration, record: Record, n: int) -> Population:
    original = _setup_of(record, resolved(c, record, changed=False))
    state = founders(original, int(record.header["seed"]), record.replicates, int(record.header["every"]))
    row = _rows(c, record)
    there = Population(np.asarray(state.genomes)[row, EXPRESSED, :, :n], np.ones(c.replicates, bool))
    assert isinstance(original.experiment, Ecology)
    for layer in original.experiment.layers:
        if layer.name in state.owns:
            own = {k: v[..., :n] for k, v in named(state.own(layer.name)).items()}
            for r, source in enumerate(row):
                mine = layer.of_strand({k: v[source] for k, v in own.items()}, EXPRESSED)
                there.give(layer.name, r, mine)
    return there


def _colony(c: AssayConfiguration, record: Record, law: Ecology) -> Any:
    """What the minds of each replicate of the source shared at its end; nothing where they share nothing."""
    state, like = record.state, jax.eval_shape(law.mind.colony)
    leaves, form = jax.tree_util.tree_flatten_with_path(like)
    lanes = {int(r): lane for lane, r in enumerate(state["replicate"])} if leaves else {}
    if not lanes:
        return None
    rows = np.array([lanes.get(int(r), 0) for r in _rows(c, record)])
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves]
    return form.unflatten([jnp.asarray(state[f"state.colony.{name}".removesuffix(".")][rows]) for name in names])


def _founding(c: AssayConfiguration, law: Ecology, populations: Sequence[Population], n: int, colony: Any) -> Given:
    """One population, or two that share the places of the founders in a fixed pattern of ten."""
    there, marks = populations[0], np.ones(n, np.int32)
    if c.kind == "competition":
        is_first = places_of_first(n, c.tenths, c.marks_swapped)
        there = there.beside(populations[1], is_first)
        marks = np.where(is_first != c.marks_swapped, 1, 2).astype(np.int32)
    genomes, carried, marked, is_there = jax.tree.map(
        jnp.asarray, (there.genomes, there.carried, marks, there.is_there)
    )
    return Given(law, genomes, carried, marked, is_there, colony)
