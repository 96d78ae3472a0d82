"""`run` and `resume`."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mesocosm.findings.claim import Claim
from mesocosm.protocol.registry import declaration, declaration_of, find, names
from mesocosm.record.configuration import ConfigurationError, check, from_dict, from_toml, text_of, to_dict


def run(options: argparse.Namespace, flags: list[str]) -> int:
    """Run an experiment and print what it found."""
    if options.name is None:
        options.run_parser.print_help()
        if not options.help:
            print(f"\nWhich experiment? There are {', '.join(names())}.", file=sys.stderr)
        return 0 if options.help else 2
    if options.help:
        _print_help(options)
        return 0
    configuration = _configuration(options, flags)
    from mesocosm.cli.results import report_path, required
    from mesocosm.cli.show import print_record
    from mesocosm.protocol.launch import folder_of, start
    from mesocosm.protocol.preparing import check_plan

    folder = Path(options.out) if options.out else folder_of(options.name, configuration)
    declared = (entry := find(options.name)).declaration
    check_plan(entry, configuration)
    claims = declared.claims_under(configuration)
    wanted = required(options.require, [claim.name for claim in claims])
    with _progress(options, declared, configuration) as progress:

        def ready() -> None:
            if not options.quiet:
                _declare(declared, claims, configuration, folder)
            progress.begins()

        record = start(options.name, configuration, folder, progress, ready)
    path = report_path(record)
    print_record(record, as_json=options.json, report=path)
    return wanted(record)


def _declare(declared: Any, claims: Sequence[Claim], configuration: Any, folder: Path) -> None:
    """Say what is claimed, before the run: on stderr."""
    from mesocosm.findings.claim import floor_replicates

    lines = [f"{declared.title}. {declared.question}", f"Predicted: {declared.prediction}."]
    for claim in claims:
        words = {"mean": "by more than", "ratio": "by a factor above", "fraction": "in at least"}
        within = {"mean": "not by more than", "ratio": "not by a factor above"}
        least = (within if claim.expects == "equivalent" else words)[claim.kind]
        line = f"  {claim.name:10s} {claim.sentence}; against {claim.control}; {least} {claim.delta:g} {claim.unit}"
        line = line.rstrip() if claim.declared else f"{line.rstrip()} (exploratory: not what was declared)"
        if configuration.replicates < claim.replicates:
            line += f" (stated for {claim.replicates} {declared.noun}; fewer may refute it and need not support it)"
        lines.append(line)
    lines.append(f"{configuration.replicates} {declared.noun}, {configuration.ticks} ticks -> {folder}")
    floor = floor_replicates(sum(claim.declared for claim in claims)) if claims else 0
    if configuration.replicates < floor:
        lines.append(f"note: with fewer than {floor} {declared.noun} no claim can become significant")
    print("\n".join(lines), file=sys.stderr)


def resume(options: argparse.Namespace) -> int:
    """Go on with a run."""
    from mesocosm.cli.results import report_path, required
    from mesocosm.cli.show import folder_named, print_record
    from mesocosm.protocol.launch import go_on
    from mesocosm.protocol.reading import claims_of, configuration_of
    from mesocosm.record.reader import load

    folder = folder_named(options.run)
    record = load(folder)
    wanted = required(options.require, [claim.name for claim in claims_of(record)])
    with _progress(options, declaration_of(record), configuration_of(record)) as progress:
        record = go_on(folder, options.ticks, progress, ready=progress.begins)
    print_record(record, as_json=options.json, report=report_path(record))
    return wanted(record)


def _configuration(options: argparse.Namespace, flags: list[str]) -> Any:
    """From the file, overridden by flags; checked."""
    return configuration_from(options.name, flags, options.preset, options.config)


def _print_help(options: argparse.Namespace) -> None:
    """What can be said to `run`, the presets, and what can be set in the experiment."""
    import textwrap

    from mesocosm.cli.flags import help_of

    default = configuration_from(options.name, [], options.preset, options.config)
    print(f"{options.run_parser.format_help()}{_presets(options.name)}\nWhat can be set in {options.name}:\n")
    width = max(40, shutil.get_terminal_size().columns)
    for line in help_of(default).split("\n"):
        indent = " " * (len(line) - len(line.lstrip()))
        print(textwrap.fill(line, width, subsequent_indent=f"{indent}  ", break_on_hyphens=False) if line else "")


def _presets(name: str) -> str:
    """What each preset sets, a line each."""
    lines = []
    for preset, changes in declaration(name).presets.items():
        told = ", ".join(f"{key} = {value}" for key, value in changes.items())
        lines.append(f"  {preset:10s} {told or 'as it is'}")
    return "\n".join(["\npresets:", *lines, ""]) if lines else ""


def configuration_from(
    name: str, flags: list[str], preset: str | None, file: str | None, changes: dict[str, Any] | None = None
) -> Any:
    """The configuration of an experiment: its default with `changes`, a preset, a file, flags; what is later overrides.

    Raises:
      ConfigurationError: for what is not permitted.
    """
    from mesocosm.cli.flags import parsed

    cls = declaration(name).configuration
    default = from_dict(cls, changes or {}, cls())
    if preset:
        presets = declaration(name).presets
        if preset not in presets:
            raise ConfigurationError(f"--preset {preset}: {name} has {', '.join(presets) or 'no presets'}")
        default = from_dict(cls, dict(presets[preset]), default)
    if file:
        text = text_of(Path(file), f"--config {file}")
        default = from_toml(cls, text, file, default)
        try:
            check(default)
        except ConfigurationError as error:
            raise ConfigurationError(f"{file}: {error}") from None
    configuration = parsed(default, flags)
    check(configuration)
    return configuration


def _progress(options: argparse.Namespace, declared: Any, configuration: Any) -> Any:
    from mesocosm.cli.devices import prepare_devices
    from mesocosm.cli.progress import ProgressLine

    prepare_devices()
    return ProgressLine(declared, options.quiet, to_dict(configuration))
