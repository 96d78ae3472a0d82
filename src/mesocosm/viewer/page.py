"""The page of `mesocosm watch`: the player, a source behind a socket, and the inspector. Nothing else is fetched."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files

from mesocosm.player import assets


def page(title: str, n_worlds: int) -> tuple[str, str]:
    """The HTML, and the policy under which it must be sent."""
    script = "\n".join([assets.script(), _read("remote.js"), _read("watch.js")])
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    html = _read("watch.html").replace("{{ style }}", assets.style() + _read("watch.css"))
    html = html.replace("{{ script }}", script).replace("{{ worlds }}", str(n_worlds))
    return html.replace("{{ title }}", escape(title)), policy


def _read(name: str) -> str:
    return (files("mesocosm.viewer") / "web" / name).read_text("utf-8")
