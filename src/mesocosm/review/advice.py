"""The answer to a plan: its sharpest question, the cheapest decisive experiment, what would refute it, objections.

What is said names what stands in the plan: its claims, treatments, slots, numbers. It begins with the treatment or slot
that the prediction names.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from mesocosm.findings.claim import floor_replicates
from mesocosm.findings.intervals import wilson_interval
from mesocosm.findings.power import power_of, replicates_needed
from mesocosm.review.asking import MENDED_BY, Question, pointed, questions
from mesocosm.review.checks import CHECKS, Objection, objections
from mesocosm.review.design import Design, Planned


@dataclass(frozen=True)
class Review:
    """What an advisor says of a plan.

    Args:
      unsaid: facts that the plan does not give; what rests on them alone was not checked.
      unread: what it says under words that are no facts, or beyond what is read.
      asks: what is asked back, of what is open or wrong.
    """

    name: str
    question: str
    experiment: str
    refutation: str
    objections: list[Objection]
    n_checks: int
    unsaid: list[str]
    unread: list[str]
    asks: list[Question]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        return asdict(self)

    def _open(self) -> list[Question]:
        """What is asked of what is left open; what is wrong stands among the objections."""
        wrong = {MENDED_BY.get(o.check) for o in self.objections}
        return [q for q in self.asks if q.fact not in wrong]

    def words(self) -> str:
        """For a person to read."""
        parts = {
            "The question, sharpened": self.question,
            "The cheapest decisive experiment": self.experiment,
            "What would refute it": self.refutation,
        }
        lines = [f"{self.name}\n"]
        for title, said in parts.items():
            lines += [title, *(f"  {line}" for line in said.splitlines()), ""]
        n = len(self.objections)
        lines.append(f"{n or 'No'} objection{'s' if n != 1 else ''} (of {self.n_checks} checks)")
        for o in self.objections:
            lines.append(f"\n  {o.weight}: {o.check}\n    {o.what}\n    Why: {o.why}")
            lines.append(f"    Mend: {o.change}\n    See: {o.reference}")
        if self._open():
            lines += ["\nI would ask you", *(f"  {k}. {q.words}" for k, q in enumerate(self._open(), start=1))]
        if self.unread:
            lines.append(f"\nSaid, but not checked (known under no such word, or too long): {', '.join(self.unread)}.")
        if self.unsaid:
            lines.append(f"\nNot said, or not read; what rests on it alone was not checked: {', '.join(self.unsaid)}.")
        return "\n".join(lines)


def review(design: Design) -> Review:
    """Read a plan as a good advisor would."""
    return Review(
        design.name,
        _sharpest(design),
        _cheapest(design),
        _refutation(design),
        objections(design),
        len(CHECKS),
        design.unsaid,
        list(design.unread),
        _asks(design),
    )


def _asks(d: Design) -> list[Question]:
    """Of prose the pointed questions alone: `--ask` goes on to what is open."""
    if d.declared is not None:
        return pointed(d)
    return questions(d) if d.texts else []


# -- what the plan is about ------------------------------------------------------------------------------------------


def _lead(d: Design) -> tuple[str, str] | None:
    """The treatment that the prediction names first, and its clause; else the first; None without treatments."""
    arms = [name for name in d.treatments or {} if name not in ("control", "baseline", d.control)]
    clauses = re.split(r"[;.]", d.prediction or "")
    for clause in clauses:
        said = set(_words(clause))
        for name in arms:
            own = _own_words(d, name)
            if own and own <= said:
                return name, clause.strip()
    if not arms:
        return None
    slot = set(_words(arms[0].split(" ")[0].rsplit(".", 1)[-1]))
    return arms[0], next((clause.strip() for clause in clauses if slot <= set(_words(clause))), "")


def _own_words(d: Design, name: str) -> set[str]:
    """The words of what a treatment sets otherwise than its control."""
    arms = d.treatments or {}
    base = arms.get(d.control or "", {})
    changed = [v for k, v in arms[name].items() if base.get(k) != v and isinstance(v, str | list | tuple)]
    return {w for v in changed for text in ([v] if isinstance(v, str) else v) for w in _words(str(text))}


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]{3,}", text.lower())


def _axis(d: Design) -> tuple[str, Any, Any] | None:
    """The slot of a map that the prediction speaks of, else the first, with its two ends."""
    said = " ".join(_words(d.prediction or ""))
    slots = [slot for slot, values in d.axes.items() if len(values) > 1]
    if not slots:
        return None
    named = [s for s in slots if any(w[:4] in said for w in _words(s.rsplit(".", 1)[-1]) if w not in _COMMON)]
    slot = (named or slots)[0]
    return slot, d.axes[slot][0], d.axes[slot][-1]


_COMMON = ("probability", "world", "source", "rate", "number")
"""Words in names of slots that tell nothing apart."""


def _first(d: Design) -> Planned:
    """The claim that decides; where none is declared, what can be made of the rest."""
    what = d.statistic or d.primary or (d.metrics[0] if d.metrics else "the outcome")
    known = d.claims[0] if d.claims else Planned("effect", "mean", d.minimal_effect or 0.0, direction=d.direction)
    is_missing = d.declared is None or any(r.fault == "control" for r in d.readings)
    control = known.control or _in_short(d) or ("a control that is still to be named" if is_missing else "its control")
    return known._replace(sentence=known.sentence or what, statistic=known.statistic or what, control=control)


def _in_short(d: Design) -> str | None:
    """The control in a few words; of prose that gives it in none, `its control`: sentences do not fit into others."""
    is_sentence = d.control is not None and (len(d.control.split()) > 9 or d.control.rstrip().endswith("."))
    return "its control" if is_sentence and d.is_doubtful("control") else d.control


def _plural(unit: str | None) -> str:
    noun = unit or "replicate"
    if noun.endswith(("s", "ria")):
        return noun
    return f"{noun[:-1]}ies" if re.search(r"[^aeiou]y$", noun) else f"{noun}s"


def _counted(d: Design) -> str:
    return f"{d.n} {d.unit or 'replicate'}" if d.n == 1 else f"{d.n or 'the'} {_plural(d.unit)}"


def _amount(claim: Planned) -> str:
    return f"{claim.delta:g} {claim.unit}".strip()


# -- the three answers -----------------------------------------------------------------------------------------------


def _sharpest(d: Design) -> str:
    claim, units = _first(d), _plural(d.unit)
    asked = f"{d.question}\n" if d.question else ""
    if d.minimal_effect is None:
        return (
            f"{asked}Yes or no: does {claim.sentence} differ from {claim.control} - by how much, at least, to matter?"
        )
    if d.is_map and (axis := _axis(d)):
        slot, low, high = axis
        return (
            f"{asked}A map has no yes or no. One has: does {claim.sentence} change by more than {_amount(claim)} "
            f"from {slot} = {low} to {slot} = {high}, all else at its middle value?"
        )
    if d.treatments and (lead := _lead(d)):
        return asked + _between_treatments(d, claim, lead)
    return asked + _between_replicates(d, claim, units)


def _between_treatments(d: Design, claim: Planned, lead: tuple[str, str]) -> str:
    """Is the treatment that the prediction names above its rival, or, where it says so, within the bound?"""
    name, clause = lead
    others = len(d.treatments or ()) - 1 - (d.control in (d.treatments or ()))
    rest = f" The other {others} comparisons are a screen." if others > 1 else ""
    asked, rival = f"Yes or no: on average over {_counted(d)}", f"`{_rival(d, name)}`, on the same seeds?{rest}"
    if re.search(_NULL, clause, re.IGNORECASE):
        return f"{asked}, does {claim.sentence} with `{name}` lie within {_amount(claim)} of that with {rival}"
    return f"{asked}, is {claim.sentence} with `{name}` more than {_amount(claim)} {_side(claim)} that with {rival}"


def _between_replicates(d: Design, claim: Planned, units: str) -> str:
    n = len(d.claims) - 1
    others = f" `{claim.name}` decides; the other {n} say{'s' * (n == 1)} how and why." if n > 0 else ""
    if claim.kind == "fraction":
        return f"Yes or no: {claim.sentence}, each founded on its own?{others}"
    if d.claims and d.claims[0].sentence:  # declared: the statistic is the difference
        bound = f"ln({claim.delta:g})" if claim.kind == "ratio" else _amount(claim)
        sign = "-" if claim.direction < 0 else "" if claim.kind == "ratio" else "+"
        if claim.expects == "equivalent":
            return (
                f"Yes or no: does the mean over independent {units} lie within ±{bound}, of “{claim.statistic}”?"
                f"{others}\nThe control: {claim.control}."
            )
        return (
            f"Yes or no: is the mean over independent {units} {_side(claim)} {sign}{bound}, of “{claim.statistic}”?"
            f"{others}\nThe control: {claim.control}."
        )
    return (
        f"Yes or no: is {claim.statistic}, in the mean over independent {units}, more than {_amount(claim)} "
        f"{_side(claim)} that of {claim.control}?"
    )


def _side(claim: Planned) -> str:
    return "above" if claim.direction > 0 else "below"


def _rival(d: Design, lead: str) -> str:
    """What a treatment is held against: of crossed slots the control of its own slot."""
    controls = (d.control or "a control that is still to be named").split("; ")
    slot = lead.split(" ")[0]
    if len(controls) == 1 or not d.treatments:
        return controls[0]
    slots = list(dict.fromkeys(name.split(" ")[0] for name in d.treatments))
    return controls[slots.index(slot)] if len(slots) == len(controls) else d.control or ""


def _cheapest(d: Design) -> str:
    claim, units = _first(d), _plural(d.unit)
    if d.minimal_effect is None:
        return f"Nothing is decisive yet. A pilot of {floor_replicates()} {units} first: the spread, and what matters."
    if claim.kind == "fraction":
        return _of_fraction(d, claim)
    lines = [_alone(d, claim)]
    lines += _how_many(d, claim)
    if d.n_declared > 1:
        one, all_of_them = floor_replicates(1), floor_replicates(d.n_declared)
        lines.append(
            f"Declared alone its interval is at 95 %, and {one} {units} can reach significance; among "
            f"{d.n_declared} claims it is at {100 * d.confidence:.3g} %, and takes {all_of_them}."
        )
    return "\n".join(lines)


def _alone(d: Design, claim: Planned) -> str:
    """The smallest part of the plan that answers, and what it costs beside the whole."""
    each = f" of {d.length}" if d.length else ""
    if d.is_map and (axis := _axis(d)) and d.cells and d.in_each:
        slot, low, high = axis
        said = f"{slot} at {low} and at {high} alone, the others at their middle value, {d.in_each} seeds each"
        return f"{said}: {2 * d.in_each} cells{each} instead of {d.cells:,}."
    lead = _lead(d)
    if d.treatments and lead and d.cells and d.n:
        rival = _rival(d, lead[0])
        seeds = min(d.in_each or 1, 2)
        return (
            f"`{lead[0]}` against `{rival}` alone, {_counted(d)}, {seeds} seed{'s' * (seeds > 1)}: "
            f"{2 * d.n * seeds:,} cells{each} instead of {d.cells:,}. What counts is {_plural(d.unit)}; "
            "more seeds in each sharpen the table of contexts, little else."
        )
    same = "" if d.is_paired is False else ", on the same seeds"
    what = f"`{lead[0]}`" if lead else f"`{claim.name}`"
    return f"{what} alone, against {claim.control}{same}: {_counted(d)}{each} or fewer, as follows."


def _how_many(d: Design, claim: Planned) -> list[str]:
    """How many units tell twice the smallest effect that matters from it, and what the plan can tell."""
    is_ratio, n = claim.kind == "ratio", d.in_each if d.is_map else d.n
    units = "seeds" if d.is_map else _plural(d.unit)
    delta = math.log(claim.delta) if is_ratio else claim.delta
    if d.effect is not None and d.sd:
        needed = replicates_needed(abs(d.effect), d.sd, delta=delta)
        found = f"{needed:,} {units}" if needed else "no number that can be run"
        return [f"With the effect {abs(d.effect):g} and the spread {d.sd:g} that are expected: {found} for 80 % power."]
    if delta <= 0:
        return [f"{floor_replicates()} {units} as a pilot that tells the spread; then the number that it asks for."]
    worth = 2 * delta
    told = f"a factor of {math.exp(worth):.3g}" if is_ratio else f"{worth:g} {claim.unit}".strip()
    if d.sd:
        needed = replicates_needed(worth, d.sd, delta=delta)
        found = f"{needed:,} {units}" if needed else "no number that can be run"
        return [f"The run showed a spread of {d.sd:.3g}: {found} tell {told} from the smallest effect that matters."]
    counts = [replicates_needed(worth, k * delta, delta=delta) for k in (1, 2, 4)]
    spreads = [f"{k * delta:.3g}" for k in (1, 2, 4)]
    out = [
        f"To tell {told}, twice the smallest effect that matters, from it takes "
        f"{counts[0]}, {counts[1]} or {counts[2]} {units} "
        f"where they differ by a standard deviation of {', '.join(spreads[:2])} or {spreads[2]}"
        f"{' (logarithms)' if is_ratio else ''}."
    ]
    if n and n > 2:
        out.append(f"The {n} that are planned are enough up to a spread of {_widest(delta, n):.2g}.")
    return out


def _widest(delta: float, n: int) -> float:
    """The largest spread at which n units find twice delta above delta in four of five tries."""
    low, high = 0.0, 100.0 * delta
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if power_of(2 * delta, middle, n, delta=delta) >= 0.8 else (low, middle)
    return low


def _of_fraction(d: Design, claim: Planned) -> str:
    n = max(d.n or 0, claim.replicates) or floor_replicates()
    return (
        f"`{claim.name}` alone: {n} {_plural(d.unit)}, each counted as one yes or no; {_bounds(claim, n, d.confidence)}"
    )


def _bounds(claim: Planned, n: int, confidence: float) -> str:
    """How many of n support a fraction, and how many refute it."""
    counts = range(n + 1)
    found = [wilson_interval(k, n, confidence) for k in counts]
    above = [k for k in counts if float(found[k].low) > claim.delta]
    below = [k for k in counts if float(found[k].high) < claim.delta]
    most, least = (f"{above[0]} of {n} or more" if above else ""), (f"{below[-1]} of {n} or fewer" if below else "")
    support, refute = (most, least) if claim.direction > 0 else (least, most)
    return f"{support or 'no outcome'} supports it, {refute or 'no outcome'} refutes it."


def _refutation(d: Design) -> str:
    if d.minimal_effect is None:
        return "Nothing yet: without a smallest effect that matters, every result is compatible with the prediction."
    if d.is_map and (axis := _axis(d)):
        slot, low, high = axis
        claim = _first(d)
        return (
            f"An interval of the difference between {slot} = {low} and {high}, seed by seed, that lies within "
            f"±{_amount(claim)}, or wholly on the other side of 0 than predicted.\n"
            f"Of the whole map: no more of the {d.comparisons} contexts supported than chance gives, "
            f"{math.ceil(0.025 * (d.comparisons or 1))} or so."
        )
    lead = _lead(d)
    if d.treatments and lead:
        return _of_treatment(d, *lead)
    return "\n".join(_of_claim(d, c if d.claims else _first(d)) for c in d.claims or (_first(d),))


_NULL = r"\b(no|not|none|nothing|equivalent|alike|same|as good|indifferent)\b"


def _of_treatment(d: Design, lead: str, clause: str) -> str:
    claim = _first(d)
    difference, units = f"`{lead}` less `{_rival(d, lead)}`", _plural(d.unit)
    said = f"predicted is “{clause}”. " if clause else ""
    if clause and re.search(_NULL, clause, re.IGNORECASE):
        return (
            f"{difference}: {said}Against it: an interval over {units} wholly beyond ±{_amount(claim)}. "
            "For it: only an inner interval (90 %) within; one that merely holds 0 shows nothing."
        )
    bound, other = (claim.delta, -claim.delta) if claim.direction > 0 else (-claim.delta, claim.delta)
    side, beyond = ("below", "below") if claim.direction > 0 else ("above", "above")
    return (
        f"{difference}: {said}Against it: an interval over {units} that ends {side} {bound:+g} {claim.unit}".rstrip()
        + f"; the opposite holds if it ends {beyond} {other:+g}. "
        f"Where it holds on some {units} and not on others, say so by kind, not by the mean."
    )


def _of_claim(d: Design, claim: Planned) -> str:
    name = f"`{claim.name}`: " if len(d.claims) > 1 else ""
    if claim.kind == "fraction":
        n = max(d.n or 0, claim.replicates) or floor_replicates()
        return f"{name}{_bounds(claim, n, d.confidence)}"
    if claim.expects == "equivalent":
        bound = f"a factor of {claim.delta:.3g}" if claim.kind == "ratio" else f"±{_amount(claim)}"
        return (
            f"{name}an interval wholly beyond {bound} is against it; for it is only an inner interval (90 %) within: "
            "one that merely holds 0 shows nothing."
        )
    if claim.kind == "ratio":
        bound, other = (claim.delta, 1 / claim.delta) if claim.direction > 0 else (1 / claim.delta, claim.delta)
        ends = f"ends {'below' if claim.direction > 0 else 'above'} a factor of"
        return f"{name}an interval that {ends} {bound:.3g} is against it, one that {ends} {other:.3g} is the opposite."
    sign = claim.direction
    ends = f"ends {'below' if sign > 0 else 'above'}"
    amount = f" {claim.unit}" if claim.unit else ""
    opposite = f", one that {ends} {-sign * claim.delta:+g} is the opposite" if claim.delta else ""
    return f"{name}an interval that {ends} {sign * claim.delta:+g}{amount} is against it{opposite}."
