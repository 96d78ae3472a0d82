"""mesocosm: a laboratory for minds that have no loss function, and for knowing whether they are getting anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mesocosm.api import MesocosmError, Run, load, run, study, tournament, view

__all__ = ["MesocosmError", "Run", "load", "run", "study", "tournament", "view"]


def __getattr__(name: str) -> Any:
    """Public names are loaded when first used, so that `import mesocosm` costs nothing."""
    if name in __all__:
        from mesocosm import api

        return getattr(api, name)
    raise AttributeError(f"module 'mesocosm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
