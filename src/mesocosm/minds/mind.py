"""What a mind is: from a genome to the behaviour of ONE individual. The ecology does the batching.

A mind that only reads its genome has no brain, and nothing is stored for it. One that develops has a brain, a pytree of
arrays for each body, made at birth out of its genome and of what the colony shares; one that learns changes it by what
it lived through. All arithmetic is in integers, so that a mind is exact: the same act on every device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Bool, Int8, Int32, UInt32

from mesocosm.core.random import Bits
from mesocosm.record.about import Gene, Genome

MIND = 0x30000
"""Where the purposes of the random bits of minds begin."""

Brain = Any
Colony = Any


class Draw(eqx.Module):
    """The random bits of one individual in one tick."""

    bits: Bits
    id: Int32[Array, ""]
    word: UInt32[Array, ""]  # of these, minds have the 16 low ones; the law reads others

    def of(self, purpose: int) -> tuple[UInt32[Array, ""], UInt32[Array, ""]]:
        """64 bits of the individual's own for each purpose, 0 ... 0xFFFF."""
        return self.bits.of(self.id, MIND + purpose)


class Experience(eqx.Module):
    """What one individual lived through from one tick to the next.

    Args:
      seen, act: the stimulus, and what it did then.
      doings: what came of it, by name, as many as the mind asks for (`Mind.doings`).
      seen_after: the next stimulus.
      is_last: it died of it; `seen_after` says nothing then, and only the colony is told.
    """

    seen: Int32[Array, "*n"]
    act: Int32[Array, "*n"]
    doings: Mapping[str, Int32[Array, "*n"]]
    seen_after: Int32[Array, "*n"]
    is_last: Bool[Array, ""]


class Mind(eqx.Module):
    """A mind. Subclasses are final; parameters are int32 arrays, switches are static."""

    n_stimuli: eqx.AbstractVar[int]
    n_acts: eqx.AbstractVar[int]

    thinks_every: ClassVar[Any] = 1
    """Ticks between the times at which those who wait think, together; an int32 array where it is a parameter."""
    doings: ClassVar[tuple[str, ...]] = ()
    """What its experience tells: any of `eaten` (quanta), `met`, `exchanged`, `emitted` (0 or 1)."""

    @property
    def n_loci(self) -> int:
        """Genes that it reads, the first ones of a genome."""
        raise NotImplementedError

    @property
    def learns(self) -> bool:
        """Whether anybody, an individual or the colony, is told what was lived through."""
        return type(self).learn is not Mind.learn or type(self).tally is not Mind.tally

    def found(self, genes: Int8[Array, " loci"]) -> Int8[Array, " loci"]:
        """The genome of a founder, out of random genes; of its shadow alike."""
        return genes

    def colony(self) -> Colony:
        """What all of one world share, at its founding: None, or a pytree of arrays."""
        return None

    def develop(self, draw: Draw, genome: Int8[Array, " loci"], colony: Colony) -> Brain:
        """The brain of a newborn: None, or a pytree of arrays. (Of `draw.word` newborns have nothing.)"""
        return None

    def act(
        self, draw: Draw, genome: Int8[Array, " loci"], brain: Brain, seen: Int32[Array, ""]
    ) -> tuple[Brain, Int32[Array, ""]]:
        """The act that this individual chooses under a stimulus."""
        raise NotImplementedError

    def learn(self, genome: Int8[Array, " loci"], brain: Brain, experience: Experience) -> Brain:
        """The brain after an experience."""
        return brain

    def tally(self, bits: Bits, colony: Colony, experience: Experience, counts: Bool[Array, " n"]) -> Colony:
        """What the colony shares after the experiences [n] of those who count."""
        return colony

    def common(self, colony: Colony) -> Any:
        """What all who think at a time start from: worked out once for all of them."""
        return colony

    def waits(self, tick: Int32[Array, ""], brain: Brain) -> Bool[Array, ""]:
        """Whether it is to think at the next occasion. It must not wait any more when it has thought."""
        raise NotImplementedError

    def think(self, genome: Int8[Array, " loci"], brain: Brain, common: Any) -> Brain:
        """The brain after it has thought; what is costly, and is not to be done by everybody in every tick."""
        return brain

    def frozen(self, kind: str) -> Mind:
        """The mind in an assay (`garden`, `survival`, `competition`, `monoculture`), where what it shares is fixed."""
        return self

    def genome(self, stimuli: Sequence[str], acts: Mapping[str, int], n_loci: int) -> Genome:
        """How its genes are read by people; loci that no mind reads come last.

        Args:
          stimuli: what each is called.
          acts: bits of an act, by the word for acts that have them.
          n_loci: of the whole genome.
        """
        return Genome("bodies", "genome", tuple(Gene(f"locus {k}", loci=(k,)) for k in range(n_loci)))
