"""`serve`: a rule behind HTTP, for whoever has its token."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mesocosm.record import ConfigurationError, needs


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `serve`."""
    serve = commands.add_parser(
        "serve", parents=[common], help="a learning rule as a service: learn and predict over HTTP, a session a client"
    )
    serve.add_argument("rule", metavar="RULE|RUN", help="a shipped rule by name, a rule file, or a run of digits")
    serve.add_argument("--search", type=int, default=0, metavar="N", help="of a run: whose rule (default: 0)")
    classes = "how many classes there are, of a rule that answers classes (default: 10)"
    serve.add_argument("--classes", type=int, metavar="N", help=classes)
    hidden = "neurons in each hidden level, such as 128 or 64,64 (default: none)"
    serve.add_argument("--hidden", default="", metavar="N,N", help=hidden)
    serve.add_argument("--frozen", action="store_true", help="predict only: what sessions have learnt stays as it is")
    serve.add_argument("--out", metavar="FOLDER", help="where sessions are kept (default: served/RULE)")
    serve.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="listen elsewhere than on this machine")
    serve.add_argument("--port", type=int, default=0, metavar="N", help="default: any that is free")
    serve.add_argument("--rate", type=float, default=200, metavar="N", help="requests a second of a session, at most")
    serve.add_argument("--most-sessions", type=int, default=1000, metavar="N", help="default: 1000")


def serve(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    with needs("serve", "serve"):
        from mesocosm.serving.server import serve as run
    from mesocosm.serving.sessions import Limits

    for name, least in (("classes", 2), ("rate", 1), ("most_sessions", 1)):
        if getattr(options, name) is not None and not least <= getattr(options, name) <= 1e6:
            word = name.replace("_", "-")
            raise ConfigurationError(f"--{word} {getattr(options, name)}: must be {least} ... 1000000")
    if not 0 <= options.port <= 65535:
        raise ConfigurationError(f"--port {options.port}: must be 0 ... 65535; 0 is any that is free")
    rule = rule_named(options.rule, options)
    folder = Path(options.out) if options.out else Path("served") / Path(options.rule).stem
    limits = Limits(rate=options.rate, sessions=options.most_sessions)

    def opened(address: str, token: str) -> None:
        print(f"{address}\nAuthorization: Bearer {token}", flush=True)
        print(
            f"What can be asked: {address}/openapi.json. Sessions are kept in {folder}; Ctrl-C ends.", file=sys.stderr
        )

    run(rule, folder, options.host, options.port, limits, options.frozen, opened)
    return 0


def rule_named(name: str, options: argparse.Namespace) -> Any:
    """A shipped rule, a rule file, or that of a run."""
    from dataclasses import replace

    from mesocosm.record.header import HEADER
    from mesocosm.rules.rule import load

    if not all(part.isdecimal() and int(part) > 0 for part in filter(None, options.hidden.split(","))):
        raise ConfigurationError(f"--hidden {options.hidden}: must be numbers of neurons, such as 128 or 64,64")
    hidden = tuple(int(part) for part in options.hidden.split(",") if part)
    if (Path(name) / HEADER).is_file():
        from mesocosm.experiments.digits.export import rule_of
        from mesocosm.record import load as load_record

        rule = replace(rule_of(load_record(Path(name)), options.search), hidden=hidden)
    else:
        rule = load(name, hidden=hidden)
    if rule.output == "classes":
        return replace(rule, classes=10 if options.classes is None else options.classes)
    if options.classes is not None:
        raise ConfigurationError(f"--classes {options.classes}: the rule {name} answers {rule.output}; leave it out")
    return rule
