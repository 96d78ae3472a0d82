"""`assay`: what is asked of the bodies of a finished run of any ecology. No jax."""

from __future__ import annotations

from mesocosm.ecology.assay.declaration import DECLARATION

__all__ = ["DECLARATION"]
