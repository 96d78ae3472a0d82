"""The data sets that are known by name.

`digits8` lies inside scikit-learn; the others are read from published files (see `files`), which nobody downloads.
MNIST: Y. LeCun et al., 1998. Fashion-MNIST: H. Xiao et al., 2017. Omniglot (the two small sets): B. Lake et al., 2015.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mesocosm.record.configuration import needs
from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.files import find, read_idx, read_omniglot
from mesocosm.tasks.images import resized, turned

ALPHABETS = {
    "train": ("Latin", "Korean", "Japanese_(katakana)", "Sanskrit"),
    "validate": ("Balinese", "Tagalog"),
    "test": ("Greek", "Early_Aramaic"),
}
"""How the eight alphabets of the two small Omniglot sets are split (4 / 2 / 2)."""

NAMES = ("digits8", "mnist", "fashion-mnist", "omniglot")


@lru_cache(maxsize=8)
def load(name: str, side: int | None = None, part: str = "train") -> DataSet:
    """A known data set, pixels from 0 to 1.

    Args:
      name: one of `NAMES`.
      side: resize images to side x side (default: as published; Omniglot 28).
      part: "train" or "test"; for Omniglot also "validate", each other alphabets. `digits8` is one part.

    Raises:
      DataError: for an unknown name or part, or a missing, truncated or changed file.
      MissingPackage: where scikit-learn is missing.
    """
    if name not in NAMES:
        raise DataError(f"{name}: there is no such data set; there are {', '.join(NAMES)}, and DataSet.of for your own")
    if part not in ALPHABETS or (part == "validate" and name != "omniglot"):
        raise DataError(f"{name}: has no part {part!r}; choose train or test" + (" or validate" * (name == "omniglot")))
    if name == "omniglot":
        return _omniglot(side or 28, ALPHABETS[part])
    images, labels = _digits8() if name == "digits8" else _idx(name, "train" if part == "train" else "t10k")
    return DataSet.of(images if side in (None, images.shape[1]) else resized(images, side), labels, name)


def _digits8() -> tuple[np.ndarray, np.ndarray]:
    with needs("the data set digits8", "learn"):
        from sklearn.datasets import load_digits
    inputs, labels = load_digits(return_X_y=True)
    return np.asarray(inputs, np.float32).reshape(-1, 8, 8) / 16, np.asarray(labels)


def _idx(name: str, stem: str) -> tuple[np.ndarray, np.ndarray]:
    images = read_idx(find(f"{name}/{stem}-images-idx3-ubyte.gz"))
    labels = read_idx(find(f"{name}/{stem}-labels-idx1-ubyte.gz"))
    return images.astype(np.float32) / 255, labels


def _omniglot(side: int, alphabets: tuple[str, ...]) -> DataSet:
    """Characters of some alphabets as classes; a character that is in both files counts once."""
    drawings: dict[tuple[str, str], np.ndarray] = {}
    for file in ("images_background_small1.zip", "images_background_small2.zip"):
        drawings |= read_omniglot(find(f"omniglot-small/{file}"))
    keys = sorted(key for key in drawings if key[0] in alphabets)
    images = np.concatenate([resized(drawings[key], side) for key in keys])
    labels = np.repeat(np.arange(len(keys)), [drawings[key].shape[0] for key in keys])
    groups = np.array([alphabets.index(alphabet) for alphabet, _ in keys], np.int32)
    return DataSet.of(images, labels, "omniglot", groups)


def with_rotations(data: DataSet) -> DataSet:
    """Four times the classes: each image turned by quarters of a circle is another class.

    Raises:
      DataError: if the inputs are no square images.
    """
    if data.side is None:
        raise DataError(f"{data.name}: rotations need square images")
    images = data.inputs.reshape(-1, data.side, data.side)
    inputs = np.concatenate([turned(images, q).reshape(data.inputs.shape) for q in range(4)])
    labels = np.concatenate([data.labels + q * data.n_classes for q in range(4)])
    groups = None if data.groups is None else np.tile(data.groups, 4)
    return DataSet(f"{data.name}, rotated", inputs, labels, data.side, groups)


__all__ = ["ALPHABETS", "NAMES", "load", "with_rotations"]
