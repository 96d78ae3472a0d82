"""Typed, frozen configurations: their permitted values are data, so that they can be checked, shown and swept.

A configuration is a frozen dataclass of plain values, possibly nested. Every number is annotated with a `Range`; what
is annotated is refused by name, value and permitted range before anything is compiled.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

from mesocosm.record.errors import FolderError, MesocosmError
from mesocosm.record.files import LARGEST_TEXT

if TYPE_CHECKING:
    from mesocosm.record.reader import Record

C = TypeVar("C")


class ConfigurationError(MesocosmError):
    """A configuration that is not permitted: names the field, the value, what is allowed and the remedy."""

    exit_code = 2


class MissingPackage(ConfigurationError, ImportError):
    """What was asked for needs a package that is not installed, or too old: names it, and the extra that brings it."""

    exit_code = 3

    def __init__(self, what: str, package: str | None, extra: str, otherwise: str = "", there: str = "") -> None:
        told = f"{what} needs the package {package}, which is not installed: pip install 'mesocosm[{extra}]'"
        if there:
            told = f"{what} needs another {package} than {there}, which is here: pip install -U 'mesocosm[{extra}]'"
        super().__init__(told + otherwise)


@dataclass(frozen=True)
class needs:
    """`with needs("to_pandas", "frames"): import pandas`: where an import fails in it, a `MissingPackage`."""

    what: str
    extra: str
    otherwise: str = ""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        name = (getattr(error, "name", None) or "").partition(".")[0]
        if isinstance(error, ImportError) and not isinstance(error, MissingPackage) and name != "mesocosm":
            package = _DISTRIBUTIONS.get(name, name or str(error))
            is_missing = isinstance(error, ModuleNotFoundError) and error.name == name
            there = "" if is_missing else _version_of(package)  # it lacks something that the extra's version has
            raise MissingPackage(self.what, package, self.extra, self.otherwise, there) from None


def _version_of(package: str) -> str:
    """The version that is installed; nothing if none is."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except (metadata.PackageNotFoundError, ValueError):
        return ""


_DISTRIBUTIONS = {"sklearn": "scikit-learn", "PIL": "Pillow"}
"""Packages whose name to install differs from that to import."""


@dataclass(frozen=True)
class Range:
    """The permitted values of a number, with its unit.

    `kind` says what a change costs: a *parameter* is swept without recompiling, a *size* is a shape, a *switch*
    changes the program.
    """

    low: float
    high: float
    unit: str = ""
    kind: Literal["parameter", "size", "switch"] = "parameter"

    def __str__(self) -> str:
        of = f", counted in {self.unit}" if self.unit[:1].isdigit() else f" {self.unit}" if self.unit else ""
        return f"{_plain(self.low)} ... {_plain(self.high)}{of}"


