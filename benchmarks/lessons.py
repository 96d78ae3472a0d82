"""How many lessons does a skill need to be kept? `python -m benchmarks.lessons [FIGURE.svg]`

Chains of `teaching` with 10 to 200 lessons a generation; of each number the share of the first generation's right
answers that is kept after ten, beside channels without memory, which lose in every generation what was lost in the
first: one of each class, and one of each class in each chain. Brains are those of `mesocosm run teaching`, judged by
700 images: channels are fitted to every second image, what is kept is of the others. Gradient descent has the rate that
was right most often in the other chains. Intervals of 95 % are over chains.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.core import Bits
from mesocosm.experiments.teaching.declaration import PASSES, TeachingConfiguration
from mesocosm.experiments.teaching.measures import of_passes
from mesocosm.experiments.teaching.system import Chain, Teaching, build
from mesocosm.protocol.story import Axis, Curve, Curves
from mesocosm.reports.standalone import svg

LESSONS, CHAINS, GENERATIONS, IMAGES, RULES = (10, 20, 50, 200), 24, 10, 700, ("lstm-0", "class-mean")
NAMES = (*RULES, "gradient, one pass", "gradient, twenty passes")
DRAWS = 2000


@dataclass(frozen=True)
class Told:
    """What the brains of chains named images, all in the names of the data.

    Args:
      said: [chains, generations, images], the first generation among them; `classes` of a brain that names nothing.
      truth: [chains, images].
      classes: how many there are.
    """

    said: np.ndarray
    truth: np.ndarray
    classes: int

    @property
    def right(self) -> np.ndarray:
        """Right answers to the images that nothing is fitted to [chains, generations]."""
        return (self.said == self.truth[:, None])[..., 1::2].sum(axis=2)


def chains(lessons: int) -> list[Told]:
    """What all learners say, in their order."""
    configuration = TeachingConfiguration(rules=RULES, lessons=lessons, images=IMAGES)
    law, seed = build(configuration).experiment, jnp.array([0, 0], jnp.uint32)
    assert isinstance(law, Teaching)

    def generation(k: jax.Array, state: Chain, tick: jax.Array):
        after = law.tick(Bits.at(seed, k, tick), state)[0]
        return after, law._said(after.minds, after.judged)[:, 0]

    def chain(k: jax.Array):
        begun = law.init(Bits.founding(seed, k))
        said = jax.lax.scan(lambda state, tick: generation(k, state, tick), begun, jnp.arange(GENERATIONS))[1]
        return jnp.concatenate([begun.said[None, :, 0], said]), begun.judged.labels, begun.named

    said, labels, named = map(np.asarray, jax.jit(jax.vmap(chain))(jnp.arange(CHAINS, dtype=jnp.uint32)))
    classes = named.shape[1]
    named = np.concatenate([named, np.full((CHAINS, 1), classes)], axis=1)  # the last is no name
    who = np.arange(CHAINS)[:, None]
    in_data = named[who[..., None], np.swapaxes(said, 1, 2).reshape(CHAINS, -1, IMAGES)]
    in_data = in_data.reshape(CHAINS, said.shape[2], GENERATIONS + 1, IMAGES)
    return [Told(in_data[:, n], named[who, labels], classes) for n in range(said.shape[2])]


def tuned(all_told: list[Told]) -> list[Told]:
    """Of `NAMES`: rules, and gradient descent of each number of passes."""
    out, who = all_told[: len(RULES)], np.arange(CHAINS)
    for passes in PASSES:
        rates = all_told[of_passes({"rules": RULES}, passes)]
        ends = np.stack([told.right[:, -1] for told in rates])
        best = (ends.sum(axis=1, keepdims=True) - ends).argmax(axis=0)
        said = np.stack([told.said for told in rates])[best, who]
        out.append(Told(said, rates[0].truth, rates[0].classes))
    return out


def by_class(told: Told) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of each class in each chain [chains, classes]: of every second image how many there are, are named rightly by the
    first generation, and by the second; of the others how many are by the first.
    """
    is_right = told.said[:, :2] == told.truth[:, None]
    of_class = told.truth[..., None] == np.arange(told.classes)
    fitted, judged = of_class[:, ::2], (is_right[:, 0, 1::2, None] & of_class[:, 1::2]).sum(axis=1)
    first, second = ((is_right[:, g, ::2, None] & fitted).sum(axis=1) for g in (0, 1))
    return fitted.sum(axis=1), first, second, judged


