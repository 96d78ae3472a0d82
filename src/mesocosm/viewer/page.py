"""The page of `mesocosm watch`: the player, a source behind a socket, and the inspector. Nothing else is fetched."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from mesocosm.player import assets

if TYPE_CHECKING:
    from mesocosm.viewer.home import Home


def page(title: str, n_worlds: int, is_live: bool, is_in_house: bool = False, report: bool = False) -> tuple[str, str]:
    """The HTML, and the policy under which it must be sent.

    Args:
      is_in_house: whether there is a home that it can lead back to.
      report: whether there is one of the run that is shown.
    """
    script = "\n".join([assets.script(), *map(_read, ("remote.js", "sliders.js", "running.js", "watch.js"))])
    html = _read("watch.html").replace("{{ style }}", assets.style() + _read("watch.css"))
    ways = '<a href="../">home</a>' if is_in_house else ""
    ways += '<a href="report" target="_blank" rel="noopener">report</a>' if report else ""
    html = html.replace("{{ ways }}", f"<nav>{ways}</nav>" if ways else "")
    html = html.replace("{{ script }}", script).replace("{{ worlds }}", str(n_worlds))
    html = html.replace("{{ live }}", "live" if is_live else "")
    return html.replace("{{ title }}", escape(title)), _served(script)


def home_page(house: Home) -> tuple[str, str]:
    """The home, likewise; cards and runs stand in it, so that it shows something at once."""
    script = "\n".join([assets.script(), _read("remote.js"), _read("cards.js"), _read("home.js")])
    known = {"cards": list(house.cards.values()), "runs": house.runs(), "under": str(house.under)}
    html = _read("home.html").replace("{{ style }}", assets.style() + _read("watch.css") + _read("home.css"))
    html = html.replace("{{ known }}", json.dumps(known).replace("<", "\\u003c"))
    return html.replace("{{ script }}", script), _served(script)


def _served(script: str) -> str:
    return policy_of(script) + "; connect-src 'self'; frame-ancestors 'none'"


def policy_of(script: str) -> str:
    """Nothing is loaded, and only this script runs."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _read(name: str) -> str:
    return (files("mesocosm.viewer") / "web" / name).read_text("utf-8")
