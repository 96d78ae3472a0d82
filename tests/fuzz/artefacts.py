"""Exported programs: flipped bits, torn files, manifests that somebody changed and sealed again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import jax.numpy as jnp
import numpy as np

from mesocosm import artefacts
from mesocosm.artefacts.program import Program
from mesocosm.artefacts.written import as_stablehlo, sealed
from mesocosm.record.folder import unpack
from tests.fuzz.rules import ODD, RAW, spoilt

IN_SUITE = 60


@dataclass(frozen=True)
class Ready:
    folder: Path
    sound: dict[str, bytes]


def prepare(folder: Path) -> Ready:
    begins = {"x": np.arange(4, dtype=np.float32), "y": np.int32(1)}
    program = Program(
        "predict",
        lambda x, y: [x * y.astype(jnp.float32), jnp.argmax(x).astype(jnp.int32)],
        {k: np.asarray(v) for k, v in begins.items()},
        ("logits", "class"),
        {"rule": "none"},
        exact=False,
        least={"y": 0},
        most={"y": 3},
    )
    return Ready(folder, as_stablehlo(program))


def once(ready: Ready, random: Random) -> None:
    """A file that is changed is refused in one line; a manifest that fits what is in it runs, or differs."""
    files = {name: bytearray(content) for name, content in ready.sound.items()}
    name, kind = random.choice(list(files)), random.choice(["bit", "torn", "raw", "sealed", "sealed"])
    if kind == "bit":
        files[name][random.randrange(len(files[name]))] ^= 1 << random.randrange(8)
    elif kind == "torn":
        del files[name][random.randrange(len(files[name])) :]
    elif kind == "raw":
        files[name] = bytearray(random.choice(RAW))
    else:
        told = spoilt(json.loads(ready.sound["predict.json"]), random)
        arrays = unpack(ready.sound["predict.npz"], ready.folder)
        told["sha256"] = sealed(told, ready.sound["predict.mlir"], arrays)
        files["predict.json"] = bytearray(json.dumps(told).encode())
    for name, content in files.items():
        (ready.folder / name).write_bytes(content)
    opened = artefacts.load(ready.folder / "predict.mlir")
    assert opened.verify().endswith(f"by {opened.engine}")
    opened.run({random.choice(["x", "y", "z"]): random.choice(ODD)})
