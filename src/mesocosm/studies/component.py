"""Parts that can be swapped: a function with a slot and a name, from here, from a file, or from another package.

    from mesocosm.studies.component import component

    @component(slot="optimiser")
    def heavy_ball(rate: float = 0.1, momentum: float = 0.9):
        import optax

        return optax.sgd(rate, momentum)

Another package names its module under the entry points `mesocosm.components`. Nothing is imported before a part is
asked for. No jax.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from mesocosm.protocol.reach import digest_of, named_files, reached
from mesocosm.record import ConfigurationError

FILES = "files"
"""Under this name the files that parts name stand among the versions of a cell."""

GROUP = "mesocosm.components"
"""Entry points: each names a module that defines components."""


class Skipped(Exception):
    """A part that cannot be had here (a package is missing): its cells are rows with the status `skipped`."""


F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Component:
    """A part: called with its arguments it makes what its slot asks for."""

    slot: str
    name: str
    make: Callable[..., Any]

    @property
    def source(self) -> str:
        """SHA-256 of the source that it reaches (see `reach`)."""
        return reached(self.make).source

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that it does not take.

        Raises:
          ConfigurationError: naming the argument, and what it takes.
        """
        try:
            inspect.signature(self.make).bind(**arguments)
        except TypeError as error:
            takes = ", ".join(map(str, inspect.signature(self.make).parameters.values())) or "nothing"
            raise ConfigurationError(f"{self.slot} = {self.name}: {error}; it takes {takes}") from None


_KNOWN: dict[tuple[str, str], Component] = {}


def component(slot: str, name: str | None = None) -> Callable[[F], F]:
    """Register a function as a part for a slot, under its own name unless another is given."""

    def register(make: F) -> F:
        known = name or make.__name__.strip("_").replace("_", "-")
        _KNOWN[slot, known] = Component(slot, known, make)
        return make

    return register


def read(value: Any) -> tuple[str, dict[str, Any]] | None:
    """Name and arguments of a part: `"adam"` or `{component = "adam", rate = 0.01}`; None for a plain value."""
    if isinstance(value, str):
        return value, {}
    if isinstance(value, Mapping) and isinstance(value.get("component"), str):
        return value["component"], {k: v for k, v in value.items() if k != "component"}
    return None


def find(slot: str, value: Any) -> tuple[Component, dict[str, Any]]:
    """The component that a part names, and its arguments, checked.

    Raises:
      ConfigurationError: for a name that is not known in this slot (offering the nearest), or wrong arguments.
    """
    named = read(value)
    if named is None:
        raise ConfigurationError(f"{slot} = {value!r}: must name a component, or be a table with `component`")
    _load_all()
    found = _KNOWN.get((slot, named[0]))
    if found is None:
        there = names(slot)
        near = difflib.get_close_matches(named[0], there, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(there) or 'none'}."
        raise ConfigurationError(f"{slot} = {named[0]}: there is no such component. {hint}")
    found.check(named[1])
    return found, named[1]


def known() -> Mapping[tuple[str, str], Component]:
    """All components by slot and name, of what is loaded."""
    return dict(_KNOWN)


def names(slot: str) -> list[str]:
    """The components of a slot."""
    _load_all()
    return sorted(name for s, name in _KNOWN if s == slot)


def versions(parts: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, str]:
    """What determines some parts beyond their names: the source of components, and files that they name.

    Args:
      parts: everything that stands in the slots of a task.
      named: the components among it, by slot.
    """
    found = {slot: find(slot, value)[0] for slot, value in named.items()}
    files = named_files(dict(parts)).union(*(reached(one.make).files for one in found.values()))
    out = {slot: one.source for slot, one in found.items()}
    return {**out, FILES: digest_of(files)} if files else out


def load_file(path: Path) -> None:
    """Run a file that defines components, which may import what lies beside it; once more if it has changed since.

    Raises:
      ConfigurationError: if it cannot be read or raises.
    """
    name = f"mesocosm_components_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigurationError(f"components = {path}: is no Python file")
    try:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationError(f"components = {path}: cannot be read ({error.strerror})") from None
    if getattr(sys.modules.get(name), "__content__", None) == content:
        return
    if (beside := str(path.resolve().parent)) not in sys.path:
        sys.path.append(beside)
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__content__"] = content
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a file that would end the program ends its own loading
        del sys.modules[name]
        raise ConfigurationError(f"components = {path}: {type(error).__name__}: {error}") from error


@cache
def _load_all() -> None:
    for point in entry_points(group=GROUP):
        try:
            import_module(point.value)
        except (Exception, SystemExit) as error:
            raise ConfigurationError(
                f"the entry point {point.name} = {point.value} cannot be loaded ({type(error).__name__}: {error}); "
                "mend or remove the package"
            ) from error
