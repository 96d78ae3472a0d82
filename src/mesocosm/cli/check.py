"""`check`: is a part or an experiment of your own fit to join?"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesocosm.cli.answer import print_json
from mesocosm.record import ConfigurationError

if TYPE_CHECKING:
    from mesocosm.testing import Outcome

FAULTS = 1


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `check`."""
    check = commands.add_parser("check", parents=[common], help="try a component or an experiment: what is wrong?")
    check.add_argument(
        "target",
        metavar="COMPONENT",
        help="an experiment (its name, moran.py, package.module:NAME), which is held to the rules of experiments; or a "
        "component: a name, slot/name, module:name, file.py (all in it) or file.py:name; or what `export` wrote "
        "(.onnx, .mlir), whose test vectors are run",
    )
    check.add_argument(
        "--seconds", type=float, default=10.0, metavar="N", help="of processor time for a component (default: 10)"
    )


def check(options: argparse.Namespace) -> int:
    """Try it; the exit code is 1 if anything is wrong."""
    target = Path(options.target)
    if target.suffix in (".onnx", ".mlir") or (
        target.suffix in (".json", ".npz") and target.with_suffix(".mlir").is_file()
    ):
        from mesocosm.cli.artefact import check_program

        return check_program(options)
    from mesocosm.protocol.registry import declares_one

    if declares_one(options.target):
        return _experiment(options)
    from mesocosm.studies.check import check as checked

    if not 0 < options.seconds <= 3600:
        raise ConfigurationError(f"--seconds {options.seconds:g}: must be above 0, at most 3600")
    found = checked(options.target, options.seconds)
    if options.json:
        print_json("check", {"components": [one.to_dict() for one in found]})
    else:
        print("\n".join(one.words() for one in found))
    return FAULTS if any(one.faults for one in found) else 0


def _experiment(options: argparse.Namespace) -> int:
    """Hold an experiment to the rules, a line each."""
    from mesocosm.cli.devices import prepare_devices

    prepare_devices(2)  # a rule asks for two
    from mesocosm.testing import check as held

    outcomes = []
    with tempfile.TemporaryDirectory(prefix="mesocosm-check-") as folder:
        for outcome in held(options.target, Path(folder)):
            outcomes.append(outcome)
            if not options.json:
                print(_words(outcome), flush=True)
    faults = sum(bool(outcome.fault) for outcome in outcomes)
    if options.json:
        print_json("check", {"components": [_as_component(outcome) for outcome in outcomes]})
    else:
        asked = sum(not outcome.not_asked for outcome in outcomes)
        print(f"{asked - faults} of {asked} hold")
    return FAULTS if faults else 0


def _words(outcome: Outcome) -> str:
    """A rule in a line, with what came out otherwise below it."""
    said = f"rule {outcome.number}: {outcome.rule}" if outcome.number else outcome.rule
    if outcome.not_asked:
        return f"  --   {said}  ({outcome.subject}: not asked, {outcome.not_asked})"
    line = f"{'fails' if outcome.fault else 'holds'}  {said}  ({outcome.subject}, {outcome.seconds:.1f} s)"
    return f"{line}\n       {outcome.fault}" if outcome.fault else line


def _as_component(outcome: Outcome) -> dict[str, Any]:
    """A rule in the form in which components are told."""
    mend = "compare docs/explanation/reproducibility.md: what may a result depend on?"
    faults = [{"what": outcome.fault, "mend": mend}] if outcome.fault else []
    name = f"{outcome.subject}: rule {outcome.number}, {outcome.rule}"
    return {
        "slot": "experiment",
        "name": name,
        "faults": faults,
        "notes": [f"not asked: {outcome.not_asked}"] if outcome.not_asked else [],
        "seconds": outcome.seconds,
        "ok": not faults,
    }
