"""The answer to a plan: its sharpest question, the cheapest decisive experiment, what would refute it, objections."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mesocosm.findings.claim import floor_replicates
from mesocosm.findings.power import replicates_needed
from mesocosm.review.checks import CHECKS, Objection, objections
from mesocosm.review.design import Design


@dataclass(frozen=True)
class Review:
    """What an advisor says of a plan.

    Args:
      unsaid: facts that the plan does not give; what rests on them alone was not checked.
    """

    name: str
    question: str
    experiment: str
    refutation: str
    objections: list[Objection]
    n_checks: int
    unsaid: list[str]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def words(self) -> str:
        """For a person to read."""
        lines = [f"{self.name}\n"]
        lines += [f"The question, sharpened\n  {self.question}\n", f"The cheapest experiment\n  {self.experiment}\n"]
        lines += [f"What would refute it\n  {self.refutation}\n"]
        n = len(self.objections)
        lines.append(f"{n or 'No'} objection{'s' if n != 1 else ''} (of {self.n_checks} checks)")
        for o in self.objections:
            lines.append(f"\n  {o.weight}: {o.check}\n    {o.what}\n    Why: {o.why}")
            lines.append(f"    Mend: {o.change}\n    See: {o.reference}")
        if self.unsaid:
            lines.append(f"\nNot said, so what rests on it was not checked: {', '.join(self.unsaid)}.")
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
    )


def _effect(d: Design) -> tuple[str, str, str]:
    """(what is compared, how much is enough, with what), in words."""
    what = d.statistic or d.primary or (d.metrics[0] if d.metrics else "the outcome")
    if d.minimal_effect is None:
        enough = "by an amount that is still to be named"
    elif d.claims and d.claims[0][1] == "ratio":
        enough = f"by a factor of more than {d.minimal_effect:g}"
    else:
        enough = f"by more than {d.minimal_effect:g}"
    return what, enough, d.control or "a control that is still to be named"


def _sharpest(d: Design) -> str:
    what, enough, control = _effect(d)
    asked = f"{d.question} As a yes or no: does" if d.question else "Does"
    return f"{asked} it ({what}) differ from {control} {enough}, over independent replicates?"


def _cheapest(d: Design) -> str:
    """One claim, one control, and as many replicates as decide it."""
    floor = floor_replicates(1)
    _, enough, control = _effect(d)
    if d.effect is not None and d.sd:
        needed = replicates_needed(abs(d.effect), d.sd, delta=d.minimal_effect or 0.0)
        n = (
            f"{needed} replicates (80 % power for {abs(d.effect):g} with spread {d.sd:g})"
            if needed
            else f"{floor} replicates"
        )
    else:
        needed = replicates_needed(1.0, 1.0)
        n = (
            f"{floor} replicates as a pilot that tells the spread, thrown away afterwards; then the number that it "
            f"asks for ({needed} if the effect is a whole standard deviation above what matters)"
        )
    first = f"One claim alone (`{d.claims[0][0]}`), " if d.claims else "One claim alone, "
    return f"{first}{control} with the same seeds, {enough}: {n}."


def _refutation(d: Design) -> str:
    if d.minimal_effect is None:
        return "Nothing yet: without a smallest effect that matters, every result is compatible with the prediction."
    kind = d.claims[0][1] if d.claims else "mean"
    if kind == "fraction":
        return f"An interval of the fraction that lies wholly beyond {d.minimal_effect:g} on the other side."
    low, within = ("1 / ", "a factor of ") if kind == "ratio" else ("-", "±")
    return (
        f"An interval wholly below {low}{d.minimal_effect:g} (the effect is there, the other way), or its inner "
        f"interval within {within}{d.minimal_effect:g} (there is none that matters)."
    )
