"""Which experiments there are. A name stands for a folder here with `declaration.py` (no jax) and `system.py`."""

from __future__ import annotations

import difflib
from importlib import import_module
from types import ModuleType

from mesocosm.protocol.declaration import Declaration
from mesocosm.record import ConfigurationError

NAMES = ("chemotaxis", "trend", "signalling", "symbiont", "bilinear", "lorenz", "digits", "digits-shown")
ASSAYS = ("assay",)
"""What is run on the bodies of another run."""


def declaration(name: str) -> Declaration:
    """The declaration of an experiment; loads no jax.

    Raises:
      ConfigurationError: if there is no such experiment, offering the nearest name.
    """
    if name not in NAMES + ASSAYS:
        if not isinstance(name, str):
            raise ConfigurationError(f"{name!r}: an experiment is known by its name, one of {', '.join(NAMES)}")
        near = difflib.get_close_matches(name, NAMES + ASSAYS, n=1, cutoff=0.6)
        hint = (f"Did you mean {near[0]}? " if near else "") + f"There are {', '.join(NAMES)}."
        raise ConfigurationError(f"{name}: there is no such experiment. {hint}")
    return import_module(f"mesocosm.experiments.{name.replace('-', '_')}.declaration").DECLARATION


def system_of(name: str) -> ModuleType:
    """The module with `build`, from a configuration to the law of motion; loads jax."""
    return import_module(f"mesocosm.experiments.{name.replace('-', '_')}.system")
