"""What the scene of a recorded run shows, and its replay. No jax, unless the record was written before scenes described
themselves: then its experiment is built once more and asked.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from mesocosm.player.encoder.panel import Replay, panel_of
from mesocosm.player.encoder.recording import Recording
from mesocosm.protocol.registry import SHELF, find
from mesocosm.record import ConfigurationError, MesocosmError, Record, load
from mesocosm.record.about import PopulationAbout, SceneAbout
from mesocosm.record.configuration import from_dict, from_toml


def about_of(record: Record) -> SceneAbout:
    """What the scene of a run shows.

    Raises:
      FolderError: where what the record says of it cannot be read.
    """
    if "scene" in record.header:
        return SceneAbout.read(record.header["scene"])
    try:
        return _built(record.folder.as_posix(), record.digest())
    except (MesocosmError, ImportError, KeyError, TypeError, AttributeError):  # its code is gone, or is another one
        return SceneAbout(populations=tuple(PopulationAbout(name) for name in record.header.get("frames", [])))


@lru_cache(maxsize=8)
def _built(folder: str, digest: str) -> SceneAbout:
    """From the experiment of a run whose record says nothing; of an assay, that of the run that was assayed."""
    record = load(Path(folder))
    held = record.header["configuration"]
    name = held["experiment"] if "resolved" in held else record.header["experiment"]
    # When records were silent on this there were no others; and what is received runs no code.
    if name not in SHELF.own():
        raise ConfigurationError(f"{folder}: the record does not say what its scene shows")
    entry = find(name)
    cls = entry.declaration.configuration
    configuration = from_dict(cls, held["resolved"]) if "resolved" in held else from_toml(cls, record.config, folder)
    law_of, about_scene = (
        getattr(import_module(f"mesocosm.{module}"), name)
        for module, name in (("protocol.preparing", "law_of"), ("core.instrument", "about_scene"))
    )
    return replace(about_scene(law_of(entry, configuration).experiment), says=entry.declaration.seen)


def filmed(record: Record) -> int | None:
    """The first world of which a run kept frames; None where it kept none."""
    for name in record.header.get("frames", []):
        if (taken := record.frames(name)["replicate"]).size:
            return int(taken[0])
    return None


def replay_of(record: Record) -> Replay | None:
    """The world of which a run kept frames, for its report; None where it kept none."""
    replicate = filmed(record)
    if replicate is None:
        return None
    shown = panel_of(Recording(record, replicate, f"world {replicate}", about_of(record)))
    if not (shown.populations or shown.fields or shown.curves or shown.images):
        return None  # numbers over time alone
    shown = replace(shown, series={})  # the page has charts of its own
    return Replay(f"World {replicate}, of which frames were kept.", [shown])
