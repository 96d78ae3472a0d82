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
from mesocosm.review.design import Design


def question(d: Design) -> str | None:
    if not d.question:
        return "No question is stated."
    if re.match(r"\s*(explore|investigate|study|look at|what happens)\b", d.question, re.IGNORECASE):
        return f"“{d.question}” can be answered by anything that happens."
    return None


def prediction(d: Design) -> str | None:
    return None if d.prediction else "No outcome is predicted, so none can surprise."


def control(d: Design) -> str | None:
    if not d.control or d.control.strip().lower() in ("none", "no", "nothing"):
        return "There is no control."
    return None


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
    both = sorted(set(d.tuned_on) & set(d.tested_on))
    return f"Tuned and tested on the same: {', '.join(both)}." if both else None


def tuning(d: Design) -> str | None:
    return _unequal(d.tuning, "tuning trials")


def _unequal(values: object, noun: str) -> str | None:
    if not isinstance(values, dict) or len(values) < 2:
        return None
    least, most = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if values[least] == values[most]:
        return None
    return f"{most} has {values[most]:g} {noun}, {least} has {values[least]:g}."


_WITHIN = (
    r"agents?|ticks?|(time )?steps?|images?|examples?|samples?|episodes?|bod(y|ies)|generations?|frames?|creatures?|"
    r"bacteri(um|a)|microbes?|organisms?|animals?|individuals?|boids?|ants?|insects?|cells?|predators?|prey|hosts?|"
    r"parasites?|plants?|robots?|particles?|genes?|genomes?|genotypes?|clones?|lineages?|offspring|births?|deaths?|"
    r"mutations?|encounters?|matches|neurons?|synapses?|weights?|pixels?|tokens?|words?|sentences?|(mini)?batch(es)?|"
    r"epochs?|windows?|measurements?|rows?|time points?"
)
_SAME = r"\b(one|1|a single|the same)\s+(world|run|population|training|dish|colony|simulation|culture|seed|lineage)\b"


def replication(d: Design) -> str | None:
    """What is counted lives in something that was founded or trained once; or there are fewer of those than n."""
    if d.unit and (shared := re.search(_SAME, d.unit, re.IGNORECASE)):
        return f"The unit is the {d.unit}: all of {shared[0]} agree by it."
    if d.unit and re.match(rf"(the |an? |each |single )*({_WITHIN})\b", d.unit.strip(), re.IGNORECASE):
        return f"The unit is the {d.unit}: many of them share one world or one training, and agree by it."
    if d.worlds is not None and d.n is not None and d.n > d.worlds:
        return f"n = {d.n} out of {d.worlds} that are independent: those of one agree by it."
    return None


def same_as_control(d: Design) -> str | None:
    """A treatment that sets what its control sets."""
    arms = d.treatments or {}
    control = next((k for k in arms if k in ("control", "baseline", "default", d.control)), None)
    if control is None:
        return None
    if len(arms) == 1:
        return f"{control} is the only treatment, and its own control."
    for name, own in arms.items():
        if name != control and _meant(own) == _meant(arms[control]):
            return f"{name} sets what its control {control} sets: it is compared with itself."
    return None


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
    if n < 2 or (d.correction and d.correction.strip().lower() not in ("none", "no")):
        return None
    chance = 100 * (1 - 0.95**n)
    return f"{n} comparisons without correction: with no effect anywhere one is found {chance:.0f} % of the time."


def saturation(d: Design) -> str | None:
    if d.baseline is None:
        return None
    room = d.minimal_effect or 0.0
    if d.ceiling is not None and d.ceiling - d.baseline <= room:
        return f"The control reaches {d.baseline:g} of {d.ceiling:g}: there is no room for {room:g} more."
    if d.floor is not None and d.baseline - d.floor <= room and (d.effect or 0.0) < 0:
        return f"The control is at {d.baseline:g}, the scale ends at {d.floor:g}: there is no room for {room:g} less."
    return None


