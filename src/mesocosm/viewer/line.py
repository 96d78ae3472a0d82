"""The line between the server and the process of a running world: a pair of sockets on this machine.

Wishes go one way as lines of JSON, news the other way as answers (`player.encoder.bytes`), each behind its length. News
of one kind wait at most once: what nobody took yet is replaced by what is newer, so that nobody who is slow holds the
world up.
"""

from __future__ import annotations

import json
import queue
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.player.encoder.bytes import answer

LENGTH = struct.Struct("<Q")
_NOBODY = {"do": "close"}


class Line:
    """The world's end of the line."""

    def __init__(self, number: int) -> None:
        self.socket = socket.socket(fileno=number)
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self.news: dict[str, bytes] = {}
        self.has_news, self.is_closing = threading.Condition(), False
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._hear, self._send)]
        for thread in self.threads:
            thread.start()

    def first(self) -> dict[str, Any]:
        """The first wish; waits for it."""
        return self.heard.get()

    def wait(self, seconds: float, hear: Callable[[dict[str, Any]], None]) -> None:
        """Hand on all wishes that are there; where there are none, wait for one, at most so long."""
        try:
            hear(self.heard.get(timeout=seconds) if seconds > 0 else self.heard.get_nowait())
            while True:
                hear(self.heard.get_nowait())
        except queue.Empty:
            return

    def put(self, kind: str, header: Mapping[str, Any], planes: Mapping[str, np.ndarray] | None = None) -> None:
        """Send news; what waits of the same kind is forgotten."""
        with self.has_news:
            self.news.pop(kind, None)
            self.news[kind] = answer({"kind": kind, **header}, planes)
            self.has_news.notify()

    def close(self) -> None:
        """Let what waits be taken, for a moment, then hang up."""
        with self.has_news:
            self.is_closing = True
            self.has_news.notify()
        self.threads[1].join(2.0)

    def _hear(self) -> None:
        with suppress(OSError, ValueError), self.socket.makefile("rb") as lines:
            for line in lines:
                self.heard.put(json.loads(line))
        self.heard.put(_NOBODY)  # the server has gone

    def _send(self) -> None:
        while True:
            with self.has_news:
                self.has_news.wait_for(lambda: self.news or self.is_closing)
                if not self.news:
                    return
                content = self.news.pop(next(iter(self.news)))
            try:
                self.socket.sendall(LENGTH.pack(len(content)))
                self.socket.sendall(content)
            except OSError:
                return


def news(end: socket.socket) -> Iterator[bytes]:
    """What the world sends, until it hangs up: the server's end of the line."""
    with suppress(OSError), end.makefile("rb", buffering=1 << 20) as stream:
        while len(head := stream.read(LENGTH.size)) == LENGTH.size:
            content = stream.read(*LENGTH.unpack(head))
            if len(content) == LENGTH.unpack(head)[0]:
                yield content


def free_folder(wanted: Path) -> Path:
    """This folder, or the first of the same name with a number that is not there yet."""
    number, folder = 1, wanted
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder
