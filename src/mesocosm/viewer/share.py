"""A stretch of watched worlds as one HTML file, and the recording that is shipped with the package."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any, Protocol

import numpy as np

from mesocosm.player import assets
from mesocosm.player.fields import KNEE
from mesocosm.player.frames import pack
from mesocosm.player.panel import Panel
from mesocosm.player.reading import EXTENT
from mesocosm.record import FolderError
from mesocosm.viewer.page import policy_of
from mesocosm.viewer.picture import Planes

MOST_FRAMES = 600
"""Frames of a stretch; of a longer one every second, third... is taken."""
_PLANE_SIDE = EXTENT // 256


class Frames(Protocol):
    """What a recorded and a running world have in common."""

    def meta(self) -> dict[str, Any]: ...

    def frame(self, t: int, want: list[str] | None = None) -> tuple[dict[str, Any], Planes]: ...


def shipped() -> np.ndarray:
    """The recording that plays while a world is compiled, as bytes [n]."""
    return np.frombuffer((files("mesocosm.viewer") / "shipped" / "chemotaxis.frames").read_bytes(), np.uint8)


def panel_of(world: Frames, first: int, last: int, title: str | None = None) -> Panel:
    """The frames `first` to `last` of a world, both included.

    Raises:
      FolderError: if there are none.
    """
    meta = world.meta()
    headers, planes = _stretch(world, meta, first, last)
    ticks = np.array([header["tick"] for header in headers])

    def repeated(name: str) -> np.ndarray:
        return np.repeat(ticks, [p[name].size if name in p else 0 for p in planes])

    columns = [c for c in meta["columns"] if all(f"column {c['name']}" in p for p in planes)]
    side = int(meta["side"]) or _PLANE_SIDE
    places, others = ({axis: _joined(planes, f"{who}{axis}") for axis in "xy"} for who in ("", "source "))
    places, others, bounds = _placed(places, others, side, meta["plane"])
    bodies = {"tick": repeated("id"), "id": _joined(planes, "id"), **places}
    bodies |= {c["name"]: _whole(_joined(planes, f"column {c['name']}")) for c in columns}
    curves = {
        c["name"]: np.stack([p[f"curve {c['name']}"].reshape(c["shape"]) for p in planes]) for c in meta["curves"]
    }
    return Panel(
        title or meta["title"],
        side,
        bodies,
        {"tick": repeated("source x"), **others},
        {field["name"]: (_frames_of(field, headers, planes), ticks) for field in meta["fields"]},
        ticks,
        {c["name"]: c["words"] for c in columns if c["words"]},
        {d["name"]: d["unit"] for d in [*columns, *meta["fields"]] if d["unit"]},
        curves,
        {name: tuple(points) for name, points in meta["series"].items()},
        bounds,
        meta["population"],
    )


def _stretch(world: Frames, meta: dict[str, Any], first: int, last: int) -> tuple[list[dict[str, Any]], list[Planes]]:
    """Headers and planes of the frames that are taken, each tick once."""
    first, last = max(first, meta.get("first", 0)), min(last, meta["n_frames"] - 1)
    if last < first:
        raise FolderError("this stretch holds no frame; choose another")
    stride = math.ceil((last - first + 1) / MOST_FRAMES)
    taken = [world.frame(t) for t in range(first, last + 1, stride)]
    taken = [taken[k] for k in range(len(taken)) if k == 0 or taken[k][0]["tick"] > taken[k - 1][0]["tick"]]
    return [header for header, _ in taken], [_ordered(planes) for _, planes in taken]


def _joined(planes: Sequence[Planes], name: str) -> np.ndarray:
    parts = [p[name] for p in planes if name in p]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _placed(
    places: Planes, others: Planes, side: int, is_plane: bool
) -> tuple[Planes, Planes, tuple[float, float, float, float] | None]:
    """Places in the units of a recording; on an open plane within bounds, which come with them."""
    bounds = _bounds(places, others) if is_plane else None

    def moved(values: np.ndarray, axis: str) -> np.ndarray:
        if bounds is None:
            return -(-values.astype(np.int64) * side // _PLANE_SIDE)
        low, high = bounds["xy".index(axis)], bounds[2 + "xy".index(axis)]
        return ((values - low) / (high - low) * (EXTENT - 1)).astype(np.int64)

    return {k: moved(v, k) for k, v in places.items()}, {k: moved(v, k) for k, v in others.items()}, bounds


def _frames_of(field: dict[str, Any], headers: Sequence[dict[str, Any]], planes: Sequence[Planes]) -> np.ndarray:
    """The values of a field in each frame. [frames, height, width]"""
    name, shape = field["name"], (field["height"], field["width"])
    return np.stack(
        [_values(p[f"field {name}"], h["highs"][name]).reshape(shape) for h, p in zip(headers, planes, strict=True)]
    )


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


def _ordered(planes: Planes) -> Planes:
    """Bodies in the order of their ids."""
    if "id" not in planes:
        return planes
    order = np.argsort(planes["id"], kind="stable")
    own = [name for name in planes if name in ("id", "x", "y") or name.startswith("column ")]
    return {**planes, **{name: planes[name][order] for name in own}}


def _bounds(*rows: Planes) -> tuple[float, float, float, float]:
    """The square around all places, with a margin."""
    low, high = [], []
    for axis in "xy":
        values = np.concatenate([r[axis] for r in rows]) if rows else np.zeros(0)
        low.append(float(values.min(initial=0)))
        high.append(float(values.max(initial=0)))
    half = 0.55 * max(high[0] - low[0], high[1] - low[1], 1e-9)
    middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    return middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half


def _whole(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int64) if values.dtype.kind in "iub" else np.rint(values).astype(np.int64)


def _values(level: np.ndarray, high: float) -> np.ndarray:
    """What the levels of a field stand for."""
    return high * KNEE * np.expm1(level / 255 * math.log1p(1 / KNEE))
