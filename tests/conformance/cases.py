"""Every registered experiment, small enough to be run many times."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mesocosm.core import Plan, Setup, run
from mesocosm.protocol.launch import prepare
from mesocosm.protocol.registry import NAMES, declaration
from mesocosm.record.configuration import from_dict

_SMALL_WORLD = dict(
    side=16, founders=30, ceiling=220, division_energy=600, founding_energy=500, drops=4, drop_food=90, drop_spread=512
)
CHANGES: dict[str, dict[str, Any]] = {
    "chemotaxis": {"world": _SMALL_WORLD, "heredity": {"exchange_probability": 0.3}, "log_exchanges": True},
    "trend": {"world": _SMALL_WORLD, "frames_every": 4},
    "signalling": {
        "world": _SMALL_WORLD,
        "mind": {"policy": "argmax"},
        "log_exchanges": True,
        "frames_every": 4,
    },
    "symbiont": {
        "world": _SMALL_WORLD,
        "element": {"reach": 0.5, "superinfection": 0.2, "lock_bits": 1},
        "frames_every": 4,
    },
    "bilinear": {"every": 10, "frames_every": 3},
    "bilinear, simultaneous": {"every": 10, "play": "simultaneous", "rate": 100},
    "lorenz": {"every": 10, "frames_every": 1},
    "digits": {
        "form": {"cell": "hebbian", "messages": 1, "memory": 1},
        "search": {"searcher": "cma-es", "population": 4},
        "schooling": {
            **dict(source="clouds", side=3, classes=3, examples=4, tasks=2),
            **dict(shown=[2, 4], judged_tasks=2, judged_images=5),
        },
    },
    "digits-shown": {"side": 3, "classes": 3, "shown": [2, 4], "images": 5, "online": False},
}
CASES = list(CHANGES)
EXACT = [case for case in CASES if case.split(",")[0] not in ("lorenz", "digits", "digits-shown")]
LAWS = [case for case in EXACT if case != "trend"]
"""Exact cases of laws that differ: `trend` is `chemotaxis` with another sense."""

assert {case.split(",")[0] for case in CASES} == set(NAMES), "every registered experiment has a case here"


@dataclass(frozen=True)
class Case:
    """An experiment ready to be run."""

    setup: Setup
    plan: Plan

    @staticmethod
    def of(name: str, **changes: Any) -> Case:
        """The case with changes to the plan (seed, replicates, ticks, every, interventions)."""
        experiment = name.split(",")[0]
        base = {"replicates": 3, "ticks": 60, "every": 20, **CHANGES[name], **changes}
        setup, plan = prepare(experiment, from_dict(declaration(experiment).configuration, base))
        return Case(setup, plan)

    def run(self, folder: Path, **options: Any):
        return run(self.setup, self.plan, folder, **options)

    def with_ticks(self, ticks: int) -> Plan:
        return replace(self.plan, ticks=ticks)


def worlds(setup: Setup, record: Any) -> dict[int, str]:
    """A digest of the canonical state of each living replicate at the end of a record."""
    template = jax.eval_shape(setup.experiment.init, _bits())
    paths, treedef = jax.tree_util.tree_flatten_with_path({"state": template})
    arrays = [record.state[jax.tree_util.keystr(p, simple=True, separator=".")] for p, _ in paths]
    out = {}
    for lane, replicate in enumerate(record.state["replicate"]):
        state = treedef.unflatten([a[lane] for a in arrays])["state"]
        out[int(replicate)] = digest(setup.experiment.canonical(state))
    return out


def digest(tree: Any) -> str:
    """SHA-256 over the arrays of a pytree, with their names."""
    total = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        array = np.asarray(leaf)
        wide = array.astype("<i8") if array.dtype.kind in "iub" else array
        total.update(f"{jax.tree_util.keystr(path)}{array.shape}".encode())
        total.update(np.ascontiguousarray(wide).tobytes())
    return total.hexdigest()


def _bits():
    from mesocosm.core.random import Bits

    return Bits.shapes()
