"""What `mirror` is asked, predicts and compares with. Two rivals are declared: an arms race, and bounded depth.

That brains grow by modelling each other: B. Agüera y Arcas, *What Is Intelligence?* (2025). That a bounded depth is
best even where depth costs nothing: M. Devaine, G. Hollard and J. Daunizeau, "Theory of mind: did evolution fool us?",
PLoS ONE 9, 2014. The games of prediction: C. Camerer, *Behavioral Game Theory* (2003).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any

from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Measure, Statistic
from mesocosm.record.configuration import Range
from mesocosm.worlds.mirror.parameters import MirrorParameters


@dataclass(frozen=True)
class MirrorConfiguration(RunConfiguration):
    """Bodies that touch and play; their minds predict each other."""

    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 24
    """Independently founded worlds."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "ticks")] = 2000
    """Length of the run, a multiple of `every`."""
    every: Annotated[int, Range(1, 1 << 16, "ticks", "switch")] = 100
    """Ticks in a window: each window is a row of the metrics."""
    keep_every: Annotated[int, Range(0, 2**31 - 1, "ticks", "switch")] = 0
    """Ticks between the times of which all genomes are kept, for `mesocosm measure RUN past`; 0 keeps none."""
    world: MirrorParameters = field(default_factory=MirrorParameters)
    assays: bool = True
    """Whether the declared controls follow the run; the claims need them."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        world = self.world
        at_most = world.side**2 * (world.ration + world.ceiling + world.rounds * 10 * world.stake)
        if (most := self.every * at_most) >= 2**31:
            yield (
                f"every = {self.every}: in a window {most} quanta could flow, more than int32 holds; lower every, "
                "world.side, world.rounds or world.stake"
            )


def measures_of(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Also of what lives in this world under other names."""
    return import_module("mesocosm.experiments.mirror.measures").measures(configuration)


COLUMNS = {
    "population": "bodies at the end of the window",
    "body_energy": "what they hold at the end of the window, in quanta",
    "residual": "energy that no account explains, in quanta; must be 0",
    "touches": "times that a body touched somebody or a visitor",
    "met": "rounds that bodies played",
    "read": "of these, in how many the other's act was the expected one",
    "plays": "rounds that bodies played with bodies",
    "ones": "of these, in how many the second act was played",
    "visits": "rounds that bodies played with visitors",
    "visit_ones": "of these, in how many the second act was played",
    "cut": "rounds of a touch that were not played, because one of the two had no energy left",
    "steps": "rounds that were there to be lived by the bodies that lived",
    "gained": "quanta won in play",
    "lost": "quanta lost in play",
    "inflow": "quanta of food that came in",
    "spilled": "quanta of food that nobody got",
    "upkeep": "quanta paid for living and thinking",
    "died": "quanta that the dead held",
    "starved": "deaths of bodies without energy",
    "births": "newborns",
    "deaths": "deaths",
    "orders_*": "bodies of this order at the end of the window",
    "shadow_*": "the same gene added up over bodies, of the strand that is never expressed",
    **{gene: "the gene, added up over bodies" for gene in ("order", "foresight", "prior", "noise")},
    "minds.*": "of each body, at the times that are kept",
}

ARMS = {
    "shuffled": {"world": {"shuffled": True, "visitors": 0.0}},
    "nature": {"world": {"visitors": 1.0, "pool": ("nature",), "shuffled": False}},
    "costless": {"world": {"cost": 0}},
    "coins": {"world": {"noise": 16}},
    "mindless": {"world": {"mindless": True}},
    "pattern": {
        "world": {
            "visitors": 1.0,
            "pool": ("cycle5",),
            "remembers": "everyone",
            "own_acts": False,
            "shuffled": False,
        }
    },
}
"""`mindless` differs from the run in one thing: acts are coins, and contexts, counts and their price stay. In `pattern`
everybody plays a cycle in which the last five acts tell the next, which no mind made, and keeps what it has learnt of
it."""


def _above(name: str, sentence: str, control: str, against: str, words: str) -> Claim:
    return Claim(
        name,
        sentence,
        control=control,
        statistic=f"mean order of all bodies in the second half of the run, less {words}",
        delta=0.25,
        unit="acts",
        value=Statistic("order", over="late", against=against),
    )


