"""What do they want? Rewards inferred from behaviour alone, held against those that the genes truly hold.

Clones of the commonest genotype of each world were watched, frozen. Three methods infer what they want; each is scored
by three distances to the truth, each with what it takes for the same (`mesocosm.inverse.distances`), beside rewards
that know nothing of the behaviour, and beside the same method on infinite data of a mind whose model of the world is
known. NumPy and SciPy, no jax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.ecology.clones import clones, events_of_part
from mesocosm.ecology.inferred import Known, baselines, ceiling, followed_by, known, own_model
from mesocosm.findings.claim import Claim
from mesocosm.findings.intervals import finite, finite_interval, show_mean
from mesocosm.findings.outcomes import plain_lists
from mesocosm.inverse.data import memory
from mesocosm.inverse.distances import DISTANCES, FORGETS, starc
from mesocosm.inverse.entropy import max_causal_entropy
from mesocosm.inverse.methods import METHODS, RIDGE, case, left_open, rewards_found, thinned
from mesocosm.minds.parameters import WEIGHTS
from mesocosm.protocol.catalogue import Analysis, Result
from mesocosm.protocol.story import Axis, Curve, Curves, Figure, Strips, Table
from mesocosm.record import Record
from mesocosm.record.configuration import Range

BASELINES = ("random", "food only", "other worlds")
ROWS = (*METHODS, *BASELINES)
SIZES = (30, 100, 300, 1000, 3000, 10_000, 30_000)

CLAIMS = tuple(
    Claim(
        name,
        f"a reward that is inferred from behaviour is nearer to the truth than {words}",
        control=words,
        statistic="distance (STARC) of maximum causal entropy to the true reward, less that of the control",
        delta=0.0,
        direction=-1,
        declared=False,
    )
    for name, words in (("recovered", "a random reward"), ("beyond", "the mean reward of the other worlds"))
)


@dataclass(frozen=True)
class Settings:
    """How often one draws."""

    draws: Annotated[int, Range(1, 1000, "draws")] = 4
    """Of parts of the data, of each size."""
    permutations: Annotated[int, Range(1, 10_000, "permutations")] = 20
    """For the null of what a step of memory tells."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    there, n = clones(record), record.replicates
    scores = np.full((len(ROWS), len(DISTANCES), n), np.nan)
    best, grown = np.full((len(METHODS), len(DISTANCES), n), np.nan), np.full((len(SIZES), n), np.nan)
    found, true = np.full((n, len(WEIGHTS)), np.nan), np.full((n, len(WEIGHTS)), np.nan)
    alone = {name: np.full(n, np.nan) for name in ("open", "memory", "p", "model_gap", "agree", "steps")}
    never_varies, notes = [], []
    for of in known(there):
        r = of.replicate
        scores[:, :, r] = _scores(of)
        grown[:, r] = [_of_part(there, of, size, settings.draws) for size in SIZES]
        fit = max_causal_entropy(of.case.world, of.case.features, of.case.counts, RIDGE)
        found[r], true[r] = fit.weights, of.weights
        never_varies.append(of.case.is_deterministic)
        notes.append(of.case.seen.notes(len(there.stimuli)))
        told = memory(there.episodes[of.k], settings.permutations)
        # What is left of the bias where the relation is broken is taken off.
        alone["memory"][r], alone["p"][r], alone["steps"][r] = told.bits - told.null, told.p, of.case.seen.counts.sum()
        if there.model is not None:
            infinite = ceiling(there, of.k)
            best[:, :, r] = _of_methods(infinite, infinite.reward(of.weights))
            alone["open"][r] = left_open(infinite).share(4000) if there.temperature is None else np.nan
            alone["model_gap"][r] = _model_gap(there, of)
    return {
        "rows": list(ROWS),
        "distances": list(DISTANCES),
        "scores": plain_lists(scores),
        "ceiling": plain_lists(best),
        "sizes": list(SIZES),
        "grown": plain_lists(grown),
        "found": plain_lists(found),
        "true": plain_lists(true),
        **{name: plain_lists(values) for name, values in alone.items()},
        "watched": len(notes),
        "never_varies": int(sum(never_varies)),
        "notes": _counted(notes),
    }


