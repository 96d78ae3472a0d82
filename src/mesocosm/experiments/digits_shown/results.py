"""What a run of the benchmark says: the short table, and the report. Nothing is claimed of replicates: they are shares.

The statistic is a paired difference on identical streams, with a hierarchical bootstrap over rules and streams.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mesocosm.protocol.blocks import Told
from mesocosm.protocol.declaration import Summary
from mesocosm.protocol.story import Axis, Curve, Curves, Section, Table
from mesocosm.record import Record
from mesocosm.rivals.learners import CEILING, TRAININGS, budgets, is_by_gradient
from mesocosm.rivals.table import NOT_ASKED, Difference, Shown, differences, grade, kinds, openings, seeing, shown_of

_DRAWN = 5
"""Online rivals in the figure: the best ones at the last number of examples."""


def summarise(record: Record) -> Summary:
    c = record.header["configuration"]
    columns = ("learner", *(f"after {n}" for n in c["shown"]))
    if not record.log("answers")["hits"].size:
        return Summary("No stream was finished.", columns)
    found = shown_of(record)
    rows = [(name, *map(float, rule.mean(axis=0))) for name, rule in zip(c["rules"], found.rules, strict=True)]
    rows += [(family, *map(float, values.mean(axis=0))) for family, values in found.families.items()]
    notes = (
        _setting(record, found),
        *(_words(kind, differences(found, kind)) for kind in kinds(found)),
        *_notes(record, found),
    )
    return Summary(_sentence(record, found), columns, rows, [], tuple(note for note in notes if note))


def accuracy(told: Told) -> Section | None:
    """One figure and one table of all learners."""
    record, found = told.record, _shown(told)
    if found is None:
        return None
    c = record.header["configuration"]
    net = "-".join(str(n) for n in (c["side"] ** 2, *c["hidden"], c["classes"]))
    text = (
        f"Nets of {net} neurons. Accuracy on images that nobody learns from, the state of every learner frozen. All "
        "learners meet the same streams. Settings of rivals are chosen for each n on validation streams, never on the "
        "test."
    )
    return Section("Accuracy against examples shown", text, [_figure(record, found), _table(record, found)])


def paired(told: Told) -> Section | None:
    found = _shown(told)
    return None if found is None else Section("Paired differences", _PAIRED, [_differences(found)])


def tuning(told: Told) -> Section | None:
    found = _shown(told)
    return None if found is None else Section("How rivals were tuned", _TUNED, [_settings(found)])


def _shown(told: Told) -> Shown | None:
    """What all learners answered; None where no stream was finished."""
    return shown_of(told.record) if told.record.log("answers")["hits"].size else None


BLOCKS = (accuracy, paired, tuning)

_PAIRED = (
    "Rules less the best rival of a kind on identical streams, in points; the interval is a hierarchical bootstrap "
    "over rules, then streams. A ceiling stores every example and is blind to pixels; it is none for rules that see."
)
_TUNED = (
    "Online rivals choose a rate of eight values over three and a half decades, the initial scale of their hidden "
    "level, and whether inputs are also centred by their running mean."
)


def _sentence(record: Record, found: Shown) -> str:
    """The answer: who names how many after the last number of examples."""
    n, rules, (best, right) = int(found.shown[-1]), record.header["configuration"]["rules"], _best(found)
    own = 100 * float(found.rules[:, :, -1].mean())
    who = f"{rules[0]} names" if len(rules) == 1 else f"{len(rules)} rules name"
    return f"After {n} {'example' if n == 1 else 'examples'} {who} {own:.0f} %, the best rival, {best}, {right:.0f} %."


def _best(found: Shown) -> tuple[str, float]:
    """The rival that names most after the last number of examples, and how many per cent."""
    best = max(found.families, key=lambda family: found.families[family][:, -1].mean())
    return best, 100 * float(found.families[best][:, -1].mean())


def _setting(record: Record, found: Shown) -> str:
    """On what, how often, and against whom: those that took part."""
    c = record.header["configuration"]
    name = c.get("file") or c["data"]
    tracks = {"digits8": "in-domain", "validation": "validation"}
    track = "data of your own" if c.get("file") else tracks.get(c["data"], "graded")
    pixels = ", pixels shuffled" if c["permuted"] else ""
    graded = grade(found)
    return (
        f"{name} at {c['side']}x{c['side']}{pixels}, {c['stream']} ({track}); {found.rules.shape[1]} streams, in "
        f"{record.replicates} shares. Rivals that took part: {', '.join(found.families)}."
        + ("" if graded == NOT_ASKED else f" The grade is: {graded}.")
    )


def _words(kind: str, told: Sequence[Difference]) -> str:
    if not told:
        return ""
    each = (f"n = {d.n}: {_points(d)} to {d.rival} (worst rule {_signed(d.worst)})" for d in told)
    return f"Points to the best {kind}. " + "; ".join(each) + "."


def _points(d: Difference) -> str:
    return f"{_signed(d.mean)} [{_signed(d.low)}, {_signed(d.high)}]"


def _signed(share: float) -> str:
    """In points, with the sign that is a minus."""
    return f"{100 * share:+.1f}".replace("-", "\N{MINUS SIGN}")


def _notes(record: Record, found: Shown) -> tuple[str, ...]:
    c = record.header["configuration"]
    tuned_on, settings = c["tuned_on"], _budgets(c)
    streams = found.rules.shape[1]
    effort = ", ".join(f"{name} {made['examples']:,}" for name, made in c["made"].items())
    notes = [
        f"Budget of rivals: {sum(settings.values())} settings in {len(settings)} families, each on {streams} "
        f"validation streams of {max(tuned_on['shown'])} examples.",
        f"Budget of rules, genomes x examples of meta-training: {effort}.",
    ]
    if c.get("spatial"):
        steps = max(steps for _, steps in TRAININGS)
        notes.append(f"Budget of rivals with trained features: {steps} steps of 120 Omniglot images at most.")
    if max(c["shown"]) > max(tuned_on["shown"]):
        notes.append(f"Beyond {max(tuned_on['shown'])} examples rivals keep the setting that was best there.")
    if c["final"]:
        notes.append(f"The meta-test on {c['data']} was opened {openings(record)} times in this folder of runs.")
    if c.get("file"):
        notes.append("Rivals were tuned on other examples of the same classes, which favours them.")
    elif c["data"] == "digits8":
        notes.append("In-domain for rules evolved on 8x8 digits: their numbers belong in no graded table.")
    return tuple(notes)


def _budgets(c: Mapping[str, Any]) -> dict[str, int]:
    return budgets(c["online"], seeing(c))


def _figure(record: Record, found: Shown) -> Curves:
    c = record.header["configuration"]
    rules = found.rules.mean(axis=1)
    own = c["rules"][0] if len(rules) == 1 else f"{len(rules)} rules (worst to best)"
    curves = [Curve(own, rules.mean(0), rules.min(0), rules.max(0), 2.0)]
    order = sorted(found.families, key=lambda f: -found.families[f][:, -1].mean())
    online = [family for family in order if is_by_gradient(family)][:_DRAWN]
    for family in [*online, *_drawn(found)]:
        name = f"{family} (ceiling)" if family in CEILING else family
        curves.append(Curve(name, found.families[family].mean(axis=0), is_control=True))
    last, (best, right) = int(found.shown[-1]), _best(found)
    alt = (
        f"After {last} examples the rules name {100 * rules.mean(0)[-1]:.1f} % of test images, the best rival, {best}, "
        f"{right:.1f} %."
    )
    axes = Axis("examples shown"), Axis("accuracy", "", 0.0, 1.0)
    return Curves(f"Accuracy on {c.get('file') or c['data']}", alt, [str(n) for n in found.shown], *axes, curves)


def _drawn(found: Shown) -> list[str]:
    """Of rivals that store: all that are blind, and of each way to see the best judge at the last number."""
    best: dict[str, str] = {}
    for family in (f for f in found.families if not is_by_gradient(f)):
        way = family.partition(" of ")[2] or family
        if way not in best or found.families[family][:, -1].mean() > found.families[best[way]][:, -1].mean():
            best[way] = family
    return list(best.values())


def _table(record: Record, found: Shown) -> Table:
    c = record.header["configuration"]
    settings = _budgets(c)
    columns = ["learner", *(f"after {n}" for n in found.shown), "state bytes", "FLOPs an example", "tuning or training"]
    rows = []
    for name, rule in zip(c["rules"], found.rules, strict=True):
        effort = f"{c['made'][name]['examples']:,} examples"
        rows.append([name, *_percent(rule), c["costs"][name]["bytes"], c["costs"][name]["flops"], effort])
    for family, values in found.families.items():
        cost = c["costs"][family]
        rows.append([family, *_percent(values), cost["bytes"], cost["flops"], f"{settings[family]} settings"])
    return Table("Accuracy in per cent, and what it costs", columns, rows)


def _percent(values: np.ndarray) -> list[float]:
    return [round(100 * float(v), 1) for v in values.mean(axis=0)]


def _differences(found: Shown) -> Table:
    rows = [
        [kind, d.n, d.rival, _points(d), _signed(d.worst)] for kind in kinds(found) for d in differences(found, kind)
    ]
    return Table("Rules less the best rival", ["kind", "after", "rival", "points", "worst rule"], rows)


def _settings(found: Shown) -> Table:
    columns = ["rival", *(f"after {n}" for n in found.shown)]
    return Table("Settings chosen", columns, [[f, *s] for f, s in found.settings.items() if any(s)])


__all__ = ["BLOCKS", "summarise"]
