"""The tables of docs/results/eyes.md.

    python -m benchmarks.eyes_tables RUN...     # runs of digits-shown by rules with eyes
    python -m benchmarks.eyes_tables thousand   # MNIST, up to a thousand examples, without rivals

For every way to see, the best of its judges after each number of examples, and the rules less it (hierarchical
bootstrap, as in the report), in per cent and points.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import numpy as np
from jax import Array

from mesocosm import rules
from mesocosm.record import load
from mesocosm.rivals.learners import OWN, WAYS, is_by_gradient
from mesocosm.rivals.school import hits_after
from mesocosm.rivals.table import Shown, differences, grade, interval, shown_of
from mesocosm.rules.rule import EvolvedRule, build_net
from mesocosm.tasks.sets import load as load_data
from mesocosm.tasks.streams import Pool

BLIND = "pixels"


def way_of(family: str) -> tuple[str, str]:
    """How a rival sees, and its judge."""
    judge, _, way = family.partition(" of ")
    if is_by_gradient(family):
        return f"online gradient, {way or BLIND}", judge
    if way in WAYS:
        return way, judge
    return ("ProtoNet", "") if family.startswith("ProtoNet") else (BLIND, judge)


def rows(found: Shown) -> list[str]:
    """A row of each way, the best first."""
    ways: dict[str, list[str]] = {}
    for family in found.families:
        ways.setdefault(way_of(family)[0], []).append(family)
    order = sorted(ways, key=lambda w: -max(found.families[f][:, 1].mean() for f in ways[w]))
    out = []
    for way in order:
        cells, less = [], []
        for k in range(found.shown.size):
            best = max(ways[way], key=lambda f: found.families[f][:, k].mean())
            accuracy = found.families[best][:, k]
            cells.append(f"{100 * accuracy.mean():.1f} {way_of(best)[1]}".strip())
            mean, low, high = (100 * v for v in interval(found.rules[:, :, k] - accuracy[None]))
            less.append(f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]")
        out.append(f"| {way} | {' | '.join(cells)} | {'; '.join(less)} |")
    return out


def thousand(streams: int = 10, images: int = 200) -> None:
    """Accuracy of the six shipped rules with 128 keys in each level, and of two with 512, on MNIST's test images."""
    pool, shown = Pool.of(load_data("mnist", 14, "test")), (50, 100, 200, 500, 1000)
    for keys, names in ((128, range(6)), (512, range(2))):
        found = []
        for name in names:
            rule = rules.load(f"eyes-{name}")
            learner = EvolvedRule(build_net(rule.form, (196, keys, 10)), rule.genome)

            @jax.jit
            def hits(key: Array, learner: EvolvedRule = learner) -> Array:
                return hits_after(learner, key, pool.draw(key, max(shown) + images, 10), shown, 10)

            found.append(np.mean([hits(jax.random.key(s)) for s in range(streams)], axis=0) * 100 / images)
        print(
            f"{keys} keys, after {shown}: mean {np.round(np.mean(found, 0), 1)}, worst {np.round(np.min(found, 0), 1)}"
        )


def main() -> None:
    if sys.argv[1:] == ["thousand"]:
        thousand()
        return
    for folder in sys.argv[1:]:
        record = load(Path(folder))
        found = shown_of(record)
        own = 100 * found.rules.mean(axis=1)
        cells = [f"**{v.mean():.1f}** ({v.min():.1f} to {v.max():.1f})" for v in own.T]
        print(f"\n{record.header['configuration']['data']}: {grade(found)}, digest {record.header.get('digest', '')}")
        print(
            f"| after | {' | '.join(map(str, found.shown))} | rules less it |\n|---|{'---|' * (found.shown.size + 1)}"
        )
        print(f"| **rules with eyes** | {' | '.join(cells)} | |")
        print("\n".join(rows(found)))
        for kind in ("online gradient", "baseline"):
            for d in differences(found, kind):
                values = ", ".join(f"{100 * v:+.2f}" for v in (d.mean, d.low, d.high, d.worst))
                print(f"after {d.n}: less the best {kind}, {d.rival}: {values} (mean, interval, worst rule)")
        others = {f: v for f, v in found.families.items() if not f.endswith(f" of {OWN}")}
        for d in differences(Shown(found.shown, found.rules, others, {}), "baseline"):
            print(
                f"after {d.n}, other eyes: less {d.rival} "
                + ", ".join(f"{100 * v:+.1f}" for v in (d.mean, d.low, d.high))
            )
        assert np.isfinite(own).all()


if __name__ == "__main__":
    main()
