"""What a person sees on a terminal: colours for verdicts, links on paths, text that fits its width. By rich.

Elsewhere (a pipe, a file, `NO_COLOR`) the same words stand plain; lines are not broken in a pipe, so that they can be
searched. Words from elsewhere are shown, never obeyed: they reach rich as plain text, control characters spelt out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesocosm.record.errors import in_a_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

COLOURS = {"supported": "bold green", "refuted": "bold red", "equivalent": "bold cyan", "undecided": "bold yellow"}
_ENDLESS = 10_000
"""Columns of a pipe: what is read by a program is not wrapped."""


def console(stream: Any = None) -> Console:
    """A console on stdout (or another stream), whoever has wrapped it."""
    from rich.console import Console

    stream = sys.stdout if stream is None else stream
    real = getattr(stream, "terminal", stream)
    is_terminal = real.isatty()
    return Console(
        file=real, width=None if is_terminal else _ENDLESS, highlight=False, markup=False, emoji=False, soft_wrap=False
    )


def columns() -> int:
    """How wide a line may be."""
    return console().width


def text(words: str, style: str = "") -> Text:
    """Words from anywhere, as they are."""
    from rich.text import Text

    return Text("\n".join(map(in_a_line, words.split("\n"))), style)


def path(where: Path | str) -> Text:
    """A path that can be clicked where the terminal knows links."""
    return text(str(where), f"link {Path(where).absolute().as_uri()}")


def print_rows(rows: Sequence[Sequence[Any]], indent: int = 2, right: Sequence[int] = ()) -> None:
    """Rows of a table without rules: columns aligned, the last one wrapped in its own column.

    Args:
      right: the columns that are aligned to the right.
    """
    from rich.table import Table

    if not rows:
        return
    grid = Table.grid(padding=(0, 2))
    for k in range(len(rows[0])):
        is_last = k == len(rows[0]) - 1
        grid.add_column(justify="right" if k in right else "left", no_wrap=not is_last, overflow="fold")
    for row in rows:
        grid.add_row(*(text(cell) if isinstance(cell, str) else cell for cell in row))
    from rich.padding import Padding

    _print(Padding(grid, (0, 0, 0, indent), expand=False))


def print_text(*parts: Text | str) -> None:
    """A line, or several, wrapped at the width of a terminal."""
    from rich.text import Text

    _print(Text.assemble(*(text(part) if isinstance(part, str) else part for part in parts)))


def _print(thing: Any) -> None:
    where = console()
    with where.capture() as caught:
        where.print(thing)
    lines = caught.get().split("\n")
    where.file.write("\n".join(line.rstrip() for line in lines))
