"""One frame of one world as a picture, drawn without a browser in the player's colours: every kind that a scene has."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from mesocosm.player import assets
from mesocosm.player.encoder.encoder import Planes
from mesocosm.record import needs

GRAIN = 2
"""Pictures are drawn so many times larger, then averaged."""
_MARGIN, _HEAD = 12, 26
_FADES, _WAKE, _GLOW = 0.72, 0.4, 0.8
"""Of light in the dark: what is left of a wake after a frame; how bright wakes are, and light around bodies."""
_SPREAD = 8
"""Pixels over which that light spreads."""
_TURN = np.pi / 128
_WAY = 240
"""Frames of the way of a single point on a plane."""


class Painter:
    """Draws the frames of one world.

    Args:
      meta: of the world, as an encoder describes it.
      side: of its picture in pixels.
      theme: light, or dark, where bodies shine and leave wakes as they do in the player.
    """

    def __init__(self, meta: dict[str, Any], side: int, theme: str = "light") -> None:
        self.image, self.draw, self.font, self.chops = pillow()
        self.meta, self.side, self.theme = meta, side, theme
        self.colours = colours(theme)
        self.under: tuple[Any, Any, Any] = None, None, None  # what the ground was painted of; it, large and small
        self.wake: Any = None
        self.space = meta["space"]
        self.extent = self.space["extent"]
        self.seen: tuple[float, ...] | None = meta.get("bounds")  # of a plane: left, top, right, bottom so far
        self.ranges: dict[str, tuple[float, float]] = {}
        self.way: list[tuple[float, float]] = []
        is_bounded = self.space["kind"] != "plane"
        self.has_world = bool(meta["populations"]) or (is_bounded and bool(meta["fields"]))
        self.beneath = [c for c in meta["curves"]] + meta["images"] + ([] if is_bounded else meta["fields"])
        self.tall = side * (self.extent[1] / max(self.extent)) if self.has_world else 0
        self.wide = side * (self.extent[0] / max(self.extent))
        room = 0.3 * side * len(self.beneath)
        self.below = room if self.has_world or not room else max(side, room)
        self.height = round(self.tall + self.below + _MARGIN + _HEAD)

    def paint(self, header: dict[str, Any], planes: Planes, height: int | None = None) -> np.ndarray:
        """The picture [height, side + margins, 3] of a frame, both even."""
        grain, height = GRAIN, height or self.height
        width = self.side + 2 * _MARGIN
        whole = self.image.new("RGB", (width, height), self.colours["page"])
        if self.has_world:
            large, small = self._ground(header, planes)
            world = large.copy()
            self._points(self.draw.Draw(world), planes)
            seen = world.reduce(grain)
            whole.paste(self._shine(seen, small) if self.theme == "dark" else seen, (_MARGIN, _HEAD))
        if self.beneath:
            size = (self.side * grain, round(self.below * grain))
            below = self.image.new("RGB", size, self.colours["ground"])
            self._curves(below, header, planes)
            whole.paste(below.reduce(grain), (_MARGIN, round(_HEAD + self.tall)))
        text = f"{self.meta['title']}: tick {header['tick']:,}{self._living(planes)}"
        font = self.font.load_default(15)
        self.draw.Draw(whole).text((_MARGIN, 4), text, fill=self.colours["ink"], font=font)
        return np.asarray(whole)[: height // 2 * 2, : width // 2 * 2]

    def _ground(self, header: dict[str, Any], planes: Planes) -> tuple[Any, Any]:
        """The ground with its fields, `GRAIN` times as large and as it is seen; the same as long as the fields are."""
        names = [field["name"] for field in self.meta["fields"]] if self.space["kind"] != "plane" else []
        made_of = [(name, header["scales"][name], planes[f"field {name}"].tobytes()) for name in names]
        known, large, small = self.under
        if known != made_of:
            size = round(self.wide), round(self.tall)
            small = self.image.new("RGB", size, self.colours["ground"])
            small = self._fields(small, header, planes) if names else small
            # each pixel GRAIN times over, so that averaging gives back what was there
            large = small.resize((round(self.wide * GRAIN), round(self.tall * GRAIN)), self.image.Resampling.NEAREST)
            self.under = made_of, large, small
        return large, small

    def _shine(self, seen: Any, ground: Any) -> Any:
        """The light of what lies on the ground: around it, and where it has just been. Both are blurred: they are made
        at half the size."""
        chops, smooth = self.chops, self.image.Resampling.BILINEAR
        marks = chops.subtract(seen, ground).reduce(2)
        light = marks.reduce(_SPREAD // 2).point(_times(_GLOW)).resize(marks.size, smooth)
        if self.wake is not None:
            light = chops.add(light, self.wake.point(_times(_WAKE)))
            marks = chops.lighter(self.wake.point(_times(_FADES)), marks)
        self.wake = marks
        lit = chops.add(ground, light.resize(seen.size, smooth))
        return chops.lighter(lit, seen)  # what shines keeps its own colour

    def _living(self, planes: Planes) -> str:
        told = [(p, planes[f"{k} id"].size) for k, p in enumerate(self.meta["populations"]) if f"{k} id" in planes]
        told = [(p, n) for p, n in told if p["has_ids"] and not (self.space["kind"] == "plane" and n == 1)]
        if len(told) == 1:
            return f", {told[0][1]:,} living"
        return "".join(f", {n:,} {p['name']}" for p, n in told)

    # -- the world ------------------------------------------------------------------------------------------------

    def _fields(self, world: Any, header: dict[str, Any], planes: Planes) -> Any:
        fields = self.meta["fields"]
        levels = [planes[f"field {f['name']}"].reshape(f["height"], f["width"]) for f in fields]
        scales = [header["scales"][f["name"]] for f in fields]
        whole = [scale[0] in ("class", "linear") or bool(f["palette"]) for f, scale in zip(fields, scales, strict=True)]
        if (
            not any(whole) and len({level.shape for level in levels}) == 1
        ):  # mixed cell by cell: one picture is enlarged
            cells = np.broadcast_to(np.array(self.colours["ground"], float), (*levels[0].shape, 3))
            for k, level in enumerate(levels):
                colour, share = self._light(k, level)
                cells = cells + share[..., None] * (colour - cells)
            picture = self.image.fromarray(np.rint(cells).astype(np.uint8))
            return picture.resize(world.size, self.image.Resampling.BICUBIC)
        for k, (field, level, scale) in enumerate(zip(fields, levels, scales, strict=True)):
            if whole[k]:
                how = self.image.Resampling.NEAREST if scale[0] == "class" else self.image.Resampling.BICUBIC
                world = self.image.fromarray(self._coloured(level, field, scale)).resize(world.size, how)
                continue
            colour, share = self._light(k, level)
            alpha = self.image.fromarray(np.rint(255 * share).astype(np.uint8))
            lit = self.image.fromarray(np.rint(colour).astype(np.uint8))
            sized = (picture.resize(world.size, self.image.Resampling.BICUBIC) for picture in (lit, alpha))
            world = self.image.composite(next(sized), world, next(sized))
        return world

    def _light(self, k: int, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """An amount as light: its colour [height, width, 3], and how much of the ground it covers [height, width]."""
        colour = np.array(self.colours[f"field-{k % 3}"], float)
        flat = level.astype(np.float64)
        # in the dark as in the player: where there is most of it, nearly white
        share = 0.55 * np.maximum(0, (flat[..., None] - 140) / 115) * (self.theme == "dark")
        return colour + share * (255 - colour), (flat / 255) ** 2 * 0.86

    def _coloured(self, level: np.ndarray, field: dict[str, Any], scale: list[Any]) -> np.ndarray:
        """Levels in colours: of classes, of a palette, or from one colour over the ground to another."""
        kind, low, high = scale
        if kind == "class":
            own = [hexed(c) for c in field["palette"]]
            own = [in_the_dark(c, self.colours["ground"]) for c in own] if self.theme == "dark" else own
            named = own or [self.colours[f"class-{k}"] for k in range(7)]
            return np.array(named, np.uint8)[level % len(named)]
        if field["palette"]:
            return ramp([hexed(c) for c in field["palette"]])[level]
        if low < 0 < high:
            return ramp([self.colours["class-1"], self.colours["ground"], self.colours["class-0"]])[level]
        return ramp([self.colours[f"scale-{name}"] for name in ("low", "middle", "high")])[level]

    def _places(self, k: int, planes: Planes) -> tuple[np.ndarray, np.ndarray]:
        """Pixels of a population."""
        return self._pixels(planes[f"{k} x"], planes[f"{k} y"])

    def _pixels(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.space["kind"] != "plane":
            scale = self.side * GRAIN / max(self.extent)
            return (x + 0.5) * scale, (y + 0.5) * scale
        left, top, right, bottom = self.seen or (-1.0, -1.0, 1.0, 1.0)
        inner = self.side * GRAIN
        return (x - left) / (right - left) * inner, (bottom - y) / (bottom - top) * inner  # upwards, as in a diagram

    def _reach_out(self, planes: Planes) -> None:
        """Lets the square of a plane hold all places; it grows by leaps."""
        axes = ("x", "y")
        all_of = [np.concatenate([planes[f"{k} {a}"] for k in range(len(self.meta["populations"]))]) for a in axes]
        self.seen = held(self.seen, *all_of)

    def _points(self, draw: Any, planes: Planes) -> None:
        if self.space["kind"] == "plane":
            self._reach_out(planes)
        for graph in self.meta["graphs"]:
            self._bonds(draw, graph, planes)
        for k in reversed(range(len(self.meta["populations"]))):  # the one that is watched lies on top
            self._population(draw, k, planes)

    def _bonds(self, draw: Any, graph: dict[str, Any], planes: Planes) -> None:
        ends = planes[f"graph {graph['name']}"].reshape(-1, 2)
        places = []
        for k, ids in ((graph["source"], ends[:, 0]), (graph["target"], ends[:, 1])):
            own = planes[f"{k} id"]
            order = np.argsort(own, kind="stable")
            at = order[np.minimum(np.searchsorted(own[order], ids), max(own.size - 1, 0))] if own.size else ids * 0
            there = own[at] == ids if own.size else np.zeros(ids.size, bool)
            places.append((at, there, self._places(k, planes)))
        (a, is_a, (ax, ay)), (b, is_b, (bx, by)) = places
        for i in np.flatnonzero(is_a & is_b).tolist():
            one, other = (ax[a[i]], ay[a[i]]), (bx[b[i]], by[b[i]])
            if self.space["kind"] == "torus":  # the short way round, at both ends
                whole = self.wide * GRAIN, self.tall * GRAIN
                away = [(q - p + w / 2) % w - w / 2 for p, q, w in zip(one, other, whole, strict=True)]
                draw.line([one, (one[0] + away[0], one[1] + away[1])], fill=self.colours["soft"], width=GRAIN)
                one = other[0] - away[0], other[1] - away[1]
            draw.line([one, other], fill=self.colours["soft"], width=GRAIN)

    def _population(self, draw: Any, k: int, planes: Planes) -> None:
        told = self.meta["populations"][k]
        x, y = self._places(k, planes)
        if told["look"] == "rings":
            for at in zip(x, y, strict=True):
                for radius in (9, 13):
                    draw.circle(at, radius * GRAIN, outline=self.colours["ink"], width=GRAIN)
            return
        if k == 0 and self.space["kind"] == "plane" and x.size == 1:
            self.way.append((float(planes["0 x"][0]), float(planes["0 y"][0])))
            line = np.array(self.way[-_WAY:])
            along = [*zip(*self._pixels(line[:, 0], line[:, 1]), strict=True)]
            draw.line(along, fill=self.colours["accent"], width=GRAIN)
        act = planes.get(f"{k} column {self._shape_column(told)}", np.zeros(x.size, np.uint8))
        radius = GRAIN * max(1.0, min(3.4, self.side / 170 * min(1.0, (900 / max(x.size, 1)) ** 0.25)))
        if told["look"] in ("squares", "dots"):
            for i in range(x.size):
                box = (x[i] - radius, y[i] - radius, x[i] + radius, y[i] + radius)
                fill = self.colours[f"class-{(k + int(act[i])) % 7}"]
                (draw.rectangle if told["look"] == "squares" else draw.ellipse)(box, fill=fill)
            return
        ids = planes[f"{k} id"]
        turn = planes.get(f"{k} heading", np.zeros(0))
        turn = np.where(turn < 0, ids * 97 % 256, turn) if turn.size == x.size else ids * 97 % 256
        dx, dy = np.cos(turn * _TURN) * radius * 1.3, np.sin(turn * _TURN) * radius * 1.3
        dy = -dy if self.space["kind"] == "plane" else dy
        for i in range(x.size):
            colour = self.colours[f"class-{(k + int(act[i])) % 7}"]
            if act[i]:
                draw.circle((x[i], y[i]), radius * 1.05, fill=colour)
            else:
                ends = (x[i] - dx[i], y[i] - dy[i], x[i] + dx[i], y[i] + dy[i])
                draw.line(ends, fill=colour, width=round(radius * 1.5))

    @staticmethod
    def _shape_column(told: dict[str, Any]) -> str:
        return next((column["name"] for column in told["columns"] if column["words"]), "")

    # -- beneath it -----------------------------------------------------------------------------------------------

    def _curves(self, below: Any, header: dict[str, Any], planes: Planes) -> None:
        """One below the other, on the range that was seen so far: vectors over their index, others cell by cell."""
        draw, inner = self.draw.Draw(below), below.size[0]
        font = self.font.load_default(12 * GRAIN)
        height = below.size[1] / len(self.beneath)
        for k, shown in enumerate(self.beneath):
            top, name = k * height, shown["name"]
            called = shown.get("called") or name.replace("_", " ")
            room = (10 * GRAIN, top + 24 * GRAIN, inner - 20 * GRAIN, height - 34 * GRAIN)
            if f"curve {name}" not in planes:
                self._picture(below, shown, header, planes, room)
                draw.text((10 * GRAIN, top + 4 * GRAIN), called, fill=self.colours["ink"], font=font)
                continue
            values = planes[f"curve {name}"]
            finite = values[np.isfinite(values)]
            low, high = self.ranges.get(name, (np.inf, -np.inf))
            low, high = min(low, float(finite.min(initial=np.inf))), max(high, float(finite.max(initial=-np.inf)))
            self.ranges[name] = low, high
            if not finite.size:
                continue
            text = f"{called}  {low:.3g} to {high:.3g} {shown['unit']}"
            draw.text((10 * GRAIN, top + 4 * GRAIN), text, fill=self.colours["ink"], font=font)
            if len(shown["shape"]) > 1:
                self._matrix(draw, values.reshape(shown["shape"][0], -1), room[1], room[3])
                continue
            right = np.linspace(10 * GRAIN, inner - 10 * GRAIN, values.size)
            down = room[1] + room[3] * (high - np.nan_to_num(values, nan=low)) / ((high - low) or 1.0)
            draw.line([*zip(right, down, strict=True)], fill=self.colours["class-0"], width=round(1.5 * GRAIN))

    def _picture(
        self, below: Any, shown: dict[str, Any], header: dict[str, Any], planes: Planes, room: tuple[float, ...]
    ) -> None:
        """A picture, or a field that lies nowhere."""
        name, size = shown["name"], (shown["height"], shown["width"])
        if f"image {name}" in planes:
            flat = planes[f"image {name}"]
            pixels = flat.reshape(*size, 3) if shown["channels"] == 3 else flat.reshape(size)
            if shown["channels"] == 1 and shown["palette"]:
                pixels = np.array([hexed(c) for c in shown["palette"]], np.uint8)[pixels % len(shown["palette"])]
        else:
            pixels = self._coloured(planes[f"field {name}"].reshape(size), shown, header["scales"][name])
        cell = max(1, int(min(room[2] / size[1], room[3] / size[0])))
        picture = self.image.fromarray(pixels).convert("RGB")
        picture = picture.resize((size[1] * cell, size[0] * cell), self.image.Resampling.NEAREST)
        below.paste(picture, (round(room[0]), round(room[1])))

    def _matrix(self, draw: Any, values: np.ndarray, top: float, height: float) -> None:
        """As the player draws it: stronger colours for larger numbers, another below zero."""
        values = np.nan_to_num(values)
        most = float(np.abs(values).max()) or 1.0
        cell = min((self.side - 20) * GRAIN / values.shape[1], height / values.shape[0])
        ground = np.array(self.colours["ground"])
        for (row, column), value in np.ndenumerate(values):
            colour = np.array(self.colours["class-0" if value > 0 else "class-1"])
            fill = tuple(np.rint(ground + min(abs(float(value)) / most, 1) * (colour - ground)).astype(int).tolist())
            x, y = 10 * GRAIN + column * cell, top + row * cell
            draw.rectangle((x, y, x + cell, y + cell), fill=fill)


def held(seen: tuple[float, ...] | None, x: np.ndarray, y: np.ndarray) -> tuple[float, ...] | None:
    """The square around what was seen and these places, with room where it grows."""
    good = np.isfinite(x) & np.isfinite(y)
    if not good.any():
        return seen
    x, y = x[good], y[good]
    new = float(x.min()), float(y.min()), float(x.max()), float(y.max())
    if seen and seen[0] <= new[0] and seen[1] <= new[1] and new[2] <= seen[2] and new[3] <= seen[3]:
        return seen
    both = new if seen is None else (*map(min, seen[:2], new[:2]), *map(max, seen[2:], new[2:]))
    half = 0.625 * max(both[2] - both[0], both[3] - both[1], 1e-9 + abs(both[0]) * 0.2 + abs(both[1]) * 0.2)
    middle = (both[0] + both[2]) / 2, (both[1] + both[3]) / 2
    return middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half


def ramp(stops: list[tuple[int, int, int]]) -> np.ndarray:
    """256 colours through these: [256, 3] bytes."""
    at = np.linspace(0, 1, len(stops)) if len(stops) > 1 else np.zeros(1)
    rows = [np.interp(np.linspace(0, 1, 256), at, [stop[c] for stop in stops]) for c in range(3)]
    return np.rint(np.stack(rows, axis=1)).astype(np.uint8)


def hexed(text: str) -> tuple[int, int, int]:
    """A colour as `#rrggbb`; grey for what is none."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return 136, 136, 136
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:], 16)


