"""The cards of the home of `mesocosm watch`: all experiments that can be run. No jax, and nobody's code is run.

Of our own the declaration tells; of packages and of files in the working folder the text of theirs is read, since to
import it would be to run it. What was found stands in a table that `python -m mesocosm.viewer.loops` makes.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mesocosm.protocol.declaration import Declaration
from mesocosm.protocol.registry import SHELF, declaration, declares_one
from mesocosm.record.configuration import digest
from mesocosm.record.files import LARGEST_TEXT

_MOST_FILES = 50
"""Python files of the working folder that are looked into."""
_WORDS = ("name", "title", "question", "about")


def shipped() -> Path:
    """The folder of the loops that come along."""
    return Path(str(files("mesocosm.viewer") / "shipped" / "loops"))


def table() -> Path:
    return shipped() / "found.json"


def found() -> dict[str, dict[str, Any]]:
    """What was found by each experiment, by name; see `loops.finding_of`."""
    return json.loads(table().read_text("utf-8")) if table().is_file() else {}


def loop(name: str) -> bytes:
    """The packed frames of an experiment's loop; nothing where there is none."""
    path = shipped() / f"{name}.frames"
    return path.read_bytes() if name in SHELF.own() and path.is_file() else b""


def claimed(declared: Declaration) -> str:
    """What tells that a finding is still one of what is declared."""
    return digest({"claims": declared.to_dict(), "first": declared.asks_first, "answers": dict(declared.answers)})[:12]


def cards(folder: Path = Path()) -> list[dict[str, Any]]:
    """All experiments: our own, those of packages, those of files in a folder."""
    known = found()
    own = [_own(name, known.get(name, {})) for name in SHELF.own()]
    others = [_other(name, name, "package", _source(point.value)) for name, point in SHELF.installed().items()]
    return [*own, *(card for card in others if card["name"] not in SHELF.own()), *_beside(folder)]


def _own(name: str, row: dict[str, Any]) -> dict[str, Any]:
    declared = declaration(name)
    card = {"reference": name, "name": name, "from": "mesocosm", "loop": bool(loop(name)), "noun": declared.noun}
    card |= {word: getattr(declared, word) for word in _WORDS}
    card["presets"] = [{"name": preset, "sets": in_words(changes)} for preset, changes in declared.presets.items()]
    if row.get("claimed") == claimed(declared):
        card["found"] = {key: row[key] for key in ("verdict", "answer", "said", "n", "noun", "command", "seed")}
    return card


def in_words(changes: Any, prefix: str = "") -> str:
    """What a preset sets, in a line."""
    parts = []
    for key, value in changes.items():
        is_nested = isinstance(value, dict)
        parts.append(in_words(value, f"{prefix}{key}.") if is_nested else f"{prefix}{key} = {value}")
    return ", ".join(parts) or "as it is"


def _beside(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.py"))[:_MOST_FILES]:
        if path.is_file() and declares_one(str(path)):
            yield _other(path.name, path.stem, "file", path)


def _other(reference: str, name: str, whence: str, source: Path | None) -> dict[str, Any]:
    """A card of somebody's own, as far as the text of its file tells."""
    card: dict[str, Any] = {"reference": reference, "name": name, "from": whence, "presets": [], "loop": False}
    said = _literals(source) if source else {}
    card |= {"title": name, "question": "", "about": "", "noun": "replicates"}
    card |= {word: said[word] for word in _WORDS if word in said}
    card["presets"] = [{"name": preset, "sets": ""} for preset in said.get("presets", [])]
    return card


def _source(value: str) -> Path | None:
    """The file of an entry point's module."""
    try:
        spec = find_spec(value.partition(":")[0])
    except (ImportError, ValueError, AttributeError):
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _literals(path: Path) -> dict[str, Any]:
    """The plain words in the first call of `Declaration` in a file, and the names of its presets."""
    try:
        if path.stat().st_size > LARGEST_TEXT:
            return {}
        tree = ast.parse(path.read_text("utf-8", "replace"))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Declaration":
            return _words(node)
    return {}


def _words(call: ast.Call) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for keyword in call.keywords:
        value = keyword.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and keyword.arg:
            out[keyword.arg] = value.value
        elif keyword.arg == "presets" and isinstance(value, ast.Dict):
            out["presets"] = [k.value for k in value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)]
    return out