def passed(n: np.ndarray, first: np.ndarray, second: np.ndarray, classes: int) -> np.ndarray:
    """The share s of names that a channel without memory lets pass; it replaces the others by any, all alike.

    Right are 1/C + (first - 1/C) s after it, as in `nulls.after_channels`; s is 0 where the first is at chance.
    """
    above = first - n / classes
    return np.clip(np.where(above > 0, (second - n / classes) / np.where(above > 0, above, 1), 0), 0, 1)


def simulated(told: Told) -> Told:
    """Chains that begin as these, and whose names then go through one true channel of each class."""
    rng, said = np.random.default_rng(1), [told.said[:, 0]]
    n, first, second = (part.sum(axis=0) for part in by_class(told)[:3])
    s = passed(n, first, second, told.classes)[told.truth]
    for _ in range(told.said.shape[1] - 1):
        said.append(np.where(rng.random(s.shape) < s, said[-1], rng.integers(0, told.classes, s.shape)))
    return Told(np.stack(said, axis=1), told.truth, told.classes)


def kept(told: Told) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The share that is kept, when all chains are drawn and in `DRAWS` bootstraps over them [1 + draws]; then that of
    channels of each class, and of channels of each class in each chain.
    """
    right, (n, first, second, judged), chains = told.right, by_class(told), len(told.said)
    drawn = np.random.default_rng(0).multinomial(chains, np.full(chains, 1 / chains), DRAWS)
    weights = np.concatenate([np.ones((1, chains)), drawn]) / chains
    others = (told.truth[:, 1::2, None] == np.arange(told.classes)).sum(axis=1) / told.classes  # right by chance

    def after(s: np.ndarray) -> np.ndarray:
        return (others + (judged - others) * s ** (right.shape[1] - 1)).sum(axis=-1) / right[:, 0]

    common = passed(weights @ n, weights @ first, weights @ second, told.classes)
    of_all, alone = after(common[:, None]), after(passed(n, first, second, told.classes))
    return weights @ (right[:, -1] / right[:, 0]), (weights * of_all).sum(axis=1), weights @ alone


def interval(draws: np.ndarray) -> tuple[float, float, float]:
    """The value, and the 95 % of the bootstrap."""
    low, high = np.quantile(draws[1:], (0.025, 0.975))
    return float(draws[0]), float(low), float(high)


def main() -> None:
    own: dict[str, list[tuple[float, float, float]]] = {name: [] for name in NAMES}
    nulls: list[float] = []
    print("| lessons | | after 0, 1, 10 | kept | less channels of classes | less those of each chain", end=" ")
    print("| of a true channel |\n|" + "---|" * 7)
    for lessons in LESSONS:
        found = {}
        for name, told in zip(NAMES, tuned(chains(lessons)), strict=True):
            share = told.right[:, [0, 1, -1]].mean(axis=0) / (IMAGES // 2)
            found[name], of_all, alone = kept(told)
            own[name].append(interval(found[name]))
            print(f"| {lessons} | {name} |", ", ".join(f"{s:.3f}" for s in share), end=" | ")
            print("{:.2f} [{:.2f}, {:.2f}]".format(*own[name][-1]), end=" | ")
            for null in (of_all, alone):
                told_less = "{:+.2f} [{:+.2f}, {:+.2f}]".format(*interval(found[name] - null))
                print(f"{null[0]:.2f}: {told_less}", end=" | ")
            true = kept(simulated(told))
            print(", ".join(f"{true[0][0] - null[0]:+.2f}" for null in true[1:]), "|")
            if name == NAMES[0]:
                nulls.append(of_all[0])
        pair = interval(found[NAMES[-1]] - found[NAMES[0]])
        print(
            f"{lessons}: {NAMES[-1]} less {NAMES[0]}, in pairs:", "{:+.3f} [{:+.3f}, {:+.3f}]".format(*pair), flush=True
        )
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(figure(own, nulls))


def figure(kept: dict[str, list[tuple[float, float, float]]], channel: list[float]) -> str:
    curves = [Curve(name, *np.array(rows).T) for name, rows in kept.items()]
    curves.append(Curve(f"channels that lose as {NAMES[0]} does at first", np.array(channel), is_control=True))
    alt = "; ".join(f"{name} keeps {rows[0][0]:.2f} with {LESSONS[0]} lessons" for name, rows in kept.items())
    axes = Axis("lessons a generation"), Axis("share of the first generation's right answers kept", "", 0.0, 1.0)
    return svg(Curves("What is kept after ten generations", f"{alt}.", [str(n) for n in LESSONS], *axes, curves))


if __name__ == "__main__":
    main()
