"""All that an experiment of your own needs, under one name: `from mesocosm.lab import Declaration, Experiment, ...`."""

from mesocosm.core import Bits, Camera, Events, Experiment, Field, Fold, Graph, Image, Log, Points, Scene, Setup, Tick
from mesocosm.ecology.configuration import EcologyConfiguration
from mesocosm.ecology.setup import behaviour, ecology, watched
from mesocosm.experiments.game.own import playing
from mesocosm.findings.claim import Claim
from mesocosm.games.game import Game, LossGame, MatrixGame
from mesocosm.games.learner import Learner
from mesocosm.layers.book import Book
from mesocosm.layers.layer import Layer, Variant
from mesocosm.minds.mind import Draw, Experience, Mind
from mesocosm.protocol.blocks import Analysed, Gardens, OverTime, Told, at_the_end, ticks
from mesocosm.protocol.catalogue import Analysis, Result, arrays, births, columns, log
from mesocosm.protocol.declaration import Declaration, FollowUp, RunConfiguration, Summary, Trial
from mesocosm.protocol.measure import Holds, Measure, Statistic, in_windows
from mesocosm.protocol.story import Axis, Curve, Curves, Heat, Section, Strips, Table, Trajectories
from mesocosm.record import Status
from mesocosm.record.about import PLANE, About, Gene, Genome, Space, box, torus
from mesocosm.record.configuration import Range
from mesocosm.worlds.petri.parameters import PetriParameters
from mesocosm.worlds.petri.senses import Sense

__all__ = [
    "PLANE",
    "About",
    "Analysed",
    "Analysis",
    "Axis",
    "Bits",
    "Book",
    "Camera",
    "Claim",
    "Curve",
    "Curves",
    "Declaration",
    "Draw",
    "EcologyConfiguration",
    "Events",
    "Experience",
    "Experiment",
    "Field",
    "Fold",
    "FollowUp",
    "Game",
    "Gardens",
    "Gene",
    "Genome",
    "Graph",
    "Heat",
    "Holds",
    "Image",
    "Layer",
    "Learner",
    "Log",
    "LossGame",
    "MatrixGame",
    "Measure",
    "Mind",
    "OverTime",
    "PetriParameters",
    "Points",
    "Range",
    "Result",
    "RunConfiguration",
    "Scene",
    "Section",
    "Sense",
    "Setup",
    "Space",
    "Statistic",
    "Status",
    "Strips",
    "Summary",
    "Table",
    "Tick",
    "Told",
    "Trajectories",
    "Trial",
    "Variant",
    "arrays",
    "at_the_end",
    "behaviour",
    "births",
    "box",
    "columns",
    "ecology",
    "in_windows",
    "log",
    "playing",
    "ticks",
    "torus",
    "watched",
]
