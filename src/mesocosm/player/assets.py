"""The player's own files, as text to be put into a page."""

from __future__ import annotations

from importlib.resources import files

SCRIPTS = (
    "frames.js",
    "dots.js",
    "gl.js",
    "glow.js",
    "shading.js",
    "draw.js",
    "marks.js",
    "curves.js",
    "controls.js",
    "words.js",
    "probe.js",
    "charts.js",
    "inspector.js",
    "player.js",
    "looks.js",
    "gaze.js",
)
"""In the order in which a page must run them. Together they define one global name, `mesocosm`."""


def script() -> str:
    """All of the player's JavaScript."""
    return "\n".join(_read(name) for name in SCRIPTS)


def style() -> str:
    """The player's style sheet."""
    return _read("player.css")


def _read(name: str) -> str:
    return (files("mesocosm.player") / "web" / name).read_text("utf-8")
