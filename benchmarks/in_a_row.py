"""Five tasks in a row: what is kept, beside gradient descent and replay.

    python -m benchmarks.in_a_row [SET] [STREAMS]

Each task brings classes of its own; the answer is one of all named so far. At 14x14, published test
images (MESOCOSM_DATA).
Two tables: accuracy over all tasks at the end and what was forgotten; and A, then B, then A again.
"""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.experiments.digits.audit import forgetting
from mesocosm.rivals.features import sight
from mesocosm.rivals.sequence import Pupil, Softmax, in_a_row, kept, tuned_rate
from mesocosm.rules import load as load_rule
from mesocosm.rules.rule import EvolvedRule, build_net
from mesocosm.tasks.sets import load

TASKS, EACH, TESTS, SIDE, KEYS = 5, 40, 60, 14, 128


def pupils(data: Any) -> dict[str, Any]:
    """Rules as they come, and gradient rivals, each with its best rate, on pixels and through the eyes."""
    rule = load_rule("eyes-0")
    glance = sight(EvolvedRule(build_net(rule.form, (SIDE**2, KEYS, 10)), rule.genome))
    seen_by = jax.jit(lambda x: glance(x))

    def look(x: np.ndarray) -> np.ndarray:
        return np.asarray(seen_by(jnp.asarray(x, jnp.float32)))

    out: dict[str, Any] = {
        name: lambda n, name=name, hidden=hidden: load_rule(name, n, hidden)
        for name, hidden in (("eyes-0", (KEYS,)), ("prototypes-0", (KEYS,)), ("class-mean", ()))
    }
    for word, seen in (("pixels", None), ("its eyes", look)):
        for how, stored in (("gradient", 0), ("gradient and replay", KEYS)):

            def made(rate: float, n: int, stored: int = stored, seen: Any = seen) -> Pupil:
                return Softmax(n, rate, stored, look=seen)

            rate = tuned_rate(made, data, TASKS, EACH, TESTS)
            out[f"{how}, {word} (rate {rate:g})"] = lambda n, made=made, rate=rate: made(rate, n)
    return out


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "mnist"
    streams = range(int(sys.argv[2]) if len(sys.argv) > 2 else 20)
    data = load(name, SIDE, "test")
    print(f"{name}: {TASKS} tasks of {EACH} examples, {len(streams)} streams; per cent [95 % of the mean]")
    for pupil, made in pupils(data).items():
        found = in_a_row(made, data, TASKS, EACH, TESTS, streams)
        words = []
        for what, values in kept(found).items():
            spread = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
            words.append(f"{what} {100 * values.mean():.1f} +- {100 * spread:.1f}")
        on_first = " ".join(f"{100 * v:.0f}" for v in found[:, :, 0].mean(axis=0))
        print(f"{pupil:45s} {'; '.join(words)}; on the first task {on_first}", flush=True)
    for rule, hidden in (("eyes-0", (KEYS,)), ("prototypes-0", (KEYS,)), ("class-mean", ())):
        row = forgetting(load_rule(rule, hidden=hidden), data)
        print(f"A, B, A: {rule:20s}", *(f"{what} {100 * v:.1f}" for what, v in row.items()), flush=True)


if __name__ == "__main__":
    main()
