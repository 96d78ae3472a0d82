"""One catalogue of analyses: what can be worked out of a finished run, asked for by name, kept in the run's folder.

`mesocosm measure RUN price`, `run.measure("price")`, the block `Analysed("price")` of a report. An analysis is a file
in `mesocosm.analyses`, an entry point of that name of another package, or a file of one's own. No jax of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesocosm.protocol.outside import blamed_on, file_of, load_file, load_module, one_in, package_of
from mesocosm.protocol.reach import tree_of
from mesocosm.protocol.shelf import Shelf
from mesocosm.record import ConfigurationError, FolderError, MesocosmError, Record
from mesocosm.record.configuration import check, digest, from_dict, to_dict
from mesocosm.record.files import checksum, sealed, storing, unsealed, write_whole
from mesocosm.record.folder import refuse_links, versions
from mesocosm.record.status import RunStatus

if TYPE_CHECKING:
    from mesocosm.findings.claim import Finding
    from mesocosm.protocol.story import Figure

SHELF = Shelf("mesocosm.analyses", "analysis", "mine.py")
KEPT = "analyses"
"""The folder in that of a run."""


@dataclass(frozen=True)
class NoSettings:
    """Nothing can be set."""


@dataclass(frozen=True)
class Result:
    """What an analysis says of a run.

    Args:
      sentence: the answer in words, with its uncertainty.
      values: the numbers, as plain values.
      findings: claims held against the run; of an analysis they are exploratory.
      figures: drawn in reports.
    """

    sentence: str
    values: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()
    figures: tuple[Figure, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Sentence, numbers and findings as plain values."""
        findings = [finding.to_dict() for finding in self.findings]
        return {"sentence": self.sentence, "values": dict(self.values), "findings": findings}


Need = Callable[[Record], str]
"""What an analysis needs of a record: says in words what is lacking, and the remedy; nothing where it is there."""


@dataclass(frozen=True)
class Analysis:
    """Something that can be worked out of a finished run.

    Args:
      name: one word.
      words: what it tells, in a sentence without an end.
      compute: from a record and settings to plain, finite values (`None` where there is no number): what is kept.
      show: from a record and these values to what is said and drawn.
      settings: a frozen dataclass of plain values with ranges.
      needs: what the record must hold; the first that is lacking is the refusal.
    """

    name: str
    words: str
    compute: Callable[[Record, Any], dict[str, Any]]
    show: Callable[[Record, Mapping[str, Any]], Result]
    settings: type = NoSettings
    needs: tuple[Need, ...] = field(default_factory=tuple)

    def lacks(self, record: Record) -> str:
        """What the record lacks for it, in words; empty where nothing is lacking."""
        return next(filter(None, (need(record) for need in (finished, *self.needs))), "")


@dataclass(frozen=True)
class Found:
    """An analysis and where it comes from: `code` is its identity besides settings and record."""

    analysis: Analysis
    code: str
    place: str


def measure(record: Record, reference: str, **settings: Any) -> Result:
    """Work an analysis out of a run, or take what was worked out of this very record before.

    Args:
      reference: a name, `mine.py`, `package.module:NAME`.
      settings: fields of its settings; the others have their defaults.

    Raises:
      ConfigurationError: if there is no such analysis or setting, or its own code fails.
      FolderError: naming what the record lacks.
    """
    found = find(reference)
    chosen = _settings(found, settings)
    kept = _kept(record, found, chosen)
    if kept is None:
        if lack := found.analysis.lacks(record):
            raise FolderError(f"{record.folder}: {lack}; {found.analysis.name} needs it")
        refuse_links(record.folder)
        with _blamed(found, "computing it"):
            kept = json.loads(json.dumps(found.analysis.compute(record, chosen), allow_nan=False, default=_plain))
        path = _path(record, found, chosen)
        with storing(path):
            path.parent.mkdir(exist_ok=True)
        write_whole(path, sealed({"of": record.digest(), "code": found.code, "found": kept}))
    with _blamed(found, "showing it"):
        return found.analysis.show(record, kept)


