"""What determines a component besides its arguments: the source that it reaches, and the files that it names. No jax.

Read from the text, nothing is imported or run. From the statement that defines a component the names that it uses are
followed through its module: helpers, constants, classes; a module of the user's own that is imported counts whole, and
so does what it imports. Statements at the top of a module that define nothing (calls, loops) always count. A text that
names a file which is there stands for the content of that file.

Here it ends: the standard library, installed packages (their versions are recorded) and mesocosm itself (its tasks have
versions), what is fetched by a name that is put together at run time, the environment, and the network.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import itertools
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

_AT_RUN_TIME = {"eval", "exec", "globals", "vars", "__import__", "import_module"}
"""Who uses one of these may reach anything in the module."""

_LONGEST_PATH = 512
_HOME = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Reached:
    """What a component reaches: a digest of its source, the files that its source names, and what was read for it."""

    source: str
    files: frozenset[Path]
    read: Mapping[Path, tuple[int, int]] = field(repr=False)


_KNOWN: dict[Any, Reached] = {}


def reached(make: Callable[..., Any]) -> Reached:
    """What this function or class reaches now, as its files are now."""
    known = _KNOWN.get(make)
    if known is not None and all(_mark(path) == mark for path, mark in known.read.items()):
        return known
    walk = _Walk()
    walk.definition(make)
    found = Reached(walk.digest(), frozenset(walk.files()), {path: _mark(path) for path in walk.modules})
    _KNOWN[make] = found
    return found


def tree_of(file: Path) -> str:
    """A digest of a module of the user's own, by its file, with all that it imports of the same kind and the files that
    its source names."""
    walk = _Walk()
    walk.whole(file)
    named = walk.files()
    return f"{walk.digest()}{digest_of(named) if named else ''}"[:32]


def named_files(value: Any) -> set[Path]:
    """Files that the texts in a plain value name; a word without a dot or a slash names none."""
    if isinstance(value, Mapping):
        return set().union(*map(named_files, value.values())) if value else set()
    if isinstance(value, list | tuple):
        return set().union(*map(named_files, value)) if value else set()
    is_path = isinstance(value, str) and ("." in value or "/" in value)
    return _there({value}, {Path.cwd()}) if is_path else set()


def digest_of(files: set[Path] | frozenset[Path]) -> str:
    """Of the contents of files, whatever they are called."""
    sums = sorted(_sum(path, _mark(path)) for path in files)
    return hashlib.sha256(" ".join(sums).encode()).hexdigest()[:16]


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=1024)
def _sum(path: Path, mark: tuple[int, int]) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "unreadable"


@dataclass(frozen=True)
class _Module:
    """The statements of a module, with the names that each binds."""

    path: Path
    lines: list[str]
    statements: list[ast.stmt]
    binders: dict[str, list[int]]
    always: list[int]

    def text(self, k: int) -> str:
        node = self.statements[k]
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        return "\n".join(self.lines[first - 1 : node.end_lineno])


@lru_cache(maxsize=256)
def _module(path: Path, mark: tuple[int, int]) -> _Module | None:
    try:
        text = path.read_text("utf-8")
        statements = ast.parse(text).body
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    binders: dict[str, list[int]] = {}
    always = []
    for k, node in enumerate(statements):
        for name in _bound(node):
            binders.setdefault(name, []).append(k)
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        defines = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Import | ast.ImportFrom)
        plain = isinstance(node, ast.Assign | ast.AnnAssign) and all(isinstance(t, ast.Name) for t in _targets(node))
        if not (is_text or defines or plain or _is_for_scripts(node)) or "*" in _bound(node):
            always.append(k)
    return _Module(path, text.splitlines(), statements, binders, always)


def _is_for_scripts(node: ast.stmt) -> bool:
    """`if __name__ == ...`: nothing that an import runs."""
    names = (n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)) if isinstance(node, ast.If) else ()
    return "__name__" in names


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _bound(node: ast.stmt) -> set[str]:
    """The names that a statement at the top of a module defines, or changes."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    stored = (n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store | ast.Del))
    return {name.id for name in stored}


