"""What was exported, opened again: looked at before it is believed, and run by ONNX Runtime or by this jax."""

from __future__ import annotations

import base64
import binascii
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from mesocosm.artefacts import ArtefactError, Differs, require_onnx, told
from mesocosm.artefacts.looped import AFTER, BEGIN, TICKS, looped
from mesocosm.artefacts.program import Arrays, after, difference, digest_of, played
from mesocosm.artefacts.written import MANIFEST, VECTORS, body_of, sealed
from mesocosm.record.errors import FolderError
from mesocosm.record.folder import unpack

MOST_BYTES = 2 << 30
"""Of a file."""
MOST_TICKS = 2**31 - 1
"""A world counts its ticks in int32."""


@dataclass(frozen=True)
class Opened:
    """A program that can be run.

    Args:
      path: of the file.
      manifest: what it says of itself: kind, about, inputs, outputs, digests, versions.
      begins: inputs by name, as it begins.
      vectors: test vectors, `given.NAME` and `found.NAME` [cases, ...].
      engine: what runs it, in words.
      step, many: one step; of a world of ONNX, so many without coming back, from inputs to inputs and `status`.
    """

    path: Path
    manifest: dict[str, Any]
    begins: Arrays
    vectors: Arrays
    engine: str
    step: Callable[[Arrays], Arrays]
    many: Callable[[Arrays, int], Arrays] | None = None

    def run(self, given: Mapping[str, Any] | None = None) -> Arrays:
        """One step.

        Args:
          given: inputs by name; the others are as it begins.

        Raises:
          ArtefactError: for names, shapes or types that are not its own.
        """
        return self.step(self.begins | {name: self._checked(name, value) for name, value in (given or {}).items()})

    def play(self, ticks: int) -> Iterator[Arrays]:
        """Steps that go on from one another, from the beginning; a world that ends, ends it."""
        return played(self.step, self.begins, ticks)

    def later(self, ticks: int) -> Arrays:
        """What a world begins with that many ticks later, or when it has ended, and its `status` then. By ONNX Runtime
        all ticks are one call.

        Raises:
          ArtefactError: for what is no world, or no number of ticks.
        """
        if self.manifest["kind"] != "tick":
            raise ArtefactError(f"{self.path.name}: is {self.manifest['kind']!r}, and no world that goes on; use `run`")
        ticks = self._checked_ticks(ticks)
        if self.many:
            return self.many(self.begins, ticks)
        given, status = self.begins, np.int32(0)
        for out in self.play(ticks):
            given, status = after(given, out), out.get("status", status)
        return given | {"status": np.asarray(status)}

    def _checked_ticks(self, ticks: Any) -> int:
        most = MOST_TICKS - int(self.begins.get("tick", 0))
        try:
            count = operator.index(ticks)
        except TypeError:
            count = -1
        if not 0 <= count <= most:
            raise ArtefactError(f"ticks = {ticks!r}: must be a whole number, 0 ... {most}")
        return count

    def _checked(self, name: str, value: Any) -> np.ndarray:
        if name not in self.begins:
            known = ", ".join(list(self.begins)[:8]) + (", ..." if len(self.begins) > 8 else "")
            raise ArtefactError(f"{name}: {self.path.name} has no such input; it has {known}")
        like = self.begins[name]
        try:
            array = np.asarray(value)
        except (ValueError, TypeError, OverflowError):
            raise ArtefactError(f"{name}: is no array; {self.path.name} takes {like.dtype} {like.shape}") from None
        if array.shape != like.shape:
            raise ArtefactError(f"{name}: has the shape {array.shape}; {self.path.name} takes {like.shape}")
        if array.dtype.kind in "iub" and like.dtype.kind in "iu":
            kept = array.astype(like.dtype)
            if not np.array_equal(kept.astype(object), array.astype(object)):
                raise ArtefactError(f"{name}: holds numbers that are no {like.dtype}")
            array = kept
        elif array.dtype.kind in "iuf" and like.dtype.kind == "f":
            array = array.astype(like.dtype)
            if not np.isfinite(array).all():
                raise ArtefactError(f"{name}: holds numbers that are not finite")
        elif array.dtype != like.dtype:
            raise ArtefactError(f"{name}: holds {array.dtype}; {self.path.name} takes {like.dtype}")
        low, high = self.manifest["least"].get(name, -np.inf), self.manifest["most"].get(name, np.inf)
        if array.size and not (low <= array.min() and array.max() <= high):
            odd = array.min() if array.min() < low else array.max()
            words = f"{low} or more" if high == np.inf else f"{low} ... {high}"
            raise ArtefactError(f"{name} = {odd}: must be {words}")
        return array

    def verify(self) -> str:
        """Run its test vectors: in a sentence, what agreed.

        Raises:
          Differs: naming the tick, or the output, that differs.
        """
        wanted = self.manifest["digests"]
        if wanted:
            found = [digest_of(out) for out in self.play(len(wanted))]
            for k, (a, b) in enumerate(zip_longest(found, wanted)):
                if a != b:
                    raise Differs(
                        f"{self.path}: tick {k + 1} of {len(wanted)} differs from what was exported, by {self.engine}"
                    )
            return f"{len(wanted)} ticks are equal to those that were exported, by {self.engine}"
        return self._verified_by_vectors()

    def _verified_by_vectors(self) -> str:
        given = {k.removeprefix("given."): a for k, a in self.vectors.items() if k.startswith("given.")}
        found = {k.removeprefix("found."): a for k, a in self.vectors.items() if k.startswith("found.")}
        n, worst, most = len(next(iter(given.values()))), 0.0, self.manifest["tolerance"]
        for k in range(n):
            out = self.step(self.begins | {name: array[k] for name, array in given.items()})
            for name, array in found.items():
                gap = difference(out[name], _wanted(name, array[k], out))
                worst = max(worst, gap)
                if gap > most:
                    raise Differs(
                        f"{self.path}: {name} of test vector {k} differs by {gap:.2g} from what was exported, by "
                        f"{self.engine}; {most:g} is permitted"
                    )
        said = f"differ by {worst:.1g} at most" if worst else "are equal"
        return f"{n} test vector{'s' * (n > 1)} {said}, by {self.engine}"


