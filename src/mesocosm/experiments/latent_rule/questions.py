"""Which runs stand beside a run of `latent-rule`, and what is claimed of them: by what is asked. No jax.

A question is known by the settings that it is asked under; whoever changes one of these asks something of their own,
of which nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mesocosm.findings.claim import Claim
from mesocosm.protocol.measure import Over, Statistic

if TYPE_CHECKING:
    import numpy as np

    from mesocosm.record import Record

CEILING = "the exact ceiling"
CORRECTED = {"cloning": "dagger", "cloning-recurrent": "dagger-recurrent"}
"""The same net, taught where it drives itself."""


@dataclass(frozen=True)
class Question:
    """What is asked under some settings.

    Args:
      settings: fields of the configuration and the values that they must have, one of several.
      arms: the runs beside it, by name: what each sets, given the imitator of the run.
      words: what the run and its arms are called in figures; the empty name is the run itself.
    """

    settings: Mapping[str, tuple[Any, ...]]
    arms: Callable[[str], Mapping[str, Mapping[str, Any]]]
    claims: tuple[Claim, ...]
    words: Mapping[str, str] = field(default_factory=dict)


def short_of(run: str = "", measure: str = "in-loop") -> Callable[[Record, Mapping[str, Record]], np.ndarray]:
    """A share of right acts at the end, less the exact ceiling of the same run. [replicates]"""

    def values(record: Record, runs: Mapping[str, Record]) -> np.ndarray:
        there = runs[run] if run else record
        return _share_of(there, measure) - _share_of(there, "ceiling")

    return values


def _share_of(record: Record, measure: str, over: Over = "last") -> np.ndarray:
    from mesocosm.experiments.latent_rule.declaration import MEASURES

    return next(m for m in MEASURES if m.name == measure).reduced(record, over)


def _agrees(record: Record, _: Mapping[str, Record]) -> np.ndarray:
    import numpy as np

    offline = _share_of(record, "offline")
    return np.where(np.isfinite(offline), offline == 1, np.nan)


def _severing(record: Record, _: Mapping[str, Record]) -> np.ndarray:
    return _share_of(record, "severed") - _share_of(record, "offline")


_SHARE = "share of right acts where it drives itself, at the end of the run"
_LESS = f"{_SHARE}, less the best that Bayes can do with the same cues"


def _comes_to(name: str, who: str, delta: float = 0.03, run: str | None = None) -> Claim:
    """A claim of no difference."""
    value = short_of(name if run is None else run)
    return Claim(name, f"{who} comes to the ceiling", CEILING, _LESS, delta, value=value, expects="equivalent")


LIGHT = Question(
    {"rule": ("rain",), "light": ("last-act",), "imitator": tuple(CORRECTED), "copies": (1.0,), "renewal": (0.0,)},
    lambda imitator: {"dagger": {"imitator": CORRECTED[imitator]}, "inference": {"imitator": "filter"}},
    (
        Claim(
            "fails",
            "a clone that drives itself falls short of the ceiling",
            CEILING,
            _LESS,
            0.05,
            direction=-1,
            value=short_of(),
        ),
        Claim(
            "offline",
            "three of four clones agree with every act of the expert's own trips",
            "full agreement",
            "whether the clone would do what the expert does at every junction of trips that it never learnt from",
            0.75,
            kind="fraction",
            value=_agrees,
        ),
        Claim(
            "severed",
            "the clone goes by the light: it agrees less with the expert once the light is severed",
            "the same trips with the light as it was",
            "agreement on the expert's trips where the light shows anything, less that where it shows the last act",
            0.1,
            direction=-1,
            value=_severing,
        ),
        _comes_to("dagger", "the same net, corrected on its own trips,"),
        _comes_to("inference", "a filter that infers what is hidden"),
    ),
    {"": "cloning", "dagger": "DAgger", "inference": "inference"},
)
"""The light on the dashboard (P. de Haan, D. Jayaraman and S. Levine 2019): offline it is never wrong."""

MANY = {"three": 3, "five": 5, "nine": 9}

CUES = Question(
    {"rule": ("rain",), "light": ("off",), "imitator": ("cloning",), "renewal": (1.0,), "cues": (1,)},
    lambda _: {
        **{name: {"cues": cues} for name, cues in MANY.items()},
        "leak": {"light": "leak", "copies": 0.8},
    },
    (
        _comes_to("one", "a clone that sees one cue", 0.02, run=""),
        *(_comes_to(name, f"a clone that sees {name} cues", 0.02) for name in MANY),
        Claim(
            "leak",
            "a light that shows what the rule demands is found out: the clone does better than the ceiling",
            CEILING,
            _LESS,
            0.02,
            value=short_of("leak"),
        ),
    ),
    {"": "one cue", **{name: f"{name} cues" for name in MANY}, "leak": "a planted leak"},
)
"""Ceilings of majorities, and a leak that was planted to be found."""


def _falls_short(name: str, words: str) -> Claim:
    sentence = f"black-box imitation falls short where the rule is {words}"
    run = "" if name == "rain" else name
    return Claim(name, sentence, CEILING, _LESS, 0.02, direction=-1, value=short_of(run))


DEEPER = {"conjunction": "a conjunction", "count": "a count over time", "plan": "a plan of three steps"}


def _more_data(record: Record, runs: Mapping[str, Record]) -> np.ndarray:
    lacking = [_share_of(r, "ceiling", "mean") - _share_of(r, "in-loop", "mean") for r in (runs["plan"], record)]
    return lacking[0] - lacking[1]


DEPTH = Question(
    {"rule": ("rain",), "light": ("off",), "imitator": ("cloning-recurrent",), "renewal": (1.0,)},
    lambda _: {
        **{name: {"rule": name} for name in DEEPER},
        "count-dagger": {"rule": "count", "imitator": "dagger-recurrent"},
        "count-intent": {"rule": "count", "imitator": "latent-intent"},
        "count-inference": {"rule": "count", "imitator": "filter"},
    },
    (
        _falls_short("rain", "one proposition"),
        *(_falls_short(name, words) for name, words in DEEPER.items()),
        Claim(
            "data",
            "a plan takes more data to imitate: over the whole run more is lacking",
            "one proposition",
            "what is lacking to the ceiling where it drives itself, mean over the run, less that for one proposition",
            0.005,
            value=_more_data,
        ),
    ),
    {
        "": "rain",
        **{name: name for name in DEEPER},
        "count-dagger": "count, DAgger",
        "count-intent": "count, latent intent",
        "count-inference": "count, inference",
    },
)
"""Rules of growing depth under one imitator that knows nothing of them; and others, where own acts seem evidence."""

DOORS = Question(
    {"rule": ("doors",), "imitator": ("cloning-recurrent",), "acting": ("sampled",), "renewal": (0.0,)},
    lambda _: {
        "evidence": {"imitator": "bayes-evidence"},
        "interventions": {"imitator": "bayes-interventions"},
        "dagger": {"imitator": "dagger-recurrent"},
    },
    (
        Claim(
            "latches",
            "a cloned recurrent net falls short of the expert",
            "the expert, 1 - slip",
            "share of right acts in the last quarter of a trip, at the end of the run, less 1 - slip",
            0.3,
            direction=-1,
            value=short_of("", "late"),
        ),
        Claim(
            "as-evidence",
            "the clone does as exact inference does that takes its own acts for evidence",
            "exact inference that takes its own acts for evidence",
            "share of right acts in the last quarter of a trip, less the same of that filter",
            0.05,
            value=Statistic("late", against="evidence"),
            expects="equivalent",
        ),
        Claim(
            "evidence",
            "who takes its own acts for evidence stays near chance",
            "a quarter",
            "share of right acts of that filter in the last quarter of a trip, less 0.25",
            0.0,
            direction=-1,
            value=Statistic("late", run="evidence", against=0.25),
        ),
        Claim(
            "interventions",
            "exact inference that takes its own acts for interventions comes to be right as often as the expert",
            "the expert, 1 - slip",
            "share of right acts of that filter in the last quarter of a trip, less 1 - slip",
            0.05,
            value=short_of("interventions", "late"),
            expects="equivalent",
        ),
        Claim(
            "dagger",
            "DAgger does as exact inference does that takes its own acts for interventions",
            "exact inference that takes its own acts for interventions",
            "share of right acts in the last quarter of a trip, less the same of that filter",
            0.05,
            value=Statistic("late", run="dagger", against="interventions"),
            expects="equivalent",
        ),
    ),
    {
        "": "cloning",
        "evidence": "own acts are evidence, exactly",
        "dagger": "DAgger",
        "interventions": "own acts are interventions, exactly",
    },
)
"""Five doors (G. Swamy et al. 2022)."""

QUESTIONS = (LIGHT, CUES, DEPTH, DOORS)
CLAIMS = LIGHT.claims
"""What is claimed of a run as it comes."""


def question_of(configuration: Mapping[str, Any]) -> Question | None:
    """What is asked by a run with this configuration, as plain values; None where nothing of ours is."""
    for question in QUESTIONS:
        if all(configuration[name] in values for name, values in question.settings.items()):
            return question
    return None


def claims_under(configuration: Any) -> tuple[Claim, ...]:
    """What is claimed of a run with this configuration."""
    question = question_of(vars(configuration))
    return () if question is None else question.claims