def survivorship(d: Design) -> str | None:
    if d.lost and d.lost[0]:
        return f"{d.lost[0]} of {d.lost[1]} replicates have no value: the mean speaks of the others alone."
    if d.failures and re.search(r"\b(drop|dropped|exclud\w*|ignor\w*|replac\w*|rerun|discard\w*)", d.failures, re.I):
        return f"Replicates that fail are lost to the count (“{d.failures}”)."
    return None


def extrapolation(d: Design) -> str | None:
    if d.measured is None or d.claimed is None:
        return None
    (low, high), (wanted_low, wanted_high) = d.measured, d.claimed
    if low <= wanted_low and wanted_high <= high:
        return None
    decades = math.log10(high / low) if low > 0 and high > 0 else 0.0
    return (
        f"Measured from {low:g} to {high:g} ({decades:.1f} decades), spoken of from {wanted_low:g} to {wanted_high:g}."
    )


def budget(d: Design) -> str | None:
    return _unequal(d.budget, d.budget_unit or "of the budget")


def stopping(d: Design) -> str | None:
    if d.stopping and re.search(
        r"\b(until|significan\w*|supported|converge\w*|looks? good)\b", d.stopping, re.IGNORECASE
    ):
        return f"Replicates are added by what is seen (“{d.stopping}”)."
    return None


def early_looks(d: Design) -> str | None:
    is_planned = re.search(r"sequential|spending|o.?brien|pocock|interim", d.correction or "", re.IGNORECASE)
    if not d.looks or d.looks == 1 or is_planned:  # the one look is that which judges
        return None
    return f"The outcome is looked at {d.looks} times, and only the last look judges it."


def data_sets(d: Design) -> str | None:
    if d.data_sets != 1:
        return None
    return "One data set: however many seeds, nothing is said of another."


def seeds(d: Design) -> str | None:
    if len(set(d.seeds)) < len(d.seeds):
        return f"{len(d.seeds)} seeds, of which {len(set(d.seeds))} are different: the rest are copies."
    if shared := sorted(set(d.seeds) & set(d.tuning_seeds)):
        return f"Seeds {', '.join(map(str, shared[:5]))} served to tune and serve again to judge."
    return None


def pairing(d: Design) -> str | None:
    return "Treatment and control have different seeds." if d.is_paired is False else None


def primary(d: Design) -> str | None:
    if len(d.metrics) < 2 or d.primary in d.metrics:
        return None
    return f"{len(d.metrics)} metrics ({', '.join(d.metrics)}), and none is named as the one that decides."


def confounded(d: Design) -> str | None:
    arms = d.treatments or {}
    base = next((v for k, v in arms.items() if k in ("control", "baseline", "default", d.control)), None)
    if base is None:
        return None
    for name, own in arms.items():
        changed = sorted(k for k in own.keys() | base.keys() if own.get(k) != base.get(k))
        if len(changed) > 1:
            return f"{name} differs from its control in {len(changed)} things at once: {', '.join(changed)}."
    return None


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


def several_predictions(d: Design) -> str | None:
    parts = [part for part in re.split(r";", d.prediction or "") if part.strip()]
    if len(parts) < 2 or len(d.claims) > 1:
        return None
    return f"{len(parts)} predictions in one sentence, one minimal effect: it is not said which of them decides."


_SIGN = (
    r"\b(above|below|higher|lower|more|less|fewer|larger|smaller|faster|slower|better|worse|beats?|exceeds?|rises?|falls?|"
    r"grows?|shrinks?|increases?|decreases?|positive|negative|keeps?|kept|lost|becomes?|fades?|helps?|hurts?|equivalent|"
    r"differs?|no|not|equal|is|are|converges?|circles)\b"
)


def prediction_without_a_sign(d: Design) -> str | None:
    declares_none = bool(d.claims) and d.claims[0].expects == "equivalent"
    if not d.prediction or declares_none or re.search(_SIGN, d.prediction, re.IGNORECASE):
        return None
    return f"“{d.prediction}” does not say which way."
