"""`review`: office hours for a plan, without jax."""

from __future__ import annotations

import argparse
from pathlib import Path

from mesocosm.cli.answer import print_json
from mesocosm.experiments.registry import NAMES, declaration
from mesocosm.record import ConfigurationError


def review(options: argparse.Namespace) -> int:
    """Answer a study file, or the declaration of an experiment."""
    from mesocosm.review import design_of, read_design
    from mesocosm.review import review as reviewed

    name = options.file
    if name in NAMES:
        design = design_of(declaration(name))
    elif Path(name).is_file():
        design = read_design(Path(name))
    else:
        raise ConfigurationError(
            f"{name}: is neither a file nor an experiment; name a study in TOML, or one of {', '.join(NAMES)}"
        )
    answer = reviewed(design)
    if options.json:
        print_json("review", answer.to_dict())
    else:
        print(answer.words())
    return 0
