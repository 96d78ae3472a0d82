"""What can be wrong with a plan: functions from a design to a sentence with its numbers, or None where all is well.

None too where the plan does not say what a fault rests on. `checks` says of each why it matters and how it is mended.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from mesocosm.findings.claim import ALPHA, floor_replicates
from mesocosm.findings.power import power_of, replicates_needed, replicates_needed_for_fraction
from mesocosm.review.aims import NOTHING
from mesocosm.review.amounts import number_of
from mesocosm.review.design import Design
from mesocosm.review.wording import caught, word


def told(d: Design, check: str, what: str) -> str | None:
    """The fault of this check as it stands in the words of the plan."""
    learnt = (r.sentence for r in d.readings if r.is_sure and r.fault == check and d.declared is None)
    sentence = caught(d.texts, check) or next(learnt, None)
    return f"{what}: “{sentence}”." if sentence else None


def control(d: Design) -> str | None:
    if not d.control or re.fullmatch(r"\W*(no|none|nothing)\W*", d.control, re.IGNORECASE):
        return "There is no control."
    if re.match(NOTHING, d.control, re.IGNORECASE):
        return f"There is no control (“{d.control}”)."
    return told(d, "control", "There is no control")


def borrowed(d: Design) -> str | None:
    return told(d, "borrowed-baseline", "What it is held against was measured elsewhere")


def minimal_effect(d: Design) -> str | None:
    if d.minimal_effect is None:
        return "It is not said how large an effect must be to matter."
    if d.minimal_effect == 0:
        return "0 is no smallest effect: any difference matters, and none can ever be ruled out."
    return None


def significance(d: Design) -> str | None:
    floor = floor_replicates(d.n_declared)
    if d.n is None or d.n >= floor:
        return None
    return (
        f"n = {d.n}: even if all agree, signs give p = 2^(1 - n) = {2.0 ** (1 - d.n):.3g}, above "
        f"{ALPHA:g}/{d.n_declared} = {ALPHA / d.n_declared:.3g}; at least {floor} are needed."
    )


def power(d: Design) -> str | None:
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


def fraction(d: Design) -> str | None:
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


def leakage(d: Design) -> str | None:
    tested = {_bare(name) for name in d.tested_on}
    if both := sorted(name for name in d.tuned_on if _bare(name) in tested):
        return f"Tuned and tested on the same: {', '.join(both)}."
    for name in d.tuned_on:
        is_test = re.search(
            r"\b(?:test|evaluation|held[- ]?out|the same|all (?:of )?(?:them|the data))\b", name, re.IGNORECASE
        )
        if is_test and not re.search(r"\b(?:not|no|never|without|other than|before)\b", name, re.IGNORECASE):
            return f"Tuned on what it is tested on (“{name}”)."
    return told(d, "tuned-on-test", "What is tested had a part in the choice")


def _bare(name: str) -> str:
    return re.sub(r"\W+", " ", name).strip().lower()


def tuning(d: Design) -> str | None:
    return _unequal(d.tuning, "tuning trials") or told(d, "unequal-tuning", "One side is tuned, the other is not")


def _unequal(values: object, noun: str) -> str | None:
    if not isinstance(values, dict) or len(values) < 2:
        return None
    least, most = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if values[least] == values[most]:
        return None
    return f"{most} has {values[most]:g} {noun}, {least} has {values[least]:g}."


_SAME = r"\b(?:one|1|a single|the same)\s+(?:{whole})\b"


def replication(d: Design) -> str | None:
    """What is counted lives in something that was founded or trained once; or there are fewer of those than n."""
    if d.unit:
        shared = re.search(_SAME.format(whole=word("whole").pattern), d.unit, re.IGNORECASE)
        if shared and not re.search(r"\b(?:per|each|every|for|a) (?:one|1|the same)\b", d.unit, re.IGNORECASE):
            return f"The unit is the {d.unit}: all of {shared[0]} agree by it."
        if is_part(d.unit):
            return f"The unit is the {d.unit}: many of them share one world or one training, and agree by it."
    if d.worlds is not None and d.n is not None and d.n > d.worlds:
        return f"n = {d.n} out of {d.worlds} that are independent: those of one agree by it."
    is_sure = not d.is_doubtful("n")  # else it is asked
    if is_sure and d.n and (founded := _founded(d)) and 2 * founded[0] < d.n:
        return f"n = {d.n} out of “{founded[1]}”: those of one agree by it."
    if is_sure and d.n and d.n > 1 and (counted := _counted_parts(d)):
        return f"n = {d.n} is the number of “{counted}”: many of them share one world or one training."
    is_spared = word("averaged", spared=True).search(". ".join(text for _, text in d.texts))
    said = None if is_spared else told(d, "pseudo-replication", "What is counted is not independent")
    rival = rival_count(d) if said else None
    return f"Are the {rival} your replicates, or the {d.n} {d.unit}? {said}" if rival else said


def rival_count(d: Design) -> str | None:
    """Of prose: what lives within something and is said to be counted, too; None where n is declared."""
    if not d.n or not d.is_doubtful("n"):
        return None
    part = re.compile(
        rf"\b(?:n ?=|sample size of|over|test\w* (?:over|of)) (?:the |all )?"
        rf"(?P<what>[\d,]+ (?:\w+ )?(?:{word('part').pattern}))\b",
        re.IGNORECASE,
    )
    found = part.search(". ".join(text for _, text in d.texts))
    return found["what"] if found else None


def _founded(d: Design) -> tuple[int, str] | None:
    """The most that a plan says are founded on their own, where its unit is something else; None where none is told."""
    whole, averaged = word("whole").pattern, word("averaged", spared=True)
    plan = ". ".join(text for heading, text in d.texts if heading not in ("question", "prediction", "unit"))
    if averaged.search(plan) or (d.unit and word("whole").search(d.unit)):
        return None
    spared = r"(?!\s*(?:pilot|thrown|for each|in each|per))"
    found = re.finditer(rf"\b(\w[\w,]*) (?:[a-z]+ )?(?:{whole})\b{spared}", plan, re.IGNORECASE)
    told = [(n, match[0]) for match in found if (n := number_of(match[1]))]
    return max(told, default=None)


def _counted_parts(d: Design) -> str | None:
    """What of a plan's words is as many as n, and lives within something."""
    as_many = re.compile(
        rf"\b(?:{d.n}|{d.n:,}) (?:\w+ )?(?:{word('part').pattern})\b(?! (?:{word('whole').pattern})\b)", re.IGNORECASE
    )
    plan = ". ".join(text for _, text in d.texts)
    found = as_many.search(plan)
    return found[0] if found and not word("averaged", spared=True).search(plan) else None


