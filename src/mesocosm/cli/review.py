"""`review`: office hours for a plan, without jax."""

from __future__ import annotations

import argparse

from mesocosm.cli.answer import print_json


def review(options: argparse.Namespace) -> int:
    """Answer an experiment, a study, a declaration or a run."""
    from mesocosm.review import read_design
    from mesocosm.review import review as reviewed
    from mesocosm.studies.shipped import file_of

    answer = reviewed(read_design(str(file_of(options.file))))
    if options.json:
        print_json("review", answer.to_dict())
    else:
        print(answer.words())
    return 0
