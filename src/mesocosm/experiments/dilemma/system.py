"""`dilemma`: the system of `mirror` in another regime."""

from __future__ import annotations

from mesocosm.experiments.mirror.system import build

__all__ = ["build"]
