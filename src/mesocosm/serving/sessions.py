"""Sessions: a net each, which nobody else sees, kept in a file that is whole at every moment.

What was answered was written before: after `kill -9` a session knows all that its client was told it knows.
"""

from __future__ import annotations

import io
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.record.errors import MesocosmError
from mesocosm.record.files import write_whole
from mesocosm.record.folder import unpack
from mesocosm.rules.rule import Rule


class Refused(MesocosmError):
    """A request that is not granted, with the status of its answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Limits:
    """What one client may ask for.

    Args:
      body: bytes of a request.
      seconds: in which a request must have arrived.
      examples: in a request.
      numbers: of an example.
      outputs: of a net, where they are as many as the client tells of an example.
      connections: of a net; each has a state of some numbers, in memory and in the file of its session.
      rate: requests a second of a session; as many may come at once.
      sessions: there may be.
    """

    body: int = 1 << 20
    seconds: float = 5.0
    examples: int = 256
    numbers: int = 4096
    outputs: int = 256
    connections: int = 1 << 21
    rate: float = 200.0
    sessions: int = 1000


@dataclass
class Session:
    """One client's net. `lock` is held while it learns or answers."""

    rule: Rule
    learnt: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    answered: set[int] = field(default_factory=set)  # numbers of examples whose programs are there
    tokens: float = float("inf")
    seen: float = 0.0

    def may_ask(self, rate: float) -> bool:
        """A bucket of requests that fills at `rate` a second."""
        now = time.monotonic()
        self.tokens = min(max(rate, 1.0), self.tokens + (now - self.seen) * rate)
        self.seen = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Sessions:
    """All sessions of a server, by name; those of an earlier server in the same folder among them."""

    def __init__(self, rule: Rule, folder: Path, limits: Limits):
        self.rule, self.folder, self.limits = rule, folder, limits
        self._there: dict[str, Session] = {}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def begin(self) -> str:
        """A session that has learnt nothing; its name is known to whoever asked for it, and cannot be guessed."""
        with self._lock:
            if len(self) >= self.limits.sessions:
                raise Refused(503, f"there are {self.limits.sessions} sessions already; end one, or ask for more")
            name = secrets.token_hex(16)
            self._there[name] = Session(self.rule.fresh())
            self._keep(name, self._there[name])
        return name

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob("*.npz"))

    def find(self, name: str) -> Session:
        """A session by its name, from its file where this server has not met it yet."""
        with self._lock:
            if name not in self._there:
                path = self._path(name)
                if not path.is_file():
                    raise Refused(404, "there is no such session; POST /sessions begins one")
                arrays = unpack(path.read_bytes(), path)
                learnt = int(arrays.pop("learnt"))
                self._there[name] = Session(self.rule.remember(arrays), learnt)
            return self._there[name]

    def end(self, name: str) -> None:
        """Forget a session and what it has learnt."""
        self.find(name)
        with self._lock:
            self._there.pop(name, None)
            self._path(name).unlink(missing_ok=True)

    def learn(self, name: str, x: np.ndarray, y: np.ndarray, after: int | None) -> int:
        """Learn, keep, and tell how many examples have been learnt from.

        Args:
          after: how many there were before, as the client knows it: an answer that got lost is found out.
        """
        session = self.find(name)
        with session.lock:
            if after is not None and after != session.learnt:
                raise Refused(409, f"after = {after}: this session has learnt from {session.learnt} examples")
            ahead = session.rule.remember(session.rule.memory())  # an error in the middle changes nothing
            for part in _powers(x.shape[0]):
                ahead.learn(x[part], y[part])
            kept = Session(ahead, session.learnt + x.shape[0])
            self._keep(name, kept)
            session.rule, session.learnt = kept.rule, kept.learnt
            return session.learnt

    def predict(self, name: str, x: np.ndarray) -> np.ndarray:
        """Logits [examples, classes]."""
        session = self.find(name)
        n, length = x.shape[0], _length(x)
        padded = np.concatenate([x, np.repeat(x[:1], length - n, axis=0)])
        with session.lock:
            logits = session.rule.logits(padded)[:n]
            session.answered.add(length)
            return logits

    def is_quick(self, name: str, x: np.ndarray) -> bool:
        """Whether to predict takes less than a thread does: few examples, nothing to compile, nobody waits."""
        session = self._there.get(name)
        return session is not None and x.size <= _FEW and _length(x) in session.answered and not session.lock.locked()

    def at_hand(self, name: str) -> Session | None:
        """A session that needs not be read from its file."""
        return self._there.get(name)

    def _keep(self, name: str, session: Session) -> None:
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {"learnt": np.int64(session.learnt), **session.rule.memory()}
        np.savez(buffer, **arrays)
        write_whole(self._path(name), buffer.getvalue())

    def _path(self, name: str) -> Path:
        if re.fullmatch(r"[0-9a-f]{32}", name) is None:
            raise Refused(404, "there is no such session; POST /sessions begins one")
        return self.folder / f"{name}.npz"


_FEW = 16384
"""Numbers that a net reads in a fraction of a millisecond."""


def _length(x: np.ndarray) -> int:
    """The power of two that holds these examples."""
    return 1 << (x.shape[0] - 1).bit_length()


def _powers(n: int) -> list[slice]:
    """0 ... n in parts whose lengths are powers of two: few programs, however many examples come at a time."""
    parts, at = [], 0
    for bit in reversed(range(n.bit_length())):
        if n & (1 << bit):
            parts.append(slice(at, at + (1 << bit)))
            at += 1 << bit
    return parts
