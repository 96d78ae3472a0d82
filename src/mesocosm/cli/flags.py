"""The flags of an experiment, out of its configuration: one parser, one style of error, and the help beside it."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeVar

from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import from_dict
from mesocosm.record.errors import in_a_line
from mesocosm.record.explained import Field, fields_of

C = TypeVar("C")


def parsed(default: C, words: Sequence[str]) -> C:
    """A configuration with what the flags set: `--world.speed 128`, `--world.speed=128`, `--rules a b`.

    Raises:
      ConfigurationError: for a flag that there is not, offering the nearest, or a value of another kind.
    """
    known = {field.path: field for field in fields_of(default)}
    values: dict[str, Any] = {}
    for flag, said in _grouped(words):
        path = flag.removeprefix("--").replace("-", "_")
        if path not in known:
            near = difflib.get_close_matches(path, known, n=1, cutoff=0.5)
            hint = f" Did you mean {known[near[0]].flag}?" if near else " `--help` lists them."
            raise ConfigurationError(f"{flag}: there is no such flag.{hint}")
        _put(values, path.split("."), _value(known[path], flag, said))
    return from_dict(type(default), values, default)


def _grouped(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Flags, each with the words that follow it."""
    flag, said = "", []
    for word in words:
        if not word.startswith("--") or word == "--":
            if not flag:
                raise ConfigurationError(f"unrecognised: {word}; what is set is named before it, as in --seed 1")
            said.append(word)
            continue
        if flag:
            yield flag, said
        flag, equals, value = word.partition("=")
        said = [value] if equals else []
    if flag:
        yield flag, said


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        values = values.setdefault(part, {})
    values[path[-1]] = value


def _value(field: Field, flag: str, said: list[str]) -> Any:
    if typing.get_origin(field.hint) is tuple:
        items = typing.get_args(field.hint)
        if items[-1:] != (Ellipsis,) and len(said) != len(items):
            raise ConfigurationError(f"{flag} {' '.join(said)}".rstrip() + f": takes {len(items)} values")
        return tuple(_one(field, flag, items[0], word) for word in said)
    if field.hint is bool and not said:
        return True
    if len(said) != 1:
        raise ConfigurationError(f"{flag} {' '.join(said)}".rstrip() + ": takes one value")
    return _one(field, flag, field.hint, said[0])


def _one(field: Field, flag: str, hint: Any, word: str) -> Any:
    """A word as the kind of value that a field has."""
    kinds = {int: "a whole number", float: "a number", bool: "true or false"}
    try:
        if hint is bool:
            return {"true": True, "false": False}[word.lower()]
        if hint in (int, float):
            return hint(word)
        if typing.get_origin(hint) is Literal:
            return {str(value): value for value in typing.get_args(hint)}[word]
    except (ValueError, KeyError):
        within = f" in {field.permitted}" if field.permitted and hint is not bool else ""
        wanted = f"{kinds[hint]}{within}" if hint in kinds else f"one of {field.permitted}"
        raise ConfigurationError(f"{flag} {in_a_line(word)}: must be {wanted}") from None
    return word


def help_of(configuration: Any) -> str:
    """What can be set, a block a group: flag, default, unit and range, what it is."""
    blocks: dict[str, list[Field]] = {}
    for field in fields_of(configuration):
        blocks.setdefault(field.group, []).append(field)
    lines = []
    for group, fields in blocks.items():
        lines += ["", group] if group else []
        for field in fields:
            allowed = f"  [{field.permitted}{_costs(field)}]" if field.permitted else ""
            lines += [
                f"  {field.flag} {shown(field.default)}{allowed}",
                *([f"      {field.said}"] if field.said else []),
            ]
    return "\n".join(lines)


def _costs(field: Field) -> str:
    return f"; {field.kind}: compiled anew" if field.kind in ("size", "switch") else ""


def shown(value: Any) -> str:
    """A value as it would be typed."""
    if isinstance(value, tuple):
        return " ".join(map(shown, value)) or "(none)"
    return str(value).lower() if isinstance(value, bool) else str(value) if value != "" else "(none)"
