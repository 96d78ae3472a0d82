"""Where bodies were when a film was taken of them: groups of neighbours, and demes. NumPy only, no jax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesocosm.record import Record
from mesocosm.record.configuration import resolved


@dataclass(frozen=True)
class Places:
    """Of the bodies of one replicate at the times when they were filmed.

    Args:
      ticks: at the end of which they were filmed. [times]
      id, cell: of each body at each time, sorted by id: one array a time. Cells are [n, 2], x and y; where there are
        several tori, one lies beneath the other.
      side: of a torus, in cells.
    """

    ticks: np.ndarray
    id: list[np.ndarray]
    cell: list[np.ndarray]
    side: int

    def at(self, tick: int, ids: np.ndarray) -> np.ndarray:
        """Cells of these bodies [n, 2]; -1 where one was not filmed then."""
        k = int(np.searchsorted(self.ticks, tick))
        out = np.full((ids.size, 2), -1, np.int64)
        if k < self.ticks.size and self.ticks[k] == tick and self.id[k].size:
            place = np.minimum(np.searchsorted(self.id[k], ids), self.id[k].size - 1)
            is_there = self.id[k][place] == ids
            out[is_there] = self.cell[k][place[is_there]]
        return out

    def ends(self, windows: int) -> list[int]:
        """Ticks of the frames at which so many windows of about equal length begin and end."""
        if not self.ticks.size:
            return []
        chosen = np.unique(np.linspace(0, self.ticks.size - 1, windows + 1).round().astype(int))
        return self.ticks[chosen].tolist()

    def groups(self, tick: int, ids: np.ndarray, cells: int) -> dict[str, np.ndarray]:
        """Neighbourhoods, squares of so many cells, and demes where there are several: a number a body. [n] each"""
        cell = self.at(tick, ids)
        squares = -(-self.side // cells)
        deme, row = cell[:, 1] // self.side, cell[:, 1] % self.side
        out = {"neighbourhoods": (deme * squares + row // cells) * squares + cell[:, 0] // cells}
        return out | ({"demes": deme} if len(np.unique(deme)) > 1 else {})


def demes(record: Record) -> int:
    """How many tori a replicate has."""
    return int(resolved(record)["world"].get("demes", 1))


def filmed(record: Record) -> str:
    """A need of an analysis: that all that lived were filmed."""
    shown = "bodies" in record.header.get("frames", [])
    if shown and np.unique(record.frames("bodies")["replicate"]).size > min(1, record.replicates - 1):
        return ""
    return "holds no film of all its bodies (run it with --frames-every 50 --frames-of -1)"


def places(record: Record) -> list[Places] | None:
    """Of each replicate, without times where one had ended before; None where no film was taken of all that live."""
    if filmed(record):
        return None
    film = record.frames("bodies")
    side = int(resolved(record)["world"]["side"])
    out = []
    for replicate in range(record.replicates):
        mine = film["replicate"] == replicate
        tick, ids = film["tick"][mine], film["id"][mine]
        order = np.lexsort((ids, tick))
        cell = np.stack([film[axis][mine][order] >> 8 for axis in "xy"], axis=1)
        ticks, starts = np.unique(tick[order], return_index=True)
        out.append(Places(ticks, np.split(ids[order], starts[1:]), np.split(cell, starts[1:]), side))
    return out
