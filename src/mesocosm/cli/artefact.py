"""`export --to onnx|stablehlo`: a world, a mind or a rule as a program that runs elsewhere; `check` of such a file."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from mesocosm.cli.answer import print_json
from mesocosm.record import ConfigurationError, FolderError

TABLES = ("csv", "parquet", "netlogo", "phylogeny", "html", "svg", "replay", "mp4", "gif")
PROGRAMS = ("onnx", "stablehlo", "browser")
FAULTY = 1

_TO = (
    "csv, parquet: metrics, statuses, findings and logs as tables; netlogo: metrics as a table of NetLogo's "
    "BehaviorSpace; phylogeny: ancestry in the ALife data standard; html: the report; svg: its figures; replay: "
    "its frames as one HTML file; mp4, gif: as a film; onnx, stablehlo: the tick of its world from its end on and the "
    "minds of its bodies, or a learning rule, as programs; browser: that world as one HTML file in which it runs"
)


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `export`."""
    export = commands.add_parser(
        "export", parents=[common], help="export a run, or a learning rule, to files of other programs"
    )
    what = "run folder, or its name under runs/; for onnx and stablehlo also a shipped rule by name, or a rule file"
    export.add_argument("run", metavar="RUN", help=what)
    export.add_argument("--to", required=True, choices=TABLES + PROGRAMS, help=_TO)
    where = "where to (default: export/ in the run's folder; of a rule: exported/RULE)"
    export.add_argument("--out", metavar="FOLDER", help=where)
    export.add_argument("--theme", choices=("dark", "light"), default="dark", help="of a film (default: dark)")
    program = export.add_argument_group("of a program")
    program.add_argument("--replicate", type=int, metavar="N", help="whose world (default: 0)")
    program.add_argument("--inputs", type=int, metavar="N", help="of a rule: numbers of an example")
    program.add_argument("--classes", type=int, metavar="N", help="of a rule that answers classes (default: 10)")
    program.add_argument("--outputs", type=int, metavar="N", help="of a rule that answers numbers (default: 1)")
    hidden = "of a rule: neurons in each hidden level, such as 128 or 64,64 (default: none)"
    program.add_argument("--hidden", default="", metavar="N,N", help=hidden)
    program.add_argument(
        "--search", type=int, default=0, metavar="N", help="of a run of digits: whose rule (default: 0)"
    )
    runtime = "of browser: the unpacked npm package onnxruntime-web, which it is to hold"
    program.add_argument("--runtime", metavar="FOLDER", help=runtime)


def export_program(options: argparse.Namespace) -> int:
    """Write programs, each tried before it is written."""
    if options.to != "stablehlo":
        from mesocosm.artefacts import require_onnx

        require_onnx(f"--to {options.to}")
    from mesocosm.cli.devices import prepare_devices

    prepare_devices()
    from mesocosm.record.files import write_ours

    files, folder = _page(options) if options.to == "browser" else _files(options)
    paths = write_ours(folder, files, "--out")
    if options.json:
        print_json("export", {"files": paths})
    else:
        print("\n".join(paths))
    return 0


def _files(options: argparse.Namespace) -> tuple[dict[str, bytes], Path]:
    """Programs as files, and where to."""
    programs, folder = _programs(options)
    from mesocosm.artefacts.written import as_onnx, as_stablehlo

    files: dict[str, bytes] = {}
    for program in programs:
        files |= {"onnx": as_onnx, "stablehlo": as_stablehlo}[options.to](program)
    return files, folder


def _page(options: argparse.Namespace) -> tuple[dict[str, bytes], Path]:
    """A world as a page in which it runs."""
    from mesocosm.cli.show import folder_named
    from mesocosm.record import load

    if not options.runtime:
        raise ConfigurationError(
            "--runtime: name the folder of the npm package onnxruntime-web: `npm pack onnxruntime-web`, and unpack that"
        )
    record = load(folder_named(options.run))
    from mesocosm.artefacts.page import page
    from mesocosm.artefacts.subjects import last_world, shown_of, tick_of

    law, state, about = last_world(record, options.replicate or 0)
    program = tick_of(law, state, about)
    files = page(program, shown_of(law, state, program), Path(options.runtime))
    return files, _place(options, record.folder / "export")


