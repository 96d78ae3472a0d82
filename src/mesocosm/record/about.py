"""What the numbers of a scene stand for: units, words, ranges, the space they lie in. A record holds it beside its
frames, so that whoever shows them needs no code of the experiment. Plain data; every class here can be a static field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, Literal, TypeVar

from mesocosm.record.errors import FolderError

T = TypeVar("T")

LOOKS = ("bodies", "rings", "dots", "squares")
"""How a population is drawn: bodies are rods that show where they head, or dots where they are many."""


@dataclass(frozen=True)
class About:
    """What a column, a field, a curve or an image says.

    Args:
      unit: of its values.
      words: what the values 0, 1, 2 ... are called; larger ones share the last word.
      low, high: its range, where that is known.
      is_cyclic: whether the lowest value follows the highest (a direction, a phase).
      is_class: whether its values are names without order (a lineage).
      since: where its values are ticks: what the time since then is called, which is shown instead (`born`: "age").
      palette: colours as `#rrggbb`, from the lowest value to the highest, or one a word.
      leads: whether it is what is coloured at first, before what is said of motion.
      called: what people call it, where its name is one for programs.
    """

    unit: str = ""
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    is_cyclic: bool = False
    is_class: bool = False
    since: str = ""
    palette: tuple[str, ...] = ()
    leads: bool = False
    called: str = ""


@dataclass(frozen=True)
class Space:
    """Where points lie: on a torus, in a box with walls, or on a plane without bounds.

    Args:
      left, top, width, height: in the numbers of the columns `x` and `y`; of no use on a plane.
      per_unit: how many of these numbers make one `unit`.
      parts: how many worlds of equal height lie one beneath the other, each closed in itself; they are drawn in a grid.
    """

    kind: Literal["torus", "box", "plane"] = "plane"
    width: float = 0.0
    height: float = 0.0
    left: float = 0.0
    top: float = 0.0
    per_unit: float = 1.0
    unit: str = ""
    parts: int = 1


PLANE = Space()


def torus(width: float, height: float | None = None, per_unit: float = 1.0, unit: str = "", parts: int = 1) -> Space:
    """A world whose right edge is its left one, and its lower edge the upper one; or several, one beneath the other."""
    return Space("torus", float(width), float(width if height is None else height), 0.0, 0.0, per_unit, unit, parts)


def box(
    width: float,
    height: float | None = None,
    left: float = 0.0,
    top: float = 0.0,
    per_unit: float = 1.0,
    unit: str = "",
) -> Space:
    """A world with walls."""
    tall = float(width if height is None else height)
    return Space("box", float(width), tall, float(left), float(top), per_unit, unit)


@dataclass(frozen=True)
class Gene:
    """A number that a genome says, in words that people read.

    It is `offset + scale * locus` of one locus; or, where acts are `chosen`, how likely these are in percent, of acts
    that are preferred as the loci say: the largest (`sharpness` None), or each in proportion to
    `2^(sharpness * preference / 256)`.
    """

    name: str
    unit: str = ""
    loci: tuple[int, ...] = (0,)
    chosen: tuple[int, ...] = ()
    sharpness: int | None = None
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Genome:
    """How a column of loci is read: `[loci, places]`, or `[strands, loci, places]` of which the first is expressed.

    Args:
      column: of the population.
      title: what it is called where it is shown.
      carrier: the column that says whether there is one (0: none); empty where everybody has one.
    """

    population: str
    column: str
    genes: tuple[Gene, ...]
    title: str = "Genome"
    carrier: str = ""


@dataclass(frozen=True)
class PopulationAbout:
    """A population: how it is drawn, what its columns say.

    Args:
      motion: what is said of one that moved since the frame before, and of one that stayed: `("runs", "tumbles")`.
      has_ids: whether its members are known from frame to frame.
    """

    name: str
    columns: tuple[tuple[str, About], ...] = ()
    look: str = "bodies"
    motion: tuple[str, ...] = ()
    has_ids: bool = True

    def about(self, column: str) -> About:
        """What a column says."""
        return dict(self.columns).get(column, About())


@dataclass(frozen=True)
class FieldAbout:
    """A field of so many cells, which frames may keep more coarsely: then each number is a sum over a block of them."""

    name: str
    about: About = About()
    height: int = 1
    width: int = 1


@dataclass(frozen=True)
class GraphAbout:
    """Bonds between points: of one population, or from one to another. `called`: as in `About`."""

    name: str
    source: str
    target: str
    unit: str = ""
    called: str = ""


_LATER = ("leads", "called", "says")


def in_order(named: Mapping[str, T], about: Iterable[tuple[str, About]]) -> dict[str, T]:
    """What is named, in the order in which something is said of it; the rest after that, as it was."""
    rank = {name: k for k, (name, _) in enumerate(about)}
    return dict(sorted(named.items(), key=lambda item: rank.get(item[0], len(rank))))


@dataclass(frozen=True)
class SceneAbout:
    """What a scene shows, apart from its numbers.

    Args:
      says: what is to be seen, in a sentence or two for somebody who looks for the first time.
    """

    space: Space = PLANE
    populations: tuple[PopulationAbout, ...] = ()
    fields: tuple[FieldAbout, ...] = ()
    curves: tuple[tuple[str, About], ...] = ()
    images: tuple[tuple[str, About], ...] = ()
    graphs: tuple[GraphAbout, ...] = ()
    genomes: tuple[Genome, ...] = ()
    says: str = ""

    def plain(self) -> dict[str, Any]:
        """For a record; what records of before did not say stands there only where there is something to say."""
        return asdict(self, dict_factory=lambda pairs: {k: v for k, v in pairs if k not in _LATER or v})

    @staticmethod
    def read(values: Any) -> SceneAbout:
        """From a record, which may have been changed by anybody.

        Raises:
          FolderError: naming what is no description.
        """
        try:
            return _scene(values)
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise FolderError(
                f"what the record says of its scene cannot be read ({error}); its header is damaged"
            ) from None


def _scene(values: Mapping[str, Any]) -> SceneAbout:
    def named(name: str) -> tuple[tuple[str, About], ...]:
        return tuple((str(key), _about(value)) for key, value in values[name])

    populations = tuple(
        PopulationAbout(
            str(p["name"]),
            tuple((str(key), _about(value)) for key, value in p["columns"]),
            str(p["look"]),
            _words(p["motion"]),
            bool(p.get("has_ids", True)),
        )
        for p in values["populations"]
    )
    genomes = tuple(
        _made(Genome, {**g, "genes": tuple(_made(Gene, _tuples(gene)) for gene in g["genes"])})
        for g in values["genomes"]
    )
    space = _made(Space, values["space"])
    if space.kind not in ("torus", "box", "plane"):
        raise ValueError(f"space {ascii(space.kind)[:40]}")
    if space.kind != "plane" and not (0 < space.width < 2**53 and 0 < space.height < 2**53 and space.per_unit > 0):
        raise ValueError(f"a {space.kind} of {space.width} x {space.height}")
    if not 1 <= space.parts <= 4096:
        raise ValueError(f"a {space.kind} of {space.parts} parts")
    graphs = tuple(_made(GraphAbout, graph) for graph in values["graphs"])
    cells = tuple(_made(FieldAbout, {**field, "about": _about(field["about"])}) for field in values["fields"])
    says = values.get("says", "")
    if not isinstance(says, str):
        raise ValueError(f"says = {ascii(says)[:40]}")
    return SceneAbout(space, populations, cells, named("curves"), named("images"), graphs, genomes, says)


def _about(values: Mapping[str, Any]) -> About:
    made = _made(About, {**values, "words": _words(values["words"]), "palette": _words(values["palette"])})
    for bound in (made.low, made.high):
        if bound is not None and not (isinstance(bound, int | float) and isfinite(bound)):
            raise ValueError(f"range {ascii(bound)[:40]}")
    return made


def _words(values: Any) -> tuple[str, ...]:
    return tuple(str(word) for word in values)


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, **{name: tuple(int(k) for k in values[name]) for name in ("loci", "chosen")}}


def _made(kind: type[T], values: Mapping[str, Any]) -> T:
    """One of these, from values of the same types as its defaults; what is not known is left out."""
    out: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name not in values:
            continue
        value, wanted = values[field.name], str(field.type)
        if wanted in ("float", "int"):
            value = {"float": float, "int": int}[wanted](value)
            if not isfinite(value):
                raise ValueError(f"{field.name} = {value}")
        elif wanted == "str" and not isinstance(value, str):
            raise ValueError(f"{field.name} = {ascii(value)[:40]}")
        elif wanted == "bool":
            value = bool(value)
        out[field.name] = value
    return kind(**out)