def _wanted(name: str, array: np.ndarray, out: Arrays) -> np.ndarray:
    """What was found; of a class, the first of the best of its own logits, since rounding may decide between them."""
    logits = out.get("logits")
    return np.asarray(logits.argmax(), array.dtype) if name == "class" and logits is not None else array


def load(path: Path) -> Opened:
    """Open a file of ONNX (`.onnx`), or of StableHLO by its manifest or text. See `mesocosm.artefacts.load`."""
    if path.suffix == ".onnx":
        return of_onnx(path, _content(path))
    if path.suffix in (".json", ".mlir", ".npz"):
        return _from_stablehlo(path.with_suffix(".json"))
    raise ArtefactError(f"{path}: is neither .onnx nor .mlir; name a file that `mesocosm export` wrote")


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise OSError(None, "there is no such file")
        if path.stat().st_size > MOST_BYTES:
            raise OSError(None, f"it is larger than {MOST_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be read ({error.strerror})") from None


def _check_seal(path: Path, manifest: dict[str, Any], body: bytes, arrays: Arrays) -> None:
    if sealed(manifest, body, arrays) != manifest["sha256"]:
        raise ArtefactError(f"{path}: is not as it was written (its checksum differs); fetch or export it again")


def of_onnx(path: Path, content: bytes) -> Opened:
    """A file of ONNX.

    Args:
      path: by which it is named.

    Raises:
      ArtefactError: as of `load`.
    """
    onnx = require_onnx(f"{path.name}")
    try:
        model = onnx.ModelProto.FromString(content)
    except Exception:  # protobuf has an error of its own in each of its implementations
        raise ArtefactError(f"{path}: is no ONNX model, or a torn one; fetch or export it again") from None
    inside = {entry.key: entry.value for entry in model.metadata_props}
    if MANIFEST not in inside:
        raise ArtefactError(f"{path}: is an ONNX model, but none that mesocosm exported: it has no test vectors")
    manifest = told.read(path, inside[MANIFEST])
    _check_plain(path, model)
    try:
        vectors = unpack(base64.b64decode(inside.get(VECTORS, ""), validate=True), path)
        begins = _beginnings(onnx, model, list(manifest["inputs"]))
    except (binascii.Error, ValueError, TypeError, LookupError, FolderError):
        raise ArtefactError(f"{path}: is damaged (its test vectors cannot be read); export it again") from None
    del model.metadata_props[:]
    _check_seal(path, manifest, body_of(model), {f"begins.{k}": a for k, a in begins.items()} | vectors)
    told.check_arrays(path, manifest, begins, vectors)
    step, version = _by_onnxruntime(path, model.SerializeToString(), manifest["outputs"])
    goes_on = manifest["kind"] == "tick" and "tick" in begins and "status" in manifest["outputs"]
    many = _many_by_onnxruntime(path, onnx, model) if goes_on else None
    return Opened(path, manifest, begins, vectors, f"ONNX Runtime {version}", step, many)


def _check_plain(path: Path, model: Any) -> None:
    """What no file of ours has: functions, operators of others, numbers that lie in another file."""
    keys = sorted(entry.key for entry in model.metadata_props)
    outside = any(tensor.external_data or tensor.data_location for tensor in model.graph.initializer)
    if model.functions or outside or keys != [MANIFEST, VECTORS] or any(o.domain for o in model.opset_import):
        raise ArtefactError(
            f"{path}: is not as it was written (functions, operators of others, numbers in another file, or other "
            "metadata); fetch or export it again"
        )


