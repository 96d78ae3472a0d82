"""What the benchmark asks: after so many digits shown, who names more images?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mesocosm.experiments.declaration import Declaration, RunConfiguration, Summary
from mesocosm.experiments.digits_shown.learners import is_online, rivals
from mesocosm.record.configuration import Range

if TYPE_CHECKING:
    import numpy as np

    from mesocosm.record import Record

GRADED = ("mnist", "fashion-mnist", "omniglot")
DRAWS = 2000
"""Of the bootstrap."""


@dataclass(frozen=True)
class DigitsShownConfiguration(RunConfiguration):
    """A tick is a stream, on which all learners learn; replicates only share streams out over the cores."""

    replicates: Annotated[int, Range(1, 1 << 20, "shares", "size")] = 2
    ticks: Annotated[int, Range(1, 2**31 - 1, "streams")] = 10
    every: Annotated[int, Range(1, 2**31 - 1, "streams", "switch")] = 5
    data: Literal["digits8", "mnist", "fashion-mnist", "omniglot"] = "digits8"
    """The test: digits8 is in-domain for rules evolved on it; the others are graded, and opened with `final` only."""
    final: bool = False
    """Open the meta-test. Each opening stays in the run folder and is counted in the table."""
    rules: tuple[str, ...] = ("class-mean",)
    """Evolved rules: names of those that come with the project, or files."""
    stream: Literal["iid", "balanced"] = "iid"
    """Examples in random order, or each class once in every `classes` examples."""
    side: Annotated[int, Range(2, 64, "pixels", "size")] = 8
    """Images are side x side."""
    hidden: Annotated[tuple[int, ...], Range(1, 4096, "neurons", "size")] = ()
    """Neurons in each hidden level of the nets in which the rules work."""
    classes: Annotated[int, Range(2, 100, "classes", "size")] = 10
    shown: Annotated[tuple[int, ...], Range(1, 10000, "examples", "switch")] = (1, 2, 5, 10, 20, 50, 100)
    """After how many examples everybody is tested."""
    online: bool = True
    """Whether rivals that learn by gradient take part; most of the time is theirs, and without them no grade is."""
    images: Annotated[int, Range(1, 100000, "images", "size")] = 200
    """Test images of a stream, which nobody learns from."""

    def contradictions(self):
        yield from super().contradictions()
        if self.data in GRADED and not self.final:
            yield f"data = {self.data}: belongs to the meta-test, which is looked at once; open it with final = True"
        if tuple(sorted(set(self.shown))) != self.shown or not self.shown:
            yield f"shown = {self.shown}: must rise, one number at least"
        if not self.rules:
            yield "rules = (): name one at least"


def accuracies(record: Record) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Names of learners, numbers shown [n], accuracy [learners, streams, n] on validation and on test."""
    import numpy as np

    c = record.header["configuration"]
    names, log = [*c["rules"], *rivals(c["online"])], record.log("answers")
    shown = np.array(c["shown"])
    stream = log["replicate"].astype(np.int64) * (1 << 31) + log["tick"]
    streams = np.unique(stream)
    values = np.full((2, len(names), streams.size, shown.size), np.nan)
    at = log["on_test"], log["learner"], np.searchsorted(streams, stream), np.searchsorted(shown, log["shown"])
    values[at] = log["hits"] / c["images"]
    return names, shown, values[0], values[1]


