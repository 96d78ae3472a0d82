"""Whose interest evolution served: the mutant that invades best, the largest colony, and the evolved beside them.

What is best for one that lives among the evolved, and what is best for all if all do it, are two questions of direct
search (`mesocosm.ecology.assay.optimum`). Where their answers make colonies of different size, the evolved can stand
nearer to the one or to the other. Extinct colonies count as 0 bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mesocosm.ecology.assay.optimum import (
    COLONY_TICKS,
    JUDGED,
    Effort,
    Optimum,
    alone,
    colony,
    evolved_alone,
    optimum,
)
from mesocosm.findings.claim import Claim, Finding, show_interval
from mesocosm.findings.intervals import finite_interval
from mesocosm.findings.outcomes import plain_lists
from mesocosm.findings.verdicts import judge
from mesocosm.protocol.catalogue import Analysis, Result, arrays
from mesocosm.protocol.story import Axis, Strips, Table
from mesocosm.record import Record

WHO = {"individual": "the best invader", "evolved": "the evolved", "colony": "the largest colony"}
_STATISTIC = "ln of the ratio of (population + 1), second half of monocultures in the same fresh worlds"
CLAIMS = tuple(
    Claim(name, sentence, WHO["evolved"], _STATISTIC, 1.05, sign, "ratio", declared=False)
    for name, sentence, sign in (
        ("selfish", "a colony of the best invader is smaller", -1),
        ("common", "the largest colony that direct search finds is larger", 1),
    )
)


def compute(record: Record, settings: Effort) -> dict[str, Any]:
    found = {
        "individual": optimum(record, "invasion", **vars(settings)),
        "colony": optimum(record, "colony", **vars(settings)),
    }
    n = min(record.replicates, JUDGED)
    bodies = {who: colony(alone(record, one.text(), n)) for who, one in found.items()}
    bodies["evolved"] = colony(evolved_alone(record))[:n]
    ratio = {who: np.log((bodies[who] + 1) / (bodies["evolved"] + 1)) for who in found}
    values = {"selfish": ratio["individual"], "common": ratio["colony"]}
    survived = sum(s.status == "alive" for s in record.statuses if s.replicate < n)
    return {
        "optima": {who: one.to_dict() for who, one in found.items()},
        "bodies": {who: plain_lists(bodies[who]) for who in WHO},
        "ticks": COLONY_TICKS,
        "findings": [f.to_dict() for f in judge(CLAIMS, values, n, survived, int(record.header["seed"]))],
    }


def show(record: Record, values: Mapping[str, Any]) -> Result:
    bodies = np.array([values["bodies"][who] for who in WHO], float)
    findings = tuple(map(Finding.from_dict, values["findings"]))
    optima = {who: Optimum.from_dict(found) for who, found in values["optima"].items()}
    intervals = [finite_interval(row) for row in bodies]
    said = [show_interval(*i) if i else "unknown" for i in intervals]
    figure = Strips(
        title="Colonies of one kind",
        alt="Bodies in monocultures, means over worlds: "
        + "; ".join(f"{words} {s}" for words, s in zip(WHO.values(), said, strict=True)),
        conditions=list(WHO.values()),
        y_axis=Axis("bodies", low=0),
        values=bodies,
        intervals=intervals,
        paired=True,
    )
    gains = {who: next(f for f in found.findings if f.name == "selection") for who, found in optima.items()}
    told = {who: gain.words("worlds").removeprefix("exploratory, ") for who, gain in gains.items()}
    rows = [(WHO[who], said[k], told.get(who, "0 by definition")) for k, who in enumerate(WHO)]
    table = Table("Whose interest", ("who", "bodies in a colony of its own", "selection among the evolved"), rows)
    sentence = " ".join([_answer(bodies), *(found.sentence() for found in optima.values())])
    return Result(sentence, values, findings, (figure, table))


def _answer(bodies: np.ndarray) -> str:
    """Where the evolved stand between the two, if these can be told apart."""
    between = finite_interval(bodies[2] - bodies[0])
    if between is None:
        return "There are too few worlds to say whose interest evolution served."
    if between[1] <= 0:
        return (
            f"Between colonies of the best invader and the largest colonies lie {show_interval(*between, signed=True)} "
            "bodies: it is undecided whether the two differ, and so is where the evolved stand."
        )
    gained = bodies[1] - bodies[0]
    share, above, below = (finite_interval(row) for row in (gained / between[0], gained, bodies[2] - bodies[1]))
    if share is None or above is None or below is None:
        return "There are too few worlds to say whose interest evolution served."
    steps = show_interval(*above, signed=True), show_interval(*below, signed=True)
    return (
        f"In the size of their colony the evolved stand at {show_interval(*share)}, 0 being the best invader, 1 the "
        f"largest colony: {steps[0]} bodies from the one, {steps[1]} short of the other."
    )


ANALYSIS = Analysis(
    "interest",
    "whose interest evolution served: that of the best invader, or that of the largest colony",
    compute,
    show,
    Effort,
    needs=(arrays("state.world.bodies.id", "state.genomes"),),
)