class _Walk:
    """Everything met on the way: pieces of source, wherever they stand."""

    def __init__(self) -> None:
        self.parts: set[str] = set()
        self.modules: set[Path] = set()
        self.texts: dict[Path, set[str]] = {}
        self.met: set[Any] = set()

    def digest(self) -> str:
        text = "\0".join(sorted(self.parts))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def definition(self, make: Any) -> None:
        """A function, or a class."""
        while hasattr(make, "func"):  # functools.partial
            self.parts.add(repr((make.args, make.keywords)))
            make = make.func
        make = inspect.unwrap(make)
        code = getattr(make, "__code__", None)
        module = self._open(Path(code.co_filename if code else str(inspect.getsourcefile(make))))
        line = code.co_firstlineno if code else 0
        at = None if module is None else _statement_at(module, line, getattr(make, "__qualname__", ""))
        if module is not None and at is not None:
            self._statement(module, at)
        elif code is not None:  # written into a console: no file
            self.parts.add(_code(code))
        for name, kept in zip(getattr(code, "co_freevars", ()), getattr(make, "__closure__", None) or (), strict=False):
            value = kept.cell_contents
            if callable(value) and hasattr(value, "__code__"):
                if value not in self.met:
                    self.met.add(value)
                    self.definition(value)
                self.parts.add(f"{name} = {value.__qualname__}")
            elif isinstance(value, str | int | float | bool | tuple | type(None)):
                self.parts.add(f"{name} = {value!r}")

    def whole(self, path: Path) -> None:
        """Every statement of a module."""
        module = self._open(path)
        if module is not None:
            for k in range(len(module.statements)):
                self._statement(module, k)

    def files(self) -> set[Path]:
        """The files that were named in what was met."""
        out: set[Path] = set()
        for path, texts in self.texts.items():
            out |= _there(texts, {path.parent, Path.cwd()})
        return out - self.modules

    def _open(self, path: Path) -> _Module | None:
        path = path.resolve()
        module = _module(path, _mark(path))
        if module is not None and path not in self.modules:
            self.modules.add(path)
            for k in module.always:
                self._statement(module, k)
        return module

    def _statement(self, module: _Module, k: int) -> None:
        if (module.path, k) in self.met:
            return
        self.met.add((module.path, k))
        self.parts.add(module.text(k))
        node = module.statements[k]
        documents = {id(n) for n in _documentation(node)}
        names: set[str] = set()
        for n in ast.walk(node):
            if isinstance(n, ast.Name):
                names.add(n.id)
            elif isinstance(n, ast.Attribute) and n.attr in _AT_RUN_TIME:
                names.add(n.attr)
            elif isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in documents:
                self.texts.setdefault(module.path, set()).add(n.value)
            elif isinstance(n, ast.Import | ast.ImportFrom):
                for path in _imported(n, module.path):
                    self.whole(path)
        if names & _AT_RUN_TIME:
            self.whole(module.path)
        for other in itertools.chain.from_iterable(module.binders.get(name, []) for name in names):
            self._statement(module, other)


def _documentation(node: ast.AST) -> Iterator[ast.Constant]:
    """Texts that stand alone: they are read by people."""
    for n in ast.walk(node):
        if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant):
            yield n.value


def _statement_at(module: _Module, line: int, name: str) -> int | None:
    for k, node in enumerate(module.statements):
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        if line and first <= line <= (node.end_lineno or first):
            return k
    return next(iter(module.binders.get(name.split(".")[0], [])), None)


def _code(code: CodeType) -> str:
    """What compiled code does, wherever it stands."""
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return repr((code.co_code.hex(), code.co_names, constants))


def _imported(node: ast.Import | ast.ImportFrom, by: Path) -> Iterator[Path]:
    """The files of the user's own modules that a statement imports."""
    if isinstance(node, ast.Import):
        wanted = [alias.name for alias in node.names]
        level = 0
    else:
        base, level = node.module or "", node.level
        wanted = [base, *(f"{base}.{alias.name}".strip(".") for alias in node.names)]
    for name in filter(None, wanted):
        parts = name.split(".")
        root = by.parents[level - 1] if level else _root(parts[0])
        yield from (path for path in _along(root, parts) if is_users(path, by))


def _root(top: str) -> Path | None:
    """The folder in which a module or package of this name is found."""
    if top in sys.stdlib_module_names or top == "mesocosm":
        return None
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is not None and spec.origin is None and spec.submodule_search_locations:  # a folder without __init__.py
        return Path(next(iter(spec.submodule_search_locations))).parent
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    origin = Path(spec.origin)
    return origin.parents[1] if origin.name == "__init__.py" else origin.parent


def _along(root: Path | None, parts: list[str]) -> Iterator[Path]:
    """The files from a package down to a module in it."""
    place = root
    for part in parts if place is not None else ():
        place = place / part  # type: ignore[operator]
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                yield file.resolve()


def is_users(path: Path, by: Path) -> bool:
    """Whether a module is no part of an installed package, or of the same as the module that imports it."""
    top = by.resolve()
    while (top.parent / "__init__.py").is_file():
        top = top.parent
    if top.is_dir() and path.is_relative_to(top):
        return True
    installed = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return not any(path.is_relative_to(place) for place in (_HOME, *installed))


def _there(texts: set[str], folders: set[Path]) -> set[Path]:
    """The files that texts name, seen from some folders, and from folders that other texts name."""
    short = [t for t in texts if 0 < len(t) <= _LONGEST_PATH and "\n" not in t and "\0" not in t]
    places = set(folders)
    for text, folder in itertools.product(short, folders):
        if text.strip("./") and _is(folder / text, Path.is_dir):
            places.add(folder / text)
    return {
        path.resolve()
        for text, folder in itertools.product(short, places)
        if _is(path := folder / text, Path.is_file) and path.suffix not in (".pyc",)
    }


def _is(path: Path, what: Callable[[Path], bool]) -> bool:
    try:
        return what(path)
    except (OSError, ValueError):
        return False


__all__ = ["Reached", "digest_of", "named_files", "reached", "tree_of"]