def _beginnings(onnx: Any, model: Any, names: list[str]) -> Arrays:
    """What it begins with, which is taken out of the model: its last initializers, exactly these."""
    count = len(model.graph.initializer) - len(names)
    last = list(model.graph.initializer)[max(0, count) :]
    begins = {tensor.name: np.array(onnx.numpy_helper.to_array(tensor)) for tensor in last}
    if list(begins) != names or any(t != onnx.numpy_helper.from_array(begins[t.name], t.name) for t in last):
        raise ValueError("other inputs than the manifest has")
    del model.graph.initializer[count:]
    return begins


def _by_onnxruntime(path: Path, content: bytes, outputs: list[str]) -> tuple[Callable[[Arrays], Arrays], str]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED  # what is read soon is near: 4 % for a world

    def refused(error: Exception) -> ArtefactError:  # its errors share no class
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        return ArtefactError(
            f"{path}: ONNX Runtime {onnxruntime.__version__} does not run it ({said:.200}); "
            "pip install -U 'mesocosm[export]'"
        )

    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise refused(error) from None

    def step(given: Arrays) -> Arrays:
        try:
            found: Any = session.run(outputs, {k: np.asarray(v) for k, v in given.items()})
        except Exception as error:
            raise refused(error) from None
        return dict(zip(outputs, found, strict=True))

    return step, onnxruntime.__version__


def _many_by_onnxruntime(path: Path, onnx: Any, model: Any) -> Callable[[Arrays, int], Arrays]:
    """Ticks in one Loop, which is made when it is asked for."""
    made: list[tuple[Callable[[Arrays], Arrays], list[str], list[str]]] = []

    def many(given: Arrays, ticks: int) -> Arrays:
        if not made:
            whole = looped(onnx, model)
            outputs = [info.name for info in whole.graph.output]
            step, _ = _by_onnxruntime(path, whole.SerializeToString(), outputs)
            made.append((step, [info.name for info in whole.graph.input], outputs))
        step, inputs, outputs = made[0]
        own = {name: given[name.removeprefix(BEGIN)] for name in inputs if name != TICKS}
        found = step({TICKS: np.array(ticks, np.int64), **own})
        return given | {name.removeprefix(AFTER): found[name] for name in outputs}

    return many


def _from_stablehlo(path: Path) -> Opened:
    manifest = told.read(path, _content(path).decode("utf-8", "replace"))
    text = _content(path.with_suffix(".mlir"))
    try:
        arrays = unpack(_content(path.with_suffix(".npz")), path.with_suffix(".npz"))
    except (FolderError, ValueError):
        raise ArtefactError(f"{path.with_suffix('.npz')}: is damaged; export it again") from None
    _check_seal(path, manifest, text, arrays)
    begins = {k.removeprefix("begins."): a for k, a in arrays.items() if k.startswith("begins.")}
    vectors = {k: a for k, a in arrays.items() if not k.startswith("begins.")}
    told.check_arrays(path, manifest, begins, vectors)
    begins = {name: begins[name] for name in manifest["inputs"]}
    step, version = _by_jax(path, text.decode("utf-8", "replace"), list(begins), manifest["outputs"])
    return Opened(path, manifest, begins, vectors, f"jax {version}", step)


def _by_jax(path: Path, text: str, inputs: list[str], outputs: list[str]) -> tuple[Callable[[Arrays], Arrays], str]:
    """StableHLO compiled by this jax's own compiler, whatever wrote it."""
    import jax
    from jax.extend import backend
    from jaxlib import xla_client

    client = backend.get_backend()
    devices: Any = xla_client.DeviceList(tuple(client.local_devices()[:1]))
    try:
        program = client.compile_and_load(text, devices, xla_client.CompileOptions())
    except Exception as error:
        said = str(error).strip().splitlines()[0]
        raise ArtefactError(f"{path}: jax {jax.__version__} does not read it ({said:.200}); export it again") from None

    def step(given: Arrays) -> Arrays:
        try:
            found = program.execute_sharded([jax.device_put(given[name], client.local_devices()[0]) for name in inputs])
            arrays = found.disassemble_into_single_device_arrays()
            return {name: np.asarray(own[0]) for name, own in zip(outputs, arrays, strict=True)}
        except (RuntimeError, ValueError, TypeError) as error:
            said = str(error).strip().splitlines()[0]
            raise ArtefactError(f"{path}: jax {jax.__version__} does not run it ({said:.200})") from None

    return step, jax.__version__
