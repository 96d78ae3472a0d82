"""A world that runs in a process of its own: its newest frames, and what is wished of it. No jax."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from mesocosm.player.encoder.bytes import TornAnswer, read_answer
from mesocosm.player.encoder.encoder import Planes, wanted
from mesocosm.player.encoder.genes import in_words, told
from mesocosm.player.encoder.places import told_space
from mesocosm.player.encoder.series import Series
from mesocosm.record import FolderError
from mesocosm.record.about import PLANE, Genome, SceneAbout
from mesocosm.viewer.line import news

KEPT_BYTES, KEPT_FRAMES = 96 << 20, 1200
"""What is remembered of the frames that somebody has seen: they can be scrubbed through and shared."""
_PATIENCE = 0.5
"""Seconds that a page waits for something newer before it is told that there is nothing."""
_RELATIVES = 5000
NOTHING = {"space": told_space(PLANE), **{k: [] for k in ("populations", "fields", "curves", "images", "graphs")}}
"""What a world shows before there is anything to see."""


class Live:
    """A running world. All methods may be called from any thread.

    Args:
      job: what the process is told first: name, config (TOML), folder, under, replicate.
      environment: of the process; jax reads its devices from there.
    """

    def __init__(self, job: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self.title = str(job["title"])
        self.said = threading.Condition()
        self.forget()
        self.serial = 0
        self.shape: dict[str, Any] = NOTHING
        self.genomes: tuple[Genome, ...] = ()
        self.state: dict[str, Any] = {"status": "starting", "tick": 0}
        self.run: dict[str, Any] = {}
        self.trouble = ""
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has died
        ours, theirs = socket.socketpair()
        call = [sys.executable, "-m", "mesocosm.viewer.simulation", str(theirs.fileno())]
        self.process = subprocess.Popen(
            call,
            pass_fds=[theirs.fileno()],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
            start_new_session=True,  # Ctrl-C is the server's; it lets the world write its checkpoint
        )
        theirs.close()
        self.end = ours
        self._tell(job)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def forget(self) -> None:
        """Nothing has been seen yet."""
        self.frames: deque[tuple[dict[str, Any], Planes]] = deque()
        self.first, self.n_bytes, self.epoch, self.asked = 0, 0, 0, False
        self.series = Series()

    def world(self) -> Live:
        """As of a place that is recorded."""
        return self

    @property
    def name(self) -> str:
        """Of the run that is shown; empty before it has begun."""
        return str(self.run.get("run", ""))

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self, patience: float = 10.0, why: str = "") -> None:
        """Let the world write its checkpoint and end; `why` is told to those who look."""
        with self.said:
            self.trouble = why or self.trouble
        with suppress(OSError):
            self.end.shutdown(socket.SHUT_WR)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(2.0)
        self.end.close()
        self.errors.close()

    # -- what pages ask ------------------------------------------------------------------------------------------------

    def meta(self) -> dict[str, Any]:
        """As of a recorded world; besides, `live`: what it is doing."""
        with self.said:
            ticks = [header["tick"] for header, _ in self.frames]
            return {**self.shape, **self._now(), "title": self.title, "ticks": ticks, "series": self.series.plain()}

    def frame(self, t: int, want: list[str] | None = None) -> tuple[dict[str, Any], Planes]:
        """Header and planes of frame t, or of the nearest that is remembered."""
        with self.said:
            if not self.frames:
                raise FolderError("nothing has been seen of this world yet")
            header, planes = self.frames[max(0, min(len(self.frames) - 1, t - self.first))]
        return header, self.wanted(planes, want)

    def newest(self, after: int, serial: int, want: list[str] | None = None) -> tuple[dict[str, Any], Planes]:
        """The newest frame, once there is one behind frame `after`, or news of another kind behind `serial`."""
        is_gene = bool(want) and any(name in self._genes() for name in want or ())
        until = time.monotonic() + _PATIENCE
        with self.said:
            if self._last() <= after and not self.asked:
                self.asked = True
                self._tell({"do": "look", "genomes": is_gene})
            while self._last() <= after and self.serial == serial:
                left = until - time.monotonic()
                if left <= 0 or not self.said.wait(left):
                    break
            now = {**self._now(), "series": None}
            if self._last() <= after or not self.frames:
                return now, {}
            header, planes = self.frames[-1]
        return {**now, **header, "t": self._last()}, self.wanted(planes, want)

    def do(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Pass on what is wished of the world."""
        if self.process.poll() is not None:
            raise FolderError(self.trouble or "The simulation has ended.")
        with self.said:
            self.trouble = ""
        self._tell(wish)
        return {}

    def individual(self, id: int, t: int | None = None) -> dict[str, Any]:
        """What is known of one individual from the frames that were seen."""
        with self.said:
            frames = list(self.frames)[: None if t is None else max(1, t - self.first + 1)]
        ticks, energy, carries = [], [], []
        for header, planes in frames:
            row = np.flatnonzero(planes.get("0 id", np.zeros(0)) == id)
            if row.size:
                ticks.append(header["tick"])
                energy.append(int(planes["0 column energy"][row[0]]) if "0 column energy" in planes else 0)
                for genome in self.genomes:
                    if genome.carrier and f"0 genome {genome.column}" in planes:
                        carrier = int(planes[f"0 genome {genome.carrier}"][row[0]])
                        carried = in_words(genome, carrier, planes[f"0 genome {genome.column}"][row[0]])
                        carries += [[header["tick"], carried]] if not carries or carries[-1][1] != carried else []
        if not ticks:
            raise FolderError(f"nobody of the id {id} was seen in this world")
        out: dict[str, Any] = {"id": id, "ticks": ticks}
        if any(energy):
            out["energy"] = energy
        if carries:
            out["carries"] = carries
        header, planes = frames[-1]
        row = np.flatnonzero(planes["0 id"] == id)
        if row.size:
            out |= self._of(planes, int(row[0]), header["tick"])
        return out

    def _of(self, planes: Planes, row: int, tick: int) -> dict[str, Any]:
        """Descent and genome of a living individual, as the frame has them."""
        out: dict[str, Any] = {}
        if "0 column age" in planes:
            out |= {"born": tick - int(planes["0 column age"][row]), "died": None}
        if "0 column parent" in planes:
            out["parent"] = int(planes["0 column parent"][row])
            out["children"] = planes["0 id"][planes["0 column parent"] == planes["0 id"][row]].tolist()
        if "0 column lineage" in planes:
            kin = planes["0 column lineage"] == planes["0 column lineage"][row]
            out["founder"] = int(planes["0 column lineage"][row])
            out |= {"relatives": planes["0 id"][kin][:_RELATIVES].tolist(), "n_relatives": int(kin.sum())}
        for genome in self.genomes:
            if not genome.carrier and (loci := planes.get(f"0 genome {genome.column}")) is not None:
                out["genome"] = told(genome, loci[row])
        return out

    # -- inside --------------------------------------------------------------------------------------------------------

    def _last(self) -> int:
        return self.first + len(self.frames) - 1

    def _now(self) -> dict[str, Any]:
        frames = {"first": self.first, "n_frames": self.first + len(self.frames), "epoch": self.epoch}
        live = {**self.run, **self.state, "trouble": self.trouble}
        return {**frames, "live": live, "serial": self.serial, "status": self.state["status"]}

    def _genes(self) -> set[str]:
        return {gene.name for genome in self.genomes if not genome.carrier for gene in genome.genes}

    def wanted(self, planes: Planes, want: list[str] | None) -> Planes:
        """The planes that were asked for."""
        return wanted(self.shape, self.genomes, planes, want)

    def _tell(self, wish: Mapping[str, Any]) -> None:
        with suppress(OSError):
            self.end.sendall(json.dumps(wish).encode() + b"\n")

    def _read(self) -> None:
        for content in news(self.end):
            try:
                header, planes = read_answer(content)
            except TornAnswer:  # the world has died while it said it
                break
            with self.said:
                self._take(header.pop("kind"), header, planes)
                self.said.notify_all()
        self._died()

    def _take(self, kind: str, header: dict[str, Any], planes: Planes) -> None:
        if kind == "frame":
            for genome in self.genomes:
                for name in [n for n in planes if n.endswith(f" genome {genome.column}")]:
                    n = planes[f"{name.split()[0]} id"].size
                    planes[name] = planes[name].reshape(n, -1) if n else np.zeros((0, 1), np.int8)
            self.remember(header, planes)
            return
        if kind == "state":
            self.serial += not _only_went_on(self.state, header)
            self.state = header
            return
        self.serial += 1
        if kind == "shape":
            self.genomes = SceneAbout.read(header.pop("about")).genomes
            self.shape = header
        elif kind == "run":
            self.asked = False  # another run has not heard what was wished before
            self.run = header
        else:
            self.trouble = header["text"]

    def remember(self, header: dict[str, Any], planes: Planes) -> None:
        """Keep a frame. The past of a branch stays; what lies behind its beginning goes."""
        self.asked = False
        while self.frames and self.frames[-1][0]["tick"] >= header["tick"]:
            if self.frames[-1][0]["tick"] > header["tick"]:
                self.epoch += 1
            self.n_bytes -= _size(self.frames.pop()[1])
        self.frames.append((header, planes))
        self.n_bytes += _size(planes)
        self.series.add(header["tick"], header["series"])
        while len(self.frames) > 2 and (self.n_bytes > KEPT_BYTES or len(self.frames) > KEPT_FRAMES):
            self.n_bytes -= _size(self.frames.popleft()[1])
            self.first += 1

    def _died(self) -> None:
        code = self.process.wait()
        with self.said, suppress(ValueError):
            self.errors.seek(0)
            last = self.errors.read().decode(errors="replace").strip().rpartition("\n")[2][:300]
            folder = self.run.get("folder", "")
            told = f"The simulation has ended unexpectedly (exit code {code}{': ' + last if last else ''})."
            how = (
                f" Its record is intact: `mesocosm resume {folder}` goes on from its last checkpoint." if folder else ""
            )
            self.trouble = self.trouble or told + how
            self.state = {**self.state, "status": "died"}
            self.serial += 1
            self.said.notify_all()


def _only_went_on(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether the world plays on as it did: its next frame tells that as well, and nobody need be told twice."""
    aside = {"tick": 0, "rate": 0}
    return now["status"] == "playing" and {**before, **aside} == {**now, **aside}


def _size(planes: Planes) -> int:
    return sum(values.nbytes for values in planes.values())
