"""What a reviewer would object to: each fault with why it matters, a reference, and the change that mends it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mesocosm.review import aims, faults
from mesocosm.review.design import Design
from mesocosm.review.pointed import SAID, check_of, objection

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
    order = ("fatal", "serious", "minor")
    weighed: list[tuple[Weight, Check, str]]
    weighed = [(c.weight, c, said) for c in CHECKS if design.declared is None and (said := c.of(design))]
    weighed += _of_prose(design) if design.declared is not None else []
    return [
        Objection(c.name, weight, said, c.why, c.reference, c.change)
        for weight, c, said in sorted(weighed, key=lambda row: order.index(row[0]))
    ]


def _of_prose(design: Design) -> list[tuple[Weight, Check, str]]:
    """What lines of their own declare, with its weight; what was read surely from sentences is at most serious."""
    lines, out = design.in_lines(), []
    read = {check_of(r): r for r in design.readings if r.is_sure and SAID[r.fault].fact not in design.answered}
    if lines.unit and not faults.is_part(lines.unit):
        read.pop("pseudo-replication", None)
    speaks = sum(len(_WORD.findall(text)) for _, text in design.texts) >= _FEW_WORDS
    for check in CHECKS:
        is_silent = speaks and check.name in _SAID_BY and getattr(lines, _SAID_BY[check.name]) is None
        if not is_silent and (said := check.of(lines)):
            out.append((check.weight, check, said))
        elif check.name in read:
            weight: Weight = "minor" if check.weight == "minor" else "serious"
            out.append((weight, check, objection(read[check.name], design)))
    return out


_SAID_BY = {
    **{name: name for name in ("question", "prediction", "control")},
    "minimal-effect": "minimal_effect",
}
"""Objections to what is not said; of prose they are left to the reader, as there are many ways to say it."""
_WORD, _FEW_WORDS = re.compile(r"[A-Za-z]{2,}"), 20
"""Words that the reader knows of, and in how few nobody says all that a plan needs: their silence is silence."""


CHECKS: tuple[Check, ...] = (
    Check(
        "question",
        "serious",
        "A question that every outcome answers is not tested by any.",
        "J. R. Platt, Strong inference, Science 146, 1964",
        "Ask what can be answered by yes or no: does A exceed B by at least delta?",
        aims.question,
    ),
    Check(
        "prediction",
        "serious",
        "An explanation found after the result fits it whatever it is.",
        "N. L. Kerr, HARKing, Personality and Social Psychology Review 2, 1998",
        'Write `prediction = "..."` with its sign, before the run.',
        aims.prediction,
    ),
    Check(
        "control",
        "fatal",
        "Drift, time and the machinery alone also change things; only a control tells how much.",
        "M. A. Bedau and N. H. Packard, Measurement of evolutionary activity, Artificial Life II, 1991",
        'Name one that differs in the cause alone: `control = "the shadow genome"`, shuffled labels, frozen bodies.',
        faults.control,
    ),
    Check(
        "borrowed-baseline",
        "serious",
        "Another machine, code and tuning differ too: the difference may be theirs.",
        "J. Pineau et al., Improving reproducibility in machine learning research, JMLR 22, 2021",
        "Run it again beside yours, in the same harness and on the same seeds.",
        faults.borrowed,
    ),
    Check(
        "minimal-effect",
        "serious",
        "Without it any difference becomes significant with enough replicates, and none can be ruled out.",
        "D. Lakens, Equivalence tests, Social Psychological and Personality Science 8, 2017",
        "Set `minimal_effect` to the smallest difference that would change what you do.",
        faults.minimal_effect,
    ),
    Check(
        "cannot-be-significant",
        "fatal",
        "The test has no outcome that would count, so the run is spent for nothing.",
        "E. S. Edgington and P. Onghena, Randomization Tests, 2007",
        "Start at least the number of replicates named, or declare fewer claims.",
        faults.significance,
    ),
    Check(
        "too-few-replicates",
        "serious",
        "Most true effects would be missed, and those that are found are exaggerated.",
        "K. S. Button et al., Power failure, Nature Reviews Neuroscience 14, 2013",
        "Start the number named, measure more precisely, or ask for a larger effect.",
        faults.power,
    ),
    Check(
        "fraction-out-of-reach",
        "serious",
        "A claim that not even a perfect outcome would support is decided before the run.",
        "E. B. Wilson, Journal of the American Statistical Association 22, 1927",
        "Start the number named, state a lower fraction, or say for how many `replicates` the claim is stated.",
        faults.fraction,
    ),
    Check(
        "tuned-on-test",
        "fatal",
        "What was chosen by the test data is no longer tested by them.",
        "S. Kapoor and A. Narayanan, Leakage and the reproducibility crisis, Patterns 4, 2023",
        "Tune on other data; open the test once, at the end.",
        faults.leakage,
    ),
    Check(
        "unequal-tuning",
        "serious",
        "More trials alone win: the maximum of many is larger than that of few.",
        "J. Dodge et al., Show your work, EMNLP 2019",
        "Give every treatment, the control included, the same number of trials.",
        faults.tuning,
    ),
    Check(
        "pseudo-replication",
        "fatal",
        "Parts of one world are not independent: n is inflated, and intervals are too narrow many times over.",
        "S. H. Hurlbert, Pseudoreplication, Ecological Monographs 54, 1984",
        "Count independently founded worlds, trainings or data sets; average within them first.",
        faults.replication,
    ),
    Check(
        "multiple-comparisons",
        "serious",
        "Among many tests some are positive by chance alone.",
        "S. Holm, Scandinavian Journal of Statistics 6, 1979",
        'Declare one, or write `correction = "holm"`; for a screen or a map Benjamini and Hochberg.',
        faults.comparisons,
    ),
    Check(
        "saturated-metric",
        "serious",
        "At the end of its scale a metric cannot show a difference, whatever the treatments do.",
        "S. Bowman and G. Dahl, What will it take to fix benchmarking?, NAACL 2021",
        "Choose a harder task, or an earlier point of the curve.",
        faults.saturation,
    ),
    Check(
        "survivorship",
        "fatal",
        "If a treatment kills, its survivors look better than the treatment is.",
        "A. Wald, A method of estimating plane vulnerability, 1943",
        "Count every replicate that was started; give success rate first, then the mean of those that succeed.",
        faults.survivorship,
    ),
    Check(
        "extrapolation",
        "serious",
        "Laws that agree over a decade part beyond it.",
        "A. Clauset, C. R. Shalizi and M. E. J. Newman, SIAM Review 51, 2009",
        "Measure where you want to speak, or hold out the largest scale and report the error there.",
        faults.extrapolation,
    ),
    Check(
        "unequal-budget",
        "serious",
        "The side with more examples, steps or seconds may win by them.",
        "D. Choi et al., On empirical comparisons of optimizers, arXiv:1910.05446",
        "Give each the same budget in the unit that decides, and report the others.",
        faults.budget,
    ),
    Check(
        "optional-stopping",
        "fatal",
        "To add replicates until a claim holds, and to stop then, makes any claim hold in the end.",
        "J. P. Simmons, L. D. Nelson and U. Simonsohn, Psychological Science 22, 2011",
        "Fix the number before the run; to go on, found a new run with fresh seeds and report both.",
        faults.stopping,
    ),
    Check(
        "looked-at-during-tuning",
        "serious",
        "Each look at the outcome lets choices follow it, without anybody meaning to.",
        "A. Gelman and E. Loken, The statistical crisis in science, American Scientist 102, 2014",
        "Tune on runs that are thrown away; look once.",
        faults.early_looks,
    ),
    Check(
        "one-data-set",
        "serious",
        "Methods change places from one data set to the next; n is the number of data sets.",
        "J. Demšar, Journal of Machine Learning Research 7, 2006",
        "Take several sets that differ in what matters, or name the set in the claim.",
        faults.data_sets,
    ),
    Check(
        "shared-seeds",
        "fatal",
        "Copies of one run are one run; seeds that were used to choose favour what was chosen.",
        "X. Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys 2021",
        "Let all seeds be different, and take fresh ones to judge.",
        faults.seeds,
    ),
    Check(
        "not-paired",
        "minor",
        "Common seeds take out what worlds differ by; without them the same answer costs several times as many.",
        "A. M. Law, Simulation Modeling and Analysis, 2015 (common random numbers)",
        "Give treatment and control the same seeds (`paired = true`).",
        faults.pairing,
    ),
    Check(
        "no-primary-metric",
        "serious",
        "Whichever metric turns out well can be called the one that counted.",
        "J. P. Simmons, L. D. Nelson and U. Simonsohn, Psychological Science 22, 2011",
        'Name it before the run: `primary = "..."`; the others are exploratory.',
        faults.primary,
    ),
    Check(
        "control-is-treatment",
        "fatal",
        "A thing compared with itself differs by noise alone, whatever it does.",
        "R. A. Fisher, The Design of Experiments, 1935",
        "Let the control differ from the treatment in the cause that is asked about, and in nothing else.",
        faults.same_as_control,
    ),
    Check(
        "confounded",
        "serious",
        "If two things change together, neither can be called the cause.",
        "R. A. Fisher, The Design of Experiments, 1935",
        "Change one thing at a time, or cross them.",
        faults.confounded,
    ),
    Check(
        "regression-to-the-mean",
        "serious",
        "What was chosen for being extreme is less so when it is measured again, whatever was done to it.",
        "A. G. Barnett, J. C. van der Pols and A. J. Dobson, International Journal of Epidemiology 34, 2005",
        "Choose twice as many, and leave a half drawn at random untreated: it returns to the mean, too.",
        faults.regression,
    ),
    Check(
        "budgets-of-two-kinds",
        "serious",
        "Seconds buy more on another machine, steps do not: who has more is decided by the hardware.",
        "D. Choi et al., On empirical comparisons of optimizers, arXiv:1910.05446",
        "Label the row with its budget, and report what all have cost in one unit (cpu_seconds, flops).",
        faults.units,
    ),
    Check(
        "few-seeds-in-each-context",
        "minor",
        "The mean over contexts can be sound while no single context can be spoken of.",
        "X. Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys 2021",
        "Name no best and no worst context, or take at least 5 seeds in each.",
        faults.few_seeds,
    ),
    Check(
        "tasks-of-one-kind",
        "minor",
        "Draws of one generator differ less than what they stand for: the interval over tasks is too narrow.",
        "J. Demšar, Journal of Machine Learning Research 7, 2006",
        "Tell the effect on each kind apart, or count the generator once (`cluster`).",
        faults.tasks_of_one_kind,
    ),
    Check(
        "several-predictions",
        "minor",
        "Of several predictions one comes true more easily, and that one is then told.",
        "J. P. Simmons, L. D. Nelson and U. Simonsohn, Psychological Science 22, 2011",
        "Name the one that decides first; put the others into studies of their own, or claims with their own bounds.",
        aims.several_predictions,
    ),
    Check(
        "prediction-without-a-sign",
        "serious",
        "A prediction that any difference fulfils is tested by none.",
        "P. E. Meehl, Theory-testing in psychology and physics, Philosophy of Science 34, 1967",
        "Say which is above which.",
        aims.prediction_without_a_sign,
    ),
)
