"""The loop that every experiment shares: the law of one replicate, replicates over devices, random bits, the record."""

from mesocosm.core.experiment import Events, Experiment, Field, Graph, Image, Points, Scene, Tick
from mesocosm.core.instrument import Camera, Fold, Log, Shutter
from mesocosm.core.interrupt import Interrupted
from mesocosm.core.plan import Founding, Plan, Progress, Setup
from mesocosm.core.random import Bits
from mesocosm.core.runs import check_interventions, founders, resume, run
from mesocosm.core.steering import Present, Steering, Turn
from mesocosm.record.about import PLANE, About, Gene, Genome, Space, box, torus

__all__ = [
    "PLANE",
    "About",
    "Bits",
    "Camera",
    "Events",
    "Experiment",
    "Field",
    "Fold",
    "Founding",
    "Gene",
    "Genome",
    "Graph",
    "Image",
    "Interrupted",
    "Log",
    "Plan",
    "Points",
    "Present",
    "Progress",
    "Scene",
    "Setup",
    "Shutter",
    "Space",
    "Steering",
    "Tick",
    "Turn",
    "box",
    "check_interventions",
    "founders",
    "resume",
    "run",
    "torus",
]
