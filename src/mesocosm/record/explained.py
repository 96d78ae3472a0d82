"""What each field of a configuration says of itself: its documentation string, unit and range, default. No jax."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class Field:
    """One field, as deep as it lies.

    Args:
      path: dotted, as it stands in a file.
      hint: its type, without the range.
      permitted: in words: a range with its unit, or the words that it can be.
      kind: parameter, size or switch; nothing where no range is declared.
      said: its documentation string, in one line.
      group: what its part of the configuration is, for a heading.
    """

    path: str
    hint: Any
    default: Any
    permitted: str
    kind: str
    said: str
    group: str

    @property
    def flag(self) -> str:
        """As it is written on the command line."""
        return f"--{self.path.replace('_', '-')}"


def fields_of(configuration: Any, prefix: str = "", group: str = "") -> Iterator[Field]:
    """All fields of a configuration, those of nested ones under dotted names."""
    cls = type(configuration)
    said, hints = documented(cls), typing.get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        value, hint = getattr(configuration, field.name), hints[field.name]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            summary = inspect.cleandoc(type(value).__doc__ or "").split("\n\n")[0]
            yield from fields_of(value, f"{prefix}{field.name}.", " ".join(summary.split()))
            continue
        marks = typing.get_args(hint) if typing.get_origin(hint) is typing.Annotated else (hint,)
        allowed = next((mark for mark in marks if isinstance(mark, Range)), None)
        words = ", ".join(map(str, choices(marks[0])))
        kind = allowed.kind if allowed else ""
        yield Field(
            f"{prefix}{field.name}", marks[0], value, str(allowed or words), kind, said.get(field.name, ""), group
        )


def choices(hint: Any) -> tuple[Any, ...]:
    """The values that a field, or each item of it, can be; none for numbers and texts."""
    if hint is bool:
        return (True, False)
    if typing.get_origin(hint) is Literal:
        return typing.get_args(hint)
    inner = typing.get_args(hint)[:1] if typing.get_origin(hint) is tuple else ()
    return choices(inner[0]) if inner else ()


@lru_cache(maxsize=256)
def documented(cls: type) -> dict[str, str]:
    """The documentation string beneath each field, here or in a parent."""
    out: dict[str, str] = {}
    for base in reversed([base for base in cls.__mro__ if dataclasses.is_dataclass(base)]):
        try:
            (made,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        except (OSError, TypeError, SyntaxError, ValueError):  # made at run time, or its file is gone
            continue
        for field, after in itertools.pairwise(getattr(made, "body", ())):
            said = after.value if isinstance(after, ast.Expr) else None
            is_field = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            if is_field and isinstance(said, ast.Constant) and isinstance(said.value, str):
                out[field.target.id] = " ".join(said.value.split())
    return out
