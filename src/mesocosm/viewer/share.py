"""A stretch of watched worlds as one HTML file, and the recording that is shipped with the package."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from importlib.resources import files

import numpy as np

from mesocosm.player import assets
from mesocosm.player.encoder.frames import pack
from mesocosm.player.encoder.panel import Frames, Panel, panel_of
from mesocosm.viewer.cards import loop
from mesocosm.viewer.live import Live
from mesocosm.viewer.opening import Place
from mesocosm.viewer.page import policy_of


def shipped() -> np.ndarray:
    """The recording that plays while a world is compiled, as bytes [n]."""
    return np.frombuffer((files("mesocosm.viewer") / "shipped" / "chemotaxis.frames").read_bytes(), np.uint8)


def standing_in(places: Sequence[Place | Live]) -> np.ndarray:
    """What plays until a world has been compiled: the loop of its own experiment, none of another. Bytes [n]."""
    live = next((place for place in places if isinstance(place, Live)), None)
    if live is not None and live.title == "chemotaxis":
        return shipped()
    return np.frombuffer(loop(live.title) if live is not None else b"", np.uint8)


def page_of(worlds: Sequence[Frames], title: str, first: int, last: int) -> np.ndarray:
    """One HTML file that plays a stretch of these worlds, as bytes [n]. It fetches nothing."""
    panels = [panel_of(world, first, last) for world in worlds]
    return np.frombuffer(single_page(panels, title).encode(), np.uint8)


def single_page(panels: Sequence[Panel], title: str) -> str:
    """One HTML file that plays these worlds side by side."""
    web = files("mesocosm.viewer") / "web"
    script = assets.script() + "\n" + (web / "single.js").read_text("utf-8")
    style = assets.style() + (web / "watch.css").read_text("utf-8")
    worlds = [base64.b64encode(pack(panel)).decode() for panel in panels]
    html = (web / "single.html").read_text("utf-8").replace("{{ policy }}", policy_of(script))
    html = html.replace("{{ style }}", style).replace("{{ title }}", escape(title))
    texts = "\n".join(f'<script type="text/plain" class="world">{world}</script>' for world in worlds)
    return html.replace("{{ worlds }}", texts).replace("{{ script }}", script)
