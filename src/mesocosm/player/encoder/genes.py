"""Genomes in readable form: what each number of them says, as the record describes it."""

from __future__ import annotations

import numpy as np

from mesocosm.record.about import Gene, Genome


def read_gene(gene: Gene, loci: np.ndarray) -> np.ndarray:
    """What a gene of the expressed genomes [n, loci] says: [n]; NaN where they have no such locus."""
    if max(gene.loci, default=-1) >= loci.shape[1] or min(gene.loci, default=-1) < 0:
        return np.full(len(loci), np.nan, np.float32)
    if not gene.chosen:
        return (gene.offset + gene.scale * loci[:, gene.loci[0]]).astype(np.float32)
    liked = loci[:, gene.loci].astype(np.float32)
    chosen = [k for k in gene.chosen if 0 <= k < len(gene.loci)]
    if gene.sharpness is None:
        return (100 * np.isin(liked.argmax(axis=1), chosen)).astype(np.int32)
    weights = np.exp2((liked - liked.max(axis=1, keepdims=True)) * (gene.sharpness / 256))
    return np.rint(100 * weights[:, chosen].sum(axis=1) / weights.sum(axis=1)).astype(np.int32)


def expressed(genome: np.ndarray) -> np.ndarray:
    """The loci that act, [n, loci], of a column [loci, n] or [strands, loci, n]."""
    return np.ascontiguousarray((genome[0] if genome.ndim == 3 else genome).T)


def told(genome: Genome, loci: np.ndarray) -> list[list[object]]:
    """The genes of one individual, [loci]: name, value, unit."""
    return [[gene.name, _plain(read_gene(gene, loci[None])[0]), gene.unit] for gene in genome.genes]


def in_words(genome: Genome, strain: int, loci: np.ndarray) -> str:
    """What an individual carries, where not everybody has a genome of this kind."""
    if not strain:
        return "nothing"
    said = [f"{name} {value:g} {unit}".strip() for name, value, unit in told(genome, loci)]  # type: ignore[str-format]
    return f"{genome.carrier} {strain}: {', '.join(said)}"


def _plain(value: np.generic) -> int | float | None:
    if not np.isfinite(value):
        return None
    return int(value) if value.dtype.kind in "iu" else round(float(value), 2)
