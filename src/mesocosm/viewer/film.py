"""Watched worlds as a film, drawn without a browser: the player's colours, one picture a frame, worlds side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.player.encoder.panel import Frames
from mesocosm.record import needs
from mesocosm.viewer.painter import Painter, colours, pillow

MOST = {"mp4": 900, "gif": 200}
"""Frames of a film; of a longer record every second, third... is taken."""
_SIDES = {"mp4": 560, "gif": 360}
_PER_SECOND = {"mp4": 30, "gif": 20}
_HOW: dict[str, Any] = {"quality": None, "macro_block_size": 2, "output_params": ["-preset", "veryfast", "-crf", "25"]}
"""Raw frames go into ffmpeg, which keeps up with those who draw them."""


def film(
    worlds: Sequence[Frames], kind: str, said: Callable[[int, int], None] | None = None, theme: str = "dark"
) -> bytes:
    """All frames of these worlds as a file of this kind, mp4 or gif.

    Args:
      theme: dark or light.
      said: told how many pictures are drawn, of how many.

    Raises:
      MissingPackage: where a package is missing.
      FolderError: where there is nothing to show.
    """
    pictures = drawn(worlds, _SIDES[kind], MOST[kind], said, theme)
    metas = [world.meta() for world in worlds]
    is_own = any(meta["images"] or any(f["palette"] for f in meta["fields"]) for meta in metas)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{kind}"
        _mp4(path, pictures) if kind == "mp4" else _gif(path, pictures, is_own, theme)
        return path.read_bytes()


def drawn(
    worlds: Sequence[Frames],
    side: int,
    most: int,
    said: Callable[[int, int], None] | None = None,
    theme: str = "dark",
) -> Iterator[np.ndarray]:
    """Pictures [height, width, 3], both even; each world is `side` pixels wide."""
    metas = [world.meta() for world in worlds]
    n = max(meta["n_frames"] for meta in metas)
    shown = range(0, n, max(1, -(-n // most)))
    painters = [Painter(meta, side, theme) for meta in metas]
    height = max(painter.height for painter in painters)
    for done, t in enumerate(shown):
        parts = [
            painter.paint(*world.frame(min(t, meta["n_frames"] - 1)), height)
            for painter, world, meta in zip(painters, worlds, metas, strict=True)
        ]
        yield np.concatenate(parts, axis=1)
        if said:
            said(done + 1, len(shown))


def _mp4(path: Path, pictures: Iterator[np.ndarray]) -> None:
    with needs("mp4", "video"):
        import imageio.v2 as imageio
        import imageio_ffmpeg  # noqa: F401 - imageio asks for it when the first picture is written
    with imageio.get_writer(path, fps=_PER_SECOND["mp4"], codec="libx264", **_HOW) as writer:
        for picture in pictures:
            writer.append_data(picture)  # type: ignore[attr-defined]


def _gif(path: Path, pictures: Iterator[np.ndarray], has_own_colours: bool, theme: str) -> None:
    image = pillow()[0]
    palette = None if has_own_colours else _palette(image, theme)
    first, *rest = (image.fromarray(p).quantize(palette=palette, dither=image.Dither.NONE) for p in pictures)
    first.save(path, save_all=True, append_images=rest, duration=1000 // _PER_SECOND["gif"], loop=0, optimize=False)


def _palette(image: Any, theme: str) -> Any:
    """One palette for all pictures: the player's colours, each in steps from the ground."""
    named = colours(theme)
    ground = np.array(named["ground"], float)
    kept = [name for name in named if name.startswith(("class", "field")) or name in ("ink", "accent")]
    steps = [ground + (np.array(named[name]) - ground) * share for name in kept for share in np.linspace(0.06, 1, 16)]
    flat = np.rint(np.array([*steps[:254], np.array(named["page"], float), ground])).astype(np.uint8)
    palette = image.new("P", (1, 1))
    palette.putpalette(flat.tobytes())
    return palette
