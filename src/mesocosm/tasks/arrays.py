"""A data set to learn from, and what is refused as one.

Three lines for data of one's own:

>>> import numpy as np
>>> from mesocosm.tasks import DataSet
>>> mine = DataSet.of(np.random.default_rng(0).normal(size=(40, 6)), np.arange(40) % 4, name="mine")
>>> mine.n_classes, mine.inputs.shape
(4, (40, 6))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mesocosm.record.errors import MesocosmError


class DataError(MesocosmError, ValueError):
    """Data that cannot be learnt from, or cannot be found: says which, why, and what to do."""

    exit_code = 4


@dataclass(frozen=True)
class DataSet:
    """Examples with their classes, checked.

    Args:
      name: what it is called in tables.
      inputs: float32 [examples, numbers], finite.
      labels: int32 [examples], each class from 0 to n_classes - 1 at least once.
      side: length of the square image that the numbers are (rows first), or None.
      groups: int32 [classes] or None: what belongs together when a set is split (alphabets).
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    side: int | None = None
    groups: np.ndarray | None = None

    @property
    def n_classes(self) -> int:
        return int(self.labels.max()) + 1

    @staticmethod
    def of(inputs: Any, labels: Any, name: str = "data", groups: np.ndarray | None = None) -> DataSet:
        """A data set from arrays: inputs [examples, ...], labels [examples] of any values, which are numbered in order.

        Raises:
          DataError: for shapes that do not fit, what is no number or not finite, inputs that are all alike, and fewer
            than two classes.
        """
        inputs, side = checked_inputs(inputs, name)
        labels = np.asarray(labels)
        if labels.ndim != 1 or labels.shape[0] != inputs.shape[0]:
            raise DataError(
                f"{name}: labels have shape {labels.shape}; one for each of {inputs.shape[0]} examples is needed"
            )
        if labels.dtype.kind == "f" and not np.all(np.isfinite(labels)):
            raise DataError(f"{name}: a label is not a finite number; drop that example")
        classes, numbered = np.unique(labels, return_inverse=True)
        if classes.size < 2:
            raise DataError(
                f"{name}: all labels are {classes[0]}; there is nothing to tell apart: give two classes or more"
            )
        if np.ptp(inputs, axis=0).max() == 0:
            raise DataError(f"{name}: all inputs are the same; there is nothing to learn from")
        return DataSet(name, inputs, numbered.astype(np.int32), side, groups)


def checked_inputs(inputs: Any, name: str = "inputs") -> tuple[np.ndarray, int | None]:
    """Inputs as float32 [examples, numbers], and the side if each is a square image.

    Raises:
      DataError: for no examples, one axis only, what is no number, and NaN or infinity (naming the first).
    """
    array = np.asarray(inputs)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name}: holds {array.dtype}; numbers are needed")
    if array.ndim < 2 or array.size == 0:
        raise DataError(f"{name}: has shape {array.shape}; needed is [examples, numbers], one of each at least")
    side = array.shape[1] if array.ndim == 3 and array.shape[1] == array.shape[2] else None
    flat = array.reshape(array.shape[0], -1).astype(np.float32)
    bad = ~np.all(np.isfinite(flat), axis=1)
    if bad.any():
        raise DataError(
            f"{name}: {int(bad.sum())} of {flat.shape[0]} examples hold NaN or infinity, the first is number "
            f"{int(np.argmax(bad))}; drop or repair them"
        )
    return flat, side


__all__ = ["DataError", "DataSet", "checked_inputs"]
