"""Watched worlds as a film, drawn without a browser: the player's colours, one picture a frame, worlds side by side."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.player import assets
from mesocosm.player.reading import EXTENT
from mesocosm.record import MissingPackage
from mesocosm.viewer.picture import Planes
from mesocosm.viewer.share import Frames

GRAIN = 2
"""Pictures are drawn so many times larger, then averaged."""
_MARGIN, _HEAD = 12, 26
_TURN = np.pi / 128
MOST = {"mp4": 900, "gif": 200}
"""Frames of a film; of a longer record every second, third... is taken."""
_SIDES = {"mp4": 560, "gif": 360}
_PER_SECOND = {"mp4": 30, "gif": 20}


def film(worlds: Sequence[Frames], kind: str, said: Callable[[int, int], None] | None = None) -> bytes:
    """All frames of these worlds as a file of this kind, mp4 or gif.

    Args:
      said: told how many pictures are drawn, of how many.

    Raises:
      MissingPackage: where a package is missing.
      FolderError: where there is nothing to show.
    """
    pictures = drawn(worlds, _SIDES[kind], MOST[kind], said)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{kind}"
        (_gif if kind == "gif" else _mp4)(path, pictures)
        return path.read_bytes()


def drawn(
    worlds: Sequence[Frames], side: int, most: int, said: Callable[[int, int], None] | None = None
) -> Iterator[np.ndarray]:
    """Pictures [height, width, 3], both even; each world is `side` pixels wide."""
    metas = [world.meta() for world in worlds]
    n = max(meta["n_frames"] for meta in metas)
    shown = range(0, n, max(1, -(-n // most)))
    painters = [Painter(meta, side) for meta in metas]
    for done, t in enumerate(shown):
        parts = [
            painter.paint(*world.frame(min(t, meta["n_frames"] - 1)))
            for painter, world, meta in zip(painters, worlds, metas, strict=True)
        ]
        yield np.concatenate(parts, axis=1)
        if said:
            said(done + 1, len(shown))


class Painter:
    """Draws the frames of one world.

    Args:
      meta: of the world.
      side: of its picture in pixels.
    """

    def __init__(self, meta: dict[str, Any], side: int) -> None:
        self.image, self.draw, self.font = _pillow()
        self.meta, self.side = meta, side
        self.colours = colours()
        self.reach = 0.0
        self.ranges: dict[str, tuple[float, float]] = {}
        self.way: list[tuple[float, float]] = []
        self.has_world = meta["population"] is not None or bool(meta["fields"])

    def paint(self, header: dict[str, Any], planes: Planes) -> np.ndarray:
        """The picture [side + head, side + margins, 3] of a frame."""
        grain, inner = GRAIN, self.side * GRAIN
        width, height = self.side + 2 * _MARGIN, self.side + _MARGIN + _HEAD
        whole = self.image.new("RGB", (width * grain, height * grain), (255, 255, 255))
        world = self.image.new("RGB", (inner, inner), self.colours["ground"])
        if self.has_world:
            world = self._fields(world, header, planes)
            self._bodies(self.draw.Draw(world), planes)
        else:
            self._curves(self.draw.Draw(world), planes)
        whole.paste(world, (_MARGIN * grain, _HEAD * grain))
        living = f", {header['n']:,} living" if self.meta["population"] else ""
        text = f"{self.meta['title']}: tick {header['tick']:,}{living}"
        font = self.font.load_default(15 * grain)
        self.draw.Draw(whole).text((_MARGIN * grain, 4 * grain), text, fill=self.colours["ink"], font=font)
        small = whole.reduce(grain)
        return np.asarray(small)[: height // 2 * 2, : width // 2 * 2]

    def _fields(self, world: Any, header: dict[str, Any], planes: Planes) -> Any:
        for k, field in enumerate(self.meta["fields"]):
            level = planes[f"field {field['name']}"].reshape(field["height"], field["width"]).astype(np.float64)
            alpha = self.image.fromarray(np.rint(level * level * 0.78 / 255).astype(np.uint8))
            alpha = alpha.resize(world.size, self.image.Resampling.BICUBIC)
            flat = self.image.new("RGB", world.size, self.colours[f"field-{k % 3}"])
            world = self.image.composite(flat, world, alpha)
        return world

    def _places(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels of places."""
        inner = self.side * GRAIN
        if not self.meta["plane"]:
            return x * (inner / EXTENT), y * (inner / EXTENT)
        far = float(np.max(np.abs([x, y]), initial=0.0))
        self.reach = 1.25 * far if far > self.reach else self.reach
        return x / (self.reach or 1) * inner / 2 + inner / 2, y / (self.reach or 1) * inner / 2 + inner / 2

    def _bodies(self, draw: Any, planes: Planes) -> None:
        for x, y in zip(
            *self._places(planes.get("source x", np.zeros(0)), planes.get("source y", np.zeros(0))), strict=True
        ):
            for radius in (9, 13):
                draw.circle((x, y), radius * GRAIN, outline=self.colours["ink"], width=GRAIN)
        if "id" not in planes:
            return
        x, y = self._places(planes["x"], planes["y"])
        if self.meta["plane"] and x.size == 1:
            self.way.append((float(planes["x"][0]), float(planes["y"][0])))
            line = np.array(self.way[-240:])
            draw.line(
                [*zip(*self._places(line[:, 0], line[:, 1]), strict=True)], fill=self.colours["accent"], width=GRAIN
            )
        act = planes.get("column behaviour", np.zeros(x.size, np.uint8))
        turn = planes.get("heading", np.zeros(0))
        turn = np.where(turn < 0, planes["id"] * 97 % 256, turn) if turn.size == x.size else planes["id"] * 97 % 256
        radius = GRAIN * max(1.0, min(3.4, self.side / 170 * min(1.0, (900 / max(x.size, 1)) ** 0.25)))
        dx, dy = np.cos(turn * _TURN) * radius * 1.3, np.sin(turn * _TURN) * radius * 1.3
        for i in range(x.size):
            colour = self.colours[f"class-{int(act[i]) % 7}"]
            if act[i]:
                draw.circle((x[i], y[i]), radius * 1.05, fill=colour)
            else:
                draw.line(
                    (x[i] - dx[i], y[i] - dy[i], x[i] + dx[i], y[i] + dy[i]), fill=colour, width=round(radius * 1.5)
                )

    def _curves(self, draw: Any, planes: Planes) -> None:
        """One below the other, on the range that was seen so far: vectors over their index, matrices cell by cell."""
        curves = [c for c in self.meta["curves"] if f"curve {c['name']}" in planes]
        inner, font = self.side * GRAIN, self.font.load_default(12 * GRAIN)
        for k, curve in enumerate(curves):
            values = planes[f"curve {curve['name']}"]
            low, high = self.ranges.get(curve["name"], (np.inf, -np.inf))
            low, high = min(low, float(values.min())), max(high, float(values.max()))
            self.ranges[curve["name"]] = low, high
            top, height = k * inner / len(curves), inner / len(curves)
            text = f"{curve['name']}  {low:.3g} to {high:.3g}"
            draw.text((10 * GRAIN, top + 4 * GRAIN), text, fill=self.colours["ink"], font=font)
            if len(curve["shape"]) > 1:
                self._matrix(draw, values.reshape(curve["shape"][0], -1), top + 24 * GRAIN, height - 34 * GRAIN)
                continue
            right = np.linspace(10 * GRAIN, inner - 10 * GRAIN, values.size)
            down = top + 24 * GRAIN + (height - 34 * GRAIN) * (high - values) / ((high - low) or 1.0)
            draw.line([*zip(right, down, strict=True)], fill=self.colours["class-0"], width=round(1.5 * GRAIN))

    def _matrix(self, draw: Any, values: np.ndarray, top: float, height: float) -> None:
        """As the player draws it: stronger colours for larger numbers, another below zero."""
        most = float(np.abs(values).max()) or 1.0
        cell = min((self.side - 20) * GRAIN / values.shape[1], height / values.shape[0])
        ground = np.array(self.colours["ground"])
        for (row, column), value in np.ndenumerate(values):
            colour = np.array(self.colours["class-0" if value > 0 else "class-1"])
            fill = tuple(np.rint(ground + min(abs(float(value)) / most, 1) * (colour - ground)).astype(int).tolist())
            x, y = 10 * GRAIN + column * cell, top + row * cell
            draw.rectangle((x, y, x + cell, y + cell), fill=fill)