CLAIMS = (
    _above(
        "escalates",
        "minds come to hold longer contexts than chance alone gives",
        "the shadow gene",
        "control",
        "that of the shadow gene",
    ),
    _above(
        "mutual",
        "it takes a partner that is the same in every round",
        "partners shuffled in every round",
        "shuffled",
        "that in the arm `shuffled`",
    ),
    _above(
        "minds",
        "it takes a partner in whom there is something to learn",
        "coins of one half, of which nothing is kept from touch to touch",
        "nature",
        "that in the arm `nature`",
    ),
    Claim(
        "bounded",
        "within 5 acts, the deepest order is rarer than the one below it even where contexts are free",
        control="the share of minds of the order below, which is the same without selection",
        statistic="share of minds of the deepest order less that of the order below, in the second half of the arm "
        "`costless`",
        delta=0.05,
        direction=-1,
        value=Statistic("deepest", over="late", run="costless"),
    ),
    _above(
        "disarmed",
        "it stays out where acts may be coins for free, as half of them are from the founders on",
        "minds that may act by a coin",
        "coins",
        "that in the arm `coins`",
    ),
    _above(
        "used",
        "it takes minds that act on what they expect",
        "minds that hold and pay for contexts, and play coins",
        "mindless",
        "that in the arm `mindless`",
    ),
    _above(
        "social",
        "minds make each other deeper than a pattern that no mind made",
        "a cycle that is told by five acts, which everybody plays and remembers",
        "pattern",
        "that in the arm `pattern`",
    ),
)


def _results() -> Any:
    return import_module("mesocosm.experiments.mirror.results")


SMALL = {"side": 4, "rounds": 3, "hazard": 0.05, "mutation": 0.2, "stake": 8, "founding_energy": 100}

DECLARATION = Declaration(
    name="mirror",
    title="Minds that foretell each other",
    question="Does modelling each other make minds deeper, and where does it stop?",
    prediction="mean order rises above the shadow gene's, above that of partners shuffled among pairs and above that "
    "against coins; or (the rival) a bounded depth is best even where depth is free",
    control="the shadow gene in the same bodies; partners shuffled in every round; coins of one half instead of "
    "partners; minds that may act by a coin, and minds that only do; a pattern instead of partners",
    configuration=MirrorConfiguration,
    columns=COLUMNS,
    measures=measures_of,
    claims=CLAIMS,
    answers={
        "supported": "Minds that foretell each other come to look further back",
        "refuted": "Minds that foretell each other do not come to look further back",
        "equivalent": "Minds that foretell each other stay as deep as chance has it",
        "undecided": "Whether minds that foretell each other grow deeper is undecided",
    },
    arms=ARMS,
    results=_results,
    presets={
        "default": {},
        "quick": {"replicates": 12, "ticks": 1500},
        "stag": {"world": {"game": "stag", "ration": 32, "metabolism": 64}},  # bodies that play nothing die
        "dove": {"world": {"game": "dove", "ration": 48, "metabolism": 64}},
        "paper": {"replicates": 64, "ticks": 6000, "keep_every": 1000},
    },
    noun="worlds",
    seen="A square is a body, its colour how many acts its mind looks back; its place is lit where it foretells its "
    "partner. The curve tells how many bodies look back how far; faint: as at first.",
    about="Bodies stand on a torus and touch one neighbour at a time. The two play matching pennies, sixteen rounds: "
    "one wins if the acts are equal, the other if they differ. A mind counts what followed the last few acts, expects "
    "more of the same and answers it. How many acts it looks back is a gene, and costs energy. "
    "The shadow is a second genome, inherited and never used.",
    trial=Trial(
        {
            "": {"every": 10, "frames_every": 4, "keep_every": 20, "world": {**SMALL, "mobility": 0.2}},
            "kinds": {
                "every": 10,
                "world": {
                    **SMALL,
                    "game": "dilemma",
                    "remembers": "kind",
                    "foresight": True,
                    "noise": 4,
                    "visitors": 0.5,
                    "pool": ("tft", "gtft", "wsls", "grim", "nature", "cycle3"),
                },
            },
        },
        interventions=("20:world.mutation=0.9", "20:world.visitors=1.0"),
    ),
)
