"""All that an experiment of your own needs, under one name: `from mesocosm.lab import Declaration, Experiment, ...`."""

from mesocosm.core import Bits, Camera, Events, Experiment, Field, Fold, Log, Points, Scene, Setup, Tick
from mesocosm.findings.claim import Claim
from mesocosm.protocol.blocks import Gardens, OverTime, Told, at_the_end
from mesocosm.protocol.declaration import Declaration, FollowUp, RunConfiguration, Summary, Trial
from mesocosm.protocol.measure import Holds, Measure, Statistic
from mesocosm.record import Status
from mesocosm.record.configuration import Range

__all__ = [
    "Bits",
    "Camera",
    "Claim",
    "Declaration",
    "Events",
    "Experiment",
    "Field",
    "Fold",
    "FollowUp",
    "Gardens",
    "Holds",
    "Log",
    "Measure",
    "OverTime",
    "Points",
    "Range",
    "RunConfiguration",
    "Scene",
    "Setup",
    "Statistic",
    "Status",
    "Summary",
    "Tick",
    "Told",
    "Trial",
    "at_the_end",
]
