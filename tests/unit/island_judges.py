"""Judges for tests of islands: other processes import this module by its name."""

import os
from pathlib import Path

import numpy as np


def sphere(members, centre):
    """Its losses depend on how many are judged together, as those of a compiled program may."""
    return (np.sum((members - centre) ** 2, axis=1) + 1e-6 * len(members)).astype(np.float32)


class DiesOnce:
    """Ends its process when it is first asked, if a file is not there yet."""

    def __init__(self, mark):
        self.mark = mark

    def __call__(self, members, centre):
        if not Path(self.mark).exists():
            Path(self.mark).write_text("died")
            os._exit(7)
        return sphere(members, centre)


def dies(members, centre):
    os._exit(7)


def one_too_few(members, centre):
    return sphere(members, centre)[:-1]
