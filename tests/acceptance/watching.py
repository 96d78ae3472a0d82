"""`mesocosm watch` as a process, and how one asks it, for tests of what it shows."""

import json
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.test_command_line import MESOCOSM

pytest.importorskip("starlette", reason="NOT TESTED: the viewer (the extra `watch` is missing)")
pytest.importorskip("uvicorn", reason="NOT TESTED: the viewer (the extra `watch` is missing)")
client = pytest.importorskip("websockets.sync.client", reason="NOT TESTED: the viewer (the extra `watch` is missing)")

COMPILES_MS, PATIENCE_MS = 240_000, 90_000


class Address(str):
    """An address where a visit expects a file."""

    def as_uri(self) -> str:
        return str(self)


class Server:
    """`mesocosm watch` as a process of its own."""

    def __init__(self, *words: str | Path, cwd: Path) -> None:
        call = [*MESOCOSM, "watch", *map(str, words), "--no-browser"]
        self.cwd = cwd
        self.process = subprocess.Popen(call, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        self.address = Address(self.process.stdout.readline().strip())
        self.origin = "http://" + urlsplit(self.address).netloc
        self.socket = self.address.replace("http:", "ws:") + "socket"

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def ask(socket, **question) -> dict:
    """Header of the answer to a question."""
    socket.send(json.dumps(question))
    return header(socket.recv())


def header(answer: bytes) -> dict:
    return json.loads(answer[4 : 4 + int.from_bytes(answer[:4], "little")])


def torn(v, spoil, times: int = 1):
    """Another page of a server; the first answers to it that hold a frame come spoilt."""
    page, done = v.context.new_page(), []

    def route(socket):
        def hand_on(answer):
            is_torn = len(done) < times and b'heading"' in answer
            done.extend([True] * is_torn)
            socket.send(spoil(answer) if is_torn else answer)

        socket.connect_to_server().on_message(hand_on)

    page.route_web_socket("**/socket", route)
    page.goto(v.address)
    return page


SPOILT = (lambda answer: answer[: len(answer) // 2], lambda answer: b"no answer at all", lambda answer: "words")


def when(v, condition: str):
    """Waits until a condition on the state `s` of the page holds, and gives the state in which it does."""
    return v.when(condition, patience_ms=PATIENCE_MS)
