"""`mesocosm serve`: sessions alone, kept through kill -9; what is refused is a sentence with a status."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jsonschema
import numpy as np
import pytest

from mesocosm import rules

pytest.importorskip("starlette", reason="needs the extra serve")
CALL = "import sys; from mesocosm.cli import main; sys.exit(main())"
RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 40).tolist()
X = (RNG.normal(size=(40, 6)) + 2 * np.eye(3).repeat(2, axis=1)[Y]).round(3).tolist()


class Served:
    """A service in a process of its own."""

    def __init__(self, folder, *words):
        call = [sys.executable, "-c", CALL, "serve", "class-mean", "--classes", "3", "--out", str(folder), *words]
        self.process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        self.token = self.process.stdout.readline().split()[-1]

    def ask(self, method, path, body=None, token=None, raw=None):
        """Status and answer."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, {"Authorization": f"Bearer {token or self.token}"}, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                status, content = answer.status, answer.read()
        except HTTPError as error:
            status, content = error.code, error.read()
        is_json = content[:1] == b"{"
        return status, json.loads(content) if is_json else content.decode()

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    service = Served(tmp_path_factory.mktemp("served") / "sessions")
    yield service
    service.kill()


def test_sessions_learn_alone_and_answer_as_the_rule(served):
    """What one is told the other does not know; the answers are those of the rule in one's own hands."""
    (_, a), (_, b) = served.ask("POST", "/sessions"), served.ask("POST", "/sessions")
    a, b = a["session"], b["session"]
    assert a != b
    assert served.ask("POST", f"/sessions/{a}/learn", {"x": X[:21], "y": Y[:21]}) == (200, {"examples": 21})
    status, said = served.ask("POST", f"/sessions/{b}/predict", {"x": X[30:]})
    assert status == 422 and "has seen no example yet" in said["error"]
    served.ask("POST", f"/sessions/{b}/learn", {"x": X[:21], "y": [(y + 1) % 3 for y in Y[:21]]})
    plain = rules.load("class-mean", classes=3).learn(np.array(X[:21]), Y[:21])
    told = [served.ask("POST", f"/sessions/{s}/predict", {"x": X[30:]})[1]["y"] for s in (a, b)]
    assert told[0] == plain.predict(np.array(X[30:])).tolist()
    assert told[1] == [(y + 1) % 3 for y in told[0]]
    assert served.ask("GET", f"/sessions/{a}")[1] == {"session": a, "examples": 21}
    assert served.ask("DELETE", f"/sessions/{a}")[0] == 204 and served.ask("GET", f"/sessions/{a}")[0] == 404
    assert served.ask("GET", f"/sessions/{b}")[0] == 200


def test_what_is_refused_is_a_sentence_and_harms_nobody(served):
    session = served.ask("POST", "/sessions")[1]["session"]
    learn, predict = f"/sessions/{session}/learn", f"/sessions/{session}/predict"
    served.ask("POST", learn, {"x": X[:8], "y": Y[:8]})
    for path, body, status, said in (
        (learn, {"x": X[:2], "y": [0]}, 422, "1 classes for 2 examples"),
        (learn, {"x": X[:1], "y": [7]}, 422, "label 7 is beyond the 3 classes"),
        (learn, {"x": X[:1], "y": ["a"]}, 422, "whole numbers"),
        (learn, {"x": X[:1], "y": [1], "after": 3}, 409, "has learnt from 8 examples"),
        (predict, {"x": [[1, 2]]}, 422, "has 2 numbers an example; this rule has learnt from 6"),
        (predict, {"x": [[1, 2], [3]]}, 422, "equally many"),
        (predict, {"x": [["1"]]}, 422, "finite numbers"),
        (predict, {"x": X, "z": 1}, 422, "z: there is no such field; known are x"),
        (predict, {"x": [[0.5] * 6] * 257}, 413, "256 at most"),
        (predict, [1], 422, "must be an object"),
        ("/sessions/" + "0" * 32 + "/predict", {"x": X}, 404, "no such session"),
        ("/sessions/..%2ftoken/predict", {"x": X}, 404, ""),
        ("/elsewhere", {}, 404, "openapi.json"),
    ):
        answered, told = served.ask("POST", path, body)
        assert answered == status and said in told["error"], (path, body, told)
    assert served.ask("POST", predict, raw=b"{")[0] == 400
    assert served.ask("POST", predict, raw=b"[" * 100_000)[0] == 400
    assert served.ask("POST", predict, raw=b" " * (1 << 21))[0] == 413
    assert served.ask("POST", predict, {"x": X}, token="guess")[0] == 401
    assert served.ask("GET", f"/sessions/{session}")[1]["examples"] == 8, "nothing of it was learnt"


def test_a_slow_client_and_one_that_vanishes_hold_nobody_up(served):
    session = served.ask("POST", "/sessions")[1]["session"]
    host, port = served.address.removeprefix("http://").split(":")
    head = f"POST /sessions/{session}/learn HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.token}\r\n"
    with socket.create_connection((host, int(port))) as slow, socket.create_connection((host, int(port))) as gone:
        for one in (slow, gone):
            one.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        gone.close()
        began = time.monotonic()
        assert served.ask("GET", f"/sessions/{session}")[1]["examples"] == 0
        assert time.monotonic() - began < 2
        slow.settimeout(20)
        assert b"408" in slow.recv(100)


def test_the_schema_holds_and_metrics_count(served):
    schema = served.ask("GET", "/openapi.json", token="nobody")[1]
    session = served.ask("POST", "/sessions")[1]["session"]
    told = served.ask("POST", f"/sessions/{session}/learn", {"x": X[:8], "y": Y[:8]})[1]
    found = served.ask("POST", f"/sessions/{session}/predict", {"x": X[:2]})[1]
    for path, body, answer in (("learn", {"x": X[:8], "y": Y[:8]}, told), ("predict", {"x": X[:2]}, found)):
        post = schema["paths"][f"/sessions/{{session}}/{path}"]["post"]
        jsonschema.validate(body, post["requestBody"]["content"]["application/json"]["schema"])
        jsonschema.validate(answer, post["responses"]["200"]["content"]["application/json"]["schema"])
    metrics = served.ask("GET", "/metrics")[1]
    assert 'mesocosm_requests_total{route="predict",status="200"}' in metrics and "mesocosm_sessions " in metrics


def test_kill_9_loses_nothing_that_was_answered(tmp_path):
    """The next service in the same folder goes on, with the same token; a frozen one learns nothing."""
    first = Served(tmp_path)
    session = first.ask("POST", "/sessions")[1]["session"]
    first.ask("POST", f"/sessions/{session}/learn", {"x": X[:16], "y": Y[:16]})
    expected = first.ask("POST", f"/sessions/{session}/predict", {"x": X[30:]})
    first.kill()
    second = Served(tmp_path, "--frozen", "--rate", "3")
    try:
        assert second.token == first.token
        assert second.ask("POST", f"/sessions/{session}/predict", {"x": X[30:]}) == expected
        assert second.ask("POST", f"/sessions/{session}/learn", {"x": X, "y": Y})[0] == 403
        assert 429 in [second.ask("GET", f"/sessions/{session}")[0] for _ in range(9)]
    finally:
        second.kill()
    assert (tmp_path / "token").stat().st_mode & 0o077 == 0