def tuned(names: list[str], validation: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Test accuracy [streams, n] of each family, with the setting that was best on validation, for each n."""
    import numpy as np

    families: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        families.setdefault(name.split("/")[0] if name in rivals() else name, []).append(i)
    out = {}
    for family, members in families.items():
        best = validation[members].mean(axis=1).argmax(axis=0)
        out[family] = np.stack([test[members[best[k]], :, k] for k in range(test.shape[2])], axis=1)
    return out


def interval(differences: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """Mean of [rules, streams] and its 95 % interval: rules are drawn, then streams (hierarchical bootstrap)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    rules, streams = differences.shape
    drawn_rules = rng.integers(0, rules, (DRAWS, rules))
    drawn_streams = rng.integers(0, streams, (DRAWS, streams))
    means = differences[drawn_rules].mean(axis=1)[np.arange(DRAWS)[:, None], drawn_streams].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(differences.mean()), float(low), float(high)


def grade(rules: np.ndarray, families: dict[str, np.ndarray], shown: np.ndarray) -> tuple[str, list[str]]:
    """The grade of rules [rules, streams, n], and a sentence for each n that counts."""
    import numpy as np

    reached, sentences = ["strong", "good", "pass"], []
    for k, n in enumerate(shown):
        if n not in (10, 20, 50, 100):
            continue
        online = max((f for f in families if is_online(f)), key=lambda f: families[f][:, k].mean())
        best = max(families, key=lambda f: families[f][:, k].mean())
        d_online, low, high = interval(rules[:, :, k] - families[online][None, :, k])
        d_best, best_low, best_high = interval(rules[:, :, k] - families[best][None, :, k])
        sentences.append(
            f"n = {n}: {100 * d_online:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] points to {online}, "
            f"{100 * d_best:+.1f} [{100 * best_low:+.1f}, {100 * best_high:+.1f}] to {best}"
        )
        if d_best < 0.03:
            reached = [g for g in reached if g != "strong"]
        if d_best < -0.01:
            reached = [g for g in reached if g != "good"]
        if not low > 0:
            reached = [g for g in reached if g != "pass"]
    if "pass" not in reached:
        return "none", sentences
    return reached[0], sentences if np.size(sentences) else ["no n that counts was shown"]


def _summarise(record: Record) -> Summary:
    import numpy as np

    c = record.header["configuration"]
    names, shown, validation, test = accuracies(record)
    columns = ("learner", *(f"after {n}" for n in shown))
    if test.shape[1] == 0:
        return Summary("No stream was finished.", columns)
    families = tuned(names, validation, test)
    rules = np.stack([families.pop(name) for name in c["rules"]])
    rows = [(name, *map(float, rule.mean(axis=0))) for name, rule in zip(c["rules"], rules, strict=True)]
    rows += [(family, *map(float, values.mean(axis=0))) for family, values in families.items()]
    reached, sentences = grade(rules, families, shown) if c["online"] else ("not asked for", [])
    track = "graded" if c["data"] in GRADED else "in-domain, not graded"
    notes = [
        f"Settings of rivals are chosen for each n on {validation.shape[1]} validation streams: "
        f"{len(rivals(c['online']))} settings in {len(families)} families.",
        *sentences,
    ]
    if c["final"]:
        notes.append(f"The meta-test on {c['data']} was opened {openings(record)} times in this folder of runs.")
    sentence = (
        f"{c['data']} at {c['side']}x{c['side']}, {c['stream']}, {test.shape[1]} streams ({track}): over "
        f"{len(c['rules'])} rules the grade is: {reached}."
    )
    return Summary(sentence, columns, rows, [], tuple(notes))


def openings(record: Record) -> int:
    """How many runs beside this one, and this one, opened the meta-test on the same data."""
    from mesocosm.record import MesocosmError, load

    n = 0
    for header in record.folder.parent.glob("*/run.json"):
        try:
            other = load(header.parent).header
        except MesocosmError:
            continue
        mine, its = record.header["configuration"], other["configuration"]
        same = other["experiment"] == record.header["experiment"]
        n += same and its["final"] and its["data"] == mine["data"]
    return max(n, 1)


def _streams(row: dict[str, Any]) -> float:
    return float(row["streams"].sum())


DECLARATION = Declaration(
    name="digits-shown",
    title="Digits shown",
    question="After so many examples, does an evolved rule name more images than rivals tuned for that number?",
    prediction="the rule is above every tuned online gradient rival at 10, 20, 50 and 100 examples",
    control="five online gradients, feedback alignment, class mean, neighbours, ridge, LDA, logistic regression",
    configuration=DigitsShownConfiguration,
    summarise=_summarise,
    measure=("streams", _streams),
)
