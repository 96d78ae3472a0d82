"""A cell of a notebook that plays worlds: the same player, in an anywidget. Everything it shows travels inside it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from mesocosm.player import assets
from mesocosm.player.encoder.frames import pack
from mesocosm.player.encoder.panel import panel_of
from mesocosm.record import Record, needs
from mesocosm.viewer.opening import places


def module() -> str:
    """The JavaScript of the cell: a module that brings the player with it."""
    return f"{assets.script()}\n{(files('mesocosm.viewer') / 'web' / 'cell.js').read_text('utf-8')}"


def cell(records: Sequence[Record], replicate: int | None = None) -> Any:
    """A widget that plays the worlds of these runs side by side.

    Raises:
      MissingPackage: where anywidget is missing.
      FolderError: where there is nothing to show.
    """
    with needs("a notebook cell", "notebook"):
        import anywidget
        import traitlets

    class Cell(anywidget.AnyWidget):
        """Worlds as packed frames; `state` is what the page shows."""

        _esm = module()
        _css = assets.style()
        worlds = traitlets.List(traitlets.Bytes()).tag(sync=True)
        state = traitlets.Dict().tag(sync=True)

    shown = places([record.folder for record in records], replicate)
    return Cell(worlds=[pack(panel_of(place.world())) for place in shown])
