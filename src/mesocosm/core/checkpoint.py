"""A checkpoint: the state of every living replicate and its open window, as named arrays."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from mesocosm.record.errors import FolderError


def named(tree: Any) -> dict[str, np.ndarray]:
    """The leaves of a pytree by their paths, as NumPy arrays."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}


def unnamed(template: Any, arrays: dict[str, np.ndarray]) -> Any:
    """A pytree like `template` (of any shapes) with the arrays of these names.

    Raises:
      FolderError: if names or dtypes differ: the checkpoint belongs to another experiment.
    """
    paths, treedef = jax.tree_util.tree_flatten_with_path(template)
    leaves = []
    for path, leaf in paths:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        if name not in arrays or arrays[name].dtype != leaf.dtype or arrays[name].ndim != leaf.ndim:
            raise FolderError(f"the checkpoint has no array {name!r} of type {leaf.dtype}; it belongs to other code")
        leaves.append(arrays[name])
    return jax.tree_util.tree_unflatten(treedef, leaves)
