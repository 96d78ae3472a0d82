"""`optimum`: how far a run is from the best that direct search finds under its law."""

from __future__ import annotations

import argparse
from typing import Any

from mesocosm.cli.answer import print_json
from mesocosm.cli.devices import prepare_devices


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `optimum`."""
    optimum = commands.add_parser(
        "optimum", parents=[common], help="how far a run is from the best that direct search finds"
    )
    optimum.add_argument("run", metavar="RUN", help="run folder, or its name under runs/")
    optimum.add_argument(
        "--by",
        choices=("garden", "invasion", "colony"),
        help="what is maximised: intake where all are alike, the gain on the evolved, or the size of a colony of its "
        "own (default: one after the other)",
    )
    numbers = {
        "searches": "independent searches; the better is taken",
        "generations": "of each search",
        "candidates": "genotypes in a generation",
        "worlds": "in which each is tried",
        "horizon": "ticks for which each is tried (default: 300 in the garden, else twice what reserves last)",
    }
    for name, words in numbers.items():
        optimum.add_argument(f"--{name}", type=int, metavar="N", help=words)


def optimum(options: argparse.Namespace) -> int:
    """Search, judge, and say what was found."""
    from mesocosm.cli.show import folder_named
    from mesocosm.record import load

    record = load(folder_named(options.run))
    prepare_devices()
    from mesocosm.cli.progress import ProgressLine
    from mesocosm.ecology.assay.optimum import CRITERIA
    from mesocosm.ecology.assay.optimum import optimum as sought
    from mesocosm.protocol.registry import declaration

    names = ("searches", "generations", "candidates", "worlds", "horizon")
    settings = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    with ProgressLine(declaration("assay"), silent=options.quiet) as line:
        found = [sought(record, by, report=line, **settings) for by in ([options.by] if options.by else CRITERIA)]
    if options.json:
        optima = [one.to_dict() for one in found]
        print_json("optimum", {"run": str(record.folder), "optima": optima})
        return 0
    for one in found:
        print(one.sentence())
        for finding in one.findings:
            print(f"  {finding.name:10s} {finding.words('worlds')}")
    return 0
