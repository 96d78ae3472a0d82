"""What `teaching` is asked, predicts and compares with.

A net labels examples for a naive one, which teaches the next; the only error signal is another brain. That each
generation loses: I. Shumailov et al., "AI models collapse when trained on recursively generated data", Nature 631,
2024; T. Furlanello et al., "Born-again neural networks", 2018, for the opposite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Measure
from mesocosm.record.configuration import Range

if TYPE_CHECKING:
    import numpy as np

    from mesocosm.record import Record

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Learning rates from which gradient descent has its best."""
PASSES = (1, 20)
"""How often it goes over its lessons: once, as learning rules do, which store none; or again and again."""


MOST_RULES = 4
"""Beside gradient descent: all are in memory at once."""


@dataclass(frozen=True)
class TeachingConfiguration(RunConfiguration):
    """Chains of brains, each taught by the one before; a tick is a generation."""

    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 48
    """Independent chains."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "generations")] = 10
    """Generations after the first one, which is taught by the true labels."""
    every: Annotated[int, Range(1, 2**31 - 1, "generations", "switch")] = 1
    """Generations in a window."""
    file: str = ""
    """A file of your own: an NPZ with the arrays x [examples, ...] and y [examples]; else digits of 8 x 8 pixels."""
    rules: tuple[str, ...] = ("lstm-0", "class-mean")
    """Learning rules that need no hidden neurons, beside gradient descent; claims are about the first, and there are
    none where none is named."""
    side: Annotated[int, Range(2, 64, "pixels", "size")] = 8
    """Images are side x side."""
    classes: Annotated[int, Range(2, 100, "classes", "size")] = 10
    """Kinds of images."""
    lessons: Annotated[int, Range(1, 10000, "lessons", "size")] = 50
    """Labelled images that a pupil is shown once each, from the first generation on."""
    images: Annotated[int, Range(1, 100000, "images", "size")] = 200
    """Images by which all are judged, and which nobody learns from."""
    teachers: Annotated[int, Range(1, 16, "teachers", "size")] = 1
    """Brains in a generation; each lesson is given by one of them, drawn anew."""
    labels: Literal["hard", "soft"] = "hard"
    """Whether a teacher names its best class, or says how likely it holds each."""
    chooses: Literal["nobody", "teacher", "pupil"] = "nobody"
    """Who picks one of two images for each lesson: a teacher that of which it is surer; a pupil that of which it is
    less sure."""
    noise: Annotated[float, Range(0, 1)] = 0.0
    """Probability that a label is replaced by one drawn at random."""
    assays: bool = True
    """Whether the declared controls follow the run; the claims need them."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        if len(self.rules) > MOST_RULES:
            yield f"rules: names {len(self.rules)}; must be at most {MOST_RULES}"


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    return import_module("mesocosm.experiments.teaching.measures").measures(configuration)


def _keeps(passes: int) -> Any:
    """What the first rule keeps beyond gradient descent of so many passes."""

    def value(record: Record, runs: Mapping[str, Record]) -> np.ndarray:
        return import_module("mesocosm.experiments.teaching.measures").keeps(record, passes)

    return value


def _beside(record: Record, runs: Mapping[str, Record]) -> np.ndarray:
    return import_module("mesocosm.experiments.teaching.measures").beside(record)


def _gain(arm: str) -> Any:
    """Right answers of the first rule in the last generation of an arm, less those of the run."""

    def value(record: Record, runs: Mapping[str, Record]) -> np.ndarray:
        ends = import_module("mesocosm.experiments.teaching.measures").ends
        return ends(runs[arm])[0] - ends(record)[0]

    return value


def _claim(name: str, sentence: str, control: str, statistic: str, value: Any) -> Claim:
    return Claim(name, sentence, control=control, statistic=statistic, delta=0.02, value=value)


_RIGHT = "share of images that the first rule names rightly in the last generation"
_KEPT = (
    "right answers in the last generation as a share of those of the first, of the first rule, less that of {} at the "
    "rate that was right most often in the other chains"
)
CLAIMS = (
    _claim(
        "keeps",
        "an evolved rule keeps more of the first generation at equal lessons",
        "online gradient descent at its best rate",
        _KEPT.format("gradient descent that meets each lesson once"),
        _keeps(1),
    ),
    _claim(
        "rehearsed",
        "an evolved rule, which meets each lesson once, keeps more of the first generation",
        f"gradient descent of {PASSES[1]} passes at its best rate",
        _KEPT.format(f"gradient descent that stores its lessons and goes over them {PASSES[1]} times"),
        _keeps(PASSES[1]),
    ),
    _claim(
        "written",
        "an evolved rule keeps more of the first generation than one written by hand",
        "the second rule, class-mean",
        "right answers in the last generation as a share of those of the first, of the first rule, less those of the "
        "second",
        _beside,
    ),
    _claim("chosen", "lessons that a teacher chooses keep more", "random lessons", _RIGHT, _gain("chosen")),
    _claim("asked", "lessons that a pupil asks for keep more", "random lessons", _RIGHT, _gain("asked")),
    _claim("several", "five teachers slow the decay", "one teacher", _RIGHT, _gain("five")),
    _claim("soft", "soft labels keep more", "hard labels", _RIGHT, _gain("soft")),
)

ARMS = {
    "chosen": {"chooses": "teacher"},
    "asked": {"chooses": "pupil"},
    "five": {"teachers": 5},
    "soft": {"labels": "soft"},
}

DECLARATION = Declaration(
    name="teaching",
    title="Brains that teach brains",
    question="What is left of a brain after generations that were taught by nothing but the one before?",
    prediction="an evolved rule keeps more than tuned gradient descent; chosen lessons keep more than random ones; "
    "several teachers stop the decay",
    control="gradient descent at its best of six rates, with one pass over the same lessons and with twenty; random "
    "lessons, one teacher",
    configuration=TeachingConfiguration,
    columns={
        "right_*": "share of images named rightly, of each learner in the order of rules, passes and rates",
        "same_*": "share of images named as the first generation of the same chain did",
        "first_*": "share of images that the first generation named rightly",
        "kinds_*": "how many classes are named, in effect: exp of the entropy of the names",
        "generation": "generations after the first",
    },
    measures=_measures,
    claims=CLAIMS,
    under=lambda configuration: CLAIMS if configuration.rules else (),
    answers={
        "supported": "An evolved rule keeps more of the first generation than gradient descent",
        "refuted": "An evolved rule keeps less of the first generation than gradient descent",
        "equivalent": "An evolved rule keeps as much of the first generation as gradient descent",
        "undecided": "Whether an evolved rule keeps more than gradient descent is undecided",
    },
    arms=ARMS,
    results=lambda: import_module("mesocosm.experiments.teaching.results"),
    presets={
        "default": {},
        "quick": {"replicates": 8, "ticks": 5, "rules": ("lstm-0",)},
        "paper": {"replicates": 96, "ticks": 20},
    },
    noun="chains",
    seen="A point is a learner: first the evolved rules, then gradient descent at six rates with one pass, then "
    "with twenty (point at it for its name). Faint: the generation that learnt from true labels.",
    about="A brain learns digits from true labels. It then names images for a naive brain, which learns from that "
    "alone, and teaches the next. Each chain has two learning rules and gradient descent at six "
    "rates, which meets each lesson once or twenty times, on the same images.",
    trial=Trial(
        {"": {"rules": (), "lessons": 4, "images": 8, "classes": 3, "teachers": 2, "chooses": "pupil"}},
    ),
)
