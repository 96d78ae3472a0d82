"""From a configuration to an ecology with what watches it: what the systems of all ecologies share."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mesocosm.core import Setup
from mesocosm.core.instrument import Fold
from mesocosm.ecology.configuration import EcologyConfiguration
from mesocosm.ecology.ecology import Ecology
from mesocosm.ecology.state import EcologyState
from mesocosm.heredity.genomes import Heredity
from mesocosm.instruments.ecology import EMIT, TUMBLE, Census, Emissions, Ledger, Propensity, Visits
from mesocosm.instruments.ecology import ecology_cameras as cameras
from mesocosm.instruments.ecology import ecology_logs as logs
from mesocosm.layers.layer import Layer
from mesocosm.minds.mind import Mind
from mesocosm.minds.table import Table
from mesocosm.record import ConfigurationError
from mesocosm.worlds.petri.law import Petri
from mesocosm.worlds.petri.senses import SENSES, Sense


def ecology(
    c: EcologyConfiguration,
    layers: Sequence[Layer] = (),
    senses: Sequence[Sense] = (),
    mind: Callable[[int, int], Mind] | None = None,
) -> Ecology:
    """The law: the world of this configuration, with layers, senses and a mind of one's own.

    Args:
      mind: from the numbers of stimuli and acts; default: the table that the configuration describes.
    """
    _refuse_names(layers, senses)
    fields = {field: numbers for layer in layers for field, numbers in layer.fields().items()}
    world = Petri(c.world, senses, fields)
    of_all = mind(world.n_stimuli, world.n_acts) if mind else Table(c.mind, world.n_stimuli, world.n_acts)
    n_loci = of_all.n_loci + sum(layer.host_loci for layer in layers)
    return Ecology(world, of_all, Heredity(c.heredity, n_loci, c.world.founders), tuple(layers))


def _refuse_names(layers: Sequence[Layer], senses: Sequence[Sense]) -> None:
    """Names are addresses: of state in checkpoints, of columns, of frames. Each has one owner.

    Raises:
      ConfigurationError: for a name that is none, or is taken.
    """
    taken = {field.name for field in dataclasses.fields(EcologyState)}
    for layer in layers:
        said = f"the layer {type(layer).__name__}: name = {layer.name!r}"
        if not re.fullmatch(r"[a-z][a-z0-9_]*", layer.name):
            raise ConfigurationError(f"{said}: must be one lower-case word")
        if layer.name in taken:
            raise ConfigurationError(f"{said}: is taken; choose another")
        taken.add(layer.name)
    known = dict(SENSES)
    for sense in senses:
        if known.setdefault(sense.name, sense) is not sense:
            raise ConfigurationError(f"the sense {sense.name}: there is one of this name already; choose another")


def watched(c: EcologyConfiguration, law: Ecology, folds: Mapping[str, Fold] | None = None) -> Setup:
    """The law with its ledger, census, logs and cameras, those of its layers, and the folds that are asked for."""
    everybody: dict[str, Fold] = {
        "census": Census(),
        "ledger": Ledger(
            tuple(name for layer in law.layers for name in layer.losses),
            tuple(name for layer in law.layers for name in layer.stores),
        ),
    }
    own = {name: fold for layer in law.layers for name, fold in layer.folds().items()}
    events: tuple[Any, ...] = logs(
        c.log_births_and_deaths, c.log_exchanges, tuple(name for layer in law.layers for name in layer.logged)
    )
    if c.log_births_and_deaths:
        events += tuple(log for layer in law.layers for log in layer.logs())
    seen = tuple(name for layer in law.layers for name in layer.seen)
    fields = tuple(field.name for field in law.world.fields)
    events += cameras(c.frames_every, replicate=c.frames_of, columns=seen, fields=fields, unseen=law.unseen)
    return Setup(law, {**everybody, **(folds or {}), **own}, events, facts=_facts(law))


def behaviour(law: Ecology, emissions: bool = False) -> dict[str, Fold]:
    """How often each stimulus was met, and what living genomes would do under it; of emissions too, if asked for."""
    folds: dict[str, Fold] = {"visits": Visits(law.world.n_stimuli)}
    if emissions:
        folds["emissions"] = Emissions(law.world.n_stimuli)
    folds["tumble"] = Propensity(law.mind, "tumble", TUMBLE)
    return folds | ({"emit": Propensity(law.mind, "emit", EMIT)} if emissions else {})


def _facts(law: Ecology) -> dict[str, Any]:
    """What a reader must know of layers, and of senses that are no part of the published world."""
    facts: dict[str, Any] = {}
    losses = {name: layer.words.get(name, name) for layer in law.layers for name in layer.losses}
    stores = [name for layer in law.layers for name in layer.stores]
    if losses or stores:
        facts["accounts"] = {"losses": losses, "stores": stores}
    if any(sense.name not in SENSES for sense in law.world.senses):
        facts["senses"] = [{"name": s.name, "words": list(s.words), "unit": s.unit} for s in law.world.senses]
    return facts