def _programs(options: argparse.Namespace) -> tuple[list[Any], Path]:
    """What is exported, and where to: of a run its world, of a run of digits its rule, else a rule."""
    from mesocosm.cli.show import folder_named
    from mesocosm.record import load
    from mesocosm.record.header import HEADER

    try:
        there = folder_named(options.run)
    except FolderError:
        there = Path(options.run)
    is_run = (there / HEADER).is_file()
    record = load(there) if is_run else None
    if record is not None and record.header["experiment"] != "digits":
        from mesocosm.artefacts.subjects import of_run

        for name in ("inputs", "hidden", "classes", "outputs"):
            if getattr(options, name) not in (None, ""):
                raise ConfigurationError(f"--{name}: is of a rule, and {options.run} is a world; leave it out")
        programs = of_run(record, options.replicate or 0)
        if all(program.kind != "act" for program in programs):
            print(f"note: no act of its bodies is written: {_why_no_act(record)}", file=sys.stderr)
        return programs, _place(options, there / "export")
    from mesocosm.artefacts.subjects import of_rule
    from mesocosm.cli.serve import rule_named
    from mesocosm.rules.rule import RuleError, shipped

    name = str(there) if is_run else options.run
    try:
        rule = rule_named(name, options)
    except RuleError as error:
        if there.exists() or name in shipped():
            raise
        raise FolderError(f"{error}; nor is it a run: `mesocosm list` shows runs") from None
    if options.replicate is not None:
        raise ConfigurationError(f"--replicate: is of a world, and {options.run} is a rule; leave it out")
    if options.inputs is None:
        raise ConfigurationError("--inputs: say how many numbers an example has; digits of 8 x 8 pixels have 64")
    place = there / "export" if is_run else Path("exported") / Path(name).stem
    outputs = 1 if options.outputs is None else options.outputs
    return of_rule(rule, options.inputs, {"rule": Path(name).name, "made": rule.made}, outputs), _place(options, place)


def _why_no_act(record: Any) -> str:
    from mesocosm.ecology.ecology import Ecology
    from mesocosm.protocol.preparing import law_of
    from mesocosm.protocol.reading import configuration_of
    from mesocosm.protocol.registry import entry_of

    law = law_of(entry_of(record), configuration_of(record)).experiment
    experiment = record.header["experiment"]
    if not isinstance(law, Ecology):
        return f"minds of {experiment} are not told from its world; {record.folder.name} is exported as its tick"
    return "nobody lives at its end"


def _place(options: argparse.Namespace, usual: Path) -> Path:
    if not options.out and usual.is_symlink():
        raise FolderError(f"{usual}: is a link, which mesocosm does not follow; name the place with --out")
    return Path(options.out) if options.out else usual


def check_program(options: argparse.Namespace) -> int:
    """Open a file and run its test vectors; the exit code is 1 if they differ."""
    from mesocosm.artefacts import Differs, load
    from mesocosm.cli.devices import prepare_devices

    prepare_devices()
    began = time.perf_counter()
    opened = load(options.target)
    try:
        faults, said = [], opened.verify()
    except Differs as error:
        faults, said = (
            [{"what": str(error), "mend": "update what runs it: pip install -U 'mesocosm[export]'"}],
            str(error),
        )
    if options.json:
        seconds, ok = time.perf_counter() - began, not faults
        about = {"slot": opened.manifest["kind"], "name": options.target, "faults": faults, "notes": [said]}
        print_json("check", {"components": [about | {"seconds": seconds, "ok": ok}]})
    else:
        print(said)
    return FAULTY if faults else 0
