"""How many lessons does a skill need to be kept? `python -m benchmarks.lessons [FIGURE.svg]`

Chains of `teaching` with 10 to 200 lessons a generation; of each number the share of the first generation's right
answers that is kept after ten, beside nulls that know nothing of learning: a channel without memory that loses in every
generation what was lost in the first (`nulls.after_channels`), and chance. Gradient descent has the rate that was right
most often in the other chains. Intervals of 95 % are over chains.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import mesocosm as mc
from mesocosm.experiments.teaching.declaration import PASSES
from mesocosm.experiments.teaching.measures import of_passes
from mesocosm.experiments.teaching.nulls import after_channels
from mesocosm.protocol.measure import in_windows
from mesocosm.protocol.story import Axis, Curve, Curves
from mesocosm.record import Record
from mesocosm.reports.standalone import svg

LESSONS, CHAINS, GENERATIONS, RULES = (10, 20, 50, 200), 24, 10, ("lstm-0", "class-mean")
NAMES = (*RULES, "gradient, one pass", "gradient, twenty passes")


def right(record: Record) -> np.ndarray:
    """Shares of right answers [learners, chains, generations], the first generation among them, of `NAMES`."""
    c = record.header["configuration"]

    def of(k: int) -> np.ndarray:
        first, later = (in_windows(record, record.metrics[f"{word}_{k}"]) for word in ("first", "right"))
        return np.concatenate([first[:, :1], later], axis=1)

    rules = [of(k) for k in range(len(c["rules"]))]
    for passes in PASSES:
        place = of_passes(c, passes)
        rates = np.stack([of(k) for k in range(place.start, place.stop)])
        ends = rates[:, :, -1]
        tuned = (ends.sum(axis=1, keepdims=True) - ends).argmax(axis=0)
        rules.append(rates[tuned, np.arange(record.replicates)])
    return np.stack(rules)


def interval(shares: np.ndarray, classes: int, less_channel: bool) -> tuple[float, float, float]:
    """Of shares [chains, generations] what is kept in the end, or that less what a channel keeps; 95 % over chains."""

    def of(shares: np.ndarray) -> float:
        first, one = shares[:, 0].mean(), shares[:, 1].mean()
        channel = after_channels(first, one, GENERATIONS, classes) / first if less_channel else 0.0
        return float((shares[:, -1] / shares[:, 0]).mean() - channel)

    draws = np.random.default_rng(0).integers(0, len(shares), (2000, len(shares)))
    low, high = np.quantile([of(shares[drawn]) for drawn in draws], (0.025, 0.975))
    return of(shares), float(low), float(high)


def main() -> None:
    kept: dict[str, list[tuple[float, float, float]]] = {name: [] for name in NAMES}
    nulls: list[float] = []
    print("| lessons | | first | after 1 | after 10 | kept | kept by a channel | kept less it |\n|" + "---|" * 8)
    for lessons in LESSONS:
        with tempfile.TemporaryDirectory() as folder:
            run = mc.run(
                "teaching",
                out=Path(folder) / "run",
                progress=False,
                lessons=lessons,
                replicates=CHAINS,
                ticks=GENERATIONS,
                rules=RULES,
                assays=False,
            )
            found, classes = right(run.record), run.record.header["configuration"]["classes"]
        for name, shares in zip(NAMES, found, strict=True):
            means = " | ".join(f"{shares[:, k].mean():.3f}" for k in (0, 1, -1))
            own, less = interval(shares, classes, False), interval(shares, classes, True)
            kept[name].append(own)
            print(f"| {lessons} | {name} | {means} |", "{:.2f} [{:.2f}, {:.2f}]".format(*own), end=" | ")
            print(f"{own[0] - less[0]:.2f} |", "{:+.2f} [{:+.2f}, {:+.2f}] |".format(*less))
            if name == NAMES[0]:
                nulls.append(own[0] - less[0])
        sys.stdout.flush()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(figure(kept, nulls))


def figure(kept: dict[str, list[tuple[float, float, float]]], channel: list[float]) -> str:
    curves = [Curve(name, *np.array(rows).T) for name, rows in kept.items()]
    curves.append(Curve(f"a channel that loses as {NAMES[0]} does at first", np.array(channel), is_control=True))
    alt = "; ".join(f"{name} keeps {rows[0][0]:.2f} with {LESSONS[0]} lessons" for name, rows in kept.items())
    axes = Axis("lessons a generation"), Axis("share of the first generation's right answers kept", "", 0.0, 1.0)
    return svg(Curves("What is kept after ten generations", f"{alt}.", [str(n) for n in LESSONS], *axes, curves))


if __name__ == "__main__":
    main()
