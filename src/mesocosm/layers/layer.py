"""What a layer is: its state, its hooks in a tick, and what it says of itself to assays, ledger, logs and viewers.

A layer is laid over a world, a mind and a heredity, which do not know of it; an ecology takes any number. Its own state
is a pytree of arrays with one place for each body, the last axis being the slot: the ecology founds, grows, hands on
and clears them. What belongs to a place rather than a body is a field of the world (`fields`). A hook that a layer does
not have is the identity here, and costs nothing. Hooks of a tick have the signature of its phases,
`(bits, state, book) -> (state, book)`; `state.own(self.name)` and `state.with_own(self.name, own)` are a layer's part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import equinox as eqx
import numpy as np
from jaxtyping import Array, Int32

from mesocosm.core.instrument import Fold, Log
from mesocosm.core.random import Bits
from mesocosm.layers.book import Book
from mesocosm.record import Record
from mesocosm.record.about import About, Genome

Own = Any
"""A layer's arrays for each body, or None."""


@dataclass(frozen=True)
class Variant:
    """How bodies, or the law they live under, differ in an assay.

    Args:
      bodies: from a population (`mesocosm.ecology.assay.population`) and the mind to the bodies that are assayed.
      law: from the layer to the layer of the assay; for all bodies of a world, so never for one side of a competition.
    """

    bodies: Callable[[Any, Any], Any] | None = None
    law: Callable[[Any], Any] | None = None


class Layer(eqx.Module):
    """A layer. Subclasses are final; parameters are int32 arrays, switches are static."""

    name: ClassVar[str] = ""
    """Of its state, in checkpoints and in `state.own`; every layer has one."""

    host_loci: ClassVar[int] = 0
    """Genes that it has in the genomes of bodies, after those of the mind (`book.loci`)."""
    losses: ClassVar[tuple[str, ...]] = ()
    """Its flows by which energy becomes heat: the ledger counts them."""
    stores: ClassVar[tuple[str, ...]] = ()
    """Its fields that hold energy: the ledger counts them."""
    seen: ClassVar[tuple[str, ...]] = ()
    """Columns of bodies, of its `scene`, that the cameras of an ecology take."""
    logged: ClassVar[tuple[str, ...]] = ()
    """Columns that births have from it, of its `scene`."""
    about: ClassVar[Mapping[str, About]] = {}
    """What its columns of bodies say: units, and the words of their values."""
    words: ClassVar[Mapping[str, str]] = {}
    """What its `losses` are called in an account of energy."""

    # -- hooks -----------------------------------------------------------------------------------------------------

    def fields(self) -> Mapping[Any, tuple[int, int]]:
        """Fields that it gives to the world, each with diffusion and decay (`worlds.petri.fields.FieldLaw`)."""
        return {}

    def found(self, bits: Bits, ids: Int32[Array, " n"]) -> Own:
        """What founders have of it; id 0 is nobody."""
        return None

    def divide(self, bits: Bits, of_parents: Own, child_ids: Int32[Array, " k"]) -> Own:
        """What newborns have, from what their parents have."""
        return of_parents

    def sense(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        """After senses were read, before minds read `levels`."""
        return state, book

    def act(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        """After minds chose `act`, before bodies move."""
        return state, book

    def pay(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        """After bodies paid for their living."""
        return state, book

    def meet(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        """After bodies ate and exchanged genes."""
        return state, book

    def die(self, bits: Bits, state: Any, book: Book) -> tuple[Any, Book]:
        """Before those without energy die."""
        return state, book

    def scene(self, own: Own) -> dict[str, Array]:
        """Columns of bodies."""
        return {}

    # -- what assays ask -------------------------------------------------------------------------------------------

    def frozen(self, kind: str) -> Self:
        """The layer in an assay: a `garden` (nobody pays), `survival` or a `competition`. Nothing evolves there."""
        return self

    def variants(self) -> Mapping[str, Variant]:
        """Populations that an assay may ask for by name, besides the evolved."""
        return {}

    def of_strand(self, own: Mapping[str, np.ndarray], strand: int) -> Mapping[str, np.ndarray]:
        """What bodies have if this strand of its genes (0 acting, 1 shadow) is put in the place of both: NumPy, by the
        names of its arrays, the last axis being the body."""
        return own

    def at(self, record: Record, replicate: int, tick: int, ids: np.ndarray) -> Mapping[str, np.ndarray] | None:
        """What these bodies had at the end of a tick in which they lived, from the logs: as `of_strand`; None where
        nothing is logged."""
        return None

    # -- what records and people see -------------------------------------------------------------------------------

    def folds(self) -> dict[str, Fold]:
        """Measures of it."""
        return {}

    def logs(self) -> tuple[Log, ...]:
        """Its events, one by one."""
        return ()

    def genomes(self) -> tuple[Genome, ...]:
        """How genes of its own, in its columns of bodies, are read by people."""
        return ()
