"""Code of other people: loaded from a file or a package, identified by its content, its faults told in one sentence."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from mesocosm.protocol.reach import is_users, tree_of
from mesocosm.record import ConfigurationError, MesocosmError

T = TypeVar("T")
_LOADED = "__mesocosm_digest__"
"""In a module that was loaded from a file: the digest of its source, as it was then."""


class MissingError(MesocosmError):
    """A package that is needed here is not installed: the environment's fault, not the words'."""

    exit_code = 3


def file_of(reference: str) -> tuple[Path, str] | None:
    """File and name of `moran.py` or `moran.py:NAME`; None for what names no Python file."""
    found = re.fullmatch(r"(.+\.py)(?::(\w*))?", reference, re.DOTALL)
    return (Path(found[1]), found[2] or "") if found else None


def load_file(path: Path) -> ModuleType:
    """The module in a Python file; what lies beside it can be imported by it. Once it has been edited, or what it
    imports of the same kind, it is loaded anew.

    Raises:
      ConfigurationError: if there is no such file, or it cannot be imported.
      MissingError: if it needs a package that is not here.
    """
    path = path.resolve()
    name = f"mesocosm_outside_{hashlib.sha256(str(path).encode(errors='surrogateescape')).hexdigest()[:12]}"
    digest = tree_of(path) if path.is_file() else ""
    if name in sys.modules:
        if vars(sys.modules[name]).get(_LOADED) == digest:
            return sys.modules[name]
        _forget(path.parent)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigurationError(f"{path}: is no Python file")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    vars(module)[_LOADED] = digest
    sys.modules[name] = module  # dataclasses look their module up
    try:
        with blamed_on(path, "importing it"):
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _forget(folder: Path) -> None:
    """Modules that were loaded from a folder are imported anew when they are asked for again."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).parent == folder and name != "__main__":
            del sys.modules[name]


def load_module(name: str) -> ModuleType:
    """An installed module by its dotted name; errors as of `load_file`."""
    with blamed_on(name, "importing it"):
        return import_module(name)


@contextmanager
def blamed_on(where: Path | str, doing: str) -> Iterator[None]:
    """Turn whatever somebody else's code raises into one sentence with file, line and cause.

    Raises:
      MissingError: for an import of a package that is not installed.
      ConfigurationError: for everything else.
    """
    try:
        yield
    except (MesocosmError, AssertionError):
        raise
    except ModuleNotFoundError as error:
        missing = (error.name or str(error)).split(".")[0]
        raise MissingError(
            f"{_place(where, error)}: needs the package {missing}, which is not installed here; install it into this "
            f"environment ({sys.executable} -m pip install {missing})"
        ) from error
    except (Exception, SystemExit) as error:
        first = next(iter(str(error).strip().splitlines()), "") or "no message"
        kind = (
            "it ended the program (sys.exit)" if isinstance(error, SystemExit) else f"{type(error).__name__}: {first}"
        )
        raise ConfigurationError(f"{_place(where, error)}: {doing} fails: {kind}") from error


def _place(where: Path | str, error: BaseException) -> str:
    """The file, and the last line of it that was being run."""
    if isinstance(where, str):
        return where
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(where)]
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else lines[-1] if lines else None
    return f"{where}, line {line}" if line else str(where)


def is_raised_in(where: Path, error: BaseException) -> bool:
    """Whether code of this file, or of the user's own modules beside it, was being run when it was raised."""
    frames = (Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__))
    return any(frame == where or (frame.parent == where.parent and is_users(frame, where)) for frame in frames)


def package_of(module: ModuleType) -> tuple[str, str]:
    """The distribution that a module belongs to, and its version; its own name and nothing where there is none."""
    top = module.__name__.split(".")[0]
    for name in metadata.packages_distributions().get(top, ()):
        return name, metadata.version(name)
    return Path(module.__file__ or top).name, ""


def one_in(module: ModuleType, kind: type[T], wanted: str, place: str) -> tuple[str, T]:
    """The one object of a kind in a module, or that of this name.

    Raises:
      ConfigurationError: if there is none, or not exactly one.
    """
    found = {k: v for k, v in vars(module).items() if isinstance(v, kind) and not k.startswith("_")}
    if wanted in found:
        return wanted, found[wanted]
    if len(found) != 1 or wanted:
        there = ", ".join(f"{place}:{name}" for name in found) or "none"
        raise ConfigurationError(f"{place}{wanted and f':{wanted}'}: must name one {kind.__name__}; there is {there}")
    return next(iter(found.items()))
