"""Reading the command line. Nothing heavy is imported before it is known to be needed."""

from __future__ import annotations

import argparse
import difflib
import errno
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from mesocosm.cli import artefact, check, compare, completion, measure, new, optimum, review, serve, study, watch
from mesocosm.cli.words import shown_not_obeyed
from mesocosm.record.errors import MesocosmError, in_a_line

USAGE, ENVIRONMENT, INTERRUPTED = 2, 3, 130

_EXAMPLES = """examples:
  mesocosm run chemotaxis                        bacteria that come to follow their food, about a minute
  mesocosm run chemotaxis --world.speed 128      change anything; `run chemotaxis --help` lists it
  mesocosm run chemotaxis --config my.toml       configuration from a file; flags override
  mesocosm list                                  experiments, and runs here
  mesocosm show runs/chemotaxis-0-...            what a run found
  mesocosm report runs/chemotaxis-0-...          one HTML file: what was found, and how sure it is
  mesocosm review chemotaxis                     what a reviewer would object to, before it is run
  mesocosm progress runs/chemotaxis-0-...        its present plays its past: progress, or only chase?
  mesocosm optimum runs/chemotaxis-0-...         how far it is from the best that direct search finds
  mesocosm watch chemotaxis                      a world that runs, in the browser
  mesocosm watch runs/chemotaxis-0-...           recorded worlds, likewise
  mesocosm resume runs/chemotaxis-0-...          go on after Ctrl-C or a crash
"""


_REQUIRE = "exit with 1 unless this claim got this verdict (supported, refuted, equivalent, undecided)"


