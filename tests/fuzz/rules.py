"""Files of learning rules: flipped bits, odd values anywhere, no text at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import jax
import numpy as np

from mesocosm import rules

IN_SUITE = 60

ODD = (None, True, -1, 0, 10**9, 10**40, 1.5, 1e300, "x", "", [], [[]], {}, {"a": 1}, ["x"], float("inf"), "\x1b[31m")
RAW = (b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b"3", b'"x"', b"\0" * 99, b'{"format": {}}')


@dataclass(frozen=True)
class Ready:
    path: Path
    sound: bytes
    genes: list[np.ndarray]


def prepare(folder: Path) -> Ready:
    path = folder / "rule.json"
    rule = rules.load("class-mean")
    rule.save(path)
    return Ready(path, path.read_bytes(), _genes(rule))


def _genes(rule: rules.Rule) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(rule.genome)]


def once(ready: Ready, random: Random) -> None:
    """A rule file that is changed is refused in one line, or holds the genes that were saved."""
    kind = random.choice(["bit", "bit", "torn", "value", "raw"])
    raw = bytearray(ready.sound)
    if kind == "bit":
        raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)
    elif kind == "torn":
        del raw[random.randrange(len(raw)) :]
    elif kind == "raw":
        raw = bytearray(random.choice(RAW))
    else:
        raw = bytearray(json.dumps(spoilt(json.loads(ready.sound), random)).encode())
    ready.path.write_bytes(raw)
    found = rules.load(ready.path)
    if kind == "bit" and b'"sha256"' in raw:
        assert all(np.array_equal(a, b) for a, b in zip(_genes(found), ready.genes, strict=True))


def spoilt(values: Any, random: Random) -> Any:
    """The same with one odd value somewhere."""
    place = values
    while isinstance(place, dict | list) and place:
        key = random.choice(list(place) if isinstance(place, dict) else list(range(len(place))))
        if random.random() < 0.4 or not isinstance(place[key], dict | list):
            place[key] = random.choice(ODD)
            break
        place = place[key]
    return values
