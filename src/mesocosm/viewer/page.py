"""The page of `mesocosm watch`: the player, a source behind a socket, and the inspector. Nothing else is fetched."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files

from mesocosm.player import assets


def page(title: str, n_worlds: int, is_live: bool) -> tuple[str, str]:
    """The HTML, and the policy under which it must be sent."""
    script = "\n".join([assets.script(), _read("remote.js"), _read("running.js"), _read("watch.js")])
    html = _read("watch.html").replace("{{ style }}", assets.style() + _read("watch.css"))
    html = html.replace("{{ script }}", script).replace("{{ worlds }}", str(n_worlds))
    html = html.replace("{{ live }}", "live" if is_live else "")
    policy = policy_of(script) + "; connect-src 'self'; frame-ancestors 'none'"
    return html.replace("{{ title }}", escape(title)), policy


def policy_of(script: str) -> str:
    """Nothing is loaded, and only this script runs."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _read(name: str) -> str:
    return (files("mesocosm.viewer") / "web" / name).read_text("utf-8")
