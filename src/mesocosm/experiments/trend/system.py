"""`trend`: the system of `chemotaxis` with another sense."""

from __future__ import annotations

from mesocosm.experiments.chemotaxis.system import build

__all__ = ["build"]