class _Parser(argparse.ArgumentParser):
    """A parser whose errors look as all others do: one sentence, the nearest word, where more is said."""

    def error(self, message: str) -> Any:
        if found := re.match(r"argument COMMAND: invalid choice: '(.*?)' \(choose from (.*)\)", message):
            there = [word.strip(" '") for word in found[2].split(",")]
            near = difflib.get_close_matches(found[1], there, n=1, cutoff=0.5)
            message = f"{found[1]}: there is no such command." + (f" Did you mean {near[0]}?" if near else "")
        self.exit(USAGE, f"error: {in_a_line(message)} (`{self.prog} --help`)\n")


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="results as JSON on stdout")
    common.add_argument("--quiet", action="store_true", help="no progress on stderr")
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser = _Parser(
        prog="mesocosm",
        description="A laboratory for minds that have no loss function.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="show the version and leave")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    parser.set_defaults(run_parser=_add_run(commands, common))
    _add_reading(commands, common)
    _add_progress(commands, common)
    optimum.add(commands, common)
    measure.add(commands, common)
    watch.add(commands, common)
    serve.add(commands, common)
    artefact.add(commands, common)
    review.add(commands, common)
    study.add(commands, common)
    check.add(commands, common)
    new.add(commands, common)
    completion.add(commands)
    commands.add_parser("schema", help="print the JSON Schema of what --json prints")
    commands.add_parser("doctor", parents=[common], help="check this machine: versions, devices, disk")
    return parser


def _add_run(commands: Any, common: _Parser) -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    run = commands.add_parser(
        "run", parents=[common], help="run an experiment", add_help=False, allow_abbrev=False, formatter_class=raw
    )
    run.add_argument("name", nargs="?", metavar="NAME", help="which experiment; `mesocosm list` shows them")
    run.add_argument("--config", metavar="FILE", help="configuration in TOML; flags override it")
    run.add_argument("--out", metavar="FOLDER", help="run folder (default: runs/NAME-SEED-HASH)")
    run.add_argument("--preset", metavar="PRESET", help="a named configuration of NAME; `run NAME --help` lists them")
    run.add_argument("--require", metavar="CLAIM=VERDICT", action="append", default=[], help=_REQUIRE)
    run.add_argument("-h", "--help", action="store_true", help="show this, or all that can be set in NAME")
    resume = commands.add_parser("resume", parents=[common], help="go on with a run that was stopped or killed")
    resume.add_argument("run", metavar="RUN", help="run folder, or its name under runs/")
    resume.add_argument("--require", metavar="CLAIM=VERDICT", action="append", default=[], help=_REQUIRE)
    resume.add_argument("--ticks", type=int, metavar="N", help="make the run this long")
    return run


def _add_reading(commands: Any, common: _Parser) -> None:
    listing = commands.add_parser("list", parents=[common], help="list experiments and runs")
    listing.add_argument("--under", metavar="FOLDER", default="runs", help="where to look for runs (default: runs)")
    show = commands.add_parser("show", parents=[common], help="show a run")
    show.add_argument("run", metavar="RUN", help="run folder, or its name under runs/")
    show.add_argument("--all", action="store_true", help="every replicate in the table, however many")
    show.add_argument("--require", metavar="CLAIM=VERDICT", action="append", default=[], help=_REQUIRE)
    report = commands.add_parser("report", parents=[common], help="write the report of a run: one HTML file")
    report.add_argument("run", metavar="RUN", help="run folder, or its name under runs/")
    compare.add(commands, common)


def _add_progress(commands: Any, common: _Parser) -> None:
    progress = commands.add_parser("progress", parents=[common], help="play the present of a run against its past")
    progress.add_argument("run", metavar="RUN", help="run folder, or its name under runs/")
    progress.add_argument("--snapshots", type=int, default=6, metavar="N", help="how many, evenly spaced (default: 6)")
    horizon = "ticks of a match (default: twice what reserves last)"
    progress.add_argument("--horizon", type=int, metavar="N", help=horizon)
    progress.add_argument("--shadow", action="store_true", help="of the shadow genomes: what chance alone would do")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    with shown_not_obeyed():
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if empty := next((w for w in ("config", "preset", "out") if getattr(options, w, None) == ""), None):
        parser.error(f"--{empty} is empty (a variable that is not set?); name something or leave it out")
    if rest and options.command not in _WITH_FLAGS:
        parser.error(f"unrecognised: {' '.join(rest)}")
    try:
        code = _command(parser, options, rest)
        sys.stdout.flush()  # an error of the output is ours to say, not the interpreter's at its end
        return code
    except MesocosmError as error:
        if getattr(options, "debug", False):
            raise
        print(f"{'' if error.exit_code == INTERRUPTED else 'error: '}{in_a_line(error)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left
        _discard_output()
        return 0
    except Exception as error:
        if getattr(options, "debug", False):
            raise
        said, code = _unforeseen(error)
        print(f"error: {said}", file=sys.stderr)
        return code


def _unforeseen(error: Exception) -> tuple[str, int]:
    """What is said of an error that nothing of ours has put into words, and the exit code."""
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):  # what XLA says
        return "there is not enough memory; ask for less: fewer replicates, a smaller world", ENVIRONMENT
    if isinstance(error, OSError) and error.filename is None:  # no file of ours: a stream
        _discard_output()
        return f"the output could not be written ({error.strerror or error})", ENVIRONMENT
    if isinstance(error, OSError):
        name = in_a_line(os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename)
        name = name if len(name) <= 80 else f"{name[:60]}... ({len(name)} characters)"
        return f"{name}: {error.strerror}", USAGE if error.errno in _NO_SUCH_NAME else ENVIRONMENT
    return (
        f"{type(error).__name__}: {in_a_line(error)}\nThis is a fault of mesocosm or of its environment; "
        "`--debug` shows where, `mesocosm doctor` looks at the machine.",
        ENVIRONMENT,
    )


_NO_SUCH_NAME = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EEXIST, errno.EINVAL)


def _discard_output() -> None:
    """What is still buffered can go nowhere; without this the interpreter would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_PLACES = {
    "run": "run:run",
    "resume": "run:resume",
    "list": "show:list_all",
    "show": "show:show",
    "report": "results:report",
    "compare": "compare:compare",
    "progress": "tournament:progress",
    "optimum": "optimum:optimum",
    "watch": "watch:watch",
    "serve": "serve:serve",
    "export": "export:export",
    "review": "review:review",
    "study": "study:study",
    "check": "check:check",
    "new": "new:new",
    "measure": "measure:measure",
    "completion": "completion:completion",
    "schema": "answer:schema",
    "doctor": "doctor:doctor",
}
"""Where each command is: module and function, loaded when it is called."""
_WITH_FLAGS = ("run", "watch")
"""Commands that take the flags of an experiment besides their own."""


def _command(parser: argparse.ArgumentParser, options: argparse.Namespace, rest: list[str]) -> int:
    if options.version:
        from mesocosm.record.folder import versions

        print(versions()["mesocosm"])
        return 0
    if options.command is None:
        parser.print_help()
        return 0
    if options.command == "complete":
        return completion.quietly(parser, options.words)
    module, function = _PLACES[options.command].split(":")
    command = getattr(import_module(f"mesocosm.cli.{module}"), function)
    return command(options, rest) if options.command in _WITH_FLAGS else command(options)
