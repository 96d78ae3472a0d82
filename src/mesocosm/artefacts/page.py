"""A world that runs in the browser from one file, without a server: its tick in ONNX, and ONNX Runtime Web.

The runtime is the npm package onnxruntime-web (MIT): it is not part of this project and is read from a folder.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.artefacts import ArtefactError
from mesocosm.artefacts.program import Program, golden
from mesocosm.artefacts.subjects import Shown
from mesocosm.artefacts.written import MANIFEST, as_onnx

CODE, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"


def page(program: Program, shown: Shown, runtime: Path) -> dict[str, bytes]:
    """One file.

    Args:
      program: the tick of an exact world.
      shown: what is drawn of it.
      runtime: the folder of the unpacked package, or its `dist`.

    Raises:
      ArtefactError: for what is no exact world, and where the runtime is not there.
    """
    if program.kind != "tick" or not program.exact:
        raise ArtefactError("--to browser: shows worlds in whole numbers; --to onnx writes the others")
    code, wasm = (_part(runtime, name) for name in (CODE, WASM))
    about = program.about | {"shown": shown.about}
    drawn = replace(program, compute=shown.compute, outputs=shown.outputs, about=about)
    content = as_onnx(drawn, golden(program))["tick.onnx"]
    content, told = _without_defaults(content)
    title = f"{about['experiment']}, from tick {about['tick']} on"
    parts = {
        "TITLE": escape(title),
        "ABOUT": escape(
            f"A world of mesocosm (seed {about['seed']}, replicate {about['replicate']}) that runs in this page: no "
            "server, nothing is fetched. Its first 50 ticks are compared with those of the law before it is shown."
        ),
        "MANIFEST": json.dumps(told).replace("<", "\\u003c"),
        "MODEL": _packed(content),
        "BEGINS": _packed(json.dumps({name: _plain(array) for name, array in program.begins.items()}).encode()),
        "WASM": _packed(wasm),
        "RUNTIME": _packed(code),
    }
    text = (resources.files("mesocosm.artefacts") / "page.html").read_text("utf-8")
    for name, part in parts.items():
        text = text.replace(f"@{name}@", part)
    return {"world.html": text.encode()}


def _part(runtime: Path, name: str) -> bytes:
    for folder in (runtime, runtime / "dist", runtime / "package" / "dist"):
        if (folder / name).is_file():
            return (folder / name).read_bytes()
    raise ArtefactError(
        f"--runtime {runtime}: has no {name}; `npm pack onnxruntime-web`, unpack what that gives, and name its folder"
    )


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _without_defaults(content: bytes) -> tuple[bytes, dict[str, Any]]:
    """A model whose inputs must all be given, as ONNX Runtime Web takes no others; and its manifest."""
    import onnx

    model = onnx.ModelProto.FromString(content)
    told = json.loads(next(entry.value for entry in model.metadata_props if entry.key == MANIFEST))
    inner = [own for own in model.graph.initializer if own.name not in told["inputs"]]
    del model.graph.initializer[:]
    del model.metadata_props[:]
    model.graph.initializer.extend(inner)
    return model.SerializeToString(), told


def _plain(array: np.ndarray) -> list[Any]:
    """Type, shape and bytes of an array."""
    return [array.dtype.name, list(array.shape), base64.b64encode(array.tobytes()).decode()]


__all__ = ["page"]
