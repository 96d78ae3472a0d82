"""What a conversation ends with: a file that `run NAME --config` or `study` takes, with the plan in it.

What was planned stands above as remarks, so that one file says what was asked before anything was run.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from mesocosm.protocol.registry import declaration, is_known
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import check, from_toml
from mesocosm.review.design import FACTS, Design

MADE = "# made by mesocosm review"
"""How such a file begins: only those are overwritten."""


def plan_file(d: Design, runs: str) -> tuple[str, str]:
    """The file, and the command that takes it.

    Args:
      runs: the experiment that is run, or tasks of a study, between commas.

    Raises:
      ConfigurationError: if it is neither, or the plan is not permitted for it.
    """
    if is_known(runs):
        return _of_run(d, runs)
    tasks = [task.strip() for task in runs.split(",") if task.strip()]
    if not tasks or any("/" not in task for task in tasks):
        raise ConfigurationError(
            f"runs = {runs!r:.80}: must be an experiment (`mesocosm list`), or tasks of a study as family/instance"
        )
    return _of_study(d, tasks)


def _remarks(d: Design, command: str) -> str:
    """The plan in words, as remarks."""
    lines = [MADE, f"# {command}"]
    for fact in FACTS:
        value = getattr(d, fact)
        if value not in (None, (), {}):
            told = value if isinstance(value, str) else json.dumps(value, default=str)
            lines += textwrap.wrap(f"# {fact}: {told}", 110, subsequent_indent="#   ")
    return "\n".join(lines) + "\n"


def _of_run(d: Design, name: str) -> tuple[str, str]:
    command = f"mesocosm run {name} --config plan.toml"
    text = _remarks(d, command) + (f"replicates = {d.n}\n" if d.n else "") + "seed = 0\n"
    cls = declaration(name).configuration
    check(from_toml(cls, text, "plan.toml", cls()))
    return text, command


def _of_study(d: Design, tasks: list[str]) -> tuple[str, str]:
    from mesocosm.studies.study import from_dict

    arms = d.treatments or {}
    slots = sorted({slot for own in arms.values() for slot in own})
    values: dict[str, Any] = {
        "name": "plan",
        "question": d.question or "",
        "prediction": d.prediction or "",
        "control": d.control or "",
        "metric": d.primary or d.statistic or "the metric",
        "tasks": tasks,
        "seeds": 5,
        "budget": {"ticks" if tasks[0].startswith("experiment/") else "steps": 1000},
        "minimal_effect": d.minimal_effect or 0.0,
    }
    if len(slots) == 1:
        values["vary"] = {slots[0]: list(dict.fromkeys(own[slots[0]] for own in arms.values() if slots[0] in own))}
    from_dict(values, "plan.toml")
    command = "mesocosm study plan.toml --dry-run"
    return _remarks(d, command) + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items()), command


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
