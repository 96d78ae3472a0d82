"""The record of a run: folder, schema, statuses, configuration. NumPy and sqlite3 only, no jax.

Names are loaded when first used: the command line answers before NumPy is there.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mesocosm.record.configuration import ConfigurationError, Intervention, MissingPackage, needs
    from mesocosm.record.errors import FolderError, MesocosmError, StorageError
    from mesocosm.record.reader import Record, load
    from mesocosm.record.status import RunStatus, Status
    from mesocosm.record.writer import Writer, branch

_HOMES = {
    "ConfigurationError": "configuration",
    "FolderError": "errors",
    "Intervention": "configuration",
    "MesocosmError": "errors",
    "MissingPackage": "configuration",
    "Record": "reader",
    "RunStatus": "status",
    "Status": "status",
    "StorageError": "errors",
    "Writer": "writer",
    "branch": "writer",
    "load": "reader",
    "needs": "configuration",
}

__all__ = [
    "ConfigurationError",
    "FolderError",
    "Intervention",
    "MesocosmError",
    "MissingPackage",
    "Record",
    "RunStatus",
    "Status",
    "StorageError",
    "Writer",
    "branch",
    "load",
    "needs",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"mesocosm.record.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
