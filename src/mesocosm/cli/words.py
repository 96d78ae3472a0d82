"""Words on a terminal or in a spreadsheet that come from elsewhere: shown, never obeyed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from mesocosm.record.errors import SHOWN
from mesocosm.record.kinds import reads_as_number

_SHOWN_IN_TEXT = {c: shown for c, shown in SHOWN.items() if chr(c) not in "\n\t"}


def as_a_cell(value: Any) -> Any:
    """A value for a table that a spreadsheet may open: no text is taken for a formula.

    >>> as_a_cell("=HYPERLINK(...)"), as_a_cell("x"), as_a_cell(-1.5)
    ("'=HYPERLINK(...)", 'x', -1.5)
    """
    is_formula = isinstance(value, str) and value.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if is_formula and not reads_as_number(value) else value


class Plain:
    """A stream on which control characters are shown; `terminal` is the stream itself, for a line that is redrawn."""

    def __init__(self, stream: TextIO) -> None:
        self.terminal = stream

    def write(self, text: str) -> int:
        self.terminal.write(text.translate(_SHOWN_IN_TEXT))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.terminal, name)


@contextmanager
def shown_not_obeyed() -> Iterator[None]:
    """Within this, what is printed commands no terminal: names of folders and the texts in them are anybody's."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Plain(sys.stdout), Plain(sys.stderr)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def obeyed() -> Iterator[None]:
    """Within this, what is printed is our own, and may be in colour."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (getattr(stream, "terminal", stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