def _scores(of: Known) -> np.ndarray:
    """The distance of each row to the truth, by each measure. [rows, distances]"""
    out = np.full((len(ROWS), len(DISTANCES)), np.nan)
    out[: len(METHODS)] = _of_methods(of.case, of.truth)
    for i, weights in enumerate(baselines(of).values(), len(METHODS)):
        each = [_distances(of.case.world, of.truth, of.case.reward(w)) for w in np.atleast_2d(weights)]
        there = np.isfinite(each).all(axis=1)
        out[i] = np.mean(np.array(each)[there], axis=0) if there.any() else np.nan
    return out


def _of_methods(of: Any, truth: np.ndarray) -> np.ndarray:
    found = rewards_found(of)
    blank = [np.nan] * len(DISTANCES)
    return np.array([_distances(of.world, truth, found[m]) if m in found else blank for m in METHODS])


def _distances(of: Any, truth: np.ndarray, reward: np.ndarray) -> list[float]:
    return [distance(of, truth, reward) for distance in DISTANCES.values()]


def _of_part(there: Any, of: Known, size: int, draws: int) -> float:
    """The mean distance (STARC) of maximum causal entropy on so many steps; NaN where there are fewer."""
    visits = there.visits[of.k]
    if visits.sum() < size:
        return float("nan")
    rng = np.random.default_rng([size, of.replicate])
    out = []
    for _ in range(draws):
        seen = thinned(visits, size, rng)
        events = events_of_part(there.events[of.k], visits, seen, rng)
        part = case(seen, events, there.discount, there.exploration)
        weights = max_causal_entropy(part.world, part.features, part.counts, RIDGE).weights
        out.append(starc(of.case.world, of.truth, of.case.reward(weights)))
    return float(np.nanmean(out)) if np.isfinite(out).any() else float("nan")


def _model_gap(there: Any, of: Known) -> float:
    """How far the mind's own model is from what was counted: total variation of the next state, over all steps."""
    model, _ = own_model(there, of.k)
    visits = there.visits[of.k]
    n = visits.sum(axis=2)
    share = visits / np.maximum(n, 1)[:, :, None]
    apart = np.abs(share - model.transition[:-1]).sum(axis=2) / 2
    return float((n * apart).sum() / n.sum())


def _counted(notes: list[list[str]]) -> list[str]:
    """What was not seen, with how often."""
    kinds = ("nobody died", "never visited", "never tried")
    words = ("nobody died while they were watched", "some states were never visited", "some acts were never tried")
    counts = [sum(any(kind in said for said in of) for of in notes) for kind in kinds]
    return [f"{text} in {n} of {len(notes)}" for n, text in zip(counts, words, strict=True) if n]


def show(record: Record, values: Mapping[str, Any]) -> Result:
    from mesocosm.findings.verdicts import judge

    if not values["watched"]:
        return Result("Nothing was seen of any clone, so that nothing can be said of what it wants.", values)
    scores = np.array(values["scores"], float)[:, values["distances"].index("starc")]  # [rows, replicates]
    of = dict(zip(values["rows"], scores, strict=True))
    effects = {"recovered": of["entropy"] - of["random"], "beyond": of["entropy"] - of["other worlds"]}
    findings = judge(CLAIMS, effects, record.replicates, int(np.isfinite(of["entropy"]).sum()))
    sentence = _sentence(values, of)
    return Result(sentence, values, tuple(findings), _figures(values, of))


