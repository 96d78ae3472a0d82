"""Configurations as TOML and as plain values: what is read is what was written, what is not permitted is named."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from mesocosm.protocol.declaration import RunConfiguration
from mesocosm.protocol.registry import SHELF, declaration
from mesocosm.record.configuration import Range, check, from_dict, from_toml, text_of, to_dict, to_toml
from mesocosm.record.errors import MesocosmError

IN_SUITE = 400

ODD = (None, True, False, -1, 0, 1, 2**31, 2**63, 10**40, 1.5, -0.0, 1e-320, 1e300, float("nan"), float("inf"), "", "x")
ODD += ("\x1b[31m", "é\U0001d6fc", "\ud800", [], [[]], [1, "a"], [0] * 99, {}, {"a": {}}, "1:x=1", ["1:seed=2"])
NOISE = "=[]{}\"'\n#.,:-+_ \t\0eE019xinfna\x7f\ufeff"


def prepare(folder: Path) -> tuple[Path, list[type[RunConfiguration]]]:
    return folder / "my.toml", [declaration(name).configuration for name in (*SHELF.own(), "assay")]


def once(ready: tuple[Path, list[type[RunConfiguration]]], random: Random) -> None:
    path, classes = ready
    cls = random.choice(classes)
    text = random.choice((_of_values, _of_noise, _of_bytes))(path, cls, random)
    configuration = from_toml(cls, text, "my.toml", _default(cls))
    check(configuration)
    assert from_toml(cls, to_toml(configuration), "again") == configuration, "it reads back as another"
    for name, hint, permitted in leaves(cls):
        _is_right(name, hint, permitted, configuration)


def _default(cls: type[RunConfiguration]) -> RunConfiguration:
    try:
        return cls()
    except TypeError:  # an assay is of some run
        return from_dict(cls, {"of": "runs/a", "source": "b"})


def _of_values(path: Path, cls: type, random: Random) -> str:
    """A sound configuration in which some values are others: at the ends of their ranges, beyond, or of any type."""
    values = to_dict(_default(cls))
    for _ in range(random.choice((1, 1, 2, 5))):
        table = values
        while True:
            key = random.choice([*table, "spede"] if table else ["spede"])
            if not isinstance(table.get(key), dict) or random.random() < 0.1:
                break
            table = table[key]
        permitted = {name.split(".")[-1]: r for name, _, r in leaves(cls)}.get(key)
        ends = [permitted.low, permitted.high, permitted.low - 1, permitted.high + 1] if permitted else []
        value = deepcopy(random.choice((*ends, *ends, *ODD)))
        table[key] = int(value) if isinstance(value, float) and value.is_integer() and random.random() < 0.8 else value
    return _toml(values)


def _toml(values: dict[str, Any]) -> str:
    """As a person might write it: JSON is nearly TOML."""

    def spelt(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {spelt(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(map(spelt, value)) + "]"
        return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")

    return "\n".join(f"{json.dumps(k)} = {spelt(v)}" for k, v in values.items())


def _of_noise(path: Path, cls: type, random: Random) -> str:
    """A sound text with some letters changed, lost, or many times over."""
    text = list(to_toml(_default(cls)))
    for _ in range(random.choice((1, 2, 8))):
        k = random.randrange(len(text))
        text[k] = random.choice((random.choice(NOISE), "", text[k][:1] * random.choice((2, 5000)), "[" * 3000))
    return "".join(text)


def _of_bytes(path: Path, cls: type, random: Random) -> str:
    """Bytes in a file: as an editor might have left them."""
    content = bytearray(to_toml(_default(cls)).encode(random.choice(("utf-8", "utf-8-sig", "utf-16", "latin-1"))))
    for _ in range(random.choice((0, 0, 1, 3))):
        content[random.randrange(len(content))] = random.randrange(256)
    path.write_bytes(content[: random.randrange(len(content) + 1)] if random.random() < 0.2 else content)
    return text_of(path, "my.toml")


def leaves(cls: type, prefix: str = "") -> Iterator[tuple[str, Any, Range | None]]:
    """The fields that hold plain values: name, type, permitted."""
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        marks = typing.get_args(hint)[1:] if typing.get_origin(hint) is typing.Annotated else ()
        kind = typing.get_args(hint)[0] if marks else hint
        if dataclasses.is_dataclass(kind):
            yield from leaves(typing.cast(type, kind), f"{prefix}{name}.")
        else:
            yield prefix + name, kind, next((mark for mark in marks if isinstance(mark, Range)), None)


def _is_right(name: str, hint: Any, permitted: Range | None, configuration: Any) -> None:
    """What was not refused is of its type and in its range, looked at in another way than `check` does."""
    value = configuration
    for part in name.split("."):
        value = getattr(value, part)
    if hint in (int, float, bool, str):
        assert type(value) is hint, (name, value)
    for one in value if isinstance(value, tuple) else (value,):
        assert permitted is None or permitted.low <= one <= permitted.high, (name, value)


__all__ = ["IN_SUITE", "MesocosmError", "leaves", "once", "prepare"]
