"""Bodies that are given the reward that was inferred, in the living other world: do they do what its owners do there?

`transfer` asks this of a world as it was counted; here it is lived through. Founders of each world carry the weights
that were inferred from clones in their own world, and make their plans on what that world's bodies learn of the other
one: just as the clones themselves, in the same places with the same random bits. What is told is how many of their
acts are the same, and how large a population they sustain, against the clones; beside one random reward and food alone.
Weights become the whole numbers that a genome holds. To minds that take the best act their size is nothing, and the
largest is 127. To minds that choose softly it says how softly: maximum causal entropy tells it, in units of the
temperature, and what knows of no size (Ng and Russell's, the controls) takes that of maximum causal entropy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.ecology.assay.call import assay
from mesocosm.ecology.clones import Clones, clones
from mesocosm.ecology.inferred import Known, baselines, followed_by, known
from mesocosm.findings.claim import Claim
from mesocosm.findings.intervals import finite_interval, show_mean
from mesocosm.findings.outcomes import plain_lists
from mesocosm.inverse.entropy import max_causal_entropy
from mesocosm.inverse.linear import ng_russell
from mesocosm.inverse.methods import RIDGE
from mesocosm.minds.parameters import WEIGHTS
from mesocosm.protocol.catalogue import Analysis, Result
from mesocosm.protocol.reading import follow_ups_of
from mesocosm.protocol.story import Axis, Strips, Table
from mesocosm.record import Record
from mesocosm.record.configuration import Range

ROWS = ("entropy", "Ng-Russell", "random", "food only")
ELSEWHERE = "clones-elsewhere"
LARGEST = 127.0
"""Of a weight that a genome holds."""
CLAIM = Claim(
    "agrees",
    "in another world bodies that are given the inferred reward act as its owners do, more than with a random one",
    control="a random reward",
    statistic="share of the owners' acts, over what they sense, that are the same, less that of the control",
    delta=0.0,
    declared=False,
)


@dataclass(frozen=True)
class Settings:
    """Which random reward."""

    draw: Annotated[int, Range(0, 99, "of the random rewards")] = 0
    """Which of the random rewards of each world is the control."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    there = follow_ups_of(record)[ELSEWHERE]
    here = clones(record, "clones")
    given = _weights(known(here), here.temperature, settings.draw)
    own = clones(record, ELSEWHERE)
    shape = (len(ROWS), record.replicates)
    agree, population = np.full(shape, np.nan), np.full(shape, np.nan)
    before = _population(there)
    for i, row in enumerate(ROWS):
        run = _lived(record, there, row, given[row], settings.draw)
        found = clones(record, run.folder.name)
        agree[i] = _agreement(own, found, record.replicates)
        with np.errstate(divide="ignore", invalid="ignore"):
            population[i] = np.log((_population(run) + 1) / (before + 1))
        is_given = np.isfinite(np.array(given[row], float)).all(axis=1)
        agree[i, ~is_given] = population[i, ~is_given] = np.nan
    return {
        "rows": list(ROWS),
        "agree": plain_lists(agree),
        "population": plain_lists(population),
        "weights": {row: plain_lists(given[row]) for row in ROWS},
        "beyond": int((np.abs(given["entropy"]).max(axis=1) == LARGEST).sum()) if here.temperature is not None else 0,
    }


def _weights(here: list[Known], temperature: float | None, draw: int) -> dict[str, np.ndarray]:
    """Of each row the weights in each replicate, as a genome holds them; NaN where there are none. [replicates, 5]"""
    n = max((of.replicate for of in here), default=-1) + 1
    out = {row: np.full((n, len(WEIGHTS)), np.nan) for row in ROWS}
    for of in here:
        c, base = of.case, baselines(of)
        importance = c.seen.counts.sum(axis=1) / c.seen.counts.sum()
        found = {
            "entropy": max_causal_entropy(c.world, c.features, c.counts, RIDGE).weights,
            "Ng-Russell": ng_russell(c.world, c.commonest, c.features, importance=importance),
            "random": base["random"][draw],
            "food only": base["food only"],
        }
        largest = size_of(found["entropy"], temperature)
        for row, weights in found.items():
            out[row][of.replicate] = as_genes(weights, largest)
    return out


def size_of(weights: np.ndarray, temperature: float | None) -> float:
    """How large the largest weight was to its owner: of soft minds as they behave, of others it is nothing: 127."""
    return LARGEST if temperature is None else temperature * float(np.abs(weights).max(initial=0))