def _plain(value: Any) -> Any:
    """Numbers and arrays of NumPy as plain ones; what is neither is no plain value."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no plain value: give numbers, texts, lists and tables of them")


def is_kept(record: Record, reference: str, **settings: Any) -> bool:
    """Whether it was worked out of this very record before, by the same code."""
    found = find(reference)
    return _kept(record, found, _settings(found, settings)) is not None


def names() -> tuple[str, ...]:
    """Analyses that are known by name: our own, then those of installed packages. Imports none."""
    return SHELF.names()


def find(reference: str) -> Found:
    """An analysis by name, file or module.

    Raises:
      ConfigurationError: if there is none, offering the nearest name, or its code cannot be loaded.
    """
    if (named := file_of(reference)) is not None:
        path, wanted = named
        if not path.is_file():
            raise ConfigurationError(f"{path}: is no file; name a Python file with an Analysis")
        _, analysis = one_in(load_file(path), Analysis, wanted, str(path))
        return Found(analysis, tree_of(path.resolve()), str(path.resolve()))
    if reference in SHELF.own():
        return Found(import_module(SHELF.module(reference)).ANALYSIS, _own_source(), reference)
    point = SHELF.installed().get(reference)
    if point is not None or ":" in reference:
        dotted, _, wanted = (point.value if point else reference).partition(":")
        module = load_module(dotted)
        _, analysis = one_in(module, Analysis, wanted, dotted)
        file = str(module.__file__ or dotted)
        return Found(analysis, " ".join((*package_of(module), tree_of(Path(file)))), file)
    raise SHELF.unknown(reference)


@cache
def _own_source() -> str:
    """A digest of all of mesocosm: what an analysis of our own computes may stand anywhere in it."""
    home = Path(__file__).resolve().parents[1]
    texts = b"".join(path.read_bytes() for path in sorted(home.rglob("*.py")))
    return f"{versions()['mesocosm']} {checksum(texts)}"


# -- what a record must hold -------------------------------------------------------------------------------------------


def finished(record: Record) -> str:
    is_over = record.status == RunStatus.FINISHED
    return "" if is_over else f"is {record.status}; `mesocosm resume` finishes it, and a finished run"


def log(name: str, remedy: str = "") -> Need:
    """That a log of this name was kept.

    Args:
      remedy: what is to be set so that it is: `field`, or `field = value`. An experiment without it can keep none.
    """

    def need(record: Record) -> str:
        if name in record.header["logs"]:
            return ""
        setting, _, value = remedy.partition(" = ")
        if setting and setting not in record.header["configuration"]:
            return f"is a run of {record.header['experiment']}, which keeps no {name}"
        flag = f"--{setting.replace('_', '-')} {value}".strip()
        return f"keeps no {name}" + (f" (run it with {flag})" if setting else "")

    return need


def births(record: Record) -> str:
    """That births were logged, with genomes."""
    told = record.header.get("columns", {}).get("births", {"genome": []})  # older records do not say, and have them
    without = "" if "genome" in told else "logs births without genomes"
    return log("births", "log_births_and_deaths = True")(record) or without


def columns(*wanted: str) -> Need:
    """That these columns are among the metrics."""

    def need(record: Record) -> str:
        missing = [name for name in wanted if name not in record.metrics]
        return f"records no column {missing[0]}" if missing else ""

    return need


def arrays(*wanted: str) -> Need:
    """That these arrays are in the state at the end."""

    def need(record: Record) -> str:
        missing = [name for name in wanted if name not in record.state]
        return f"has no array {missing[0]} at its end" if missing else ""

    return need


def configured(path: str, words: str) -> Need:
    """That its configuration has this field, not empty."""

    def need(record: Record) -> str:
        value: Any = record.header["configuration"]
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return "" if value else f"has no {words}"

    return need


# -- keeping -----------------------------------------------------------------------------------------------------------


def _settings(found: Found, settings: Mapping[str, Any]) -> Any:
    chosen = from_dict(found.analysis.settings, dict(settings)) if settings else found.analysis.settings()
    check(chosen)
    return chosen


def _path(record: Record, found: Found, chosen: Any) -> Path:
    return record.folder / KEPT / f"{found.analysis.name}-{digest({'settings': to_dict(chosen)})[:10]}.json"


def _kept(record: Record, found: Found, chosen: Any) -> dict[str, Any] | None:
    try:
        kept = unsealed(_path(record, found, chosen))
    except (OSError, ValueError):
        return None
    values = kept.get("found")
    is_same = kept.get("code") == found.code and kept.get("of") == record.digest()
    return values if is_same and isinstance(values, dict) else None


def _blamed(found: Found, doing: str) -> Any:
    """What code from outside raises becomes a sentence; a fault of our own stays what it is."""
    from contextlib import nullcontext

    return nullcontext() if found.place in SHELF.own() else blamed_on(Path(found.place), doing)


def listed(record: Record) -> Iterator[tuple[str, str, str]]:
    """Every analysis that is known by name: its name, what it tells, and what this record lacks for it."""
    for name in names():
        try:
            analysis = find(name).analysis
            yield name, analysis.words, analysis.lacks(record)
        except MesocosmError as error:
            yield name, "", str(error)
