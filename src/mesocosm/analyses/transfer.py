"""A reward learnt in one world, planned on in another: is it what they want there too?

A policy that was copied is of no use where other acts lead elsewhere; a reward is. So the reward that was inferred from
clones in their own world is planned on in another one in which the same genotypes were seen, and scored by the return
that the *true* reward gives there: 1 as by a plan on the truth, 0 as by acting evenly. The acts of the old world,
copied, stand beside it. Plans take the best act, so of what was seen the commonest act of each state is taken: minds
that act softly would else be charged for their noise, and a plan praised for having none. Besides: what two worlds with
the same genes tell together. NumPy and SciPy, no jax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.ecology.clones import Clones
from mesocosm.ecology.inferred import Known, baselines, both, ceiling, followed_by, own_model
from mesocosm.findings.claim import Claim
from mesocosm.findings.intervals import finite, finite_interval, show_mean
from mesocosm.findings.outcomes import plain_lists
from mesocosm.inverse.entropy import max_causal_entropy
from mesocosm.inverse.linear import ng_russell
from mesocosm.inverse.mdp import best_policy, soft_policy, value_from_start
from mesocosm.inverse.methods import RIDGE, left_open, transferred
from mesocosm.inverse.soft import two_worlds
from mesocosm.protocol.catalogue import Analysis, Result
from mesocosm.protocol.story import Axis, Strips
from mesocosm.record import Record
from mesocosm.record.configuration import Range

ROWS = ("entropy", "Ng-Russell", "copied acts", "random", "food only", "other worlds", "the clones themselves")
CLAIM = Claim(
    "transfers",
    "a reward that is inferred in one world does better in another than the commonest acts of the first, copied",
    control="the copied acts",
    statistic="return of the true reward in the other world (1 by a plan on the truth, 0 by acting evenly), of a plan "
    "on what maximum causal entropy found, less that of the copied acts",
    delta=0.0,
    declared=False,
)


@dataclass(frozen=True)
class Settings:
    """How fine the count of rewards that are left is."""

    maps: Annotated[int, Range(100, 10**6, "reward maps")] = 4000
    """Random ones, of which one asks which are ruled out."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    here, there, pairs = both(record)
    scores = np.full((len(ROWS), record.replicates), np.nan)
    told = {name: np.full(record.replicates, np.nan) for name in ("open", "open_in_both", "rank", "error")}
    for of, away in pairs:
        r = of.replicate
        scores[:, r] = _scores(of, away, there)
        if here.model is not None:
            told["rank"][r], told["error"][r] = _identified(here, there, of, away)
            if here.temperature is None:
                told["open"][r], told["open_in_both"][r] = _left(here, there, of, away, settings.maps)
    return {
        "rows": list(ROWS),
        "scores": plain_lists(scores),
        **{name: plain_lists(values) for name, values in told.items()},
        "unknowns": 2 * len(here.stimuli),
        "pairs": len(pairs),
    }


def _scores(of: Known, away: Known, there: Clones) -> list[float]:
    """What each row of `ROWS` gains in the other world."""
    c, truth = of.case, away.truth
    importance = c.seen.counts.sum(axis=1) / c.seen.counts.sum()
    weights = {
        "entropy": max_causal_entropy(c.world, c.features, c.counts, RIDGE).weights,
        "Ng-Russell": ng_russell(c.world, c.commonest, c.features, importance=importance),
        **baselines(of),
    }
    gained = {name: _mean_gain(away, truth, w) for name, w in weights.items()}
    gained["copied acts"] = _of_policy(away, truth, _copied(of, away))
    gained["the clones themselves"] = _of_policy(away, truth, _own(away, there))
    return [gained[name] for name in ROWS]


def _mean_gain(away: Known, truth: np.ndarray, weights: np.ndarray) -> float:
    if not np.isfinite(weights).all():
        return float("nan")
    each = np.array([transferred(away.case.world, truth, away.case.reward(w)) for w in np.atleast_2d(weights)])
    return float(each.mean())


def _of_policy(away: Known, truth: np.ndarray, policy: np.ndarray) -> float:
    """What a policy gains of what a plan on the truth gains over acting evenly."""
    world = away.case.world
    even = np.full(policy.shape, 1 / policy.shape[1])
    best, got, none = (value_from_start(world, truth, p) for p in (best_policy(world, truth)[0], policy, even))
    return float("nan") if best - none <= 1e-9 * max(abs(best), abs(none)) else float((got - none) / (best - none))


def _commonest(counts: np.ndarray) -> np.ndarray:
    """Of each state the act that was taken most; evenly where none was. [states, acts]"""
    first = np.eye(counts.shape[1])[counts.argmax(axis=1)]
    return np.where(counts.sum(axis=1, keepdims=True) > 0, first, 1 / counts.shape[1])


