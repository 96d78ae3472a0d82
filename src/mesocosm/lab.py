"""All that an experiment of your own needs, under one name: `from mesocosm.lab import Declaration, Experiment, ...`."""

from mesocosm.core import Bits, Camera, Events, Experiment, Field, Fold, Log, Points, Scene, Setup, Tick
from mesocosm.findings.claim import Claim
from mesocosm.protocol.blocks import Analysed, Gardens, OverTime, Told, at_the_end, ticks
from mesocosm.protocol.catalogue import Analysis, Result, arrays, births, columns, log
from mesocosm.protocol.declaration import Declaration, FollowUp, RunConfiguration, Summary, Trial
from mesocosm.protocol.measure import Holds, Measure, Statistic, in_windows
from mesocosm.protocol.story import Axis, Curve, Curves, Heat, Section, Strips, Table, Trajectories
from mesocosm.record import Status
from mesocosm.record.configuration import Range

__all__ = [
    "Analysed",
    "Analysis",
    "Axis",
    "Bits",
    "Camera",
    "Claim",
    "Curve",
    "Curves",
    "Declaration",
    "Events",
    "Experiment",
    "Field",
    "Fold",
    "FollowUp",
    "Gardens",
    "Heat",
    "Holds",
    "Log",
    "Measure",
    "OverTime",
    "Points",
    "Range",
    "Result",
    "RunConfiguration",
    "Scene",
    "Section",
    "Setup",
    "Statistic",
    "Status",
    "Strips",
    "Summary",
    "Table",
    "Tick",
    "Told",
    "Trajectories",
    "Trial",
    "arrays",
    "at_the_end",
    "births",
    "columns",
    "in_windows",
    "log",
    "ticks",
]
