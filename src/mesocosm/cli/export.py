"""`export`: a record as files of other programs, without jax. What has no value is an empty cell, never a word."""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.cli.answer import print_json
from mesocosm.cli.artefact import PROGRAMS, export_program
from mesocosm.cli.show import folder_named
from mesocosm.cli.words import as_a_cell
from mesocosm.record import FolderError, Record, load, needs
from mesocosm.record.files import write_ours

Table = dict[str, Any]
"""Columns of one length, by name: lists, or arrays of one axis or more."""


def export(options: argparse.Namespace) -> int:
    """Write the record as tables, or its worlds as a film or a page."""
    if options.to in PROGRAMS:
        return export_program(options)
    record = load(folder_named(options.run))
    folder = Path(options.out) if options.out else record.folder / "export"
    films = {kind: partial(_film, kind, theme=options.theme) for kind in ("mp4", "gif")}
    files = {**FORMATS, **films}[options.to](record)
    if not options.out and folder.is_symlink():
        raise FolderError(f"{folder}: is a link, which mesocosm does not follow; name the place with --out")
    paths = write_ours(folder, files, "--out")
    if options.json:
        print_json("export", {"files": paths})
    else:
        print("\n".join(paths))
    return 0


def _csv(record: Record) -> dict[str, bytes]:
    out = {}
    for name, table in _tables(record).items():
        columns = [[_text(v) for v in _plain(column)] for column in table.values()]
        out[f"{name}.csv"] = _written(list(table), zip(*columns, strict=True))
    return out


def _parquet(record: Record) -> dict[str, bytes]:
    with needs("--to parquet", "parquet", "; --to csv does without"):
        import pyarrow  # type: ignore[import-not-found]
        from pyarrow import parquet  # type: ignore[import-not-found]
    out = {}
    for name, table in _tables(record).items():
        columns = {k: _arrow(pyarrow, k, v) for k, v in table.items()}
        sink = pyarrow.BufferOutputStream()
        parquet.write_table(pyarrow.table(columns).replace_schema_metadata(_told_of(record)), sink)
        out[f"{name}.parquet"] = sink.getvalue().to_pybytes()
    return out


def _told_of(record: Record) -> dict[str, str]:
    """What a file says of the run that it comes from, under `mesocosm`: the identity of the run as JSON."""
    names = (
        "experiment",
        "seed",
        "replicates",
        "ticks",
        "every",
        "configuration",
        "declaration",
        "columns",
        "versions",
    )
    return {"mesocosm": json.dumps({name: record.header[name] for name in names if name in record.header})}


_FLOATS = ("delta", "estimate", "low", "high", "confidence", "inner_low", "inner_high", "p", "p_adjusted")
_WHOLE = (
    "direction",
    "n_started",
    "n_survived",
    "n_used",
    "n_right",
    "still_needed",
    "replicates",
    "replicate",
    "tick",
)
_TYPES = {**dict.fromkeys(_FLOATS, "f"), **dict.fromkeys(_WHOLE, "i"), "declared": "b"}
"""Kinds of the columns that are lists: of findings and statuses; the others are texts."""


def _arrow(pyarrow: Any, name: str, column: Any) -> Any:
    """A column in its declared type, whatever it holds: also nothing, or nothing but missing values."""
    if isinstance(column, np.ndarray):
        kind = pyarrow.from_numpy_dtype(column.dtype)
        kind = kind if column.ndim == 1 else pyarrow.list_(kind)
    else:
        kind = {"f": pyarrow.float64(), "i": pyarrow.int64(), "b": pyarrow.bool_()}.get(_TYPES.get(name, ""))
    return pyarrow.array(_plain(column), type=kind or pyarrow.string(), from_pandas=True)


def _netlogo(record: Record) -> dict[str, bytes]:
    """The table of NetLogo's BehaviorSpace, version 2.0: six lines, headings, one row a run and step, all quoted."""
    header = record.header
    parameters = {name: _in_netlogo(value) for name, value in _flat(header["configuration"]).items()}
    metrics = record.metrics
    measures = [name for name in metrics if name not in ("replicate", "tick")]
    world = header["configuration"].get("world")
    side = world.get("side", 1) if isinstance(world, dict) else 1
    lines: list[Sequence[Any]] = [
        [f"BehaviorSpace results (mesocosm {header['versions'].get('mesocosm', 'unknown')})", "Table version 2.0"],
        [header["experiment"]],
        [record.folder.name],
        [_as_netlogo_dates(header["begun"])],
        ["min-pxcor", "max-pxcor", "min-pycor", "max-pycor"],
        [0, side - 1, 0, side - 1],
        ["[run number]", *parameters, "[step]", *measures],
    ]
    columns = [[_text(v) for v in metrics[name].tolist()] for name in measures]
    ids = zip((metrics["replicate"] + 1).tolist(), metrics["tick"].tolist(), strict=True)
    for k, (run, tick) in enumerate(ids):
        lines.append([int(run), *parameters.values(), int(tick), *(column[k] for column in columns)])
    return {"netlogo.csv": _written(lines[0], lines[1:], csv.QUOTE_ALL)}


