"""What is worked out of a finished search: its rules beside their founder and every rival on the same held-out tasks,
what they do, what they assume, where else they work.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np

from mesocosm.core.flags import as_it_comes
from mesocosm.experiments.digits import anatomy, audit
from mesocosm.experiments.digits.declaration import Schooling
from mesocosm.experiments.digits.export import rule_of
from mesocosm.experiments.digits.system import JUDGED, founding_genome, judged, taught
from mesocosm.protocol.reading import configuration_of
from mesocosm.record import Record
from mesocosm.rivals.contest import rival_hits
from mesocosm.rivals.learners import rivals
from mesocosm.rivals.school import build_sources
from mesocosm.rivals.table import tuned
from mesocosm.rules import Rule
from mesocosm.rules import load as load_rule
from mesocosm.rules.form import RuleForm
from mesocosm.rules.rule import EvolvedRule, build_net, sizes_for
from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.sets import load
from mesocosm.tasks.streams import Stream

_STREAMS = 8
"""Streams of an audit."""


@as_it_comes
def analyse(record: Record) -> dict[str, Any]:
    """Accuracies of all on the held-out tasks [searches, n]; then the rule of the median search, examined."""
    c = configuration_of(record)
    school = c.schooling
    net = build_net(c.form, sizes_for(c.form, school.side**2, school.hidden, school.classes))
    rules = {s.replicate: rule_of(record, s.replicate) for s in record.statuses if s.status == "alive"}
    _, streams, control = taught(school)
    judge = jax.jit(lambda genome: judged(EvolvedRule(net, genome), streams, school.shown))
    ours = [_plain(judge(rules[i].genome)) if i in rules else None for i in range(record.replicates)]
    by_hand = founding_genome(c.founding, net)
    found: dict[str, Any] = {
        "shown": list(school.shown),
        "rules": ours,
        "founder": _plain(judge(by_hand)),
        "class mean": _plain(control),
        "rivals": _rivals(school, streams),
    }
    if rules:
        found["median"] = chosen = _median(rules, ours)
        found |= _examined(replace(rules[chosen], hidden=school.hidden), Rule(c.form, by_hand, hidden=school.hidden))
    return found


def _median(rules: dict[int, Rule], accuracy: list[list[float] | None]) -> int:
    ordered = sorted(rules, key=lambda i: (accuracy[i] or [0])[-1])
    return ordered[len(ordered) // 2]


def _rivals(school: Schooling, streams: Stream) -> dict[str, list[float]]:
    """Accuracy of each rival for each n on the held-out tasks, with the setting that was best on others like them."""
    held_out = build_sources(school)[1]
    n_images = streams.labels.shape[1] - max(school.shown)
    tasks = streams.labels.shape[0]
    other = jax.jit(lambda key: held_out.draw(key, tasks, streams.labels.shape[1]))(jax.random.key(JUDGED + 1))

    @jax.jit
    def hits(streams: Stream) -> jax.Array:
        keys = jax.random.split(jax.random.key(JUDGED), tasks)
        return jax.lax.map(lambda task: rival_hits(task[0], task[1], school.shown, school.classes), (keys, streams))

    validation, test = (np.moveaxis(np.asarray(hits(s)), 0, 1) / n_images for s in (other, streams))
    families, _ = tuned(rivals(), validation, test)
    return {family: _plain(values.mean(axis=0)) for family, values in families.items()}


def _examined(rule: Rule, founder: Rule) -> dict[str, Any]:
    """The audit, forgetting, what the rule does, without its parts, and elsewhere: rule, founder and class mean."""
    by_hand = load_rule("class-mean")
    three = {"rule": rule, "founder": founder, "class mean": by_hand}
    data = load("digits8")
    whole = {name: audit.prior_audit(r, data, how_many=_STREAMS) for name, r in three.items()}
    return {
        "audit": whole,
        "forgetting": {name: audit.forgetting(r, data, how_many=_STREAMS) for name, r in three.items()},
        "without": {
            part: audit.accuracy_after(audit.without(rule, part), data, how_many=_STREAMS) for part in audit.PARTS
        },
        "mixed partials": {name: anatomy.mixed_partials(r, data) for name, r in three.items() if r is not by_hand},
        "formula": {name: anatomy.formula(r, data) for name, r in three.items() if r is not by_hand},
        "elsewhere": _elsewhere(three),
    }


def _elsewhere(three: dict[str, Rule]) -> list[dict[str, Any]]:
    """Accuracy after 50 examples in other nets and on other data; a set that is not there is left out."""
    places: list[tuple[str, DataSet, tuple[int, ...] | None]] = [("8x8 digits", load("digits8"), None)]
    places.append(("8x8 digits at 14x14", load("digits8", 14), None))
    deep = [h for h in ((32,), (32, 32)) if all(_has_genes_for(h, rule) for rule in three.values())]
    places += [(f"8x8 digits, hidden levels {h}", load("digits8"), h) for h in deep]
    try:
        drawings = load("omniglot", 14, "validate")
    except DataError:
        pass
    else:
        ten = np.flatnonzero(drawings.labels < 10)
        places.append(
            ("ten characters of held-out Omniglot", DataSet.of(drawings.inputs[ten], drawings.labels[ten]), None)
        )
    rows = []
    for where, data, hidden in places:
        row: dict[str, Any] = {"where": where}
        for name, rule in three.items():
            at_work = rule if hidden is None or name == "class mean" else replace(rule.fresh(), hidden=hidden)
            row[name] = audit.accuracy_after(at_work, data, how_many=_STREAMS)
        rows.append(row)
    return rows


def _has_genes_for(hidden: tuple[int, ...], rule: Rule) -> bool:
    """Whether it can be at work in a net of these levels: genes of layers are for as many as there are."""
    return not isinstance(rule.form, RuleForm) or rule.form.layers in (0, len(hidden) + 1)


def _plain(values: Any) -> list[float]:
    return [round(float(v), 5) for v in np.asarray(values)]


__all__ = ["analyse"]
