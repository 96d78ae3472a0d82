"""What a service answers within: `predict` at 100 requests a second on loopback, beside the same prediction in Python.

`python -m benchmarks.serve` (bar: 99th percentile at most 5 ms).
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mesocosm import rules


def _seconds_of(process: int) -> float:
    """Seconds of a core that it has used, on Linux."""
    told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Asked:
    """Seconds that each request took, how many began late, and seconds of a core that the service used."""

    took: list[float]
    late: int
    busy: float


def asked_of_a_service(x: np.ndarray, y: np.ndarray, seconds: int, rate: int) -> Asked:
    """One session that has learnt from all examples is asked for the class of the first, so often a second."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mesocosm", "serve", "class-mean", "--out", folder]
        service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert service.stdout is not None
        address, token = service.stdout.readline().strip(), service.stdout.readline().split()[-1]
        line = http.client.HTTPConnection(address.removeprefix("http://"))

        def ask(path: str, body: dict | None = None) -> dict:
            line.request("POST", path, json.dumps(body or {}), {"Authorization": f"Bearer {token}"})
            return json.load(line.getresponse())

        try:
            session = ask("/sessions")["session"]
            ask(f"/sessions/{session}/learn", {"x": x.tolist(), "y": y.tolist()})
            one = {"x": x[:1].tolist()}
            ask(f"/sessions/{session}/predict", one)
            took, late, busy, began = [], 0, _seconds_of(service.pid), time.perf_counter()
            for k in range(seconds * rate):
                due = began + k / rate
                late += time.perf_counter() > due + 1 / rate
                time.sleep(max(0, due - time.perf_counter()))
                start = max(due, time.perf_counter()) if k else time.perf_counter()
                ask(f"/sessions/{session}/predict", one)
                took.append(time.perf_counter() - start)
            busy = _seconds_of(service.pid) - busy
        finally:
            service.kill()
            service.wait()
    return Asked(took, late, busy)


def asked_in_python(x: np.ndarray, y: np.ndarray) -> list[float]:
    """Seconds that the same takes without a service."""
    rule = rules.load("class-mean", classes=10).learn(x, y)
    alone = []
    for _ in range(500):
        start = time.perf_counter()
        rule.predict(x[:1])
        alone.append(time.perf_counter() - start)
    return alone


def main(seconds: int = 20, rate: int = 100) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 64)
    x = (rng.normal(size=(64, 64)) + 2 * rng.normal(size=(10, 64))[y]).round(3)
    found = asked_of_a_service(x, y, seconds, rate)
    p50, p99 = 1e3 * np.quantile(found.took[1:], [0.5, 0.99])
    own, n = 1e3 * np.quantile(asked_in_python(x, y)[10:], 0.5), len(found.took)
    load = os.getloadavg()[0]
    print(f"{rate} a second: median {p50:.2f} ms, 99th percentile {p99:.2f} ms; {found.late} of {n} begun late")
    print(f"{1e3 * found.busy / n:.2f} ms of a core each; load {load:.1f} on {os.cpu_count()} cores")
    print(f"in Python {own:.2f} ms; a request is {p50 / own:.1f} of it")


if __name__ == "__main__":
    main()