@dataclass(frozen=True)
class Intervention:
    """A change of one parameter from one tick on: part of the identity of a run."""

    tick: int
    field: str
    value: Any

    def __str__(self) -> str:
        return f"{self.tick}:{self.field}={_toml_value(self.value)}"

    @staticmethod
    def parse(text: str) -> Intervention:
        """From `TICK:FIELD=VALUE`, as on the command line."""
        try:
            tick, rest = text.split(":", 1)
            field, value = rest.split("=", 1)
            (read,) = tomllib.loads(f"v = {value}").values()
            return Intervention(int(tick), field.strip(), read)
        except (ValueError, RecursionError):  # a TOMLDecodeError is a ValueError
            raise ConfigurationError(
                f"intervention = {_shown(text)}: write TICK:FIELD=VALUE, for example 1000:world.jump_probability=0.0"
            ) from None


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # more digits than Python writes
        text = hex(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def _plain(x: float) -> str:
    return str(int(x)) if float(x).is_integer() else str(x)


def _unwrap(hint: Any) -> tuple[Any, Range | None]:
    if typing.get_origin(hint) is typing.Annotated:
        hint, *marks = typing.get_args(hint)
        return hint, next((m for m in marks if isinstance(m, Range)), None)
    return hint, None


def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def _wrong_type(hint: Any, value: Any) -> str | None:
    """What a value should be, in words, if it is not."""
    origin = typing.get_origin(hint)
    if hint is int:
        return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
    if hint is float:
        good = isinstance(value, float) and math.isfinite(value)  # whole numbers that a float holds are floats by now
        return None if good else "a finite number"
    if hint is bool:
        return None if isinstance(value, bool) else "true or false"
    if hint is str:
        return None if isinstance(value, str) else "a text"
    if origin is Literal:
        allowed = typing.get_args(hint)
        return None if value in allowed else "one of " + ", ".join(map(str, allowed))
    if origin is tuple:
        items = typing.get_args(hint)
        if not isinstance(value, tuple):
            return "a list"
        if items[-1:] != (Ellipsis,) and len(value) != len(items):
            return f"a list of {len(items)}"
        pairs = [(items[0], v) for v in value] if items[-1:] == (Ellipsis,) else zip(items, value, strict=True)
        return next((f"a list in which each is {w}" for h, v in pairs if (w := _wrong_type(_unwrap(h)[0], v))), None)
    if origin in (Union, types.UnionType):
        wrongs = [_wrong_type(h, value) for h in typing.get_args(hint)]
        return None if None in wrongs else " or ".join(w for w in wrongs if w)
    if hint is type(None):
        return None if value is None else "nothing"
    return None if isinstance(hint, type) and isinstance(value, hint) else f"a {hint}"


MOST_IN_A_LIST = 1 << 16
"""Values in a list of a configuration."""


def check(configuration: Any, prefix: str = "") -> None:
    """Refuse what is not permitted.

    Raises:
      ConfigurationError: naming the field, its value, what is allowed and the remedy. A dataclass may add conditions
        between fields in a method `contradictions() -> Iterable[str]`.
    """
    for name, annotated in _hints(type(configuration)).items():
        hint, permitted = _unwrap(annotated)
        value, path = getattr(configuration, name), f"{prefix}{name}"
        if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, hint):
            check(value, f"{path}.")
            continue
        if wrong := _wrong_type(hint, value):
            raise ConfigurationError(f"{path} = {_shown(value)}: must be {wrong}")
        if isinstance(value, tuple) and len(value) > MOST_IN_A_LIST:
            raise ConfigurationError(f"{path}: is a list of {len(value)}; must be of {MOST_IN_A_LIST} at most")
        if permitted is not None:
            for v in value if isinstance(value, tuple) else (value,):
                if not permitted.low <= v <= permitted.high:
                    raise ConfigurationError(f"{path} = {_shown(value)}: must be in {permitted}")
    for sentence in getattr(configuration, "contradictions", tuple)():
        raise ConfigurationError(f"{prefix}{sentence}")


def to_dict(configuration: Any) -> dict[str, Any]:
    """The configuration as nested plain values (lists for tuples), leaving out what is None."""
    out: dict[str, Any] = {}
    for field in dataclasses.fields(configuration):
        value = getattr(configuration, field.name)
        if dataclasses.is_dataclass(value):
            out[field.name] = to_dict(value)
        elif isinstance(value, tuple):
            out[field.name] = [to_dict(v) if dataclasses.is_dataclass(v) else v for v in value]
        elif value is not None:
            out[field.name] = value
    return out


def from_dict(cls: type[C], values: dict[str, Any], default: C | None = None, prefix: str = "") -> C:
    """A configuration from nested plain values; what is missing comes from `default` (or the class, whose own defaults
    hold for parts of nested tables too).

    Raises:
      ConfigurationError: for an unknown key, offering the nearest name, or a value that is not permitted.
    """
    hints = _hints(cls)
    changes: dict[str, Any] = {}
    for key, value in values.items():
        if key not in hints:
            near = difflib.get_close_matches(key, list(hints), n=1, cutoff=0.5)
            hint = f" Did you mean {prefix}{near[0]}?" if near else f" Known here: {', '.join(hints)}."
            name = key if len(key) <= 80 and key.isprintable() else _shown(key)
            raise ConfigurationError(f"{prefix}{name}: there is no such field.{hint}")
        hint, _ = _unwrap(hints[key])
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            if not isinstance(value, dict):
                raise ConfigurationError(f"{prefix}{key} = {_shown(value)}: must be a table of fields")
            inner = getattr(default, key) if default is not None else _default_of(cls, key)
            changes[key] = from_dict(hint, value, inner, f"{prefix}{key}.")
        else:
            changes[key] = _plain_value(hint, value)
    return cls(**changes) if default is None else dataclasses.replace(default, **changes)  # type: ignore[type-var]


