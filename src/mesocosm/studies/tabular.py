"""The tabular sets as numbers: where they lie, whether they are the published ones, how columns become inputs.

25 classification sets in ARFF and CSV, in `tabular/` of the folder that `MESOCOSM_DATA` names. A column of numbers
stays one input, a column of words becomes one input a word (what is missing is none of them). A missing number stays
NaN: what it is replaced by is taken from the examples to learn from, never from the test. NumPy, no jax.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.files import VARIABLE

SHA256 = {
    "abalone.csv": "eb2de13be807e9bb",
    "balance.scale.arff": "ba8570478b133a15",
    "breast.w.arff": "e34b01d1c3213c26",
    "car.arff": "361952e8eadd9abe",
    "cmc.arff": "92e9d1f143d9dd8b",
    "credit.g.arff": "177171ed80cfc816",
    "dermatology.arff": "0d1c4236e524b90c",
    "diabetes.arff": "d997e67d1d3768a2",
    "ecoli.arff": "1628f2d06962f257",
    "glass.arff": "7666478791baf605",
    "heart.c.arff": "e423f3346777c3b5",
    "ionosphere.arff": "ac7813d87dcbd3ea",
    "iris.arff": "8337af8c82669892",
    "kr.vs.kp.arff": "0788f4d5a19fe4f1",
    "optdigits.arff": "82236095695d3d9c",
    "page.blocks.arff": "73649a8d2c716a6f",
    "phoneme.csv": "eacbb9f7a2b2135d",
    "segment.arff": "fc99b13f74a51f0c",
    "sonar.arff": "658b3b78cde7662a",
    "soybean.arff": "ac4ff538ba013ab7",
    "splice.arff": "7e9b1b59c6731059",
    "vehicle.arff": "c815585534f9e8c5",
    "vowel.arff": "1c8e365b54edbd27",
    "wine.arff": "76484e586e485a2f",
    "winequality-red.csv": "c9614512e980f1cb",
}
"""Every file, with the beginning of its checksum."""

FIRST = ("wine.arff",)
"""Files whose class stands in the first column, not the last."""

MOST_WORDS = 100
"""A column with more different words is left out."""

NAMES = tuple(file.rsplit(".", 1)[0] for file in SHA256)


@dataclass(frozen=True)
class Columns:
    """A set as it lies there.

    Args:
      inputs: float64 [examples, numbers], NaN where one is missing.
      labels: int32 [examples].
    """

    inputs: np.ndarray
    labels: np.ndarray

    @property
    def n_classes(self) -> int:
        return int(self.labels.max()) + 1


@lru_cache(maxsize=4)
def load(name: str) -> Columns:
    """A tabular set by its name: `iris`, `winequality-red`.

    Raises:
      DataError: for an unknown name, or a file that is missing or another one.
    """
    files = dict(zip(NAMES, SHA256, strict=True))
    if name not in files:
        raise DataError(f"{name}: there is no such tabular set; there are {', '.join(NAMES)}")
    file = files[name]
    folder = os.environ.get(VARIABLE)
    path = Path(folder) / "tabular" / file if folder else None
    if path is None or not path.is_file():
        raise DataError(f"tabular/{file}: is not there; name the folder that holds it with {VARIABLE}=/path/to/data")
    content = path.read_bytes()
    if not hashlib.sha256(content).hexdigest().startswith(SHA256[file]):
        raise DataError(f"{path}: is not the published file (sha256 begins {SHA256[file]}); fetch it again")
    rows = _rows(content.decode("utf-8", "replace"), file)
    at = 0 if file in FIRST else len(rows[0]) - 1
    rows = [row for row in rows if row[at] != "?"]
    columns = [_inputs([row[k] for row in rows]) for k in range(len(rows[0])) if k != at]
    inputs = np.concatenate(columns, axis=1)
    checked = DataSet.of(np.nan_to_num(inputs), [row[at] for row in rows], name)
    return Columns(inputs, checked.labels)


def _rows(text: str, file: str) -> list[list[str]]:
    if file.endswith(".arff"):
        text = re.split(r"(?im)^\s*@data.*$", text, maxsplit=1)[-1]
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("%")]
    delimiter = ";" if lines[0].count(";") > lines[0].count(",") else ","
    rows = [[v.strip().strip("'\"") for v in row] for row in csv.reader(lines, delimiter=delimiter, quotechar="'")]
    width = max(map(len, rows))
    return [row for row in rows if len(row) == width]


def _inputs(values: list[str]) -> np.ndarray:
    """One column as inputs [rows, numbers]."""
    try:
        numbers = np.array([np.nan if v == "?" else float(v) for v in values])
    except ValueError:
        words = sorted(set(values) - {"?"})
        if len(words) > MOST_WORDS:  # a name of the row, not a property
            return np.zeros((len(values), 0))
        return np.array([[v == word for word in words] for v in values], float)
    return np.where(np.isfinite(numbers), numbers, np.nan)[:, None]
