"""What the benchmark asks: after so many digits shown, who names more images?"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mesocosm.protocol.declaration import Declaration, RunConfiguration, Summary, Trial
from mesocosm.protocol.measure import Measure
from mesocosm.record.configuration import Range

if TYPE_CHECKING:
    from mesocosm.record import Record

GRADED = ("mnist", "fashion-mnist", "omniglot")


@dataclass(frozen=True)
class DigitsShownConfiguration(RunConfiguration):
    """A tick is a stream, on which all learners learn; replicates only share streams out over the cores."""

    replicates: Annotated[int, Range(1, 1 << 20, "shares", "size")] = 2
    ticks: Annotated[int, Range(1, 2**31 - 1, "streams")] = 10
    every: Annotated[int, Range(1, 2**31 - 1, "streams", "switch")] = 5
    data: Literal["digits8", "validation", "mnist", "fashion-mnist", "omniglot"] = "digits8"
    """The test. digits8 is in-domain for rules evolved on it; validation is the alphabets by which rivals are tuned,
    free to look at; the others are graded, and opened with `final` only."""
    file: str = ""
    """A file of your own instead of `data`: an NPZ with the arrays x [examples, ...] and y [examples]. Rivals are tuned
    on one half of each class, everybody is tested on the other."""
    final: bool = False
    """Open the meta-test. Each opening stays in the run folder and is counted in the table."""
    rules: tuple[str, ...] = ("class-mean",)
    """Evolved rules: names of those that come with the project, or files."""
    stream: Literal["iid", "balanced"] = "iid"
    """Examples in random order, or each class once in every `classes` examples."""
    permuted: bool = False
    """Whether pixels are shuffled, in every stream otherwise: what knows nothing of pixels is not moved."""
    side: Annotated[int, Range(2, 64, "pixels", "size")] = 8
    """Images are side x side."""
    hidden: Annotated[tuple[int, ...], Range(1, 4096, "neurons", "size")] = ()
    """Neurons in each hidden level of the nets in which the rules work."""
    channels: Annotated[int, Range(0, 256, "neurons", "size")] = 0
    """Neurons of fields at each place, for rules that have fields; 0: as many as they were evolved with."""
    winners: Annotated[int, Range(0, 65536, "neurons", "size")] = 0
    """Hidden neurons that answer and learn at once, for rules whose neurons compete; 0: as they were evolved."""
    classes: Annotated[int, Range(2, 100, "classes", "size")] = 10
    """Kinds of images in a stream."""
    shown: Annotated[tuple[int, ...], Range(1, 10000, "examples", "switch")] = (1, 2, 5, 10, 20, 50, 100)
    """After how many examples everybody is tested."""
    online: bool = True
    """Whether rivals that learn by gradient take part; most of the time is theirs, and without them no grade is."""
    images: Annotated[int, Range(1, 100000, "images", "size")] = 200
    """Test images of a stream, which nobody learns from."""

    def contradictions(self):
        yield from super().contradictions()
        if self.data in GRADED and not self.final and not self.file:
            yield f"data = {self.data}: belongs to the meta-test, which is looked at once; open it with final = True"
        if tuple(sorted(set(self.shown))) != self.shown or not self.shown:
            yield f"shown = {self.shown}: must rise, one number at least"
        if not self.rules:
            yield "rules = (): name one at least"
        if len(set(self.rules)) != len(self.rules):
            yield f"rules = {self.rules}: one is named twice; rules are what the interval is over"


def _results() -> Any:
    return import_module("mesocosm.experiments.digits_shown.results")


def _summarise(record: Record) -> Summary:
    return _results().summarise(record)


DECLARATION = Declaration(
    name="digits-shown",
    title="Digits shown",
    question="After so many examples, does an evolved rule name more images than rivals tuned for that number?",
    prediction="where they take part, the rule is above all tuned rivals that learn online by gradient, at 10, 20, 50 "
    "and 100 examples",
    control="rivals tuned for each number of examples; below stands which took part (with online = False those that "
    "learn by gradient do not)",
    configuration=DigitsShownConfiguration,
    columns={
        "answers.row": "number of the row",
        "answers.on_test": "1 on the test, 0 where rivals were tuned",
        "answers.learner": "number of the learner, in the order of the header",
        "answers.shown": "examples shown",
        "answers.hits": "test images named rightly",
    },
    summarise=_summarise,
    measures=(Measure("streams", "streams", "streams a share"),),
    results=_results,
    seen="Examples of the test, a row a class, others with each stream; what every learner names right is counted.",
    presets={"default": {}, "quick": {"ticks": 5, "online": False}},
    noun="shares of all streams",
    trial=Trial({"": {"side": 3, "classes": 3, "shown": [2, 4], "images": 5, "online": False}}),
)