def _default_of(cls: type, name: str) -> Any:
    """What a field is where nothing is said; None where something must be."""
    field = next(f for f in dataclasses.fields(cls) if f.name == name)
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def _plain_value(hint: Any, value: Any) -> Any:
    if hasattr(value, "dtype") and getattr(value, "shape", None) == ():  # a number out of an array
        value = value.item()
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        item = typing.get_args(hint)[0]
        if dataclasses.is_dataclass(item) and isinstance(item, type):
            return tuple(from_dict(item, v) if isinstance(v, dict) else v for v in value)
        return tuple(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**1023:
        return float(value)
    return value


def from_plain(cls: type[C], values: Any, what: str) -> C:
    """What was kept as plain values, each looked at: `what` says in messages what it should be.

    Raises:
      FolderError: naming the field that is missing, unknown, or not what it can be.
    """
    hints, given = _hints(cls), values if isinstance(values, dict) else {"": values}
    kept = {}
    for name, value in given.items():
        if name not in hints:
            raise FolderError(f"{what} is damaged: it has a field {_shown(name)}")
        hint = _unwrap(hints[name])[0]
        kept[name] = _plain_value(hint, value)
        if wrong := _wrong_type(hint, kept[name]):
            raise FolderError(f"{what} is damaged: {name} = {_shown(value)}: must be {wrong}")
    try:
        return cls(**kept)
    except (TypeError, ValueError) as error:  # a field that is missing, or values that contradict each other
        raise FolderError(f"{what} is damaged: {error}") from None


def replace_at(configuration: C, path: str, value: Any) -> C:
    """A copy with the field at a dotted path changed, checked."""
    nested: Any = value
    for name in reversed(path.split(".")):
        nested = {name: nested}
    changed = from_dict(type(configuration), nested, configuration)
    check(changed)
    return changed


def replace_together(configuration: C, changes: Mapping[str, Any]) -> C:
    """A copy with the fields at these dotted paths changed, checked when all are: their order does not matter."""
    nested: dict[str, Any] = {}
    for path, value in changes.items():
        *rooms, name = path.split(".")
        table = nested
        for room in rooms:
            inner = table.setdefault(room, {})
            if not isinstance(inner, dict):
                raise ConfigurationError(f"{path}: cannot be changed beside {room}; name one of the two")
            table = inner
        if isinstance(table.get(name), dict):
            raise ConfigurationError(f"{path}: cannot be changed beside fields of it; name one of the two")
        table[name] = value
    changed = from_dict(type(configuration), nested, configuration)
    check(changed)
    return changed


def to_toml(configuration: Any) -> str:
    """The configuration as TOML; reading it back gives an equal configuration."""
    lines: list[str] = []

    def write(table: dict[str, Any], name: str) -> None:
        if name:
            lines.append(f"\n[{name}]")
        lines.extend(f"{k} = {_toml_value(v)}" for k, v in table.items() if not isinstance(v, dict))
        for key, value in table.items():
            if isinstance(value, dict):
                write(value, f"{name}.{key}" if name else key)

    write(to_dict(configuration), "")
    return "\n".join(lines).strip() + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    if isinstance(value, str):  # TOML knows no surrogate pairs, and wants DEL escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value) if isinstance(value, float) else json.dumps(value)


def from_toml(cls: type[C], text: str, source: str, default: C | None = None) -> C:
    """A configuration from TOML; `source` names the file in messages."""
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a TOMLDecodeError is a ValueError
        raise ConfigurationError(f"{source}: not valid TOML: {error}") from None
    try:
        return from_dict(cls, values, default)
    except ConfigurationError as error:  # a field that there is not
        raise ConfigurationError(f"{source}: {error}") from None


def text_of(path: Path, what: str) -> str:
    """The text of a configuration in a file, as any editor writes it; `what` names it in messages.

    Raises:
      ConfigurationError: if it cannot be read as text, or is larger than any configuration.
    """
    try:
        with path.open("rb") as file:  # a pipe, too: <(program)
            content = file.read(LARGEST_TEXT + 1)
        if len(content) > LARGEST_TEXT:
            raise ConfigurationError(f"{what}: is larger than any configuration; is it another file?")
        return content.decode("utf-8-sig")  # some editors begin with a byte order mark
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{what}: cannot be read ({error})") from None


def digest(values: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of plain values: the identity of a configuration."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def resolved(record: Record) -> Mapping[str, Any]:
    """Plain values under which the law of a run ran; of an assay those of its source, with what it changes."""
    configuration = record.header["configuration"]
    return configuration.get("resolved", configuration)
