"""Things that are known by name: the modules of one of our rooms, and entry points of other packages. Imports none."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pkgutil import iter_modules

from mesocosm.record import ConfigurationError


@dataclass(frozen=True)
class Shelf:
    """One kind of thing that is found by being there.

    Args:
      room: the package whose modules are ours; entry points of the same name are those of others.
      kind: what one of them is called.
      example: a file of one's own that would do.
      requires: a module that each of ours has in its folder; what has none is no such thing. "": any module is one.
    """

    room: str
    kind: str
    example: str
    requires: str = ""

    def names(self) -> tuple[str, ...]:
        """Ours, then those of installed packages; a name of ours is never another's."""
        own = self.own()
        return own + tuple(name for name in sorted(self.installed()) if name not in own)

    def own(self) -> tuple[str, ...]:
        """The modules of the room, with `-` for `_`; what begins with `_` is none."""
        return _modules(self.room, self.requires)

    def installed(self) -> Mapping[str, EntryPoint]:
        """What other packages offer, by name: "package.module:OBJECT"."""
        return _points(self.room)

    def module(self, name: str) -> str:
        """The module of one of ours."""
        return f"{self.room}.{name.replace('-', '_')}"

    def unknown(self, reference: str) -> ConfigurationError:
        """That nothing has this name, with the nearest that there is."""
        near = difflib.get_close_matches(reference, self.names(), n=1, cutoff=0.6)
        hint = f"Did you mean {near[0]}? " if near else ""
        there = ", ".join(self.names())
        return ConfigurationError(
            f"{reference}: there is no such {self.kind}. {hint}There are {there}; or name a file: {self.example}."
        )


@cache
def _modules(room: str, requires: str) -> tuple[str, ...]:
    spec = find_spec(room)
    found = list(iter_modules(spec.submodule_search_locations if spec else None))
    if requires:
        paths = {m.name: f"{m.module_finder.path}/{m.name}" for m in found if m.ispkg}  # pyright: ignore
        found = [m for m in found if m.ispkg and any(x.name == requires for x in iter_modules([paths[m.name]]))]
    return tuple(sorted(m.name.replace("_", "-") for m in found if not m.name.startswith("_")))


@cache
def _points(room: str) -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=room)}


__all__ = ["Shelf"]
