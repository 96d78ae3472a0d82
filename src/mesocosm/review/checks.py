"""What a reviewer would object to. A check is a function from a design to a sentence, or None where all is well.

Each stands with why it matters, a reference and the change that mends it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mesocosm.findings.claim import ALPHA, floor_replicates
from mesocosm.findings.power import power_of, replicates_needed, replicates_needed_for_fraction
from mesocosm.review.design import Design

Weight = Literal["fatal", "serious", "minor"]


@dataclass(frozen=True)
class Check:
    """One objection that a plan can meet.

    Args:
      weight: fatal: nothing can be concluded; serious: another explanation is open; minor: the result says less.
      of: from a design to what is wrong with it, with numbers; None where nothing is, or the plan does not tell.
    """

    name: str
    weight: Weight
    why: str
    reference: str
    change: str
    of: Callable[[Design], str | None]


@dataclass(frozen=True)
class Objection:
    """What is wrong with one plan."""

    check: str
    weight: Weight
    what: str
    why: str
    reference: str
    change: str


def objections(design: Design) -> list[Objection]:
    """All objections to a plan, the gravest first."""
    found = [(c, said) for c in CHECKS if (said := c.of(design))]
    order = ("fatal", "serious", "minor")
    return [
        Objection(c.name, c.weight, said, c.why, c.reference, c.change)
        for c, said in sorted(found, key=lambda pair: order.index(pair[0].weight))
    ]


def _question(d: Design) -> str | None:
    if not d.question:
        return "No question is stated."
    if re.match(r"\s*(explore|investigate|study|look at|what happens)\b", d.question, re.IGNORECASE):
        return f"“{d.question}” can be answered by anything that happens."
    return None


def _prediction(d: Design) -> str | None:
    return None if d.prediction else "No outcome is predicted, so none can surprise."


def _control(d: Design) -> str | None:
    if not d.control or d.control.strip().lower() in ("none", "no", "nothing"):
        return "There is no control."
    return None


def _minimal_effect(d: Design) -> str | None:
    if d.minimal_effect is None:
        return "It is not said how large an effect must be to matter."
    if d.minimal_effect == 0:
        return "0 is no smallest effect: any difference matters, and none can ever be ruled out."
    return None


def _significance(d: Design) -> str | None:
    floor = floor_replicates(d.n_declared)
    if d.n is None or d.n >= floor:
        return None
    return (
        f"n = {d.n}: even if all agree, signs give p = 2^(1 - n) = {2.0 ** (1 - d.n):.3g}, above "
        f"{ALPHA:g}/{d.n_declared} = {ALPHA / d.n_declared:.3g}; at least {floor} are needed."
    )


def _power(d: Design) -> str | None:
    """At the effect and spread that are expected; where they are not said, a whole standard deviation above delta."""
    if d.n is None or (d.claims and all(c.kind == "fraction" for c in d.claims)):
        return None
    delta = d.minimal_effect or 0.0
    is_said = d.effect is not None and d.sd is not None and d.sd > 0
    effect, sd = (abs(d.effect or 0.0), d.sd or 1.0) if is_said else (1.0, 1.0)
    delta = delta if is_said else 0.0
    if is_said and effect <= delta:
        return (
            f"The expected effect {effect:g} is not above {delta:g}, the smallest that matters: no support is expected."
        )
    needed = replicates_needed(effect, sd, d.confidence, delta)
    if needed is not None and d.n >= needed:
        return None
    chance = power_of(effect, sd, d.n, d.confidence, delta) if d.n > 1 else 0.0
    seen = f"an effect of {effect:g} with spread {sd:g}" if is_said else "an effect of a whole standard deviation"
    wanted = f"{needed} are needed for 80 %" if needed else "no number that can be run would do"
    return f"n = {d.n}: {seen} is found {100 * chance:.0f} % of the time; {wanted}."


def _fraction(d: Design) -> str | None:
    for c in d.claims:
        if c.kind != "fraction" or d.n is None or not 0 < c.delta < 1:
            continue
        n, stated = max(d.n, c.replicates), c.delta
        needed = replicates_needed_for_fraction(1.0, stated, d.confidence)
        if needed is not None and n < needed:
            return (
                f"`{c.name}`: were it true in all {n}, the interval at {100 * d.confidence:g} % would still reach "
                f"below {stated:g}; {needed} are needed."
            )
    return None


def _leakage(d: Design) -> str | None:
    both = sorted(set(d.tuned_on) & set(d.tested_on))
    return f"Tuned and tested on the same: {', '.join(both)}." if both else None


def _tuning(d: Design) -> str | None:
    return _unequal(d.tuning, "tuning trials")


def _unequal(values: object, noun: str) -> str | None:
    if not isinstance(values, dict) or len(values) < 2:
        return None
    least, most = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if values[least] == values[most]:
        return None
    return f"{most} has {values[most]:g} {noun}, {least} has {values[least]:g}."


_WITHIN = ("agent", "tick", "step", "image", "example", "episode", "body", "bodies", "generation", "frame", "creature")


def _replication(d: Design) -> str | None:
    inside = d.unit and next((w for w in _WITHIN if re.search(rf"\b{w}s?\b", d.unit, re.IGNORECASE)), None)
    return (
        f"The unit is the {d.unit}: many of them share one world or one training, and agree by it." if inside else None
    )


def _comparisons(d: Design) -> str | None:
    n = d.comparisons or 0
    if n < 2 or (d.correction and d.correction.strip().lower() not in ("none", "no")):
        return None
    chance = 100 * (1 - 0.95**n)
    return f"{n} comparisons without correction: with no effect anywhere one is found {chance:.0f} % of the time."


def _saturation(d: Design) -> str | None:
    if d.baseline is None:
        return None
    room = d.minimal_effect or 0.0
    if d.ceiling is not None and d.ceiling - d.baseline <= room:
        return f"The control reaches {d.baseline:g} of {d.ceiling:g}: there is no room for {room:g} more."
    if d.floor is not None and d.baseline - d.floor <= room and (d.effect or 0.0) < 0:
        return f"The control is at {d.baseline:g}, the scale ends at {d.floor:g}: there is no room for {room:g} less."
    return None


def _survivorship(d: Design) -> str | None:
    if d.lost and d.lost[0]:
        return f"{d.lost[0]} of {d.lost[1]} replicates have no value: the mean speaks of the others alone."
    if d.failures and re.search(r"\b(drop|dropped|exclud\w*|ignor\w*|replac\w*|rerun|discard\w*)", d.failures, re.I):
        return f"Replicates that fail are lost to the count (“{d.failures}”)."
    return None


def _extrapolation(d: Design) -> str | None:
    if d.measured is None or d.claimed is None:
        return None
    (low, high), (wanted_low, wanted_high) = d.measured, d.claimed
    if low <= wanted_low and wanted_high <= high:
        return None
    decades = math.log10(high / low) if low > 0 and high > 0 else 0.0
    return (
        f"Measured from {low:g} to {high:g} ({decades:.1f} decades), spoken of from {wanted_low:g} to {wanted_high:g}."
    )


def _budget(d: Design) -> str | None:
    return _unequal(d.budget, d.budget_unit or "of the budget")


def _stopping(d: Design) -> str | None:
    if d.stopping and re.search(
        r"\b(until|significan\w*|supported|converge\w*|looks? good)\b", d.stopping, re.IGNORECASE
    ):
        return f"Replicates are added by what is seen (“{d.stopping}”)."
    return None


def _looking(d: Design) -> str | None:
    if not d.looks:
        return None
    return f"The outcome is looked at {d.looks} {'time' if d.looks == 1 else 'times'} before the plan is fixed."


def _data_sets(d: Design) -> str | None:
    if d.data_sets != 1:
        return None
    return "One data set: however many seeds, nothing is said of another."


def _seeds(d: Design) -> str | None:
    if len(set(d.seeds)) < len(d.seeds):
        return f"{len(d.seeds)} seeds, of which {len(set(d.seeds))} are different: the rest are copies."
    if shared := sorted(set(d.seeds) & set(d.tuning_seeds)):
        return f"Seeds {', '.join(map(str, shared[:5]))} served to tune and serve again to judge."
    return None


def _pairing(d: Design) -> str | None:
    return "Treatment and control have different seeds." if d.is_paired is False else None


def _primary(d: Design) -> str | None:
    if len(d.metrics) < 2 or d.primary in d.metrics:
        return None
    return f"{len(d.metrics)} metrics ({', '.join(d.metrics)}), and none is named as the one that decides."


def _confounded(d: Design) -> str | None:
    arms = d.treatments or {}
    base = next((v for k, v in arms.items() if k in ("control", "baseline", "default", d.control)), None)
    if base is None:
        return None
    for name, own in arms.items():
        changed = sorted(k for k in own.keys() | base.keys() if own.get(k) != base.get(k))
        if len(changed) > 1:
            return f"{name} differs from its control in {len(changed)} things at once: {', '.join(changed)}."
    return None


def _units(d: Design) -> str | None:
    if not d.own_budgets:
        return None
    told = ", ".join(f"{name} has {own}" for name, own in d.own_budgets.items())
    return f"{told}; the others have {d.length or d.budget_unit}. Which of them is more is not said."


def _few_seeds(d: Design) -> str | None:
    if d.in_each is None or d.cells is None or d.in_each >= 3 or d.cells == d.n:
        return None
    width = {1: "no interval at all", 2: "an interval 18 times as wide as their spread"}
    return f"{d.in_each} seed{'s' * (d.in_each > 1)} in each context: {width.get(d.in_each, 'no interval at all')}."


def _kin(d: Design) -> str | None:
    """Tasks that differ in a number alone are draws of one generator."""
    stems: dict[str, int] = {}
    for name in d.tasks:
        if found := re.fullmatch(r"(.*?)[-_]?\d+", name):
            stems[found[1]] = stems.get(found[1], 0) + 1
    stem, n = max(stems.items(), key=lambda item: item[1], default=("", 0))
    if n < 3 or 4 * n < len(d.tasks):
        return None
    return f"{n} of {len(d.tasks)} tasks ({stem}) are draws of one generator: that they agree says little."


def _several(d: Design) -> str | None:
    parts = [part for part in re.split(r";", d.prediction or "") if part.strip()]
    if len(parts) < 2 or len(d.claims) > 1:
        return None
    return f"{len(parts)} predictions in one sentence, one minimal effect: it is not said which of them decides."


_SIGN = (
    r"\b(above|below|higher|lower|more|less|fewer|larger|smaller|faster|slower|better|worse|beats?|exceeds?|rises?|falls?|"
    r"grows?|shrinks?|increases?|decreases?|positive|negative|keeps?|kept|lost|becomes?|fades?|helps?|hurts?|equivalent|"
    r"differs?|no|not|equal|is|are|converges?|circles)\b"
)


def _sign(d: Design) -> str | None:
    if not d.prediction or re.search(_SIGN, d.prediction, re.IGNORECASE):
        return None
    return f"“{d.prediction}” does not say which way."


CHECKS: tuple[Check, ...] = (
    Check(
        "question",
        "serious",
        "A question that every outcome answers is not tested by any.",
        "J. R. Platt, Strong inference, Science 146, 1964",
        "Ask what can be answered by yes or no: does A exceed B by at least delta?",
        _question,
    ),
    Check(
        "prediction",
        "serious",
        "An explanation found after the result fits it whatever it is.",
        "N. L. Kerr, HARKing, Personality and Social Psychology Review 2, 1998",
        'Write `prediction = "..."` with its sign, before the run.',
        _prediction,
    ),
    Check(
        "control",
        "fatal",
        "Drift, time and the machinery alone also change things; only a control tells how much.",
        "M. A. Bedau and N. H. Packard, Measurement of evolutionary activity, Artificial Life II, 1991",
        'Name one that differs in the cause alone: `control = "the shadow genome"`, shuffled labels, frozen bodies.',
        _control,
    ),
    Check(
        "minimal-effect",
        "serious",
        "Without it any difference becomes significant with enough replicates, and none can be ruled out.",
        "D. Lakens, Equivalence tests, Social Psychological and Personality Science 8, 2017",
        "Set `minimal_effect` to the smallest difference that would change what you do.",
        _minimal_effect,
    ),
    Check(
        "cannot-be-significant",
        "fatal",
        "The test has no outcome that would count, so the run is spent for nothing.",
        "E. S. Edgington and P. Onghena, Randomization Tests, 2007",
        "Start at least the number of replicates named, or declare fewer claims.",
        _significance,
    ),
    Check(
        "too-few-replicates",
        "serious",
        "Most true effects would be missed, and those that are found are exaggerated.",
        "K. S. Button et al., Power failure, Nature Reviews Neuroscience 14, 2013",
        "Start the number named, measure more precisely, or ask for a larger effect.",
        _power,
    ),
    Check(
        "fraction-out-of-reach",
        "serious",
        "A claim that not even a perfect outcome would support is decided before the run.",
        "E. B. Wilson, Journal of the American Statistical Association 22, 1927",
        "Start the number named, state a lower fraction, or say for how many `replicates` the claim is stated.",
        _fraction,
    ),
    Check(
        "tuned-on-test",
        "fatal",
        "What was chosen by the test data is no longer tested by them.",
        "S. Kapoor and A. Narayanan, Leakage and the reproducibility crisis, Patterns 4, 2023",
        "Tune on other data; open the test once, at the end.",
        _leakage,
    ),
    Check(
        "unequal-tuning",
        "serious",
        "More trials alone win: the maximum of many is larger than that of few.",
        "J. Dodge et al., Show your work, EMNLP 2019",
        "Give every treatment, the control included, the same number of trials.",
        _tuning,
    ),
    Check(
        "pseudo-replication",
        "fatal",
        "Parts of one world are not independent: n is inflated, and intervals are too narrow many times over.",
        "S. H. Hurlbert, Pseudoreplication, Ecological Monographs 54, 1984",
        "Count independently founded worlds, trainings or data sets; average within them first.",
        _replication,
    ),
    Check(
        "multiple-comparisons",
        "serious",
        "Among many tests some are positive by chance alone.",
        "S. Holm, Scandinavian Journal of Statistics 6, 1979",
        'Declare one, or write `correction = "holm"`; for a screen or a map Benjamini and Hochberg.',
        _comparisons,
    ),
    Check(
        "saturated-metric",
        "serious",
        "At the end of its scale a metric cannot show a difference, whatever the treatments do.",
        "S. Bowman and G. Dahl, What will it take to fix benchmarking?, NAACL 2021",
        "Choose a harder task, or an earlier point of the curve.",
        _saturation,
    ),
    Check(
        "survivorship",
        "fatal",
        "If a treatment kills, its survivors look better than the treatment is.",
        "A. Wald, A method of estimating plane vulnerability, 1943",
        "Count every replicate that was started; give success rate first, then the mean of those that succeed.",
        _survivorship,
    ),
    Check(
        "extrapolation",
        "serious",
        "Laws that agree over a decade part beyond it.",
        "A. Clauset, C. R. Shalizi and M. E. J. Newman, SIAM Review 51, 2009",
        "Measure where you want to speak, or hold out the largest scale and report the error there.",
        _extrapolation,
    ),
    Check(
        "unequal-budget",
        "serious",
        "The side with more examples, steps or seconds may win by them.",
        "D. Choi et al., On empirical comparisons of optimizers, arXiv:1910.05446",
        "Give each the same budget in the unit that decides, and report the others.",
        _budget,
    ),
    Check(
        "optional-stopping",
        "fatal",
        "To add replicates until a claim holds, and to stop then, makes any claim hold in the end.",
        "J. P. Simmons, L. D. Nelson and U. Simonsohn, Psychological Science 22, 2011",
        "Fix the number before the run; to go on, found a new run with fresh seeds and report both.",
        _stopping,
    ),
    Check(
        "looked-at-during-tuning",
        "serious",
        "Each look at the outcome lets choices follow it, without anybody meaning to.",
        "A. Gelman and E. Loken, The statistical crisis in science, American Scientist 102, 2014",
        "Tune on runs that are thrown away; look once.",
        _looking,
    ),
    Check(
        "one-data-set",
        "serious",
        "Methods change places from one data set to the next; n is the number of data sets.",
        "J. Demšar, Journal of Machine Learning Research 7, 2006",
        "Take several sets that differ in what matters, or name the set in the claim.",
        _data_sets,
    ),
    Check(
        "shared-seeds",
        "fatal",
        "Copies of one run are one run; seeds that were used to choose favour what was chosen.",
        "X. Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys 2021",
        "Let all seeds be different, and take fresh ones to judge.",
        _seeds,
    ),
    Check(
        "not-paired",
        "minor",
        "Common seeds take out what worlds differ by; without them the same answer costs several times as many.",
        "A. M. Law, Simulation Modeling and Analysis, 2015 (common random numbers)",
        "Give treatment and control the same seeds (`paired = true`).",
        _pairing,
    ),
    Check(
        "no-primary-metric",
        "serious",
        "Whichever metric turns out well can be called the one that counted.",
        "J. P. Simmons, L. D. Nelson and U. Simonsohn, Psychological Science 22, 2011",
        'Name it before the run: `primary = "..."`; the others are exploratory.',
        _primary,
    ),
    Check(
        "confounded",
        "serious",
        "If two things change together, neither can be called the cause.",
        "R. A. Fisher, The Design of Experiments, 1935",
        "Change one thing at a time, or cross them.",
        _confounded,
    ),
    Check(
        "budgets-of-two-kinds",
        "serious",
        "Seconds buy more on another machine, steps do not: who has more is decided by the hardware.",
        "D. Choi et al., On empirical comparisons of optimizers, arXiv:1910.05446",
        "Label the row with its budget, and report what all have cost in one unit (cpu_seconds, flops).",
        _units,
    ),
    Check(
        "few-seeds-in-each-context",
        "minor",
        "The mean over contexts can be sound while no single context can be spoken of.",
        "X. Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys 2021",
        "Name no best and no worst context, or take at least 5 seeds in each.",
        _few_seeds,
    ),
    Check(
        "tasks-of-one-kind",
        "minor",
        "Draws of one generator differ less than what they stand for: the interval over tasks is too narrow.",
        "J. Demšar, Journal of Machine Learning Research 7, 2006",
        "Tell the effect on each kind apart, or count the generator once (`cluster`).",
        _kin,
    ),
    Check(
        "several-predictions",
        "minor",
        "Of several predictions one comes true more easily, and that one is then told.",
        "J. P. Simmons, L. D. Nelson and U. Simonsohn, Psychological Science 22, 2011",
        "Name the one that decides first; put the others into studies of their own, or claims with their own bounds.",
        _several,
    ),
    Check(
        "prediction-without-a-sign",
        "serious",
        "A prediction that any difference fulfils is tested by none.",
        "P. E. Meehl, Theory-testing in psychology and physics, Philosophy of Science 34, 1967",
        "Say which is above which.",
        _sign,
    ),
)
