"""From what is there to what is sent: a description once, and for each frame a header and planes of numbers.

Populations are numbered; number 0 is the one that is watched. Planes: `K id`, `K x`, `K y`, `K heading` and
`K column NAME` of population K; `field NAME` and `image NAME` in bytes; `curve NAME`; `graph NAME`, the ids of both
ends of each bond. Planes `K genome NAME` hold loci: no picture needs them, `wanted` reads genes from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesocosm.player.encoder import scales
from mesocosm.player.encoder.genes import expressed, read_gene
from mesocosm.player.encoder.places import (
    field_in_grid,
    grid_of,
    laid_out,
    on_a_circle,
    part_of,
    places_in_grid,
    steps,
    told_space,
    turned,
)
from mesocosm.player.encoder.snapshot import Seen, Snapshot
from mesocosm.record.about import About, Gene, Genome, PopulationAbout, SceneAbout, box, in_order

Planes = dict[str, np.ndarray]
TURNED = 4000
"""Bodies of a frame up to which it says where each is heading."""
GENOMES_ALWAYS = 20_000
"""Bodies of a frame up to which genomes go with it, wished for or not."""
FIELD_SIDE, IMAGE_SIDE = 128, 512
"""Longest side of a field, and of a picture, that is sent."""
FEW = 4
"""Numbers of a vector that are shown over time, and rows of a column that are shown each."""
_PLACE = ("id", "x", "y")


@dataclass(frozen=True)
class _Population:
    """One population as it is shown."""

    about: PopulationAbout
    columns: tuple[str, ...]
    """Of the snapshot, one number a body."""
    genomes: tuple[Genome, ...]
    has_ids: bool
    is_located: bool


class Encoder:
    """Encodes the snapshots of one world.

    Args:
      about: what the scene shows.
      first: any snapshot: of what there is, with which types and shapes.
      is_each_tick: whether every frame is one tick after the one before.
    """

    def __init__(self, about: SceneAbout, first: Snapshot, is_each_tick: bool = False) -> None:
        self.about, self.is_each_tick = about, is_each_tick
        self.given, self.space = about.space, laid_out(about.space)
        is_alone = not any({"x", "y"} <= set(seen.columns) for seen in first.points.values())
        if first.fields and self.space.kind == "plane" and is_alone:
            height, width = next(iter(first.fields.values())).shape
            self.space = box(width, height)
        self.populations = self._populations(first)
        self.ranges: dict[str, tuple[float, float]] = {}
        self.fields = {field.name: field for field in about.fields}
        self.meta = self._described(first)

    # -- description --------------------------------------------------------------------------------------------------

    def _populations(self, first: Snapshot) -> list[_Population]:
        """Those that can be drawn, the one of which most is known first."""
        known = {population.name: population for population in self.about.populations}
        bound = {end for graph in self.about.graphs for end in (graph.source, graph.target)}
        out = []
        for name, seen in first.points.items():
            is_located = {"x", "y"} <= set(seen.columns)
            if not is_located and name not in bound:
                continue
            genomes = tuple(g for g in self.about.genomes if g.population == name and _is_there(g, seen.columns))
            about = known.get(name, PopulationAbout(name))
            rank = {column: k for k, (column, _) in enumerate(about.columns)}  # as declared, then by name
            columns = sorted(seen.columns, key=lambda column: (rank.get(column, len(rank)), column))
            own = tuple(n for n in columns if n not in _PLACE and seen.columns[n].ndim == 1)
            out.append(_Population(about, own, genomes, about.has_ids and "id" in seen.columns, is_located))
        out.sort(key=lambda p: (p.is_located and p.has_ids, p.about.look == "bodies", len(p.columns)), reverse=True)
        return out

    def _described(self, first: Snapshot) -> dict[str, Any]:
        """For the page."""
        curves = {**first.curves, **self._unplaced(first)}
        about, pictures = dict(self.about.curves), dict(self.about.images)
        return {
            "says": self.about.says,
            "names": {name: said.called for name, said in self.about.curves if said.called},
            "space": told_space(self.space) | ({"grid": list(grid_of(self.given))} if self.given.parts > 1 else {}),
            "populations": [self._told(p, first.points[p.about.name]) for p in self.populations],
            "fields": [self._told_field(name, values) for name, values in first.fields.items()],
            "curves": [
                {"name": name, "shape": list(values.shape), **told_in_words(about.get(name, About()))}
                for name, values in in_order(curves, self.about.curves).items()
                if values.ndim > 0
            ],
            "images": [
                self._told_image(name, image, pictures.get(name, About())) for name, image in first.images.items()
            ],
            "graphs": [
                {"name": g.name, "source": self._number(g.source), "target": self._number(g.target)}
                | {"unit": g.unit, "called": g.called}
                for g in self.about.graphs
                if g.name in first.graphs
            ],
        }

    def _number(self, name: str) -> int:
        return next(k for k, population in enumerate(self.populations) if population.about.name == name)

    def _told(self, population: _Population, seen: Seen) -> dict[str, Any]:
        about = population.about
        columns = []
        if about.motion and population.has_ids:
            since = "" if self.is_each_tick else "since the frame before"
            columns.append(told_column("behaviour", About(since, words=about.motion)))
        for name in population.columns:
            said = about.about(name)
            is_class = said.is_class or (seen.columns[name].dtype.itemsize == 1 and not said.unit)
            where = 0 if said.leads else len(columns)
            columns.insert(where, told_column(said.since or name, said, is_class))
        columns += [
            told_column(f"{name} {k + 1}", about.about(name))
            for name, values in _few_rows(seen.columns, population.genomes).items()
            for k in range(len(values))
        ]
        known = {column["name"] for column in columns}  # with a range and a unit: a gene of the same name adds nothing
        genes = (gene for genome in population.genomes if not genome.carrier for gene in genome.genes)
        columns += [_told_gene(gene) for gene in genes if gene.name not in known]
        return {"name": about.name, "look": about.look, "has_ids": population.has_ids, "columns": columns}

    def _told_field(self, name: str, values: np.ndarray) -> dict[str, Any]:
        about = self.fields[name].about if name in self.fields else About()
        height, width = scales.coarser(field_in_grid(values, self.given), about, FIELD_SIDE).shape
        told = {"name": name, **told_in_words(about), "palette": list(about.palette)}
        return told | {"height": height, "width": width, "is_class": scales.kind_of(about) == "class"}

    @staticmethod
    def _told_image(name: str, image: np.ndarray, about: About) -> dict[str, Any]:
        shape = scales.pixels(image, about, IMAGE_SIDE).shape
        told = {"name": name, "height": shape[0], "width": shape[1], "channels": 3 if len(shape) == 3 else 1}
        return told | {"palette": list(about.palette), **told_in_words(about)}

    # -- frames -------------------------------------------------------------------------------------------------------

    def frame(
        self, now: Snapshot, before: Snapshot | None = None, genomes: bool = False, want: Sequence[str] | None = None
    ) -> tuple[dict[str, Any], Planes]:
        """Header and planes of a frame.

        Args:
          before: the frame before this one: who stays, and who heads where.
          genomes: whether somebody looks at genes.
          want: columns of the population that is watched; None: all.
        """
        planes: Planes = {}
        series: dict[str, float] = {}
        for curve, values in in_order(now.curves, self.about.curves).items():
            series |= {name: float(v) for name, v in numbers(curve, values)}
        counts = []
        for k, population in enumerate(self.populations):
            seen = now.points[population.about.name]
            earlier = before.points.get(population.about.name) if before else None
            wanted = want if k == 0 else None
            counts.append(self._points(k, population, seen, earlier, now.tick, genomes, wanted, planes))
            self._tell(k, population, counts[-1], planes, series)
        for name, values in now.fields.items():
            planes[f"field {name}"] = self._field(name, values)
        about = dict(self.about.images)
        for name, image in now.images.items():
            planes[f"image {name}"] = scales.pixels(image, about.get(name, About()), IMAGE_SIDE).ravel()
        for name, ends in now.graphs.items():
            planes[f"graph {name}"] = np.ascontiguousarray(ends.T).astype(np.int32).ravel()
        for name, values in {**now.curves, **self._unplaced(now)}.items():
            if values.ndim:
                planes[f"curve {name}"] = scales.single(values).ravel()
        finite = {name: value for name, value in series.items() if np.isfinite(value)}
        header = {"tick": now.tick, "n": counts[0] if counts else 0, "series": finite}
        return header | {"scales": {name: list(self.scale(name)) for name in now.fields}}, planes

    def scale(self, name: str) -> scales.Scale:
        """Of a field, as far as it has been seen."""
        about = self.fields[name].about if name in self.fields else About()
        return scales.scale_of(about, *self.ranges.get(name, (0.0, 0.0)))

    def saw(self, name: str, values: np.ndarray) -> None:
        """Let the scale of a field hold these values."""
        low, high = scales.range_of(values)
        least, most = self.ranges.get(name, (0.0, 0.0))
        self.ranges[name] = min(low, least), max(high, most)

    def _field(self, name: str, values: np.ndarray) -> np.ndarray:
        about = self.fields[name].about if name in self.fields else About()
        small = scales.coarser(field_in_grid(values, self.given), about, FIELD_SIDE)
        self.saw(name, small)
        return scales.levels(small, self.scale(name)).ravel()

    def _points(
        self,
        k: int,
        population: _Population,
        seen: Seen,
        before: Seen | None,
        tick: int,
        genomes: bool,
        want: Sequence[str] | None,
        planes: Planes,
    ) -> int:
        """The planes of a population; how many there are."""
        about, columns = population.about, seen.columns
        here, ids = seen.here(), seen.ids()
        planes[f"{k} id"] = ids[here]
        n = planes[f"{k} id"].size
        place = columns if population.is_located else on_a_circle(ids.size, self.space)
        if self.given.parts > 1 and population.is_located:
            place = places_in_grid(place, self.given)
        for axis, name in enumerate("xy"):
            planes[f"{k} {name}"] = steps(place[name][here], self.space, axis)

        def is_wanted(name: str) -> bool:
            return want is None or name in want

        if population.has_ids and population.is_located:
            self._motion(k, bool(about.motion) and is_wanted("behaviour"), seen, before, n, planes)
        for name in population.columns:
            said = about.about(name)
            if is_wanted(said.since or name):
                planes[f"{k} column {said.since or name}"] = as_sent(columns[name][here], said, tick)
        for name, values in _few_rows(columns, population.genomes).items():
            for row in range(len(values)):
                planes[f"{k} column {name} {row + 1}"] = as_sent(values[row][here], about.about(name), tick)
        if genomes or n <= GENOMES_ALWAYS:
            for genome in population.genomes:
                planes[f"{k} genome {genome.column}"] = expressed(columns[genome.column][..., here])
                if genome.carrier in columns:
                    planes[f"{k} genome {genome.carrier}"] = columns[genome.carrier][here].astype(np.int32)
        return n

    def _motion(self, k: int, has_behaviour: bool, seen: Seen, before: Seen | None, n: int, planes: Planes) -> None:
        """How bodies moved since the frame before; where they are few, also where they head."""
        turns = n <= TURNED
        if not has_behaviour and not turns:
            return
        stays, turn = _moved(seen, before, part_of(self.given), turns)
        if has_behaviour:
            planes[f"{k} column behaviour"] = stays
        if turns:
            planes[f"{k} heading"] = turn

    def _tell(self, k: int, population: _Population, n: int, planes: Planes, series: dict[str, float]) -> None:
        """What the frame tells of a population over time."""
        if k == 0 and self.space.kind == "plane" and n == 1:  # a moving point is told by its coordinates
            series.update({axis: float(planes[f"0 {axis}"][0]) for axis in "xy"})
        elif k == 0 and population.about.look != "rings":  # rings are places, and no one's
            series["living"] = n
        elif population.has_ids:
            series[population.about.name] = n
        for name in population.columns if k == 0 and n else ():
            said = population.about.about(name)
            if f"0 column {name}" in planes and said.unit and not said.words and not said.since:
                series[f"mean {name}"] = float(planes[f"0 column {name}"].mean())

    def _unplaced(self, now: Snapshot) -> dict[str, np.ndarray]:
        """Columns of populations that lie nowhere: curves over their places."""
        drawn = {population.about.name for population in self.populations}
        return {
            f"{name} {column}": values[..., seen.here()]
            for name, seen in now.points.items()
            if name not in drawn
            for column, values in seen.columns.items()
            if column != "id" and values.ndim <= 2
        }


def told_in_words(about: About) -> dict[str, Any]:
    """Unit, words and name for people, for the page."""
    return {"unit": about.unit, "words": list(about.words), "called": about.called}


def told_column(name: str, about: About, is_class: bool = False) -> dict[str, Any]:
    """How a column is shown, for the page: as words, as classes, or from low to high."""
    told: dict[str, Any] = {"name": name, **told_in_words(about)}
    told["kind"] = "class" if is_class or about.words else "value"
    told |= {"low": about.low, "high": about.high, "is_cyclic": about.is_cyclic, "palette": list(about.palette)}
    return told


def _told_gene(gene: Gene) -> dict[str, Any]:
    percent = About("%", low=0.0, high=100.0) if gene.chosen else About(gene.unit)
    return {**told_column(gene.name, percent), "kind": "gene"}


def as_sent(values: np.ndarray, about: About, tick: int) -> np.ndarray:
    """Values of a column as they are sent: whole numbers in few bytes, others as floats; larger ones share a word."""
    if about.since:  # who was there at the beginning counts from it
        values = tick - np.maximum(values, 0)
    if about.words:
        return np.clip(np.nan_to_num(values), 0, len(about.words) - 1).astype(np.uint8)
    if values.dtype.kind in "ub" and values.dtype.itemsize == 1:
        return values.astype(np.uint8, copy=False)
    if values.dtype.kind in "iub" and (values.dtype.itemsize <= 4 or _fits(values)):
        return values.astype(np.int32, copy=False)
    return scales.single(values)


def _fits(values: np.ndarray) -> bool:
    return not values.size or (values.min() >= -(2**31) and values.max() < 2**31)


def numbers(curve: str, values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """A number, or the few numbers of a short vector, each with a name: what can be shown over time."""
    if values.ndim == 0:
        return [(curve, values)]
    few = values.ndim == 1 and values.size <= FEW
    return [(f"{curve} {k + 1}", values[k]) for k in range(values.size)] if few else []


def wanted(meta: Mapping[str, Any], genomes: Sequence[Genome], planes: Planes, want: Sequence[str] | None) -> Planes:
    """The planes that were asked for; genes are read from genomes only then."""
    columns = "0 column "
    shown = {name: v for name, v in planes.items() if " genome " not in name}
    out = {n: v for n, v in shown.items() if want is None or not n.startswith(columns) or n[len(columns) :] in want}
    for k, population in enumerate(meta["populations"]):
        mine = [g for g in genomes if g.population == population["name"] and not g.carrier]
        for genome in mine:
            loci = planes.get(f"{k} genome {genome.column}")
            if loci is None:
                continue
            for gene in genome.genes:
                if (want is None and k == 0) or gene.name in (want or ()):
                    out[f"{k} column {gene.name}"] = read_gene(gene, loci)
    return out


def _is_there(genome: Genome, columns: Mapping[str, np.ndarray]) -> bool:
    """Whether a population has the loci of a genome, and says who has one of this kind."""
    dimensions = {name: columns[name].ndim for name in (genome.column, genome.carrier) if name in columns}
    return dimensions.get(genome.column) in (2, 3) and dimensions.get(genome.carrier, 1) == 1


def _few_rows(columns: Mapping[str, np.ndarray], genomes: Sequence[Genome]) -> dict[str, np.ndarray]:
    """Columns of a few numbers a body, each of which is shown."""
    read = {genome.column for genome in genomes}
    return {n: v for n, v in columns.items() if n not in read and v.ndim == 2 and len(v) <= FEW}


def _moved(seen: Seen, before: Seen | None, space: Any, turns: bool) -> tuple[np.ndarray, np.ndarray]:
    """Who is where it was in the frame before: [n] 0 or 1; and where each goes, if that is asked."""
    here = seen.here()
    ids = seen.ids()[here]
    n = ids.size
    stays, turn = np.zeros(n, np.uint8), np.full(n if turns else 0, -1, np.int16)
    if before is None or not n:
        return stays, turn
    earlier = before.ids()
    if seen.is_by_place and before.is_by_place:
        if earlier.shape != seen.ids().shape:
            return stays, turn
        at: Any = here
        was_there = earlier[here] == ids
    else:
        known = before.here()
        earlier = earlier[known]
        if not earlier.size:
            return stays, turn
        if np.array_equal(earlier, ids):  # nobody came, nobody went
            at, was_there = known, np.ones(n, bool)
        else:
            at = np.minimum(np.searchsorted(earlier, ids), earlier.size - 1)
            was_there = earlier[at] == ids
            at = at if isinstance(known, slice) else known[at]
    now, then = ({a: s.columns[a] for a in "xy"} for s in (seen, before))
    same = was_there & (now["x"][here] == then["x"][at]) & (now["y"][here] == then["y"][at])
    if turns:
        moved = turned({a: now[a][here] for a in "xy"}, {a: then[a][at] for a in "xy"}, space)
        turn = np.where(was_there, moved, turn)
    return same.astype(np.uint8), turn
