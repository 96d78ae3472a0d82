"""A file of one's own as a data set: an NPZ with the arrays x and y, or a table in CSV.

np.savez("mine.npz", x=x, y=y)

In a table the label is the column called y, label, class or target, else the last one; all others are numbers. Columns
of a table are scaled by nobody here: to scale them by all rows would tell a learner of the test. Where they differ by
more than `MOST_UNLIKE` in spread, that is asked for.
"""

from __future__ import annotations

import csv
import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np

from mesocosm.record.kinds import reads_as_number
from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.images import resized

MOST_BYTES = 4 << 30
"""Of the file, and of each array in it."""
LABELS = ("y", "label", "class", "target")
MOST_UNLIKE = 100.0
"""How many times as far one column of a table may spread as another: each example is standardised by itself, so that a
column with large numbers would be all that is heard."""


def own(file: str, side: int) -> DataSet:
    """The examples of a file, each as side x side numbers.

    Square images of another size are resized. Fewer numbers than side x side are filled up with the mean of the
    example, which its standardisation makes zeros.

    Raises:
      DataError: if it is missing or damaged, lacks an array, or holds what cannot be learnt from.
    """
    x, y = _table(Path(file)) if Path(file).suffix.lower() == ".csv" else _arrays(Path(file))
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


def _table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Numbers [rows, columns] and labels [rows] of a table."""
    with _opened(path):  # refuses what is no file, and what is too large
        pass
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error})") from None
    heads = rows[0] if rows and not any(map(reads_as_number, rows[0][:-1])) else []
    body = rows[1:] if heads else rows
    if len(body) < 2 or len(body[0]) < 2:
        raise DataError(f"{path}: must have two rows and two columns at least, numbers and a label")
    named = [k for k, head in enumerate(heads) if head.strip().lower() in LABELS]
    at = named[0] if named else len(body[0]) - 1
    numbers = []
    for line, row in enumerate(body, start=1 + bool(heads)):
        cells = [cell for k, cell in enumerate(row) if k != at]
        if len(row) != len(body[0]) or not all(map(reads_as_number, cells)):
            raise DataError(f"{path}: line {line}: must be {len(body[0]) - 1} numbers and a label, as the first one")
        numbers.append([float(cell) for cell in cells])
    x = np.array(numbers)
    spread = x.std(axis=0)
    if spread.any() and (unlike := spread.max() / spread[spread > 0].min()) > MOST_UNLIKE:
        raise DataError(
            f"{path}: one column spreads {unlike:,.0f} times as far as another: scale columns first, "
            "(x - mean) / sd by the rows that are learnt from, as `RuleClassifier` does by itself"
        )
    return x, np.array([row[at].strip() for row in body])


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
