"""`assay`: the law of the source run with some of its parameters changed."""

from __future__ import annotations

from mesocosm.ecology.assay.system import build

__all__ = ["build"]
