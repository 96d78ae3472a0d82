"""The loops that come along with the cards of `mesocosm watch`, and what was found: made by one command, never by hand.

    python -m mesocosm.viewer.loops                 every experiment of our own
    python -m mesocosm.viewer.loops lorenz soup     some of them
    python -m mesocosm.viewer.loops --pages site    the loops that are here, each as one HTML file

Each experiment is run as it stands (`mesocosm run NAME`, seed 0; a finished run is taken as it is); what its first
claim got is kept in a table, and some of its frames in a file of at most `MOST_BYTES`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.player.encoder.frames import pack
from mesocosm.player.encoder.panel import MOST_FRAMES, Panel, Population, panel_of
from mesocosm.player.encoder.reading import unpack
from mesocosm.protocol.blocks import Told
from mesocosm.protocol.declaration import Declaration, RunConfiguration
from mesocosm.protocol.derived import asked_first, headline
from mesocosm.protocol.launch import begin
from mesocosm.protocol.reading import findings_of, folder_of, follow_ups_of
from mesocosm.protocol.registry import SHELF, find
from mesocosm.record import MesocosmError, Record, load
from mesocosm.viewer.cards import claimed, found, loop, shipped, table
from mesocosm.viewer.opening import places
from mesocosm.viewer.share import single_page

MOST_BYTES, ALL_BYTES = 150_000, 1_500_000
"""Of one loop, and of all that come along."""
_WANTED_BYTES = 90_000
_FRAMES = (600, 240, 180, 120, 80, 50, 30, 16)
"""Frames that are tried, until the loop is small enough."""
_FINER, _STEP = 16, 0.025
"""How much finer than the longest loop a run is filmed; how far a point moves in a smooth step, of what is seen."""


def finding_of(declared: Declaration, record: Record) -> dict[str, Any]:
    """A row of the table: verdict and sentence of what is asked first, and of which run that is."""
    told = Told(declared, record, follow_ups_of(record), findings_of(record))
    first = asked_first(told)
    row: dict[str, Any] = {"said": headline(told), "n": record.replicates, "noun": declared.noun}
    row |= {"verdict": first.verdict if first else "", "claim": first.name if first else ""}
    row |= {"answer": declared.answers.get(first.verdict, "") if first and first.declared else ""}
    row |= {"command": f"mesocosm run {declared.name}", "seed": record.header["seed"], "digest": record.digest()[:16]}
    return row | {"version": record.header["versions"]["mesocosm"], "claimed": claimed(declared)}


def make(name: str, under: Path) -> dict[str, Any]:
    """Run an experiment, write its loop, and give its row of the table."""
    declared = find(name).declaration
    configuration = declared.configuration()
    folder = folder_of(name, configuration, under)
    # The very command that the row names: in floating point one device, as here, rounds otherwise than several.
    subprocess.run([sys.executable, "-m", "mesocosm", "run", name, "--out", str(folder), "--quiet"], check=True)
    record = load(folder)
    row = finding_of(declared, record)
    panel = _panel(name, configuration, record, under)
    if panel is not None:
        content = fitted(panel)
        (shipped() / f"{name}.frames").write_bytes(content)
        row |= {"shows": panel.title, "bytes": len(content)}
    return row


def _panel(name: str, configuration: RunConfiguration, record: Record, under: Path) -> Panel | None:
    """What is looked at of a run: the last of the worlds that it filmed; where it filmed none, its first one, filmed
    anew (alone, which changes none of its bits)."""
    seen = _filmed(record.folder)
    if seen is None:
        every = max(1, configuration.ticks // (_FINER * 240))
        filmed = replace(configuration, frames_every=every, frames_of=0)
        for alone in ({"replicates": 1}, {}):
            try:
                again = begin(name, replace(filmed, **alone), under / f"{name}-filmed")
            except MesocosmError:
                continue
            seen = _filmed(again.folder)
            break
    return seen


def _filmed(folder: Path) -> Panel | None:
    """What is seen of a run; of points on a plane as much of their way as is smooth."""
    world = places([folder])[-1].world()
    meta = world.meta()
    n, has_pictures = meta["n_frames"], any(meta[kind] for kind in ("populations", "fields", "curves", "images"))
    if n < 2 or not has_pictures:
        return None
    if meta["space"]["kind"] != "plane" or not meta["populations"]:
        return panel_of(world)
    for stride in range(max(1, n // MOST_FRAMES), 0, -1):
        panel = panel_of(world, 0, stride * MOST_FRAMES - 1)
        if _is_smooth(panel):
            break
    return panel


def _is_smooth(panel: Panel) -> bool:
    """Whether the first point moves by small steps."""
    points, bounds = panel.populations[0], panel.bounds
    if bounds is None or not points.id.size:
        return True
    mine = points.id == points.id[0]
    steps = np.hypot(np.diff(points.x[mine].astype(float)), np.diff(points.y[mine].astype(float)))
    return not steps.size or float(np.quantile(steps, 0.9)) <= _STEP * (bounds[2] - bounds[0])


def fitted(panel: Panel, wanted: int = _WANTED_BYTES) -> bytes:
    """As many frames of a panel as fit: of bodies that move about those of its end, of all else some of its whole way.

    Raises:
      ValueError: where not even the fewest frames fit into what a loop may have.
    """
    content = b""
    for shown in _cuts(panel):
        content = pack(shown)
        if len(content) <= wanted:
            return content
    if len(content) > MOST_BYTES:
        raise ValueError(f"{panel.title}: a loop of {_FRAMES[-1]} frames has {len(content):,} bytes")
    return content


def _cuts(panel: Panel) -> Iterator[Panel]:
    """Of bodies that move about, the end of the run; of points on a plane the beginning; of all else the whole."""
    ticks = panel.frame_ticks
    is_plane = panel.space["kind"] == "plane" and bool(panel.populations)
    moves = not is_plane and any(p.told["look"] == "bodies" for p in panel.populations)
    for n in _FRAMES[not is_plane :]:
        if n >= ticks.size:
            yield cut(panel, ticks)
        elif is_plane or moves:
            yield cut(panel, ticks[:n] if is_plane else ticks[-n:])
        else:
            yield cut(panel, ticks[:: ticks.size // n][:n])


def cut(panel: Panel, ticks: np.ndarray) -> Panel:
    """Some frames of a panel, with nothing that a card does not show."""
    kept = np.isin(panel.frame_ticks, ticks)
    return replace(
        panel,
        populations=[_cut(population, ticks) for population in panel.populations],
        ticks=panel.frame_ticks[kept],
        fields={n: (v[np.isin(t, ticks)], t[np.isin(t, ticks)]) for n, (v, t) in panel.fields.items()},
        curves={n: v[kept] for n, v in panel.curves.items()},
        images={n: v[kept] for n, v in panel.images.items()},
        graphs={n: v[np.isin(v[:, 0], ticks)] for n, v in panel.graphs.items()},
        series={},
    )


def _cut(population: Population, ticks: np.ndarray) -> Population:
    """Its rows at these ticks, with the column that gives the colours."""
    mine = np.isin(population.tick, ticks)
    columns = [c for c in population.told["columns"] if c["words"]][:1] or list(population.told["columns"][:1])
    own = {c["name"]: np.asarray(population.columns[c["name"]])[mine] for c in columns}
    told = {**population.told, "columns": columns}
    tick, id, x, y = (getattr(population, n)[mine] for n in ("tick", "id", "x", "y"))
    return Population(told, tick, id, x, y, own)


def pages(under: Path) -> Iterator[Path]:
    """Write each loop as one HTML file that plays by itself."""
    under.mkdir(parents=True, exist_ok=True)
    for name in SHELF.own():
        if content := loop(name):
            path = under / f"{name}.html"
            path.write_text(single_page([unpack(content)], name), "utf-8")
            yield path


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m mesocosm.viewer.loops", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which experiments (default: all of our own)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help="where the runs lie")
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="write the loops that are here as pages instead")
    options = parser.parse_args(words)
    if options.pages:
        for path in pages(options.pages):
            print(f"{path}: {path.stat().st_size:,} bytes")
        return 0
    for name in options.names or SHELF.own():
        row = make(name, options.runs)
        print(f"{name}: {row.get('bytes', 0):,} bytes, {row['verdict'] or 'no claim'}: {row['said']}", flush=True)
        rows = dict(sorted({**found(), name: row}.items()))
        table().write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
