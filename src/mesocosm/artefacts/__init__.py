"""One artefact from evolution to device: a world's tick, a mind or a learning rule as a file of another machine's.

`mesocosm export RUN|RULE --to onnx|stablehlo` writes it; `load(path)` opens it again. Each file holds what it begins
with, what it is, and test vectors, and is refused if it was damaged or is of another version. Needs the extra `export`
for ONNX; nothing of it is imported before it is asked for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesocosm.record.configuration import MissingPackage
from mesocosm.record.errors import MesocosmError

if TYPE_CHECKING:
    from mesocosm.artefacts.opened import Opened

FORMAT = "mesocosm artefact 1"
LEAST = {"onnx": (1, 17), "onnxruntime": (1, 31)}
"""Versions, as the extra `export` has them. Older ONNX Runtimes have no Where of narrow and unsigned numbers."""


ON_ITS_HOST = "calls Python on its host, so that it is no program of its own: neither ONNX nor StableHLO holds it"


class ArtefactError(MesocosmError, ValueError):
    """A file that cannot be opened, or what was given to its program: says why, and what to do."""

    exit_code = 2


class Differs(ArtefactError):
    """A program that gives something else here than where it was exported."""


def load(path: str | Path) -> Opened:
    """Open what was exported: `load("tick.onnx").play(100)`.

    Raises:
      ArtefactError: if it is none, damaged, or of another version.
      MissingPackage: where what would run it is not installed.
    """
    from mesocosm.artefacts.opened import load as opened

    return opened(Path(path))


def require_onnx(what: str) -> Any:
    """The packages onnx and onnxruntime, of which the first is returned.

    Raises:
      MissingPackage: naming the one that is not there, or too old.
    """
    from importlib import import_module
    from importlib.util import find_spec

    for package, least in LEAST.items():
        if find_spec(package) is None:
            raise MissingPackage(what, package, "export", "; --to stablehlo does without")
        there = str(getattr(import_module(package), "__version__", "0"))  # its distribution may be onnxruntime-gpu
        numbers = tuple(int(part) for part in re.findall(r"\d+", there)[:2])
        if numbers < least:
            wanted = ".".join(map(str, least))
            raise ArtefactError(
                f"{what} needs {package} {wanted} or newer, here is {there}: pip install '{package}>={wanted}'"
            )
    return import_module("onnx")


__all__ = ["ArtefactError", "Differs", "load"]
