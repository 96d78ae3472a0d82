"""`run` and `resume`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from mesocosm.experiments.registry import NAMES, declaration
from mesocosm.record.configuration import ConfigurationError, check, from_toml


def run(options: argparse.Namespace, flags: list[str]) -> int:
    """Run an experiment and print what it found."""
    if options.name is None:
        options.run_parser.print_help()
        if not options.help:
            print(f"\nWhich experiment? There are {', '.join(NAMES)}.", file=sys.stderr)
        return 0 if options.help else 2
    configuration = _configuration(options, flags)
    from mesocosm.cli.show import print_record
    from mesocosm.experiments.launch import folder_of, start

    folder = Path(options.out) if options.out else folder_of(options.name, configuration)
    declared = declaration(options.name)
    if not options.quiet and not folder.exists():
        print(f"{declared.title}. {declared.question}\nPredicted: {declared.prediction}.", file=sys.stderr)
        print(f"{configuration.replicates} replicates, {configuration.ticks} ticks -> {folder}", file=sys.stderr)
    with _progress(options, options.name) as progress:
        record = start(options.name, configuration, folder, progress)
    print_record(record, as_json=options.json)
    return 0


def resume(options: argparse.Namespace) -> int:
    """Go on with a run."""
    from mesocosm.cli.show import folder_named, print_record
    from mesocosm.experiments.launch import go_on
    from mesocosm.record.reader import load

    folder = folder_named(options.run)
    name = load(folder).header["experiment"]
    with _progress(options, name) as progress:
        record = go_on(folder, options.ticks, progress)
    print_record(record, as_json=options.json)
    return 0


def _configuration(options: argparse.Namespace, flags: list[str]) -> Any:
    """From the file, overridden by flags; checked."""
    import tyro

    cls = declaration(options.name).configuration
    default = cls()
    if options.config:
        try:
            text = Path(options.config).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"--config {options.config}: cannot be read ({error})") from None
        default = from_toml(cls, text, options.config, default)
        check(default)
    os.environ["COLUMNS"] = str(max(40, shutil.get_terminal_size().columns))  # tyro needs some room
    if options.help:
        print(f"{options.run_parser.format_help()}\nWhat can be set in {options.name}:\n")
    configuration = tyro.cli(
        cls,
        prog=f"mesocosm run {options.name}",
        args=["--help"] if options.help else flags,
        default=default,
        config=(tyro.conf.FlagConversionOff,),
    )
    check(configuration)
    return configuration


def _progress(options: argparse.Namespace, name: str) -> Any:
    from mesocosm.cli.devices import prepare_devices
    from mesocosm.cli.progress import ProgressLine

    prepare_devices()
    return ProgressLine(declaration(name), silent=options.quiet)