def _sentence(values: Mapping[str, Any], of: Mapping[str, np.ndarray]) -> str:
    said = {name: show_mean(x) for name, x in of.items()}
    best = np.array(values["ceiling"], float)[:, values["distances"].index("starc")]
    text = (
        f"From behaviour alone the reward is found at a distance of {said['entropy']} by maximum causal entropy and "
        f"{said['Ng-Russell']} by Ng and Russell's linear programme (STARC: 0 is the same, 1 the opposite; a random "
        f"reward is at {said['random']}, food alone at {said['food only']}, the mean of the other worlds at "
        f"{said['other worlds']}; it forgets {FORGETS['starc']}). Of infinite data, and with the mind's own model, "
        f"they come to {show_mean(best[METHODS.index('entropy')])} and {show_mean(best[METHODS.index('Ng-Russell')])}."
    )
    if values["never_varies"]:
        text += (
            f" {values['never_varies']} of {values['watched']} never take another act (but blindly): of these no "
            "closed form is known, only which rewards ask for the same acts"
        )
        share = finite(values["open"])
        text += f": {100 * share.mean():.2g} % of all reward maps, in the mean." if share.size else "."
    bits, gap = finite(values["memory"]), finite(values["model_gap"])
    if bits.size:
        shown = int((finite(values["p"]) < 0.05).sum())
        text += (
            f" A step of memory would tell {show_mean(bits)} bits more of the next state, less what chance tells: "
            f"apart from none in {shown} of {bits.size} worlds."
        )
    if gap.size:
        text += f" The minds' models are {show_mean(gap)} off what was counted (total variation of a step)."
    return f"{text} Of what was not seen: {'; '.join(values['notes'])}." if values["notes"] else text


def _figures(values: Mapping[str, Any], of: Mapping[str, np.ndarray]) -> tuple[Figure, ...]:
    there = [name for name, x in of.items() if np.isfinite(x).any()]
    said = ", ".join(f"{name} {show_mean(of[name])}" for name in there)
    strips = Strips(
        title="How far from the true reward",
        alt=f"0 is the same, 1 the opposite; a dot a world. {said}.",
        conditions=there,
        y_axis=Axis("distance to the truth (STARC)", "", 0.0, 1.0),
        values=np.array([of[name] for name in there]),
        intervals=[finite_interval(of[name]) for name in there],
        paired=True,
    )
    return strips, _grown(values, of), _table(values)


def _grown(values: Mapping[str, Any], of: Mapping[str, np.ndarray]) -> Curves:
    """How the score of maximum causal entropy grows with the number of steps that were seen."""
    grown = np.array(values["grown"], float)
    kept = np.flatnonzero(np.isfinite(grown).any(axis=1))
    sizes = [f"{values['sizes'][k]:,}" for k in kept]
    bounds = [finite_interval(row) or (float(np.nanmean(row)),) * 3 for row in grown[kept]]
    mean, low, high = (np.array(x) for x in zip(*bounds, strict=True)) if bounds else (np.zeros(0),) * 3
    levels = [(name, of[name][np.isfinite(of[name])]) for name in ("random", "other worlds")]
    level = [Curve(name, np.full(len(sizes), x.mean()), is_control=True) for name, x in levels if x.size]
    said = ", ".join(f"{m:.2f} from {n} steps" for m, n in zip(mean, sizes, strict=True))
    return Curves(
        "How the score grows with data",
        f"Distance of maximum causal entropy to the truth, mean over worlds: {said or 'too few steps'}.",
        sizes,
        Axis("steps that were seen"),
        Axis("distance to the truth (STARC)", "", 0.0, 1.0),
        [Curve("maximum causal entropy", mean, low, high, 2.0), *level],
    )


def _table(values: Mapping[str, Any]) -> Table:
    scores, best = np.array(values["scores"], float), np.array(values["ceiling"], float)
    rows = []
    for i, name in enumerate(values["rows"]):
        told = [show_mean(scores[i, j]) for j in range(len(values["distances"]))]
        told += [show_mean(best[i, j]) for j in range(len(values["distances"]))] if i < len(METHODS) else [""] * 3
        rows.append([name, *told])
    columns = ["", *values["distances"], *(f"{d}, infinite data" for d in values["distances"])]
    return Table("Distances to the truth, means over worlds with 95 % intervals", columns, rows)


ANALYSIS = Analysis(
    "inverse",
    "what they want, inferred from behaviour alone and held against the rewards that their genes truly hold",
    compute,
    show,
    Settings,
    needs=(followed_by("clones"),),
)
