"""What can be changed of a world while it runs: fields with range, unit, default and what they say."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import typing
from functools import cache
from itertools import pairwise
from typing import Any

from mesocosm.protocol.declaration import RunConfiguration
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import Range


def parameters(configuration: Any, prefix: str = "", default: Any = None) -> list[dict[str, Any]]:
    """The fields that can be changed while it runs: those whose change compiles nothing.

    Args:
      default: of the same class; None: made anew.
    """
    out: list[dict[str, Any]] = []
    cls = type(configuration)
    default = default if default is not None else cls()
    of_every_run = {f.name for f in dataclasses.fields(RunConfiguration)}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        value = getattr(configuration, name)
        if dataclasses.is_dataclass(value):
            out += parameters(value, f"{prefix}{name}.", getattr(default, name, None))
            continue
        ranges = [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Range)]
        if not ranges or ranges[0].kind != "parameter" or not isinstance(value, int | float):
            continue
        if prefix or name not in of_every_run:
            low, high, unit = ranges[0].low, ranges[0].high, ranges[0].unit
            told = {
                "whole": isinstance(value, int),
                "default": getattr(default, name),
                "says": said_of(cls).get(name, ""),
            }
            out.append({"field": f"{prefix}{name}", "value": value, "low": low, "high": high, "unit": unit, **told})
    return out


def as_written(configuration: Any, message: dict[str, Any]) -> Any:
    """A value as the field has it: JSON knows no whole numbers.

    Raises:
      ConfigurationError: for what is no parameter.
    """
    for known in parameters(configuration):
        if known["field"] == message["field"]:
            value = message["value"]
            return int(value) if known["whole"] and float(value).is_integer() else float(value)
    raise ConfigurationError(f"{message['field']}: is no parameter that can be changed while the world runs")


@cache
def said_of(cls: type) -> dict[str, str]:
    """The documentation string beneath each field of a dataclass; none where there is no source."""
    out: dict[str, str] = {}
    for base in reversed([b for b in cls.__mro__ if dataclasses.is_dataclass(b)]):
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        except (OSError, TypeError, SyntaxError, IndexError):
            continue
        for field, after in pairwise(getattr(body, "body", [])):
            said = after.value if isinstance(after, ast.Expr) else None
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(said, ast.Constant)
            ):
                out[field.target.id] = " ".join(str(said.value).split())
    return out