def is_part(unit: str) -> bool:
    """Whether a unit is something within a world: by the noun that it is called, before `of`, `in` or a comma."""
    clause = r"[,;:(]|\b(?:of|in|from|at|within|per|on|that|which|with|after|over|across|each)\b"
    nouns = re.findall(r"[a-z]+", re.split(clause, unit, maxsplit=1)[0].lower())
    whole, part = word("whole"), word("part")
    heads = [" ".join(nouns[-k:]) for k in (2, 1) if len(nouns) >= k]
    if any(whole.fullmatch(head) for head in heads):
        return False
    is_brought_together = re.search(r"\b(?:mean|average|median|total|sum|share|fraction)\b", unit, re.IGNORECASE)
    return any(part.fullmatch(head) for head in heads) or bool(part.search(unit) and not is_brought_together)


def same_as_control(d: Design) -> str | None:
    """A treatment that sets what its control sets."""
    arms = d.treatments or {}
    control = _control_of(d)
    treated = next((text for heading, text in d.texts if heading in ("treatment", "intervention")), None)
    if d.control and treated and _bare(treated) == _bare(d.control):
        return f"Treatment and control are both “{d.control}”: it is compared with itself."
    if control is None:
        return told(d, "control-is-treatment", "It is compared with itself")
    if len(arms) == 1:
        return f"{control} is the only treatment, and its own control."
    for name, own in arms.items():
        if name != control and _meant(own) == _meant(arms[control]):
            return f"{name} sets what its control {control} sets: it is compared with itself."
    return told(d, "control-is-treatment", "It is compared with itself")


def _control_of(d: Design) -> str | None:
    """Which of the treatments is the control: by its name, or as the one that the control's words name."""
    arms = d.treatments or {}
    if (plain := next((k for k in arms if k in ("control", "baseline", "default", d.control)), None)) is not None:
        return plain
    said = f" {_bare(d.control or '')} "
    named = [name for name in arms if f" {_bare(name)} " in said]
    return named[0] if len(named) == 1 else None


