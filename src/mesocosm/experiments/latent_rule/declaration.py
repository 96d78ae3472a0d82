"""What `latent-rule` is asked: can a mind be imitated from what it does, and by whom? No jax.

After E. Jang, "Three questions that keep me up at night" (2020): a fleet of drivers turns left if it is raining and
right otherwise, a learner sees what they saw and how they steered, and data arrive faster than it can train.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any, Literal

from mesocosm.experiments.latent_rule.questions import CLAIMS, claims_under
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Measure
from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class LatentRuleConfiguration(RunConfiguration):
    """Drivers who follow a hidden rule, and an imitator. A tick is an update, a replicate an imitator."""

    replicates: Annotated[int, Range(1, 2**20, "imitators", "size")] = 32
    ticks: Annotated[int, Range(1, 2**31 - 1, "updates")] = 400
    every: Annotated[int, Range(1, 2**31 - 1, "updates", "switch")] = 10
    rule: str = "rain"
    """rain (left if it rains), conjunction (if it rains and is dark), count (once it has rained at three junctions),
    plan (left, right, left from when it rains) or doors (one of five is right)."""
    imitator: str = "cloning-recurrent"
    """cloning, dagger, cloning-recurrent, dagger-recurrent, latent-intent, filter, bayes-interventions or
    bayes-evidence."""
    light: Literal["off", "last-act", "leak"] = "last-act"
    """A light on the dashboard: it shows the last act of whoever drives; or (a planted leak) what the rule demands."""
    copies: Annotated[float, Range(0, 1)] = 1.0
    """Probability that the light shows what it should; else it shows anything. 0 severs it."""
    cues: Annotated[int, Range(1, 15, "cues", "size")] = 1
    """Independent cues of each proposition at each junction."""
    reliability: Annotated[float, Range(0, 1)] = 0.8
    """Probability that a cue shows what is so; 0.5 says nothing."""
    renewal: Annotated[float, Range(0, 1)] = 0.0
    """Probability that what is hidden is drawn anew between two junctions; 0: it lasts for the trip."""
    slip: Annotated[float, Range(0, 1)] = 0.0
    """Probability that the expert does something else than its rule demands."""
    mistold: Annotated[float, Range(0, 1)] = 0.3
    """Of five doors: probability that a driver is told the opposite of whether its act was right."""
    unused: Annotated[int, Range(0, 8, "propositions", "size")] = 1
    """Propositions, shown by cues, of which the rule makes no use: what a probe must not find."""
    acting: Literal["greedy", "sampled"] = "greedy"
    """Whether an imitator does what it holds most likely, or draws its act."""
    junctions: Annotated[int, Range(1, 200, "junctions", "size")] = 8
    """Of a trip."""
    fleet: Annotated[int, Range(1, 2**20, "trips")] = 1000
    """Trips that arrive in each tick. Those beyond the budget have passed by when the update is done."""
    budget: Annotated[int, Range(1, 4096, "trips", "size")] = 16
    """Trips that an update can learn from; never more than arrive, and each only once."""
    rate: Annotated[float, Range(0, 10)] = 0.01
    """Step of Adam; 0 learns nothing."""
    judged: Annotated[int, Range(1, 2**16, "trips", "size")] = 128
    """Trips on which it is judged, never learnt from, the same throughout a run."""
    frames_every: Annotated[int, Range(0, 2**20, "ticks")] = field(default=4, compare=False)
    probe_every: Annotated[int, Range(0, 2**31 - 1, "ticks", "switch")] = 0
    """Ticks between looks inside, for the analysis `probe`; 0 never looks."""

    def contradictions(self):
        yield from super().contradictions()
        if self.budget > self.fleet:
            yield f"budget = {self.budget}: is more than arrive; must be at most fleet = {self.fleet}"


MEASURES = (
    Measure("in-loop", "in_loop", "right where it drives itself", low=0, high=1),
    Measure("late", "late", "right late in a trip", low=0, high=1),
    Measure("offline", "offline", "agreement with the expert on the expert's trips", low=0, high=1),
    Measure("severed", "severed", "the same with the light severed", low=0, high=1),
    Measure("ceiling", "ceiling", "exact ceiling", low=0, high=1),
    Measure("disagreed", "disagreed", "disagreement with the expert on what it learns from", low=0, high=1),
    Measure("loss", "loss", "surprise at the expert", "nats", in_table=False),
)


def _results() -> Any:
    return import_module("mesocosm.experiments.latent_rule.results")


DOORS: dict[str, Any] = {
    **dict(rule="doors", light="off", acting="sampled", slip=0.1, mistold=0.2, unused=0),
    **dict(junctions=32, ticks=1000, every=50, budget=32, replicates=16),
}
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "quick": {"replicates": 8, "ticks": 200},
    "paper": {"replicates": 64},
    "cues": {"imitator": "cloning", "light": "off", "renewal": 1.0, "reliability": 0.7},
    "depth": {"light": "off", "renewal": 1.0, "reliability": 0.7, "ticks": 500, "every": 5},
    "doors": DOORS,
}

DECLARATION = Declaration(
    name="latent-rule",
    title="Imitating thought from behaviour",
    question="Can a mind be imitated from its behaviour alone?",
    prediction="a clone that agrees with every recorded act fails when it drives itself; one that is corrected on its "
    "own trips, or infers what is hidden, comes to the exact ceiling, and nobody passes it",
    control="the best that Bayes can do with the same cues, exactly; the same net, corrected on its own trips",
    configuration=LatentRuleConfiguration,
    columns={
        "updates": "examples learnt from since the start",
        "thoughts.row": "junction, counted from 0",
        "thoughts.trip": "number of the trip",
        "thoughts.demanded": "act that the expert's rule asks for",
        "thoughts.true": "what was hidden",
        "thoughts.unused": "propositions that the rule does not use",
        "thoughts.inside": "the imitator's inner state",
    },
    measures=MEASURES,
    claims=CLAIMS,
    under=claims_under,
    results=_results,
    answers={
        "supported": "Not by copying: what agrees with every recorded act fails when it drives itself",
        "refuted": "Copying suffices: the clone drives above its ceiling, which is leakage",
        "equivalent": "Copying suffices: the clone comes to the ceiling",
        "undecided": "Whether copying suffices is undecided",
    },
    presets=PRESETS,
    analyses=("probe",),
    noun="imitators",
    seen="A column is a driver on a trip, a row a junction: blue where it goes as the rule says, red where "
    "against it; the dot is where it is now. Without trips one sees what is hidden from it.",
    about="A column is a driver on a trip of its own, a row a junction: blue where it goes as the rule says, red where "
    "against it, light to the right and dark to the left. The dot is where it is now, as the imitator drives by then. "
    "Whether it rains is hidden from it; cues tell, and not always truly.",
    trial=Trial(
        {
            "": {
                "junctions": 3,
                "budget": 4,
                "judged": 8,
                "light": "off",
                "frames_every": 0,
                "imitator": "dagger",
            }
        },
        interventions=("30:reliability=0.6",),
    ),
)
