"""The loop that every experiment shares: the law of one replicate, replicates over devices, random bits, the record."""

from mesocosm.core.experiment import Events, Experiment, Field, Points, Scene, Tick
from mesocosm.core.instrument import Fold, Log
from mesocosm.core.interrupt import Interrupted
from mesocosm.core.loop import resume, run
from mesocosm.core.plan import Plan, Progress, Setup
from mesocosm.core.random import Bits

__all__ = [
    "Bits",
    "Events",
    "Experiment",
    "Field",
    "Fold",
    "Interrupted",
    "Log",
    "Plan",
    "Points",
    "Progress",
    "Scene",
    "Setup",
    "Tick",
    "resume",
    "run",
]