def _copied(of: Known, away: Known) -> np.ndarray:
    """The commonest acts of the first world in the states of the second; evenly where there were none."""
    policy = np.full(away.case.counts.shape, 1 / away.case.counts.shape[1])
    first = {int(s): i for i, s in enumerate(of.case.seen.states)}
    for i, s in enumerate(away.case.seen.states):
        if int(s) in first:
            policy[i] = _commonest(of.case.counts[first[int(s)]][None])[0]
    return policy


def _own(away: Known, there: Clones) -> np.ndarray:
    """What the same genotypes mostly do there themselves."""
    return _commonest(away.case.counts)


def _identified(here: Clones, there: Clones, of: Known, away: Known) -> tuple[float, float]:
    """One reward of states and acts, planned on softly in both worlds as their minds had them: the rank of what the two
    policies tell, and the error of the reward that follows from them, but for what is free, over its spread."""
    (first, features), (second, _) = own_model(here, of.k), own_model(there, away.k)
    reward = features @ of.weights
    spread = float(reward[:-1].std()) or 1.0
    policies = tuple(soft_policy(world, reward, spread)[0] for world in (first, second))
    found = two_worlds(first, second, (policies[0], policies[1]), spread)
    return float(found.rank), found.error(reward)


def _left(here: Clones, there: Clones, of: Known, away: Known, maps: int) -> tuple[float, float]:
    """Shares of random reward maps that ask for the very same acts: in the one world, and in both."""
    cones = [left_open(ceiling(clones, k)) for clones, k in ((here, of.k), (there, away.k))]
    w = np.random.default_rng(of.replicate).normal(size=(maps, len(of.weights)))
    asks = [(w @ cone.margins.T >= -1e-9 * np.abs(cone.margins).max(initial=0)).all(axis=1) for cone in cones]
    return float(asks[0].mean()), float((asks[0] & asks[1]).mean())


def show(record: Record, values: Mapping[str, Any]) -> Result:
    from mesocosm.findings.verdicts import judge

    if not values["pairs"]:
        return Result("No clone was seen in both worlds, so that nothing can be said of what carries over.", values)
    of = dict(zip(values["rows"], np.array(values["scores"], float), strict=True))
    effect = {CLAIM.name: of["entropy"] - of["copied acts"]}
    findings = judge([CLAIM], effect, record.replicates, int(np.isfinite(of["entropy"]).sum()))
    said = {name: show_mean(x) for name, x in of.items()}
    sentence = (
        f"Planned on in another world, the reward that maximum causal entropy found gains {said['entropy']} of what "
        f"the true one gains (Ng and Russell's {said['Ng-Russell']}); the commonest acts of the old world, copied, "
        f"{said['copied acts']}, random rewards {said['random']}, food alone {said['food only']}, the mean of other "
        f"worlds {said['other worlds']}; what the clones themselves mostly do there, {said['the clones themselves']}."
    )
    sentence += _of_two(values)
    there = [name for name in values["rows"] if np.isfinite(of[name]).any()]
    figure = Strips(
        title="What a reward gains in another world",
        alt="1 as by a plan on the true reward, 0 as by acting evenly; a dot a world.",
        conditions=there,
        y_axis=Axis("share of what can be gained"),
        values=np.array([of[name] for name in there]),
        intervals=[finite_interval(of[name]) for name in there],
        paired=True,
    )
    return Result(sentence, values, tuple(findings), (figure,))


def _of_two(values: Mapping[str, Any]) -> str:
    rank, error = finite(values["rank"]), finite(values["error"])
    text = ""
    if rank.size:
        unknowns = values["unknowns"]
        full, lacking = int((rank == unknowns).sum()), np.median(unknowns - rank)
        text = (
            f" By the minds' own models of two such worlds (no behaviour) soft policies would tell one reward of "
            f"states and acts: of {unknowns} unknown values all "
            f"in {full} of {rank.size} cases (a death that is likelier in one world pins the last constant), all but "
            f"{lacking:g} in the median (states that were never visited); but for that the reward follows with an "
            f"error of {np.median(error):.1g} of its spread."
        )
    one, two = finite(values["open"]), finite(values["open_in_both"])
    if one.size:
        share, both = 100 * one.mean(), 100 * two.mean()
        text += f" Of all reward maps {share:.2g} % ask for the same acts in one world, {both:.2g} % in both."
    return text


ANALYSIS = Analysis(
    "transfer",
    "what a reward that was inferred in one world is worth in another, where its owners were seen too",
    compute,
    show,
    Settings,
    needs=(followed_by("clones", "clones-elsewhere"),),
)
