"""The loop that every experiment shares: the law of one replicate, replicates over devices, random bits, the record."""

from mesocosm.core.experiment import Events, Experiment, Field, Points, Scene, Tick
from mesocosm.core.instrument import Camera, Fold, Log, Shutter
from mesocosm.core.interrupt import Interrupted
from mesocosm.core.loop import check_interventions, founders, resume, run
from mesocosm.core.plan import Founding, Plan, Progress, Setup
from mesocosm.core.random import Bits
from mesocosm.core.steering import Present, Steering, Turn

__all__ = [
    "Bits",
    "Camera",
    "Events",
    "Experiment",
    "Field",
    "Fold",
    "Founding",
    "Interrupted",
    "Log",
    "Plan",
    "Points",
    "Present",
    "Progress",
    "Scene",
    "Setup",
    "Shutter",
    "Steering",
    "Tick",
    "Turn",
    "check_interventions",
    "founders",
    "resume",
    "run",
]
