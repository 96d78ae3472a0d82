"""A file of one's own as a data set: an NPZ with the arrays x and y.

np.savez("mine.npz", x=x, y=y)
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np

from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.images import resized

MOST_BYTES = 4 << 30
"""Of the file, and of each array in it."""


def own(file: str, side: int) -> DataSet:
    """The examples of a file, each as side x side numbers.

    Square images of another size are resized. Fewer numbers than side x side are filled up with the mean of the
    example, which its standardisation makes zeros.

    Raises:
      DataError: if it is missing or damaged, lacks an array, or holds what cannot be learnt from.
    """
    x, y = _arrays(Path(file))
    data = DataSet.of(x, y, Path(file).name)
    n, wanted = data.inputs.shape[1], side * side
    if data.side is not None and data.side != side:
        inputs = resized(data.inputs.reshape(-1, data.side, data.side), side)
        return DataSet.of(inputs, data.labels, data.name)
    if n > wanted:
        raise DataError(
            f"{file}: each example has {n} numbers, side = {side} has room for {wanted}; ask for a larger side, or "
            "give x as square images [examples, rows, columns], which are resized"
        )
    means = np.repeat(data.inputs.mean(axis=1, keepdims=True), wanted - n, axis=1)
    inputs = np.concatenate([data.inputs, means], axis=1)
    return DataSet(data.name, inputs.astype(np.float32), data.labels, side, data.groups)


def content_of(file: str) -> str:
    """SHA-256 of a file: part of the identity of what is learnt from it.

    Raises:
      DataError: if it cannot be read.
    """
    try:
        with _opened(Path(file)) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error})") from None


def _opened(path: Path):
    if not path.is_file():
        raise DataError(f"{path}: is no file; write one with np.savez('mine.npz', x=x, y=y) and name it here")
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path}: is larger than {MOST_BYTES >> 30} GiB; take fewer examples")
    return path.open("rb")


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with _opened(path) as stream, zipfile.ZipFile(stream) as archive:
            sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
        if missing := [name for name in ("x", "y") if name not in sizes]:
            there = ", ".join(sorted(sizes)) or "none"
            raise DataError(f"{path}: lacks the array {missing[0]}; it has {there}: np.savez('mine.npz', x=x, y=y)")
        if max(sizes["x"], sizes["y"]) > MOST_BYTES:
            raise DataError(f"{path}: its arrays are larger than {MOST_BYTES >> 30} GiB; take fewer examples")
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["x"], arrays["y"]
    except DataError:
        raise
    except ValueError as error:
        hint = "; give numbers, or texts as an array of texts (dtype str)" if "pickle" in str(error).lower() else ""
        raise DataError(f"{path}: cannot be read as an NPZ ({error}){hint}") from None
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, MemoryError, NotImplementedError) as error:
        raise DataError(f"{path}: is no NPZ, or a damaged one ({error}); write it again with np.savez") from None


__all__ = ["content_of", "own"]
