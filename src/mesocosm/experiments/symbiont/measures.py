"""What elements do, by either strand of their genes, and by which way they enter bodies: from the metrics. NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mesocosm.ecology.analysis import windows
from mesocosm.protocol.measure import Columns, Measure
from mesocosm.record import Record

SHADOW = "shadow genes"


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Cost and inheritance of the carried elements against their shadow genes, and how they spread."""
    element = configuration["element"]
    most = element["drain"] + element["help"]

    def costs(strand: str) -> Callable[[Columns], Any]:
        return lambda columns: most * level(columns, "virulence", strand) - element["help"]

    def inherits(strand: str) -> Callable[[Columns], Any]:
        return lambda columns: level(columns, "germ", strand)

    costs_words, birth_words = "what an element costs its host (below 0 it saves)", "share of entries by birth"
    child = "probability that a child inherits it"
    return (
        Measure("cost", costs("evolved"), costs_words, "quanta per tick", None, None, costs("shadow"), SHADOW),
        Measure("inherits", inherits("evolved"), child, "", 0, 1, inherits("shadow"), SHADOW),
        Measure("carry", "carriers", "share of bodies that carry one", "", 0, 1, per="population"),
        Measure("entered", lambda c: _share(c["inherited"], c["inherited"] + c["passed"]), birth_words, "", 0, 1),
        Measure("population", "population", low=0),
    )


def level(columns: Columns, gene: str, strand: str) -> Any:
    """Mean level of a gene over carriers, 0 ... 1; NaN where nobody carries."""
    return _share(columns[f"{gene}_{strand}"], 255 * np.asarray(columns["carriers"], float))


def _share(part: Any, whole: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(whole) > 0, np.asarray(part, float) / np.asarray(whole, float), np.nan)


def _level(record: Record, gene: str, strand: str) -> np.ndarray:
    """The same in each window. [replicates, windows]"""
    return windows(record, level(record.metrics, gene, strand))


def cost(record: Record, strand: str) -> np.ndarray:
    """Mean cost of an element to its host, quanta per tick, by the genes of a strand. [replicates, windows]"""
    element = record.header["configuration"]["element"]
    return (element["drain"] + element["help"]) * _level(record, "virulence", strand) - element["help"]


def germ(record: Record, strand: str) -> np.ndarray:
    """Mean probability that a child inherits, by the genes of a strand. [replicates, windows]"""
    return _level(record, "germ", strand)


def vertical(record: Record, part: slice) -> np.ndarray:
    """Share of entries in these windows that were inherited. [replicates], NaN where none entered."""
    inherited, passed = (
        np.nansum(windows(record, record.metrics[name])[:, part], axis=1) for name in ("inherited", "passed")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inherited + passed > 0, inherited / (inherited + passed), np.nan)
