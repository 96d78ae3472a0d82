"""`watch`: a home for all that can be watched; recorded worlds, or a running one, in the browser."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from mesocosm.record import needs


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `watch`."""
    watch = commands.add_parser(
        "watch",
        parents=[common],
        allow_abbrev=False,
        help="a home in the browser: experiments, runs; or recorded runs side by side, or an experiment that runs",
        epilog="What can be set in an experiment follows its name; `mesocosm run NAME --help` lists it.",
    )
    words = "run folders (or names under runs/), or an experiment; nothing: a home with all of them"
    watch.add_argument("runs", nargs="*", metavar="RUN|NAME", help=words)
    watch.add_argument("--replicate", type=int, metavar="N", help="which world (default: whose frames were kept)")
    watch.add_argument("--config", metavar="FILE", help="of an experiment: configuration in TOML; flags override it")
    watch.add_argument("--preset", metavar="PRESET", help="of an experiment: a named configuration")
    watch.add_argument("--out", metavar="FOLDER", help="of a home or an experiment: where its runs lie (default: runs)")
    watch.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="listen elsewhere than on this machine only"
    )
    watch.add_argument("--port", type=_port, default=0, metavar="N", help="default: any that is free")
    watch.add_argument("--no-browser", dest="browser", action="store_false", help="print the address, open nothing")


def _port(text: str) -> int:
    """A port as a word of the command line."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text}: must be 0 ... 65535; 0 is any that is free")
    return int(text)


def watch(options: argparse.Namespace, flags: list[str]) -> int:
    """Serve the worlds of one or several runs, or an experiment that runs, until Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what we have started must be ended
    with needs("watch", "watch"):
        from mesocosm.viewer.server import ANYWHERE

    stack = ExitStack()

    def opened(address: str) -> None:
        print(address, flush=True)
        where = "on any machine that reaches this one" if options.host in ANYWHERE else "on this machine"
        print(f"Open this address in a browser {where}; Ctrl-C ends.", file=sys.stderr, flush=True)
        if options.browser:
            webbrowser.open(stack.enter_context(_door(address)).as_uri())

    with stack:
        return _serve(options, flags, opened)


@contextmanager
def _door(address: str) -> Iterator[Path]:
    """A file of this user alone that leads to an address: the command line of a browser can be read by everybody."""
    with tempfile.TemporaryDirectory(prefix="mesocosm-") as folder:  # mode 700
        path = Path(folder) / "watch.html"
        path.touch(0o600)
        policy = '<meta name="referrer" content="no-referrer">'
        path.write_text(
            f'<!doctype html>{policy}<meta http-equiv="refresh" content="0; url={escape(address)}">', "utf-8"
        )
        yield path


def _serve(options: argparse.Namespace, flags: list[str], opened: Callable[[str], None]) -> int:
    from mesocosm.cli.show import folder_named
    from mesocosm.record import ConfigurationError
    from mesocosm.viewer.opening import places
    from mesocosm.viewer.server import serve

    if not options.runs:
        return _home(options, flags, opened)
    if is_experiment(options.runs):
        world = _running(options, flags)
        try:
            serve([world], options.runs[0], options.host, options.port, opened)
        finally:
            world.stop()
            print(f"its record: {world.run.get('folder', 'none')}", file=sys.stderr)
        return 0
    if flags:
        raise ConfigurationError(f"unrecognised: {' '.join(flags)}; a recorded run is watched as it is")
    folders = [folder_named(name) for name in options.runs]
    title = " and ".join(Path(folder).resolve().name for folder in folders)
    serve(places(folders, options.replicate), title, options.host, options.port, opened)
    return 0


def _home(options: argparse.Namespace, flags: list[str], opened: Callable[[str], None]) -> int:
    """The home, until Ctrl-C; what was begun there is stopped with it."""
    from mesocosm.cli.devices import prepare_devices
    from mesocosm.protocol.reading import RUNS
    from mesocosm.record import ConfigurationError
    from mesocosm.viewer.home import Home
    from mesocosm.viewer.server import serve

    named = [f"--{word}" for word in ("preset", "config", "replicate") if getattr(options, word) is not None]
    if flags or named:
        raise ConfigurationError(f"{' '.join([*named, *flags])}: name the experiment that this is meant for")
    under = Path(options.out) if options.out else RUNS
    prepare_devices()
    home = Home(lambda reference, configuration: _live(reference, configuration, under, 0), dict(os.environ), under)
    try:
        serve(home, "home", options.host, options.port, opened)
    finally:
        for folder in home.close():
            print(f"stopped: `mesocosm resume {folder}` goes on with it", file=sys.stderr)
    return 0


def is_experiment(words: list[str]) -> bool:
    """Whether a name stands for an experiment, to be run, and for no folder."""
    from mesocosm.cli.show import folder_named
    from mesocosm.protocol.registry import is_known

    return len(words) == 1 and is_known(words[0]) and not folder_named(words[0]).is_dir()


def _running(options: argparse.Namespace, flags: list[str]) -> Any:
    """The world, in a process of its own."""
    from mesocosm.cli.devices import cores, prepare_devices
    from mesocosm.cli.run import configuration_from
    from mesocosm.protocol.reading import RUNS
    from mesocosm.record.configuration import ConfigurationError

    reference = options.runs[0]
    configuration = configuration_from(reference, flags, options.preset, options.config, {"replicates": 1})
    shown = options.replicate or 0
    if not 0 <= shown < configuration.replicates:
        raise ConfigurationError(f"--replicate {shown}: there are {configuration.replicates}; see --replicates")
    under = Path(options.out) if options.out else RUNS
    prepare_devices(min(cores(), configuration.replicates))
    return _live(reference, configuration, under, shown)


def _live(reference: str, configuration: Any, under: Path, shown: int) -> Any:
    """A world that runs in a process of its own, in a folder of its own."""
    from mesocosm.protocol.registry import find
    from mesocosm.record.configuration import to_toml
    from mesocosm.viewer.line import free_folder
    from mesocosm.viewer.live import Live

    entry = find(reference)
    name = entry.declaration.name
    job = {
        "name": entry.reference,
        "title": name,
        "config": to_toml(replace(configuration, frames_every=0)),
        "under": str(under),
        "folder": str(free_folder(under / f"{name}-{configuration.seed}-watched")),
        "replicate": shown,
    }
    return Live(job, dict(os.environ))