def colours() -> dict[str, tuple[int, int, int]]:
    """The player's colours by light, by name."""
    light = assets.style().split("}", 1)[0]
    found = re.findall(r"--mp-([a-z0-9-]+): #([0-9a-f]{6});", light)
    return {name: (int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)) for name, code in found}


def _mp4(path: Path, pictures: Iterator[np.ndarray]) -> None:
    try:
        import imageio.v2 as imageio
        import imageio_ffmpeg  # noqa: F401 - imageio asks for it when the first picture is written
    except ImportError as error:
        raise MissingPackage("mp4", error.name, "video") from None
    with imageio.get_writer(path, fps=_PER_SECOND["mp4"], codec="libx264", quality=7, macro_block_size=2) as writer:
        for picture in pictures:
            writer.append_data(picture)  # type: ignore[attr-defined]


def _gif(path: Path, pictures: Iterator[np.ndarray]) -> None:
    image = _pillow()[0]
    palette = _palette(image)
    first, *rest = (image.fromarray(p).quantize(palette=palette, dither=image.Dither.NONE) for p in pictures)
    first.save(path, save_all=True, append_images=rest, duration=1000 // _PER_SECOND["gif"], loop=0, optimize=False)


def _palette(image: Any) -> Any:
    """One palette for all pictures: the player's colours, each in steps from the ground."""
    named = colours()
    ground = np.array(named["ground"], float)
    kept = [name for name in named if name.startswith(("class", "field")) or name in ("ink", "accent")]
    steps = [ground + (np.array(named[name]) - ground) * share for name in kept for share in np.linspace(0.06, 1, 16)]
    flat = np.rint(np.array([*steps[:254], np.full(3, 255.0), ground])).astype(np.uint8)
    palette = image.new("P", (1, 1))
    palette.putpalette(flat.tobytes())
    return palette


def _pillow() -> tuple[Any, Any, Any]:
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingPackage("a film", error.name, "video") from None
    return Image, ImageDraw, ImageFont
