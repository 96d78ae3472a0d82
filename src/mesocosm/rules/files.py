"""How the numbers of a rule stand in its file."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

MANY = 1000
"""Numbers of a gene that are written as bytes."""
MOST_BYTES = 64 << 20
"""Of a file: the largest rule has some thousand numbers."""


def text_of(path: Path) -> str:
    """The text of a plain file: no pipe is waited for."""
    if path.exists() and not path.is_file():
        raise ValueError("it is no plain file")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it is {path.stat().st_size} bytes long")
    return path.read_text("utf-8-sig")


def checked_sum(form: Any, genes: Any) -> str:
    """Of form and genes."""
    return hashlib.sha256(json.dumps([form, genes], sort_keys=True).encode()).hexdigest()


def digest(form: Any) -> np.ndarray:
    """Uint8 [32], of what differs from the form by default: a field that comes later changes none of old forms."""
    usual = {f.name: f.default for f in fields(form) if f.default is not MISSING}
    odd = [name for name in usual if getattr(form, name) == usual[name]]
    told = {name: value for name, value in asdict(form).items() if name not in odd}
    text = json.dumps([type(form).__name__, told], sort_keys=True)
    return np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8)


def written_gene(gene: np.ndarray) -> Any:
    """Numbers as a list; of many numbers their bytes, in base 64, halves where these hold them all."""
    if gene.size < MANY:
        return gene.tolist()
    half = gene.astype(np.float16)
    kept = gene.astype("<f2" if np.array_equal(half, gene) else "<f4")
    return {"dtype": kept.dtype.str, "base64": base64.b64encode(kept.tobytes()).decode()}


def read_gene(gene: Any) -> np.ndarray:
    """Float32, from either."""
    if not isinstance(gene, dict):
        return np.asarray(gene, np.float32)
    if gene["dtype"] not in ("<f2", "<f4"):
        raise ValueError
    return np.frombuffer(base64.b64decode(gene["base64"], validate=True), gene["dtype"]).astype(np.float32)


__all__ = ["MANY", "MOST_BYTES", "checked_sum", "digest", "read_gene", "text_of", "written_gene"]
