"""Where a run is, in plain lines: one every tenth of it, for logs and scripts. No jax."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mesocosm.protocol.declaration import Declaration
from mesocosm.protocol.derived import newest
from mesocosm.record import ConfigurationError

if TYPE_CHECKING:
    from mesocosm.core import Progress

PARTS = 10
"""Lines of a run."""
SELDOM_SECONDS = 30.0
"""A line comes after so long in any case."""
ARM_SECONDS = 5.0
"""Of what follows a run, which may be many short ones, a line comes no sooner than this after another."""

SILENT_SECONDS = 10.0
"""Runs that are over sooner say nothing of where they are, unless they are asked to."""


class ProgressLines:
    """Writes a line to stderr at every tenth of a run. Give it as the `progress` of one.

    Args:
      declaration: of the experiment, whose first measure is told.
      configuration: as plain values; where the measure depends on it.
      after: seconds of the run before which nothing is written.
    """

    def __init__(
        self, declaration: Declaration, configuration: Mapping[str, Any] | None = None, after: float = 0.0
    ) -> None:
        self.measures = {declaration.name: newest(declaration, configuration)}
        self.after = after
        self.started = self.begun = self.shown = time.monotonic()
        self.first_tick: int | None = None
        self.calls = self.part = 0
        self.of = ""

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if self.of != progress.name or progress.tick < (self.first_tick or 0):
            self.of, self.first_tick, self.calls, self.part = progress.name, None, 0, 0  # an arm, or an assay
        if self.first_tick is None:  # compilation ends here: speed is counted from now on
            self.first_tick, self.begun = progress.tick, now
        self.calls += 1
        if self.is_due(progress, now):
            self.shown = now
            self.write(self.text(progress, now))

    def is_due(self, p: Progress, now: float) -> bool:
        """Whether a line is to be written: of each tenth once."""
        part = PARTS * p.tick // max(1, p.ticks)
        is_new, self.part = part > self.part, max(part, self.part)
        if now - self.started < self.after:
            return False
        waits = 0.0 if p.name in self.measures else ARM_SECONDS
        return (is_new and now - self.shown >= waits) or now - self.shown >= SELDOM_SECONDS

    def text(self, p: Progress, now: float) -> str:
        """Tick, speed, time left, who lives, and the newest of the first measure."""
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

    def write(self, text: str) -> None:
        """A line; where there is nobody to read it, none."""
        with suppress(OSError, ValueError, AttributeError):  # stderr is closed, or None
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()


def told_of(
    progress: Callable[[Progress], None] | bool | None, declared: Declaration, configuration: Mapping[str, Any]
) -> Callable[[Progress], None] | None:
    """Who is told where a run is: lines where nobody is named, after some seconds or, if True, at once; False: nobody.

    Raises:
      ConfigurationError: if it is nothing that can be called.
    """
    if progress is None or progress is True:
        return ProgressLines(declared, configuration, after=0.0 if progress else SILENT_SECONDS)
    if progress is False:
        return None
    if not callable(progress):
        raise ConfigurationError(f"progress = {progress!r}: must be a function of one argument, True, False or None")
    return progress
