"""What elements do, by either strand of their genes, and by which way they enter bodies: from the metrics. NumPy."""

from __future__ import annotations

import numpy as np

from mesocosm.instruments.analysis import windows
from mesocosm.record import Record


def _level(record: Record, gene: str, strand: str) -> np.ndarray:
    """Mean level of a gene over carriers, 0 ... 1. [replicates, windows], NaN where nobody carries."""
    carriers = windows(record, record.metrics["carriers"])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(carriers > 0, windows(record, record.metrics[f"{gene}_{strand}"]) / carriers / 255, np.nan)


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
