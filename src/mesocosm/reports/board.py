"""A page of tables that can be sorted and filtered: one HTML file that holds everything and fetches nothing. No jax."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape as escaped
from importlib.resources import files
from typing import Any

VERDICTS = ("supported", "refuted", "equivalent", "undecided")


def escape(words: str) -> str:
    """Text for a page, without what steers a terminal."""
    return escaped("".join(c if c.isprintable() or c == "\n" else " " for c in words))


@dataclass(frozen=True)
class Board:
    """One table: headings, rows, and which rows failed."""

    title: str
    head: Sequence[str]
    body: Sequence[Sequence[Any]]
    failed: Sequence[bool]


def page(title: str, question: str, words: str, boards: Sequence[Board], figure: str = "") -> str:
    """The page: what was found, in words and in a figure (an SVG), then the tables."""
    style, script = (
        files("mesocosm.reports").joinpath(f"templates/board.{end}").read_text("utf-8") for end in ("css", "js")
    )
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f"<title>{escape(title)}</title><style>{style}</style></head><body><main>",
            f'<h1>{escape(title)}</h1><p class="question">{escape(question)}</p>',
            f'<div class="figure">{figure}</div>' if figure else "",
            *map(_board, boards),
            f"<h2>In words</h2><pre>{escape(words)}</pre>",
            f"</main><script>{script}</script></body></html>",
        ]
    )


def _board(board: Board) -> str:
    looks = [' class="n"' if _are_numbers(column) else "" for column in zip(*board.body, strict=True)]
    looks = looks or [""] * len(board.head)
    heads = "".join(
        f'<th scope="col"{look}><button type="button">{escape(h)}</button></th>'
        for h, look in zip(board.head, looks, strict=True)
    )
    lines = "".join(
        f"<tr{' class=failed' if bad else ''}>{''.join(map(_cell, row))}</tr>"
        for row, bad in zip(board.body, board.failed, strict=True)
    )
    n = sum(board.failed)
    only = f'<label><input type="checkbox"> only what failed ({n})</label>' if n else ""
    name = escape(board.title)
    return (
        f'<section class="board" aria-label="{name}"><h2>{name}</h2><div class="controls">'
        f'<label>Filter: <input type="search"></label>{only}<output></output></div><div class="scroll" tabindex="0">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div></section>"
    )


def _are_numbers(column: Sequence[Any]) -> bool:
    there = [value for value in column if value is not None]
    return bool(there) and not any(isinstance(value, bool | str) for value in there)


def _cell(value: Any) -> str:
    if value is None:
        return '<td data-v=""></td>'
    if isinstance(value, bool | str):
        look = f' class="{value}"' if value in VERDICTS else ' class="w"' if len(str(value)) < 40 else ""
        return f"<td{look}>{escape(str(value))}</td>"
    return f'<td class="n" data-v="{value!r}">{value:.4g}</td>'