def _meant(settings: Mapping[str, Any]) -> str:
    """Settings with equal numbers alike: 64 and 64.0."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(k): plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [plain(v) for v in value]
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return float(value) if is_whole and abs(value) < 2**53 else value

    return json.dumps(plain(settings), sort_keys=True, default=str)


def comparisons(d: Design) -> str | None:
    n = d.comparisons or 0
    is_corrected = bool(d.correction) and not re.match(NOTHING, d.correction or "", re.IGNORECASE)
    is_corrected = is_corrected and not told_of_each(d.correction or "")
    if n >= 2 and not is_corrected:
        chance = 100 * (1 - 0.95**n)
        return f"{n} comparisons without correction: with no effect anywhere one is found {chance:.0f} % of the time."
    if is_corrected:
        return None
    arms = len(d.treatments or ()) - 1
    if d.comparisons is None and d.texts and arms >= 3:
        return f"{arms} treatments are held against one control, and it is not said how that is paid for."
    return told(d, "multiple-comparisons", "Several tests, and none is paid for")


def told_of_each(correction: str) -> bool:
    """Whether what is called a correction is the level of each test by itself."""
    each = r"\b(?:each|every|uncorrected|unadjusted|separately|individually|nominal|t-?tests?)\b|p ?<|0?\.05\b|\b5 ?%"
    return bool(re.search(each, correction, re.IGNORECASE)) and not word("corrected").search(correction)


def saturation(d: Design) -> str | None:
    if d.baseline is None:
        return told(d, "saturated-metric", "There is no room to differ")
    room = d.minimal_effect or 0.0
    if d.ceiling is not None and d.ceiling - d.baseline <= room:
        return f"The control reaches {d.baseline:g} of {d.ceiling:g}: there is no room for {room:g} more."
    if d.floor is not None and d.baseline - d.floor <= room and (d.effect or 0.0) < 0:
        return f"The control is at {d.baseline:g}, the scale ends at {d.floor:g}: there is no room for {room:g} less."
    return told(d, "saturated-metric", "There is no room to differ")


def survivorship(d: Design) -> str | None:
    if d.lost and d.lost[0]:
        return f"{d.lost[0]} of {d.lost[1]} replicates have no value: the mean speaks of the others alone."
    return told(d, "survivorship", "Replicates that fail are lost to the count")


def extrapolation(d: Design) -> str | None:
    if d.measured is None or d.claimed is None:
        return told(d, "extrapolation", "Spoken of beyond what is measured")
    (low, high), (wanted_low, wanted_high) = d.measured, d.claimed
    if low <= wanted_low and wanted_high <= high:
        return None
    decades = math.log10(high / low) if low > 0 and high > 0 else 0.0
    return (
        f"Measured from {low:g} to {high:g} ({decades:.1f} decades), spoken of from {wanted_low:g} to {wanted_high:g}."
    )


def budget(d: Design) -> str | None:
    return _unequal(d.budget, d.budget_unit or "of the budget") or told(d, "unequal-budget", "One side has more")


def stopping(d: Design) -> str | None:
    return told(d, "optional-stopping", "Replicates are added by what is seen")


def early_looks(d: Design) -> str | None:
    is_planned = re.search(r"sequential|spending|o.?brien|pocock|interim", d.correction or "", re.IGNORECASE)
    if is_planned:
        return None
    if not d.looks or d.looks == 1:  # the one look is that which judges
        return told(d, "looked-at-during-tuning", "The outcome is looked at before it is judged")
    return f"The outcome is looked at {d.looks} times, and only the last look judges it."


def data_sets(d: Design) -> str | None:
    if d.data_sets != 1:
        return told(d, "one-data-set", "Nothing is said of another") if d.data_sets is None else None
    return "One data set: however many seeds, nothing is said of another."


def seeds(d: Design) -> str | None:
    if len(set(d.seeds)) < len(d.seeds):
        return f"{len(d.seeds)} seeds, of which {len(set(d.seeds))} are different: the rest are copies."
    if shared := sorted(set(d.seeds) & set(d.tuning_seeds)):
        return f"Seeds {', '.join(map(str, shared[:5]))} served to tune and serve again to judge."
    return told(d, "shared-seeds", "Copies of one run are one run")


def pairing(d: Design) -> str | None:
    return "Treatment and control have different seeds." if d.is_paired is False else None


def primary(d: Design) -> str | None:
    if len(d.metrics) < 2 or d.primary in d.metrics:
        return None
    return f"{len(d.metrics)} metrics ({', '.join(d.metrics)}), and none is named as the one that decides."


def confounded(d: Design) -> str | None:
    arms = d.treatments or {}
    base = arms.get(_control_of(d) or "")
    if base is None:
        return told(d, "confounded", "Two things change together")
    for name, own in arms.items():
        changed = sorted(k for k in own.keys() | base.keys() if own.get(k) != base.get(k))
        if len(changed) > 1:
            return f"{name} differs from its control in {len(changed)} things at once: {', '.join(changed)}."
    return told(d, "confounded", "Two things change together")


def regression(d: Design) -> str | None:
    return told(d, "regression-to-the-mean", "The extreme are measured again")


def units(d: Design) -> str | None:
    if not d.own_budgets:
        return None
    told = ", ".join(f"{name} has {own}" for name, own in d.own_budgets.items())
    return f"{told}; the others have {d.length or d.budget_unit}. Which of them is more is not said."


def few_seeds(d: Design) -> str | None:
    if d.in_each is None or d.cells is None or d.in_each >= 3 or d.cells == d.n:
        return None
    width = {1: "no interval at all", 2: "an interval 18 times as wide as their spread"}
    return f"{d.in_each} seed{'s' * (d.in_each > 1)} in each context: {width.get(d.in_each, 'no interval at all')}."


def tasks_of_one_kind(d: Design) -> str | None:
    """Tasks that differ in a number alone are draws of one generator."""
    stems: dict[str, int] = {}
    for name in d.tasks:
        if found := re.fullmatch(r"(.*?)[-_]?\d+", name):
            stems[found[1]] = stems.get(found[1], 0) + 1
    stem, n = max(stems.items(), key=lambda item: item[1], default=("", 0))
    if n < 3 or 4 * n < len(d.tasks):
        return None
    return f"{n} of {len(d.tasks)} tasks ({stem}) are draws of one generator: that they agree says little."
