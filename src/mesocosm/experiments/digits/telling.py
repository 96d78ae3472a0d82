"""The page of a search for a learning rule: how far it came, beside every rival, and what the rule does. No jax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mesocosm.experiments.digits.declaration import is_in_domain
from mesocosm.protocol.blocks import Block, OverTime, Told, at_the_end
from mesocosm.protocol.kept import analysis_of
from mesocosm.protocol.story import Axis, Curve, Curves, Section, Strips, Table
from mesocosm.rivals.learners import CEILING, is_by_gradient

_MEANS = "class mean"


def over_time(told: Told) -> Section | None:
    """The accuracy after the last number of examples, over the generations."""
    last = OverTime((told.measures[-1].name,), "Over the generations", "The centre of each search, never its luckiest.")
    return last(told)


def examined(part: Callable[[dict[str, Any]], Section], needs: str) -> Block:
    """A block of what was worked out after the run; nothing where that lacks what it needs."""

    def block(told: Told) -> Section | None:
        found = analysis_of(told.record)
        return None if found is None or needs not in found else part(found)

    return block


def against(told: Told) -> Section:
    """Every rival on the same tasks; or that none was asked for."""
    found = analysis_of(told.record)
    if found is None:
        text = "Nothing was worked out of this run (analysis = False): no claim is judged, no rival stands beside."
        return Section("Against every rival", text)
    section = _against(found)
    if is_in_domain(told.record):
        text = "In-domain: trained on other images of the same classes; not comparable with graded tables."
        return replace(section, text=f"{section.text} {text}")
    return section


def _drawn(rivals: dict[str, list[float]]) -> list[str]:
    """Class means, and the best at the end of each sort of rival: many lines would be a tangle."""
    sorts = (
        [f for f in rivals if is_by_gradient(f)],
        [f for f in rivals if not is_by_gradient(f) and f not in CEILING and f != _MEANS],
        [f for f in rivals if f in CEILING],
    )
    best = [max(sort, key=lambda f: rivals[f][-1]) for sort in sorts if sort]
    return [*(f for f in rivals if f == _MEANS), *best]


def _against(found: dict[str, Any]) -> Section:
    """Accuracy against examples: every baseline in the table, those that say most on the same axes."""
    rules = np.array([row for row in found["rules"] if row is not None], float).reshape(-1, len(found["shown"]))
    rivals: dict[str, list[float]] = found["rivals"]
    lines = [Curve("founder", np.array(found["founder"]), is_control=True)]
    if len(rules):
        middle = np.median(rules, axis=0)
        lines.insert(0, Curve("evolved (worst to best)", middle, rules.min(0), rules.max(0), 2.0))
    names = {f: f"{f} (ceiling)" if f in CEILING else f for f in rivals}
    lines += [Curve(names[f], np.array(rivals[f]), weight=0.2) for f in _drawn(rivals)]
    best = max(rivals, key=lambda f: rivals[f][-1])
    said = f"the evolved rule {100 * np.median(rules[:, -1]):.1f} %, " if len(rules) else ""
    alt = f"After {found['shown'][-1]} examples: {said}the best rival, {best}, {100 * rivals[best][-1]:.1f} %."
    categories = [str(n) for n in found["shown"]]
    axes = Axis("examples shown"), Axis("accuracy", "", 0.0, 1.0)
    figure = Curves("Accuracy on the same held-out tasks", alt, categories, *axes, lines)
    columns = ["learner", *(f"after {n}" for n in found["shown"])]
    rows = [["evolved, median", *_percent(np.median(rules, axis=0))]] if len(rules) else []
    rows += [["founder", *_percent(found["founder"])], *([f, *_percent(v)] for f, v in rivals.items())]
    text = (
        "All on the same tasks; drawn are class means and the best of those that learn example by example, of the "
        "others, and of the ceilings. Rivals have for each number of examples the setting that was best on other tasks "
        "of the same kind. The founder is the genome that every search began with, without its noise."
    )
    return Section("Against every rival", text, [figure, Table("Accuracy in per cent", columns, rows)])


def _percent(values: Any) -> list[float]:
    return [round(100 * float(v), 1) for v in values]


def _searches(found: dict[str, Any]) -> Section:
    ends = np.array([np.nan if row is None else row[-1] for row in found["rules"]])
    controls = [np.full(ends.size, found[name][-1]) for name in ("founder", "class mean")]
    alt = f"{int(np.sum(ends > controls[0]))} of {ends.size} searches end above their founder."
    axis = Axis(f"accuracy after {found['shown'][-1]}")
    names = ["evolved", "founder", "class mean"]
    return Section(
        "Search by search",
        "",
        [Strips("Evolved and controls", alt, names, axis, np.stack([ends, *controls]), paired=True)],
    )


def _does(found: dict[str, Any]) -> Section:
    """Mixed partials, the formula, ablations."""
    rows = []
    for name, formula in found["formula"].items():
        skew = found["mixed partials"][name]
        rows.append([name, "no slopes" if skew is None else round(skew, 3), formula["text"], *_shares(formula["r2"])])
    r2 = found["formula"]["rule"]["r2"][-1]
    verdict = (
        f"A formula of three terms explains {100 * r2:.0f} % of its changes."
        if r2 >= 0.9
        else f"No short formula was found: the best of three terms explains {100 * max(r2, 0):.0f} % of its changes."
    )
    skew = found["mixed partials"]["rule"]
    gradient = (
        "Its changes do not depend on other strengths: trivially a gradient."
        if skew is None
        else f"Its changes are {'no gradient of anything' if skew > 0.05 else 'close to a gradient'}: the slopes of "
        f"changes on strengths are {100 * skew:.0f} % antisymmetric."
    )
    columns = ["rule", "|J - J'| / |J + J'|", "formula", "R2 of 1 term", "of 2", "of 3"]
    whole = found["audit"]["rule"]["accuracy"]
    parts = [
        ["whole", round(100 * whole, 1)],
        *([f"without {p}", round(100 * v, 1)] for p, v in found["without"].items()),
    ]
    text = (
        f"The rule of the median search ({found['median']}), on 8x8 digits. {gradient} {verdict} In formulas w is the "
        "strength, f the message before it, y the label (0 or 1), p its probability, e = y - p."
    )
    ablations = Table("Accuracy after 50 examples without one of its parts, in per cent", ["", "accuracy"], parts)
    return Section("What the rule does", text, [Table("Changes of strengths", columns, rows), ablations])


def _shares(r2: Sequence[float]) -> list[float]:
    return [round(max(v, -1.0), 3) for v in r2]


def _assumes(found: dict[str, Any]) -> Section:
    names = list(found["audit"])
    words = {
        "accuracy": "after 50 examples",
        "worst_class": "worst class",
        "inverted_test": "tested on inverted contrast",
        "inverted_all": "taught and tested on inverted contrast",
        "label_noise": "a fifth of the labels random",
        "first_answer": "share of the most frequent answer before anything is shown",
    }
    audit = [[word, *(round(100 * found["audit"][n][key], 1) for n in names)] for key, word in words.items()]
    lost = {"first": "A after A", "after_other": "A after B", "again": "A after A again"}
    forgetting = [[word, *(round(100 * found["forgetting"][n][key], 1) for n in names)] for key, word in lost.items()]
    return Section(
        "What it assumes, what it forgets",
        "8x8 digits, in per cent. B is A with other pixels and other names; 50 examples each.",
        [Table("Prior audit", ["", *names], audit), Table("A, then B, then A again", ["", *names], forgetting)],
    )


def _elsewhere(found: dict[str, Any]) -> Section:
    names = ["rule", "founder", "class mean"]
    rows = [[row["where"], *(round(100 * row[n], 1) for n in names)] for row in found["elsewhere"]]
    table = Table("Accuracy after 50 examples, in per cent", ["", *names], rows)
    return Section("Elsewhere", "The same genome in other nets and on other data.", [table])


BLOCKS = (
    over_time,
    against,
    examined(_searches, "rules"),
    examined(_does, "median"),
    examined(_assumes, "median"),
    examined(_elsewhere, "median"),
    at_the_end,
)

__all__ = ["BLOCKS"]
