"""`progress`: the present of a run plays its past."""

from __future__ import annotations

import argparse

from mesocosm.cli.answer import print_json
from mesocosm.cli.devices import prepare_devices
from mesocosm.cli.show import folder_named
from mesocosm.record import ConfigurationError, load


def progress(options: argparse.Namespace) -> int:
    """Play, draw the matrix, and say what was found."""
    record = load(folder_named(options.run))
    prepare_devices()
    from mesocosm.cli.progress import ProgressLine
    from mesocosm.ecology.assay.progress import progress as play
    from mesocosm.protocol.registry import declaration
    from mesocosm.record.files import write_whole
    from mesocosm.reports.matrix import SNAPSHOTS_AT_MOST, draw

    if options.snapshots > SNAPSHOTS_AT_MOST:
        raise ConfigurationError(f"--snapshots {options.snapshots}: must be 2 ... {SNAPSHOTS_AT_MOST}")
    strand = "shadow" if options.shadow else "evolved"
    with ProgressLine(declaration("assay"), silent=options.quiet) as line:
        found = play(record, options.snapshots, strand, options.horizon or 0, report=line)
    picture = record.folder / f"progress-{strand}.svg"
    write_whole(picture, draw(found, f"{record.folder.name}, {strand}").encode(errors="replace"))
    if options.json:
        print_json("progress", {"run": str(record.folder), "picture": str(picture), **found.to_dict()})
        return 0
    print(f"{found.sentence()}\n")
    for finding in found.findings():
        print(f"  {finding.name:10s} {finding.words('worlds')}")
    print("\nmatches: " + ", ".join(f"{n} {status}" for status, n in found.statuses.items()))
    print(f"drawn: {picture}")
    return 0
