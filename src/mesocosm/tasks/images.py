"""What is done to images before they are learnt from (NumPy). Images are rows of numbers, [examples, side * side]."""

from __future__ import annotations

import numpy as np

from mesocosm.record.given import areas, standardised


def resized(images: np.ndarray, side: int) -> np.ndarray:
    """Images [examples, rows, columns] at side x side, every new pixel the mean of the area it covers."""
    down, across = areas(images.shape[1], side), areas(images.shape[2], side)
    out = np.empty((images.shape[0], side, side), np.float32)
    for begin in range(0, images.shape[0], 4096):  # bounds the memory that float copies take
        part = images[begin : begin + 4096].astype(np.float32)
        out[begin : begin + 4096] = np.matmul(np.matmul(down, part), across.T)
    return out


def blurred(images: np.ndarray, width: float) -> np.ndarray:
    """Square images [examples, side, side] under a Gaussian of this standard deviation (pixels)."""
    at = np.arange(images.shape[1])
    weights = np.exp(-0.5 * ((at[:, None] - at[None, :]) / width) ** 2)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.matmul(np.matmul(weights, images), weights.T)


def turned(images: np.ndarray, quarters: int) -> np.ndarray:
    """Square images [examples, side, side] turned by quarters of a circle."""
    return np.rot90(images, quarters, axes=(1, 2))


def shuffled_pixels(inputs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same permutation of numbers in every example."""
    return inputs[:, rng.permutation(inputs.shape[1])]


def projected(inputs: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random linear map to `size` numbers, which keeps lengths on average."""
    return inputs @ (rng.normal(size=(inputs.shape[1], size)) / np.sqrt(size)).astype(np.float32)


def shuffled_labels(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random renaming of the classes."""
    return rng.permutation(int(labels.max()) + 1).astype(labels.dtype)[labels]


__all__ = ["blurred", "projected", "resized", "shuffled_labels", "shuffled_pixels", "standardised", "turned"]
