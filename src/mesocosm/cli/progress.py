"""One live line on a terminal; elsewhere a line every tenth of a run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mesocosm.cli.words import obeyed
from mesocosm.protocol.declaration import Declaration
from mesocosm.protocol.progress import ProgressLines

if TYPE_CHECKING:
    from mesocosm.core import Progress

_COMPILING = "compiling (some 15 s the first time, kept for later runs)"


class ProgressLine(ProgressLines):
    """Shows where a run is. Use as a context manager."""

    def __init__(self, declaration: Declaration, silent: bool = False, configuration: Mapping[str, Any] | None = None):
        super().__init__(declaration, configuration)
        self.silent = silent
        self.is_live = sys.stderr.isatty()

    def __enter__(self) -> ProgressLine:
        return self

    def begins(self) -> None:
        """Says that the first tick takes a while."""
        if not self.silent:
            self.write(_COMPILING)

    def __exit__(self, *exception: object) -> None:
        if not self.silent and self.is_live:
            with obeyed():
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()

    def is_due(self, p: Progress, now: float) -> bool:
        """Always on a terminal, whose one line is redrawn."""
        return not self.silent and (self.is_live or super().is_due(p, now))

    def write(self, text: str) -> None:
        """Draws the line anew, or adds one."""
        if not self.is_live:
            return super().write(text)
        width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be overwritten
        with obeyed():
            sys.stderr.write(f"\r\x1b[K{text[:width]}")
            sys.stderr.flush()
        return None
