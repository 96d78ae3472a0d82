"""One live line on a terminal; elsewhere a line every 30 seconds."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mesocosm.cli.words import obeyed
from mesocosm.protocol.declaration import Declaration
from mesocosm.protocol.derived import newest

if TYPE_CHECKING:
    from mesocosm.core import Progress

_EVERY_SECONDS = 30.0


class ProgressLine:
    """Shows where a run is. Use as a context manager."""

    def __init__(self, declaration: Declaration, silent: bool = False, configuration: Mapping[str, Any] | None = None):
        self.measures = {declaration.name: newest(declaration, configuration)}
        self.silent = silent
        self.is_live = sys.stderr.isatty()
        self.begun = self.shown = time.monotonic()
        self.first_tick: int | None = None
        self.calls = 0
        self.of = ""

    def __enter__(self) -> ProgressLine:
        if not self.silent and self.is_live:
            self._write("compiling (some 15 s the first time, kept for later runs)")
        return self

    def __exit__(self, *exception: object) -> None:
        if not self.silent and self.is_live:
            with obeyed():
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if self.of != progress.name or progress.tick < (self.first_tick or 0):
            self.of, self.first_tick, self.calls = progress.name, None, 0  # another run has begun: an arm, or an assay
        if self.first_tick is None:  # compilation ends here: speed is counted from now on
            self.first_tick, self.begun = progress.tick, now
        self.calls += 1
        if self.silent or (not self.is_live and now - self.shown < _EVERY_SECONDS):
            return
        self.shown = now
        self._write(self._text(progress, now))

    def _text(self, p: Progress, now: float) -> str:
        done = p.tick - (self.first_tick or 0)
        speed = done / (now - self.begun) if done and now > self.begun else 0.0
        # The first chunks are short, and larger arrays may be compiled in them: nothing is foretold from those.
        left = f"{(p.ticks - p.tick) / speed:.0f} s left" if speed and self.calls > 3 else "..."
        text = f"tick {p.tick}/{p.ticks}  {speed:.0f} ticks/s  {left}  {p.living}/{p.replicates} alive"
        if p.name not in self.measures:
            return f"{p.name}  {text}"
        name, measure = self.measures[p.name]
        try:
            return f"{text}  {name} {measure(p.row):+.2f}" if p.row else text
        except Exception:  # a number that is only shown costs nobody the run
            return text

    def _write(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be overwritten
        with obeyed():
            sys.stderr.write(f"\r\x1b[K{text[:width]}" if self.is_live else f"{text}\n")
            sys.stderr.flush()
