"""How the bodies of an ecology are told of: what their columns and their genes say. Data, for the scene."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from mesocosm.instruments.analysis import LEVELS, ordered_senses
from mesocosm.instruments.ecology import EMIT, TUMBLE
from mesocosm.layers.elements.parameters import GERM, VIRULENCE
from mesocosm.record.about import About, Gene, Genome

BODIES = {
    "energy": About("quanta"),
    "born": About("ticks", since="age"),
    "lineage": About(is_class=True),
    "parent": About(is_class=True),
    "element": About(words=("none", "carried")),
}
RUNS_OR_TUMBLES = ("runs", "tumbles")


def table_genome(senses: Sequence[str], n_acts: int, sharpness: int | None, n_loci: int) -> Genome:
    """A Q-table: how likely each kind of act is under each stimulus; loci that no mind reads as they are.

    Args:
      sharpness: of softmax; None where the preferred act is taken.
      n_loci: of the genome.
    """
    levels = ([f"{sense} {level}" for level in LEVELS[sense]] for sense in ordered_senses(senses))
    stimuli = [", ".join(levels_of) or "always" for levels_of in product(*levels)]
    acts = {"tumbles": TUMBLE} | ({"emits": EMIT} if n_acts > EMIT else {})
    genes = [
        Gene(f"{name}: {stimulus}", "%", tuple(range(s * n_acts, (s + 1) * n_acts)), _acts(bit, n_acts), sharpness)
        for name, bit in acts.items()
        for s, stimulus in enumerate(stimuli)
    ]
    genes += [Gene(f"locus {k}", loci=(k,)) for k in range(len(stimuli) * n_acts, n_loci)]
    return Genome("bodies", "genome", tuple(genes))


def element_genome(drain: int, help: int) -> Genome:
    """An element: what it costs its host, and how surely a child of the host inherits it."""
    level, most = 1 / 255, drain + help
    costs = Gene("costs", "quanta per tick", (VIRULENCE,), scale=most * level, offset=most * 128 * level - help)
    germ = Gene("is inherited with probability", "", (GERM,), scale=level, offset=128 * level)
    return Genome("bodies", "element_genes", (costs, germ), "What it carries", carrier="element")


def _acts(bit: int, n_acts: int) -> tuple[int, ...]:
    return tuple(act for act in range(n_acts) if act & bit)
