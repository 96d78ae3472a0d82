"""`measure`: one of the catalogue of analyses, worked out of a run and kept beside it; or what there is."""

from __future__ import annotations

import argparse
from typing import Any

from mesocosm.cli.answer import print_json
from mesocosm.record import ConfigurationError


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `measure`."""
    measure = commands.add_parser("measure", parents=[common], help="an analysis of a run; RUN alone: which it allows")
    measure.add_argument("run", metavar="RUN", help="run folder, or its name under runs/")
    measure.add_argument("name", nargs="?", metavar="ANALYSIS", help="its name, mine.py, or package.module:NAME")
    measure.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="a setting of the analysis; may be repeated"
    )


def measure(options: argparse.Namespace) -> int:
    """Work it out (or take what is kept), and say what was found."""
    from mesocosm.cli.show import folder_named
    from mesocosm.protocol import catalogue
    from mesocosm.record import load

    record = load(folder_named(options.run))
    if options.name is None:
        return _list(record, options.json)
    settings = _settings(options.set)
    if not catalogue.is_kept(record, options.name, **settings):
        from mesocosm.cli.devices import prepare_devices

        prepare_devices()
    result = catalogue.measure(record, options.name, **settings)
    if options.json:
        print_json("measure", {"run": str(record.folder), "analysis": options.name, **result.to_dict()})
        return 0
    from mesocosm.protocol.registry import declaration_of

    print(result.sentence)
    for finding in result.findings:
        print(f"  {finding.name:10s} {finding.words(declaration_of(record).noun)}")
    return 0


def _list(record: Any, as_json: bool) -> int:
    from mesocosm.protocol import catalogue

    rows = list(catalogue.listed(record))
    if as_json:
        listed = [{"name": name, "words": words, "lacks": lacks} for name, words, lacks in rows]
        print_json("measure", {"run": str(record.folder), "analyses": listed})
        return 0
    for name, words, lacks in rows:
        print(f"  {name:12s} {words}" + (f" (not of this run: it {lacks})" if lacks else ""))
    return 0


def _settings(texts: list[str]) -> dict[str, Any]:
    """FIELD=VALUE as plain values: numbers, words."""
    import tomllib

    out: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise ConfigurationError(f"--set {text}: write FIELD=VALUE, for example --set snapshots=6")
        try:
            out[name] = tomllib.loads(f"x = {value}")["x"]
        except tomllib.TOMLDecodeError:
            out[name] = value
    return out
