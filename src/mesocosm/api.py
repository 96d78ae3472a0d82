"""The laboratory from Python: `import mesocosm as mc; run = mc.run("chemotaxis", replicates=16)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mesocosm.findings.claim import Finding
from mesocosm.protocol.declaration import Summary
from mesocosm.protocol.derived import summary_of
from mesocosm.protocol.launch import go_on, start
from mesocosm.protocol.progress import told_of
from mesocosm.protocol.reading import findings_of, standing
from mesocosm.protocol.registry import declaration, declaration_of
from mesocosm.record import ConfigurationError, MesocosmError, Record, needs
from mesocosm.record.configuration import from_dict, to_dict
from mesocosm.record.reader import ReplicateStatus
from mesocosm.record.reader import load as load_record

if TYPE_CHECKING:
    import pandas
    import xarray

    from mesocosm.core import Progress
    from mesocosm.ecology.assay.declaration import Strand
    from mesocosm.ecology.assay.optimum import By, Optimum
    from mesocosm.findings.tournament import Tournament
    from mesocosm.instruments.activity import Activity
    from mesocosm.instruments.diversity import Diversity
    from mesocosm.protocol.catalogue import Result


class Page(type(Path())):
    """The path of a report; in a notebook the page itself, in a frame of its own."""

    def _repr_html_(self) -> str:
        if not self.is_file():
            return escape(str(self))
        page = escape(self.read_text("utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:720px;border:0" title="report"></iframe>'


@dataclass(frozen=True, repr=False)
class Figure:
    """A plot of a report, as SVG."""

    svg: str

    def __repr__(self) -> str:
        return f"<figure: {len(self.svg):,} characters of SVG>"

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True)
class StudyRows:
    """What has been measured of a study: a row a cell."""

    rows: list[tuple[Any, Any]]

    def to_pandas(self) -> pandas.DataFrame:
        """A tidy table: task, parts, seeds, status, value, cause, costs. Needs the extra `frames`.

        Raises:
          MissingPackage: where pandas is missing.
        """
        from mesocosm.protocol.tidy import cells_table

        with needs("to_pandas", "frames"):
            import pandas
        return pandas.DataFrame(cells_table(self.rows))

    def to_xarray(self) -> xarray.Dataset:
        """The same over the dimension `cell`. Needs the extra `frames`.

        Raises:
          MissingPackage: where xarray is missing.
        """
        with needs("to_xarray", "frames"):
            import xarray
        return xarray.Dataset.from_dataframe(self.to_pandas().rename_axis("cell"))


@dataclass(frozen=True, repr=False)
class Run:
    """A thin handle on a run folder; everything is read from the record when asked for."""

    record: Record

    def __repr__(self) -> str:
        """What it is, how far it came and what was found, a line each."""
        header = self.record.header
        what = f"{header['experiment']}, seed {header['seed']}, {header['replicates']} replicates"
        try:
            noun = declaration_of(self.record).noun
            what = f"{header['experiment']}, seed {header['seed']}, {header['replicates']} {noun}"
            where = f"{self.status} at tick {self.record.tick:,} of {header['ticks']:,}, in {self.folder}"
            found = [f"  {finding.name:10s} {finding.words(noun)}" for finding in self.findings]
        except MesocosmError as error:  # a look at a run must not fail
            return f"{what}: {error}"
        return "\n".join([f"{what}: {where}", *found])

    def _repr_html_(self) -> str:
        """The same for a notebook: a table of findings, and a link to the report where one is written."""
        first, *found = repr(self).splitlines()
        noun, path = declaration_of(self.record).noun, self.folder / "report.html"
        rows = "".join(
            f"<tr><td><b>{escape(f.verdict)}</b></td><td style='text-align:left'>{escape(f.sentence)}</td>"
            f"<td style='text-align:left'>{escape(f.words(noun).split(': ', 1)[-1])}</td></tr>"
            for f in (self.findings if found else ())
        )
        link = f"<p><a href='{path.absolute().as_uri()}'>report.html</a></p>" if path.exists() else ""
        return f"<p>{escape(first)}</p>{f'<table>{rows}</table>' if rows else ''}{link}"

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return self.record.folder

    @property
    def status(self) -> str:
        """`running`, `finished`, `interrupted` or `killed`, with what follows it: controls that were cut off leave it
        `interrupted`."""
        return standing(self.record)

    @property
    def metrics(self) -> dict[str, np.ndarray]:
        """Columns `replicate`, `tick` and one for each measure."""
        return self.record.metrics

    @property
    def statuses(self) -> list[ReplicateStatus]:
        """What became of each replicate."""
        return self.record.statuses

    def log(self, name: str) -> dict[str, np.ndarray]:
        """A log (births, deaths, exchanges) as columns."""
        return self.record.log(name)

    @cached_property
    def summary(self) -> Summary:
        """The short table of the experiment."""
        return summary_of(declaration_of(self.record), self.record)

    @property
    def findings(self) -> list[Finding]:
        """What was claimed before the run, and what became of it."""
        return findings_of(self.record)

    @cached_property
    def assays(self) -> dict[str, Run]:
        """The finished assays and arms of this run, by name."""
        from mesocosm.protocol.reading import follow_ups_of

        return {name: Run(record) for name, record in follow_ups_of(self.record).items()}

    def assay(self, name: str | None = None, **changes: Any) -> Run:
        """Assay the bodies of this finished run in fresh worlds; `changes` are fields of `AssayConfiguration`.

        `run.assay(kind="garden", population="evolved")`, `run.assay(kind="survival")`,
        `run.assay(kind="competition", against="founders")`; `changes=("world.speed=128",)` makes it a transplant.

        Raises:
          ConfigurationError: for what is not permitted.
          FolderError: if the run is not finished or has no bodies.
        """
        from mesocosm.ecology.assay.call import assay

        return Run(assay(self.record, name, **changes))

    def progress(self, snapshots: int | Sequence[int] = 10, strand: Strand = "evolved", **changes: Any) -> Tournament:
        """Play the present of this finished run against its past: `run.progress().sentence()`.

        Args:
          snapshots: ticks of the run, or how many, evenly spaced from the founders to the end.
          strand: "evolved", or "shadow" for the null.
          changes: `horizon` and `changes`; see `mesocosm.ecology.assay.progress.progress`.

        Raises:
          ConfigurationError: for fewer than two snapshots, or ticks that the run has not.
          FolderError: if the run is not finished, keeps no births, or has no bodies.
        """
        from mesocosm.ecology.assay.progress import progress

        return progress(self.record, snapshots, strand, **changes)

    def optimum(self, by: By = "garden", **settings: Any) -> Optimum:
        """The best genotype that direct search finds, and how far the evolved are from it: `run.optimum().sentence()`.

        Args:
          by: what is maximised: "garden", intake where all are alike; "invasion", the gain on the evolved;
            "colony", how many live where all are alike.
          settings: `searches`, `generations`, `candidates`, `worlds`, `horizon`; see
            `mesocosm.ecology.assay.optimum.optimum`.

        Raises:
          ConfigurationError: for numbers below what a search needs.
          FolderError: if the run is not finished, or has no bodies or none left.
        """
        from mesocosm.ecology.assay.optimum import optimum

        return optimum(self.record, by, **settings)

    def measure(self, name: str, **settings: Any) -> Result:
        """An analysis of the catalogue, worked out once and kept: `run.measure("diversity").sentence`.

        Args:
          name: of the analysis (`mesocosm measure RUN` lists them), or a file: `mine.py`.
          settings: fields of its settings.

        Raises:
          ConfigurationError: if there is no such analysis or setting.
          FolderError: naming what this run lacks for it.
        """
        from mesocosm.protocol.catalogue import measure

        return measure(self.record, name, **settings)

    def diversity(self, samples: int = 40) -> Diversity:
        """Genotypes, alleles and heterozygosity over time, evolved and shadow; coalescence and effective size.

        Raises:
          FolderError: if the run keeps no births.
        """
        from mesocosm.instruments.diversity import diversity

        return diversity(self.record, samples)

    def activity(self, samples: int = 60) -> Activity:
        """Evolutionary activity of alleles against that of their shadows: `run.activity().sentence()`.

        Raises:
          FolderError: if the run keeps no births.
        """
        from mesocosm.instruments.activity import activity

        return activity(self.record, samples)

    def report(self) -> Page:
        """Write the report, one HTML file in the run's folder, and return its path; a notebook shows the page.

        Raises:
          FolderError: if the run is not finished.
        """
        from mesocosm.reports.build import report

        return Page(report(self.record))

    def figures(self) -> dict[str, Figure]:
        """The plots of the report, by name; a notebook shows each.

        Raises:
          FolderError: if the run is not finished.
        """
        from mesocosm.reports.build import story_of
        from mesocosm.reports.standalone import figures

        return {name: Figure(drawing) for name, drawing in figures(story_of(self.record)).items()}

    def to_pandas(self, what: str = "metrics") -> pandas.DataFrame:
        """A tidy table: `metrics`, `statuses`, `findings` or a log by its name, one gene a column. Needs `frames`.

        Raises:
          MissingPackage: where pandas is missing.
          FolderError: if there is no such table.
        """
        from mesocosm.protocol.tidy import to_pandas

        return to_pandas(self.record, what)

    def agents(self) -> pandas.DataFrame:
        """Individuals at the ticks of the frames, as Mesa's data collector gives agents: index (RunId, Step, AgentID).

        Raises:
          MissingPackage: where pandas is missing.
          FolderError: if the run kept no frames of individuals.
        """
        from mesocosm.protocol.tidy import agents

        return agents(self.record)

    def to_xarray(self, what: str = "metrics") -> xarray.Dataset:
        """Metrics over (replicate, tick), or another table by rows. Needs the extra `frames`; errors as `to_pandas`."""
        from mesocosm.protocol.tidy import to_xarray

        return to_xarray(self.record, what)

    def resume(self, ticks: int | None = None, progress: Callable[[Progress], None] | bool | None = None) -> Run:
        """Go on after an interruption, or make the run longer; `progress` as in `run`."""
        declared, world = declaration_of(self.record), self.record.header["configuration"]
        return Run(go_on(self.folder, ticks, told_of(progress, declared, world)))


def run(
    name: str,
    *,
    out: str | Path | None = None,
    progress: Callable[[Progress], None] | bool | None = None,
    **configuration: Any,
) -> Run:
    """Run an experiment; what is not given has its default.

    Uses the devices that jax has. On a CPU that is one: for one device a core, set
    `XLA_FLAGS=--xla_force_host_platform_device_count=N` before jax is imported, as the command line does.

    Args:
      name: of the experiment.
      out: run folder (default: under ./runs, named by experiment, seed and configuration).
      progress: called between chunks; by default a run of more than ten seconds writes a line to stderr at every
        tenth; False: none; True: from the first on.
      configuration: fields of the experiment's configuration; nested ones as dictionaries, `world={"side": 64}`.

    Raises:
      ConfigurationError: for an unknown field or a value that is not permitted.
      FolderError: if the folder holds another run, or an unfinished one.
    """
    declared = declaration(name)
    configured = from_dict(declared.configuration, configuration)
    told = told_of(progress, declared, to_dict(configured))
    return Run(start(name, configured, None if out is None else _path("out", out), told))


def _path(what: str, value: Any) -> Path:
    """A path, or a sentence that says that it is none."""
    try:
        return Path(value)
    except TypeError:
        raise ConfigurationError(f"{what} = {value!r}: must be the path of a folder") from None


def view(*runs: Run | str | Path, replicate: int | None = None) -> Any:
    """Runs (or their folders) side by side in a cell of a notebook: `mesocosm.view(run)`. Needs the extra `notebook`.

    Args:
      replicate: which world (default: whose frames were kept).

    Raises:
      ConfigurationError: where anywidget is missing, or for what is no run.
      FolderError: if one is no run folder, or has nothing to show.
    """
    from mesocosm.viewer.cell import cell

    return cell([run.record if isinstance(run, Run) else load(run).record for run in runs], replicate)


def load(folder: str | Path) -> Run:
    """Open the folder of a run.

    Raises:
      ConfigurationError: for what is no path.
      FolderError: if it is no run folder.
    """
    return Run(load_record(_path("folder", folder)))


def study(file: str | Path, store: str | Path = "runs/cells") -> StudyRows:
    """What has been measured of a study (a file, or the name of one that comes along): `mc.study("swap").to_pandas()`.

    Args:
      store: where `mesocosm study` keeps cells.

    Raises:
      ConfigurationError: if there is no such study, or it is not permitted.
    """
    from mesocosm.studies.shipped import file_of
    from mesocosm.studies.store import Store
    from mesocosm.studies.study import read

    asked, folder = read(file_of(str(file))), _path("store", store)
    return StudyRows(Store(folder, reading=True).rows(asked.cells) if folder.exists() else [])


def tournament(
    snapshots: Sequence[Any],
    meet: Callable[[Any, Any, int], Any],
    times: Sequence[float] | None = None,
    time_unit: str = "snapshots",
    score_unit: str = "",
) -> Tournament:
    """Let all pairs of snapshots meet: how much of who beats whom is progress, an order, a chase, noise.

    Args:
      snapshots: anything that can meet.
      meet: `meet(a, b, half)`, what a wins against b; see `mesocosm.findings.tournament.tournament`.
      times: when each was taken.

    >>> wins = {("rock", "scissors"): 1, ("scissors", "paper"): 1, ("paper", "rock"): 1}
    >>> tournament(["rock", "paper", "scissors"], lambda a, b, half: wins.get((a, b), -1)).split().cyclic.tolist()
    [1.0]
    """
    from mesocosm.findings.tournament import tournament as play

    return play(snapshots, meet, times, time_unit, score_unit)
