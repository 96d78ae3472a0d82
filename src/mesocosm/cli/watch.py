"""`watch`: recorded worlds in the browser."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

from mesocosm.cli.show import folder_named
from mesocosm.record import MesocosmError


class MissingPackage(MesocosmError):
    """A package of an extra is not installed."""


def watch(options: argparse.Namespace) -> int:
    """Serve the worlds of one or several runs until Ctrl-C."""
    try:
        from mesocosm.viewer.opening import places
        from mesocosm.viewer.server import serve
    except ModuleNotFoundError as error:
        raise MissingPackage(f"watching needs the package {error.name}: pip install 'mesocosm[watch]'") from None
    folders = [folder_named(name) for name in options.runs]
    title = " and ".join(Path(folder).resolve().name for folder in folders)

    def opened(address: str) -> None:
        print(address, flush=True)
        print("Open this address in a browser on this machine; Ctrl-C ends.", file=sys.stderr, flush=True)
        if options.browser:
            webbrowser.open(address)

    serve(places(folders, options.replicate), title, options.port, opened)
    return 0
