"""What is asked of an evolved learning rule: does it learn from fewer examples than the rule it began as?"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mesocosm.evolution.parameters import SearchParameters
from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Measure
from mesocosm.record.configuration import Range
from mesocosm.rivals.parameters import Schooling
from mesocosm.rules.form import RuleForm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesocosm.record import Record


@dataclass(frozen=True)
class DigitsConfiguration(RunConfiguration):
    """A search for a learning rule. A tick is a generation, a replicate is a search."""

    replicates: Annotated[int, Range(1, 1 << 20, "searches", "size")] = 8
    ticks: Annotated[int, Range(1, 2**31 - 1, "generations")] = 150
    every: Annotated[int, Range(1, 2**31 - 1, "generations", "switch")] = 25
    founding: Literal["class-mean", "centred-class-mean", "prototypes", "random"] = "class-mean"
    """The genome that a search begins with: a rule written by hand, or random numbers."""
    spread: Annotated[float, Range(0, 10, "", "switch")] = 0.05
    """Standard deviation of the noise on each number of the founding genome."""
    relative: bool = False
    """Whether each number is searched in units of what it was founded with (zeros in units of 0.02)."""
    analysis: bool = True
    """Whether rules are examined after the run and set beside every rival; the claims need it."""
    form: RuleForm = field(default_factory=RuleForm)
    search: SearchParameters = field(default_factory=SearchParameters)
    schooling: Schooling = field(default_factory=Schooling)

    def contradictions(self):
        yield from super().contradictions()
        if self.founding != "random" and not self.form.normalise:
            yield f"founding = {self.founding}: the class mean needs form.normalise = True; or found at random"
        if self.founding == "centred-class-mean" and self.form.memory < 1:
            yield "founding = centred-class-mean: needs form.memory of 1 or more"
        f = self.form
        if f.fields.channels and self.schooling.side < f.fields.width:
            yield f"form.fields.width = {f.fields.width}: is more than schooling.side = {self.schooling.side}"
        if f.fields.channels and self.founding != "random" and not f.per_role:
            yield f"founding = {self.founding}: needs form.per_role = True where there are fields; or found at random"
        levels, pixels = len(self.schooling.hidden), self.schooling.side**2
        if f.output != "classes":
            yield f"form.output = {f.output}: tasks have classes here; set it to classes"
        if pixels % f.steps:
            yield f"form.steps = {f.steps}: {pixels} numbers cannot be heard in so many equal parts; take a divisor"
        if f.steps > 1 and self.analysis:
            yield f"form.steps = {f.steps}: rules that hear in steps are not examined; set analysis = False"
        if f.layers not in (0, levels + 1):
            yield f"form.layers = {f.layers}: the net has {levels + 1}, a level of schooling.hidden and one; or take 0"
        if f.species > min(self.schooling.hidden, default=1):
            yield f"form.species = {f.species}: needs levels of as many neurons in schooling.hidden"
        has_all = f.compete and f.per_role and f.memory and self.schooling.hidden
        if self.founding == "prototypes" and not has_all:
            yield (
                "founding = prototypes: needs form.compete and form.per_role = True, form.memory of 1 or more, and "
                "a level in schooling.hidden"
            )


def curves(record: Record) -> dict[str, Any]:
    """Accuracy after each number of examples: `shown` [n], `rule`, `control` [replicates, windows, n] (NaN: none)."""
    import numpy as np

    metrics = record.metrics
    shown = sorted(int(name.removeprefix("rule_")) for name in metrics if name.startswith("rule_"))
    ticks = np.unique(metrics["tick"])
    out = {"shown": np.array(shown), "tick": ticks}
    for kind in ("rule", "control"):
        values = np.full((record.replicates, ticks.size, len(shown)), np.nan)
        at = metrics["replicate"], np.searchsorted(ticks, metrics["tick"])
        for i, n in enumerate(shown):
            values[(*at, i)] = metrics[f"{kind}_{n}"]
        out[kind] = values
    return out


def is_in_domain(record: Record) -> bool:
    """Whether rules were judged on other images of what they were evolved on."""
    school = record.header["configuration"]["schooling"]
    return school["source"] == "digits8" or bool(school.get("file"))


def measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    """The loss, then the accuracy after each number of examples, beside the class mean's."""
    return (
        Measure("loss", "loss", "loss of the generation", in_table=False),
        *(
            Measure(
                f"after-{n}",
                f"rule_{n}",
                f"accuracy after {n} examples",
                low=0,
                high=1,
                control=f"control_{n}",
                control_words="class means",
            )
            for n in configuration["schooling"]["shown"]
        ),
    )


CLAIMS = (
    Claim(
        "improves",
        "an evolved rule gets more of its held-out tasks right than the rule it began as",
        control="the founding genome, without its noise",
        statistic="accuracy of the centre of the search less that of its founder, same tasks",
        delta=1.0,
        unit="points",
    ),
    Claim(
        "beyond-class-mean",
        "and more than class means get right",
        control="the nearest class mean",
        statistic="accuracy of the centre of the search less that of the class mean, same tasks",
        delta=1.0,
        unit="points",
    ),
)


PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "quick": {"ticks": 50, "schooling": {"examples": 20, "shown": [5, 10, 20], "tasks": 4}},
    "paper": {"schooling": {"source": "omniglot+clouds", "side": 14, "hidden": [32], "examples": 50, "tasks": 8}},
}


def _results() -> Any:
    return import_module("mesocosm.experiments.digits.results")


def _analyse(record: Record) -> dict[str, Any]:
    return import_module("mesocosm.experiments.digits.analysis").analyse(record)


DECLARATION = Declaration(
    name="digits",
    title="A learning rule that evolution writes",
    question="Does an evolved rule learn from fewer examples than the rule it began as?",
    prediction="held-out accuracy after the last number of examples is above the founder's on the same tasks",
    control="the founding genome, and the nearest class mean by cosine, on the same held-out tasks",
    configuration=DigitsConfiguration,
    columns={
        "loss": "mean loss of the generation's genomes",
        "best": "loss of its best genome",
        "unjudged": "genomes whose loss is no number",
        "rule_*": "accuracy on held-out tasks after so many examples, of the centre of the search",
        "control_*": "the same of the founding genome",
    },
    measures=measures,
    claims=CLAIMS,
    answers={
        "supported": "Yes, it learns more from as many examples",
        "refuted": "No, it learns less from as many examples",
        "equivalent": "No, it learns no more than the rule it began as",
        "undecided": "Whether it learns more from as many examples is undecided",
    },
    seen="Each point is a reading of the search so far: what the rule at its centre and its control get right "
    "after so many examples, its genome, and what its first neurons listen for (blue: ink, orange: none). "
    "Faint: as at first.",
    presets=PRESETS,
    results=_results,
    analyse=_analyse,
    noun="searches",
    trial=Trial(
        {
            "": {
                "form": {"cell": "hebbian", "messages": 1, "memory": 1},
                "search": {"searcher": "cma-es", "population": 4},
                "schooling": {
                    **dict(source="clouds", side=3, classes=3, examples=4, tasks=2),
                    **dict(shown=[2, 4], judged_tasks=2, judged_images=5),
                },
            }
        }
    ),
)
