"""`mesocosm check`: a contract of ten seconds for a component, in a process of its own that is watched from outside.

The clock counts what the part does, not what Python takes to start: ten seconds of processor time, or ten in which it
does nothing. No jax.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mesocosm.record import ConfigurationError
from mesocosm.studies import processes
from mesocosm.studies.runner import surroundings

SECONDS, MEGABYTES = 10.0, 1000.0
PRINTED = 1 << 20
"""Bytes that a part may print while it is tried."""
IDLE = 0.05
"""Seconds of processor time in ten: who uses less does nothing."""
_LOOK_EVERY = 0.1


@dataclass(frozen=True)
class Fault:
    """What is wrong with a part, and how it is mended."""

    what: str
    mend: str


@dataclass
class Checked:
    """One component: its faults (the first that is met ends the trial), and notes, which are none."""

    slot: str
    name: str
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ok": not self.faults}

    def words(self) -> str:
        head = f"{self.slot} {self.name}: " + ("fails" if self.faults else "ok") + f" ({self.seconds:.1f} s)"
        lines = [head]
        for fault in self.faults:
            lines += [f"  {fault.what}", f"    Mend: {fault.mend}"]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def check(target: str, seconds: float = SECONDS, megabytes: float = MEGABYTES) -> list[Checked]:
    """Try all components that a target names: `name`, `slot/name`, `module:name`, `file.py` or `file.py:name`.

    Raises:
      ConfigurationError: if it names none.
    """
    place, _, name = target.rpartition(":")
    if not target.endswith(".py") and place.endswith(".py"):
        file, target = Path(place), f"{Path(place).resolve()}:{name}"
    elif target.endswith(".py"):
        file, target = Path(target), str(Path(target).resolve())
    else:
        file = None
    if file is not None and not file.is_file():
        raise ConfigurationError(f"{file}: is no file; name a Python file that defines components")
    listed = _Trial([target], seconds, megabytes).run()
    if listed.checked.faults:
        return [listed.checked]
    if not listed.found:
        raise ConfigurationError(
            f"{target}: names no component; give `name`, `slot/name`, `module:name`, `file.py` or `file.py:name`, and "
            "see that the function has @component(slot=...); of what was exported, a file that ends in .onnx or .mlir"
        )
    out = []
    for slot, name in listed.found:
        checked = _Trial([target, slot, name], seconds, megabytes).run().checked
        if f"{slot} {name}" in listed.taken:
            mend = "choose another name: a study that names it would get whichever was loaded last"
            checked.faults.append(Fault("takes the place of a component that is there already", mend))
        out.append(checked)
    return out


class _Trial:
    """One process, its clock, and what it reports."""

    def __init__(self, words: list[str], seconds: float, megabytes: float) -> None:
        self.words, self.seconds, self.megabytes = words, seconds, megabytes
        slot, name = words[1:] or ("component", words[0])
        self.checked = Checked(slot, name)
        self.found: list[tuple[str, str]] = []
        self.taken: list[str] = []
        self.step, self.is_done, self.printed, self.said = "starting", False, 0, b""
        self.held = 0.0

    def run(self) -> _Trial:
        read, write = os.pipe()
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [sys.executable, "-m", "mesocosm.studies.trial", str(write), *self.words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[write],
                env=surroundings(),
                cwd=folder,
            )
            os.close(write)
            try:
                self._watch(process, read)
            finally:
                processes.end(process)
                os.close(read)
                assert process.stdout is not None
                process.stdout.close()
        if not self.is_done and not self.checked.faults:
            last = self.said.decode("utf-8", "replace").strip().splitlines()
            said = f"; it last printed: {last[-1][:200]}" if last else ""
            code = process.returncode
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            self._fault(f"ended its process with {how} during {self.step}{said}", "raise an error instead of leaving")
        return self

    def _fault(self, what: str, mend: str) -> None:
        self.checked.faults.append(Fault(what, mend))

    def _watch(self, process: subprocess.Popen[bytes], read: int) -> None:
        """Until it is done, has ended, or breaks a limit."""
        assert process.stdout is not None
        unread = b""
        self._start(process.pid)
        with selectors.DefaultSelector() as selector:
            selector.register(read, selectors.EVENT_READ)
            selector.register(process.stdout, selectors.EVENT_READ)
            while not self.is_done and not self.checked.faults:
                for key, _ in selector.select(_LOOK_EVERY):
                    content = os.read(key.fd, 1 << 16)
                    if not content and key.fd == read:
                        process.wait()
                        with contextlib.suppress(OSError):  # what it said at the end
                            os.set_blocking(process.stdout.fileno(), False)
                            self.said = (self.said + (os.read(process.stdout.fileno(), 1 << 16) or b""))[-4000:]
                        return
                    if not content:
                        selector.unregister(key.fd)
                    elif key.fd == read:
                        *lines, unread = (unread + content).split(b"\n")
                        for line in lines:
                            self._hear(json.loads(line), process.pid)
                    else:
                        self.printed += len(content)
                        self.said = (self.said + content)[-4000:]
                self._limits(process.pid)
        self.checked.seconds = processes.cpu_seconds(process.pid) - self.cpu_began

    def _start(self, pid: int) -> None:
        now, cpu = time.monotonic(), processes.cpu_seconds(pid)
        self.cpu_began, self.seen, self.seen_cpu = cpu, now, cpu
        self.held = sum(processes.family(pid).values()) / 2**20

    def _hear(self, report: dict[str, Any], pid: int) -> None:
        self.step = report.get("step", self.step)
        if "ready" in report:
            self._start(pid)
        if "note" in report:
            self.checked.notes.append(report["note"])
        if "fault" in report:
            self._fault(report["fault"], report["mend"])
        self.found = [(slot, name) for slot, name in report.get("found", self.found)]
        self.taken = report.get("taken", self.taken)
        self.is_done = self.is_done or "done" in report

    def _limits(self, pid: int) -> None:
        if self.is_done or self.checked.faults:
            return
        now, cpu = time.monotonic(), processes.cpu_seconds(pid)
        megabytes = sum(processes.family(pid).values()) / 2**20 - self.held
        if now - self.seen >= self.seconds:
            if cpu - self.seen_cpu < IDLE:
                mend = "wait for nothing: no network, no lock, no question to a person"
                self._fault(f"hangs: {self.step} did nothing for {self.seconds:g} s", mend)
                return
            self.seen, self.seen_cpu = now, cpu
        if cpu - self.cpu_began > self.seconds:
            mend = "make the smallest problem quick; a study's budget says how long it may take"
            self._fault(f"not done after {self.seconds:g} s of processor time, during {self.step}", mend)
        elif megabytes > self.megabytes:
            mend = "keep nothing between calls, and only what a call needs; a study's limits would end it"
            self._fault(f"holds {megabytes:.0f} MB more than before, during {self.step}", mend)
        elif self.printed > PRINTED:
            mend = "print nothing: many cells run beside each other, and their output is thrown away"
            self._fault(f"prints without end ({self.printed / 2**20:.1f} MB during {self.step})", mend)
