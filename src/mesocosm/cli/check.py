"""`check`: a contract of ten seconds for a component, without jax in this process."""

from __future__ import annotations

import argparse
from typing import Any

from mesocosm.cli.answer import print_json
from mesocosm.record import ConfigurationError

FAULTS = 1


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `check`."""
    check = commands.add_parser("check", parents=[common], help="try a component: what is wrong with it?")
    check.add_argument(
        "target", metavar="COMPONENT", help="a name, slot/name, module:name, file.py (all in it) or file.py:name"
    )
    check.add_argument("--seconds", type=float, default=10.0, metavar="N", help="of processor time (default: 10)")


def check(options: argparse.Namespace) -> int:
    """Try it; the exit code is 1 if anything is wrong."""
    from mesocosm.studies.check import check as checked

    if not 0 < options.seconds <= 3600:
        raise ConfigurationError(f"--seconds {options.seconds:g}: must be above 0, at most 3600")
    found = checked(options.target, options.seconds)
    if options.json:
        print_json("check", {"components": [one.to_dict() for one in found]})
    else:
        print("\n".join(one.words() for one in found))
    return FAULTS if any(one.faults for one in found) else 0