def _phylogeny(record: Record) -> dict[str, bytes]:
    """The ALife data standard for phylogenies: id, ancestor_list, origin_time, destruction_time; one file a world.

    A `destruction_time` of inf means: alive when the record ends. Founders have no ancestor and the origin time 0.
    """
    from mesocosm.instruments.ancestry import lives

    out = {}
    for replicate in range(record.replicates):
        who = lives(record, replicate)
        rows = [
            (int(i), json.dumps([int(p)]) if p else "[none]", int(b), int(d) if d < 2**62 else "inf")
            for i, p, b, d in zip(who.id, who.parent, who.born, who.died, strict=True)
        ]
        heads = ["id", "ancestor_list", "origin_time", "destruction_time"]
        out[f"phylogeny-{replicate}.csv"] = _written(heads, rows)
    return out


def _html(record: Record) -> dict[str, bytes]:
    """The report of the run, to be sent or kept elsewhere."""
    from mesocosm.reports.build import REPORT, page

    return {REPORT: page(record).encode()}


def _svg(record: Record) -> dict[str, bytes]:
    """The plots of the report, a file each."""
    from mesocosm.reports.build import story_of
    from mesocosm.reports.standalone import figures

    return {f"{name}.svg": drawing.encode() for name, drawing in figures(story_of(record)).items()}


def _worlds(record: Record) -> list[Any]:
    """The worlds that `watch` would show."""
    from mesocosm.viewer.opening import places

    return [place.world() for place in places([record.folder])]


def _film(kind: str, record: Record, theme: str = "dark") -> dict[str, bytes]:
    from mesocosm.viewer.film import film

    return {f"replay.{kind}": film(_worlds(record), kind, theme=theme)}


def _replay(record: Record) -> dict[str, bytes]:
    from mesocosm.viewer.share import page_of

    return {"replay.html": page_of(_worlds(record), record.folder.resolve().name, 0, 2**31).tobytes()}


FORMATS: dict[str, Callable[[Record], dict[str, bytes]]] = {
    "csv": _csv,
    "parquet": _parquet,
    "netlogo": _netlogo,
    "phylogeny": _phylogeny,
    "mp4": partial(_film, "mp4"),
    "gif": partial(_film, "gif"),
    "html": _html,
    "svg": _svg,
    "replay": _replay,
}
"""From a record to the content of files, by what `--to` says."""


def _tables(record: Record) -> dict[str, Table]:
    statuses = [(s.replicate, s.status, s.tick, s.cause) for s in record.statuses]
    names = ("replicate", "status", "tick", "cause")
    out = {
        "metrics": record.metrics,
        "statuses": dict(zip(names, map(list, zip(*statuses, strict=True)), strict=True)),
    }
    if record.findings:
        out["findings"] = {name: [f[name] for f in record.findings] for name in record.findings[0]}
    for name in record.header.get("logs", []):
        out[name] = _with_births_of_founders(record.log(name))
    return out


def _with_births_of_founders(log: Mapping[str, np.ndarray]) -> Table:
    """Founders are born in tick 0 in every table; where a log tells them by -1, as the law does, that is 0 here."""
    return {k: np.maximum(v, 0) if k == "born" and v.dtype.kind == "i" else v for k, v in log.items()}


def _plain(column: Any) -> list[Any]:
    if not isinstance(column, np.ndarray):
        return column
    return (column if column.ndim == 1 else column.reshape(column.shape[0], math.prod(column.shape[1:]))).tolist()


def _text(value: Any) -> Any:
    """Several numbers become one text, between blanks; none becomes an empty cell."""
    if isinstance(value, list):
        return " ".join(str(_text(v)) for v in value)
    return "" if value is None or (isinstance(value, float) and not math.isfinite(value)) else value


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[prefix + key] = value
    return out


def _in_netlogo(value: Any) -> Any:
    """A value as NetLogo writes it: true, [4 32 256], ["odour" "touch"]."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{' '.join(json.dumps(v) if isinstance(v, str) else str(_in_netlogo(v)) for v in value)}]"
    return "" if value is None else value


def _as_netlogo_dates(begun: str) -> str:
    """MM/dd/yyyy HH:mm:ss:SSS Z; what is no time in ISO 8601 stays."""
    try:
        at = datetime.fromisoformat(begun)
    except ValueError:
        return begun
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return f"{at:%m/%d/%Y %H:%M:%S}:{at.microsecond // 1000:03d} {at:%z}"


def _written(first: Sequence[Any], rows: Iterable[Sequence[Any]], quoting: Any = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=quoting)
    writer.writerow(map(as_a_cell, first))
    writer.writerows(map(as_a_cell, row) for row in rows)
    return text.getvalue().encode()
