"""One recorded world, frame by frame, and its individuals: read from the cameras and logs of a run folder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mesocosm.elements.parameters import GERM, VIRULENCE
from mesocosm.instruments.analysis import LEVELS, level_names, ordered_senses
from mesocosm.instruments.ancestry import Entries, Lives, entries, lives
from mesocosm.minds.policy import softmax_weight
from mesocosm.player.reading import EXTENT
from mesocosm.record import FolderError, Record

UNITS = {"energy": "quanta", "age": "ticks", "food": "quanta", "odour": "amount"}
WORDS = {"behaviour": ("moves", "stays"), "element": ("none", "carried")}
_HIGHEST = 255


@dataclass(frozen=True)
class World:
    """One replicate of a run as it was when it was opened.

    Args:
      replicate: whose frames.
    """

    record: Record
    replicate: int
    title: str

    @cached_property
    def status(self) -> str:
        """Of the run, when it was asked first."""
        return self.record.status

    @cached_property
    def bodies(self) -> dict[str, np.ndarray]:
        """Rows of this replicate, ordered by tick, then id."""
        taken = self._mine("bodies")
        if not taken["tick"].size:
            raise FolderError(f"{self.record.folder}: has no frames of world {self.replicate} yet")
        order = np.lexsort([taken["id"], taken["tick"]])
        return {name: values[order] for name, values in taken.items()}

    @cached_property
    def steps(self) -> dict[str, np.ndarray]:
        """Places as they are sent, one a row."""
        return {axis: self._step(self.bodies[axis]) for axis in "xy"}

    @cached_property
    def sources(self) -> dict[str, np.ndarray]:
        """Rows of the sources of food."""
        return self._mine("sources")

    @cached_property
    def ticks(self) -> np.ndarray:
        """The ticks that were taken: [frames]."""
        return np.union1d(np.unique(self.bodies["tick"]), np.unique(self.sources["tick"]))

    @cached_property
    def side(self) -> int:
        return int(self.record.header["configuration"]["world"]["side"])

    @cached_property
    def lives(self) -> Lives | None:
        """Who descends from whom; None where births and deaths were not recorded."""
        kept = self.record.header.get("logs", [])
        return lives(self.record, self.replicate) if {"births", "deaths"} <= set(kept) else None

    @cached_property
    def entries(self) -> Entries | None:
        """Which elements came into whom; None where there are none."""
        return entries(self.record, self.replicate)

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """What bodies can be coloured by, one value a row."""
        bodies = self.bodies
        out = {"behaviour": _stays(bodies), "energy": bodies["energy"]} if "energy" in bodies else {}
        if "element" in bodies:
            out["element"] = (bodies["element"] > 0).astype(np.int32)
        who = self.lives
        if who is not None and who.id.size:
            at = np.minimum(np.searchsorted(who.id, bodies["id"]), who.id.size - 1)
            out |= {"age": bodies["tick"] - who.born[at], "lineage": who.founder[at]}
        return out

    @cached_property
    def fields(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """By name the ticks and the values [frames, height, width] of fields."""
        names = [name for name in self.record.header.get("frames", []) if name.endswith("_field")]
        taken = {name.removesuffix("_field"): self._mine(name) for name in names}
        return {name: (rows["tick"], rows[name]) for name, rows in taken.items() if rows["tick"].size}

    def meta(self) -> dict[str, Any]:
        """What does not change from frame to frame; the page reads it as a source's `meta()`."""
        columns = [self._column(name) for name in self.columns]
        fields = []
        for name, (_, values) in self.fields.items():
            high = max(float(values.max(initial=0)), 1.0)
            size = {"height": values.shape[1], "width": values.shape[2]}
            fields.append({"name": name, "unit": UNITS.get(name, ""), "high": high, "knee": high / 100, **size})
        return {
            "title": self.title,
            "side": self.side,
            "extent": EXTENT,
            "n_frames": int(self.ticks.size),
            "columns": columns,
            "fields": fields,
            "status": self.status,
        }

    def frame(self, t: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Header and planes of frame t (the last one where there are fewer)."""
        tick = int(self.ticks[min(t, self.ticks.size - 1)])
        rows = slice(*np.searchsorted(self.bodies["tick"], [tick, tick + 1]))
        planes = {"id": self.bodies["id"][rows].astype(np.int32, copy=False)}
        planes |= {axis: values[rows] for axis, values in self.steps.items()}
        planes |= {f"column {name}": values[rows].astype(np.int32, copy=False) for name, values in self.columns.items()}
        sources = self.sources
        lit = sources["tick"] == tick
        planes |= {f"source {axis}": self._step(sources[axis][lit]) for axis in "xy"}
        for name, (ticks, values) in self.fields.items():
            planes[f"field {name}"] = self._levels(values, max(0, int(np.searchsorted(ticks, tick, "right")) - 1))
        return {"tick": tick, "n": int(rows.stop - rows.start)}, planes

    def individual(self, id: int) -> dict[str, Any]:
        """All that is known of one individual: descent, genome in readable form, energy and places over its life.

        Raises:
          FolderError: if nobody of this id ever lived here.
        """
        mine = np.flatnonzero(self.bodies["id"] == id)
        out: dict[str, Any] = {"id": id, "ticks": self.bodies["tick"][mine].tolist()}
        if "energy" in self.bodies:
            out["energy"] = self.bodies["energy"][mine].tolist()
        who = self.lives
        at = -1 if who is None else int(np.searchsorted(who.id, id))
        if who is None or at >= who.id.size or who.id[at] != id:
            if not mine.size:
                raise FolderError(f"nobody of the id {id} lived in this world")
            return out
        died = int(who.died[at])
        out |= {"born": int(who.born[at]), "died": died if died < 2**62 else None}
        out |= {"parent": int(who.parent[at]), "founder": int(who.founder[at])}
        out["children"] = who.id[who.parent == id].tolist()
        out["relatives"] = who.id[who.founder == who.founder[at]].tolist()
        if who.genome.size:
            out["genome"] = self._readable(who.genome[at, 0])
        if self.entries is not None:
            out["carries"] = self._carries(self.entries, id)
        return out

    def _mine(self, name: str) -> dict[str, np.ndarray]:
        kept = self.record.header.get("frames", [])
        taken = self.record.frames(name) if name in kept else {k: np.zeros(0, np.int32) for k in ("replicate", "tick")}
        here = taken["replicate"] == self.replicate
        empty = {} if "x" in taken else {axis: np.zeros(0, np.int32) for axis in "xy"}
        return {name: values[here] for name, values in taken.items()} | empty

    def _step(self, place: np.ndarray) -> np.ndarray:
        return (place.astype(np.int64) * (EXTENT // 256) // self.side % EXTENT).astype(np.uint16)

    def _levels(self, values: np.ndarray, k: int) -> np.ndarray:
        knee = max(float(values.max(initial=0)), 1.0) / 100
        level = np.log1p(values[k].clip(min=0) / knee) / math.log1p(100)
        return np.rint(_HIGHEST * np.minimum(level, 1)).astype(np.uint8).ravel()

    def _column(self, name: str) -> dict[str, Any]:
        kind = {"behaviour": "frame", "element": "frame", "lineage": "life"}.get(name, "value")
        return {"name": name, "words": WORDS.get(name, ()), "unit": UNITS.get(name, ""), "kind": kind}

    def _readable(self, genes: np.ndarray) -> list[list[Any]]:
        """P(tumble) at each level of what is sensed, as pairs of words and probability."""
        c = self.record.header["configuration"]
        n_acts = 4 if c["world"]["signal"] else 2
        n_loci = n_acts * math.prod(len(LEVELS[sense]) for sense in c["world"]["senses"])  # of the mind; others follow
        rows = genes[:n_loci].astype(np.int64).reshape(-1, n_acts)
        if c["mind"]["policy"] == "argmax":
            chance = (rows.argmax(axis=1) % 2).astype(float)
        else:
            weights = softmax_weight(rows.max(axis=1, keepdims=True) - rows, c["mind"]["sharpness"])
            chance = weights[:, 1::2].sum(axis=1) / weights.sum(axis=1)
        senses = ordered_senses(c["world"]["senses"])
        names = level_names(senses) if len(senses) < 2 else [f"stimulus {k}" for k in range(chance.size)]
        first = f"{senses[0]} " if len(senses) == 1 else ""
        return [[f"{first}{name}", round(float(p), 4)] for name, p in zip(names, chance, strict=True)]

    def _carries(self, known: Entries, id: int) -> list[list[Any]]:
        """What came into a body, as pairs of tick and words."""
        element = self.record.header["configuration"]["element"]
        out = []
        for k in np.flatnonzero(known.id == id):
            if not known.strain[k]:
                out.append([int(known.tick[k]), "nothing"])
                continue
            levels = (known.genes[k, 0].astype(int) + 128) / 255
            cost = (element["drain"] + element["help"]) * levels[VIRULENCE] - element["help"]
            does = f"costs {cost:.1f}" if cost >= 0 else f"saves {-cost:.1f}"
            inherits = f"a child inherits it with probability {levels[GERM]:.2f}"
            out.append([int(known.tick[k]), f"strain {known.strain[k]}: {does} quanta per tick; {inherits}"])
        return out


def _stays(bodies: dict[str, np.ndarray]) -> np.ndarray:
    """1 where a body is where it was in the frame before."""
    order = np.lexsort([bodies["tick"], bodies["id"]])
    now, before = order[1:], order[:-1]
    same = bodies["id"][now] == bodies["id"][before]
    for axis in "xy":
        same &= bodies[axis][now] == bodies[axis][before]
    out = np.zeros(order.size, np.int32)
    out[now] = same
    return out
