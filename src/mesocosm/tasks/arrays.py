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

from mesocosm.record import given
from mesocosm.record.errors import MesocosmError


class DataError(MesocosmError, ValueError):
    """Data that cannot be learnt from, or cannot be found: says which, why, and what to do."""

    exit_code = 2


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
        """How many classes the labels name."""
        return int(self.labels.max()) + 1

    @staticmethod
    def of(inputs: Any, labels: Any, name: str = "data", groups: np.ndarray | None = None) -> DataSet:
        """A data set from arrays: inputs [examples, ...], labels [examples] of any values, which are numbered in order.

        Raises:
          DataError: for shapes that do not fit, what is no number or not finite, inputs that are all alike, and fewer
            than two classes.
        """
        inputs, side = checked_inputs(inputs, name)
        try:
            classes, numbered = given.classes(labels, name, inputs.shape[0])
        except ValueError as error:
            raise DataError(str(error)) from None
        if classes.size < 2:
            raise DataError(
                f"{name}: all labels are {classes[0]}; there is nothing to tell apart: give two classes or more"
            )
        if np.ptp(inputs, axis=0).max() == 0:
            raise DataError(f"{name}: all inputs are the same; there is nothing to learn from")
        return DataSet(name, inputs, numbered, side, groups)


def checked_inputs(inputs: Any, name: str = "inputs") -> tuple[np.ndarray, int | None]:
    """Inputs as float32 [examples, numbers], and the side if each is a square image.

    Raises:
      DataError: for no examples, one axis only, what is no number, missing, masked or not finite (naming the first),
        and what single precision cannot hold or tell apart.
    """
    try:
        is_single = isinstance(inputs, np.ndarray) and inputs.dtype in (np.float32, np.float16, np.uint8, np.bool_)
        array = given.numbers(inputs, name)
        side = array.shape[1] if array.ndim == 3 and array.shape[1] == array.shape[2] else None
        flat = array.reshape(array.shape[0], -1)
        return flat.astype(np.float32) if is_single else given.float32(flat, name), side
    except ValueError as error:
        raise DataError(str(error)) from None


__all__ = ["DataError", "DataSet", "checked_inputs"]
