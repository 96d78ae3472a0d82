"""How related are bodies that are near each other? By genes that nobody reads, and by pedigree. NumPy only, no jax.

Relatedness is measured against the population, as W. D. Hamilton ("Selfish and spiteful behaviour in an evolutionary
model", Nature 228, 1970) and A. Grafen (Oxford Surveys in Evolutionary Biology 2, 1985) define it:

    r = (Q_near - Q_all) / (1 - Q_all)

Q_near is the chance that two bodies near each other have the same allele, Q_all that of any two different bodies. It is
0 where neighbours are strangers, 1 where they are copies, negative where they are less alike than strangers, and is
F_ST where neighbourhoods are demes (F. Rousset, "Inbreeding and relatedness coefficients: what do they measure?",
Heredity 88, 2002).

Genes travel in two ways, by division and by exchange, so Q is taken twice. `genes`: the share of loci of the shadow
genome, which is inherited and exchanged like the expressed one and never read, at which two bodies have one allele.
`pedigree`: what that share would be had genes travelled by division alone, (1 - mutation)^(births between the two)
where they descend from one founder, else 0. Where nobody exchanges, the two agree; what they differ by is exchange.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesocosm.instruments.ancestry import Lives, all_lives
from mesocosm.record import Record

SHADOW = 1


@dataclass(frozen=True)
class Relatedness:
    """Of the bodies of one world, at one time. NaN where there is no pair to take it from.

    Args:
      genes, pedigree: r of bodies near each other.
      identity: Q_all of the genes: how alike any two bodies are.
      near: the share of pairs that are near each other.
    """

    genes: float
    pedigree: float
    identity: float
    near: float


def relatedness(record: Record, radius: float | None = None) -> list[Relatedness]:
    """Of each replicate at the end of a run. [replicates]

    Args:
      radius: in cells; who is at most so far away is near. None: who shares a cell, and so can meet.

    Raises:
      FolderError: if the run keeps no log of births and deaths.
    """
    world = record.header["configuration"]["world"]
    mutation = float(record.header["configuration"]["heredity"]["mutation_probability"])
    state, everybody = record.state, all_lives(record)
    lanes = {int(r): lane for lane, r in enumerate(state["replicate"])}
    out = []
    for replicate in range(record.replicates):
        lane = lanes.get(replicate)
        if lane is None:
            out.append(Relatedness(*[np.nan] * 4))
            continue
        ids = state["state.world.bodies.id"][lane]
        slots = np.flatnonzero(ids)[np.argsort(ids[ids > 0], kind="stable")]
        place = np.stack([state[f"state.world.bodies.{axis}"][lane][slots] for axis in "xy"], axis=1)
        genes = state["state.genomes"][lane, SHADOW][:, slots].T
        by_descent = identity_by_descent(everybody[replicate], ids[slots], mutation)
        out.append(of_pairs(alike(genes), by_descent, are_near(place, 256 * int(world["side"]), radius)))
    return out


def of_pairs(genes: np.ndarray, pedigree: np.ndarray, near: np.ndarray) -> Relatedness:
    """From Q of every pair, by genes and by pedigree, and who is near whom. [bodies, bodies] each, symmetric."""
    above = np.triu_indices(near.shape[0], k=1)
    is_near = near[above]
    q, descent = genes[above], pedigree[above]
    if not q.size:
        return Relatedness(*[np.nan] * 4)
    return Relatedness(_regression(q, is_near), _regression(descent, is_near), float(q.mean()), float(is_near.mean()))


def _regression(q: np.ndarray, is_near: np.ndarray) -> float:
    """(Q_near - Q_all) / (1 - Q_all); NaN where nobody is near, or everybody is alike."""
    everywhere = float(q.mean())
    if not is_near.any() or everywhere >= 1:
        return np.nan
    return (float(q[is_near].mean()) - everywhere) / (1 - everywhere)


def alike(genes: np.ndarray) -> np.ndarray:
    """The share of loci at which two bodies have one allele: [bodies, bodies], from genes [bodies, loci]."""
    n, loci = genes.shape
    out = np.zeros((n, n))
    for column in genes.T:
        out += column[:, None] == column[None, :]
    return out / loci


def are_near(place: np.ndarray, extent: int, radius: float | None) -> np.ndarray:
    """Who is near whom on the torus: [bodies, bodies], from positions [bodies, 2] in 1/256 cell."""
    if radius is None:
        cell = place >> 8
        return (cell[:, None] == cell[None, :]).all(axis=2)
    apart = np.abs(place[:, None].astype(np.int64) - place[None, :])
    apart = np.minimum(apart, extent - apart)
    return (apart**2).sum(axis=2) <= (256 * radius) ** 2


def identity_by_descent(who: Lives, ids: np.ndarray, mutation: float) -> np.ndarray:
    """(1 - mutation)^(births between two bodies) where they have one founder, else 0. [bodies, bodies]

    A birth is a chance of mutation for the child, none for its parent.
    """
    chains = [_descent(who, int(i)) for i in ids]
    depth = np.array([len(chain) for chain in chains])
    table = np.full((len(chains), int(depth.max(initial=1))), -1, np.int64)
    for row, chain in zip(table, chains, strict=True):
        row[: len(chain)] = chain
    shared = ((table[:, None] == table[None, :]) & (table[:, None] >= 0)).sum(axis=2)  # ancestors from the founder down
    births = depth[:, None] + depth[None, :] - 2 * shared
    return np.where(shared > 0, (1 - mutation) ** births, 0.0)


def _descent(who: Lives, body: int) -> list[int]:
    """The ids from the founder down to a body."""
    chain = []
    while body:
        chain.append(body)
        body = int(who.parent[np.searchsorted(who.id, body)])
    return chain[::-1]