def in_the_dark(colour: tuple[int, int, int], ground: tuple[int, int, int]) -> tuple[int, int, int]:
    """Paler greys are chosen for paper; in the dark they are as near to its ground as they are to white."""
    low, high = min(colour), max(colour)
    if low < 180 or high - low > 30:
        return colour
    red, green, blue = (min(255, round(part + 255 - (low + high) / 2)) for part in ground)
    return red, green, blue


def colours(theme: str = "light") -> dict[str, tuple[int, int, int]]:
    """The player's colours by name, and that of the page around it."""
    style = assets.style()
    block = (
        style.split("}", 1)[0]
        if theme == "light"
        else style[style.index('.mp[data-theme="dark"] {') :].split("}", 1)[0]
    )
    found = re.findall(r"--mp-([a-z0-9-]+): #([0-9a-f]{6});", block)
    named = {name: (int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)) for name, code in found}
    return named | {"page": (255, 255, 255) if theme == "light" else (11, 15, 20)}


def _times(share: float) -> list[int]:
    """A table for three channels of bytes."""
    return [int(level * share) for level in range(256)] * 3


def pillow() -> tuple[Any, Any, Any, Any]:
    with needs("a film", "video"):
        from PIL import Image, ImageChops, ImageDraw, ImageFont
    return Image, ImageDraw, ImageFont, ImageChops
