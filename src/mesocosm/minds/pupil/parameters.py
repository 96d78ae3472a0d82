"""The configuration of nets that learn by what their bodies feel, without jax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mesocosm.record.configuration import Range

RuleGene = Literal["actor", "critic", "discount", "trace", "sharpness", "food", "touch"]
RULE: tuple[RuleGene, ...] = ("actor", "critic", "discount", "trace", "sharpness", "food", "touch")
"""The genes of the rule and of the feeling, in their order: the last ones of a genome."""
FOREVER = 2**31 - 1


@dataclass(frozen=True)
class PupilParameters:
    """A net of neurons whose output synapses learn by a prediction error of what the body feels."""

    hidden: Annotated[int, Range(1, 32, "neurons", "size")] = 8
    """Neurons between senses and acts."""
    learns_until: Annotated[int, Range(0, FOREVER, "ticks")] = FOREVER
    """Age at which synapses stop changing; 0: nobody learns, and what is done is instinct."""
    crossed: Annotated[float, Range(0, 1, "per body")] = 0.5
    """Probability of being born with crossed motor wires: one runs where the other tumbles. No gene tells."""
    crossed_senses: Annotated[float, Range(0, 1, "per body")] = 0.0
    """Probability of being born with crossed sense wires: the lowest level of a sense of three or more is felt as the
    highest."""
    bite: Annotated[int, Range(1, 32767, "quanta")] = 64
    """Food that is felt in full; more is felt no more."""
    without: tuple[RuleGene, ...] = ()
    """Genes that count as zero, whatever they say."""
