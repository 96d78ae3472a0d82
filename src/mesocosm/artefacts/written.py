"""Programs as files: an ONNX model that holds all of it, or StableHLO text with a table of arrays and a manifest.

ONNX: what a program begins with are the defaults of its inputs; the manifest (JSON) and the test vectors (NPZ, base64)
are in `metadata_props`. StableHLO: NAME.mlir, NAME.npz, NAME.json. A file of `jax.export` would be refused six months
later by its own guarantee; the text is read by every jax that this project supports.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mesocosm.artefacts import FORMAT, ON_ITS_HOST, ArtefactError, require_onnx
from mesocosm.artefacts.program import Arrays, Golden, Program, golden
from mesocosm.core.flags import as_it_comes
from mesocosm.record.folder import versions

MANIFEST, VECTORS = "mesocosm", "mesocosm.vectors"
"""Names in an ONNX model's `metadata_props`."""
MOST_OF_A_MODEL = (2 << 30) - (1 << 20)
"""Bytes that protobuf writes, and some room."""


@as_it_comes
def as_onnx(program: Program, tried: Golden | None = None) -> dict[str, bytes]:
    """One file.

    Args:
      tried: what it gave, where that is known already.

    Raises:
      NotExpressible: naming an operation that has no translation; or if what ONNX Runtime makes of it is not the same.
      ArtefactError: for what is too large for one file.
      MissingPackage: without the extra `export`.
    """
    require_onnx("--to onnx")
    from mesocosm.artefacts.onnx.lowering import lower

    examples = list(program.begins.values())
    model = lower(program.compute, examples, list(program.begins), program.outputs, program.least, program.most)
    model.producer_name = "mesocosm"
    tried = tried or golden(program)
    told = manifest(program, tried, body_of(model))
    content = _filled(model, program, told, base64.b64encode(_packed(_vectors(tried))).decode())
    name = f"{program.kind}.onnx"
    _check_runs(name, content)
    return {name: content}


def _filled(model: Any, program: Program, told: Mapping[str, Any], vectors: str) -> bytes:
    """The file: with what it begins with, what it is, and what it gave."""
    from onnx import numpy_helper

    size = sum(array.nbytes for array in program.begins.values()) + len(vectors) + model.ByteSize()
    if size > MOST_OF_A_MODEL:
        raise ArtefactError(
            f"{program.kind}: would be {size >> 20} MiB, and a file of ONNX holds {MOST_OF_A_MODEL >> 20}; "
            "--to stablehlo has no such bound"
        )
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in program.begins.items())
    for key, value in ((MANIFEST, json.dumps(told)), (VECTORS, vectors)):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    return model.SerializeToString()


def _check_runs(name: str, content: bytes) -> None:
    """It is tried by ONNX Runtime before anybody has it."""
    from mesocosm.artefacts.onnx.graph import NotExpressible
    from mesocosm.artefacts.opened import of_onnx

    try:
        of_onnx(Path(name), content).verify()
    except ArtefactError as error:
        raise NotExpressible(f"{error}; it is not written. --to stablehlo keeps the program as it is") from None


def body_of(model: Any) -> bytes:
    """A model but for what it begins with, its manifest and its vectors, which are sealed as they are read."""
    return model.SerializeToString(deterministic=True)


@as_it_comes
def as_stablehlo(program: Program) -> dict[str, bytes]:
    """Three files.

    Raises:
      ArtefactError: for a program that calls code of its own machine.
    """
    text = jax.jit(program.compute, keep_unused=True).lower(*program.begins.values()).as_text()
    if "custom_call" in text:
        what = program.about.get("experiment", program.kind)
        if "_callback" in text:
            raise ArtefactError(f"{what}: {ON_ITS_HOST}")
        raise ArtefactError(f"{what}: calls routines of this machine (linear algebra?), which have no StableHLO")
    tried = golden(program)
    arrays = {f"begins.{name}": array for name, array in program.begins.items()} | _vectors(tried)
    told = manifest(program, tried, text.encode())
    name = program.kind
    return {
        f"{name}.mlir": text.encode(),
        f"{name}.npz": _packed(arrays),
        f"{name}.json": json.dumps(told, indent=1).encode(),
    }


def manifest(program: Program, tried: Golden, body: bytes) -> dict[str, Any]:
    """What a program is, with a digest of all of it."""
    told = {
        "format": FORMAT,
        "kind": program.kind,
        "exact": program.exact,
        "about": program.about,
        "inputs": {k: [a.dtype.name, list(a.shape)] for k, a in program.begins.items()},
        "outputs": list(program.outputs),
        "least": program.least,
        "most": program.most,
        "digests": list(tried.digests),
        "tolerance": float(f"{tried.tolerance:.2g}"),
        "versions": versions(),
    }
    told["sha256"] = sealed(told, body, {f"begins.{k}": a for k, a in program.begins.items()} | _vectors(tried))
    return json.loads(json.dumps(told))


def sealed(told: Mapping[str, Any], body: bytes, arrays: Arrays) -> str:
    """The digest of a manifest (but for the digest in it), a program and its arrays."""
    plain = {k: v for k, v in told.items() if k != "sha256"}
    total = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    total.update(hashlib.sha256(body).digest())
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        total.update(f"{name} {array.dtype.name} {list(array.shape)}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def _vectors(tried: Golden) -> Arrays:
    return {f"given.{k}": a for k, a in tried.given.items()} | {f"found.{k}": a for k, a in tried.found.items()}


def _packed(arrays: Arrays) -> bytes:
    sink = io.BytesIO()
    np.savez_compressed(sink, **arrays)  # type: ignore[arg-type]
    return sink.getvalue()