def as_genes(weights: np.ndarray, largest: float = LARGEST) -> np.ndarray:
    """The nearest weights that a genome holds; NaN where all are 0, as they are or as whole numbers.

    Args:
      weights: of any size.
      largest: the size of the largest afterwards, if a gene can hold it.

    >>> as_genes(np.array([0.5, -1.0, 0.0, 0.0, 0.25])).tolist()
    [64.0, -127.0, 0.0, 0.0, 32.0]
    """
    size = float(np.abs(weights).max(initial=0))
    genes = np.rint(min(largest, LARGEST) * np.asarray(weights, float) / size) if size > 0 else np.zeros(len(weights))
    return genes if genes.any() else np.full(genes.shape, np.nan)


def _lived(record: Record, there: Record, row: str, weights: np.ndarray, draw: int) -> Record:
    """The assay of the clones elsewhere, founded by these weights."""
    c = there.header["configuration"]
    whole = np.full((record.replicates, len(WEIGHTS)), np.nan)
    whole[: len(weights)] = weights
    texts = tuple(",".join(f"{w:.0f}" for w in np.nan_to_num(of)) for of in whole)
    name = "retrained-" + row.lower().replace(" ", "-") + (f"-{draw}" if row == "random" else "")
    ticks, every = (int(there.header[key]) for key in ("ticks", "every"))
    changes = {"kind": c["kind"], "ticks": ticks, "every": every, "changes": tuple(c["changes"])}
    return assay(record, name, None, population="genotypes", genotypes=texts, **changes)


def _population(run: Record) -> np.ndarray:
    """The mean number of bodies in the second half; 0 where a world has died out. [replicates]"""
    metrics = run.metrics
    late = metrics["tick"] > run.tick // 2
    out = np.zeros(run.replicates)
    np.add.at(out, metrics["replicate"][late].astype(int), metrics["population"][late].astype(float))
    return out / max(np.unique(metrics["tick"][late]).size, 1)


def _agreement(own: Clones, found: Clones, replicates: int) -> np.ndarray:
    """The share of the owners' steps in which the commonest act of the others is theirs. [replicates]"""
    out = np.full(replicates, np.nan)
    at = {int(r): k for k, r in enumerate(found.replicate)}
    for k, r in enumerate(own.replicate):
        n = own.visits[k].sum(axis=2)  # [S, A]
        if int(r) not in at or not n.sum():
            continue
        other = found.visits[at[int(r)]].sum(axis=2)
        is_known = (other.sum(axis=1) > 0) & (n.sum(axis=1) > 0)
        weight = n.sum(axis=1) * is_known
        same = n.argmax(axis=1) == other.argmax(axis=1)
        out[int(r)] = float((weight * same).sum() / weight.sum()) if weight.sum() else np.nan
    return out


def show(record: Record, values: Mapping[str, Any]) -> Result:
    from mesocosm.findings.verdicts import judge

    agree = dict(zip(values["rows"], np.array(values["agree"], float), strict=True))
    population = dict(zip(values["rows"], np.array(values["population"], float), strict=True))
    if not np.isfinite(agree["entropy"]).any():
        return Result("Nobody lived by an inferred reward long enough to say anything of it.", values)
    effect = {CLAIM.name: agree["entropy"] - agree["random"]}
    findings = judge([CLAIM], effect, record.replicates, int(np.isfinite(agree["entropy"]).sum()))
    said = {row: show_mean(agree[row]) for row in ROWS}
    size = {row: show_mean(np.exp(population[row])) for row in ROWS}
    sentence = (
        "In a living other world, bodies with the reward that maximum causal entropy inferred choose the owners' act "
        f"in {said['entropy']} of what these sense (Ng and Russell's {said['Ng-Russell']}; a random reward "
        f"{said['random']}, food alone {said['food only']}), and sustain {size['entropy']} times their population (a "
        f"random reward {size['random']}, food alone {size['food only']})."
    )
    if beyond := values.get("beyond", 0):
        sentence += (
            f" In {beyond} worlds its weights are larger than a gene holds: their minds act more softly than owners."
        )
    figure = Strips(
        title="Acts that are the owners' in another world",
        alt="Share of the owners' steps, a dot a world.",
        conditions=list(ROWS),
        y_axis=Axis("share of steps", "", 0.0, 1.0),
        values=np.array([agree[row] for row in ROWS]),
        intervals=[finite_interval(agree[row]) for row in ROWS],
        paired=True,
    )
    rows = [[row, said[row], size[row]] for row in ROWS]
    table = Table(
        "Against the clones themselves", ["reward", "acts that are the same", "population, times theirs"], rows
    )
    return Result(sentence, values, tuple(findings), (figure, table))


ANALYSIS = Analysis(
    "retrained",
    "what bodies do in a living other world that are given the reward inferred from clones, against these",
    compute,
    show,
    Settings,
    needs=(followed_by("clones", ELSEWHERE),),
)
