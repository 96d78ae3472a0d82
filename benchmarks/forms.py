"""Does a form of a rule help? `python -m benchmarks.forms FOLDER [CAMPAIGN ...]`, without names: every campaign.

Every arm is SEARCHES independent searches by the gradient through a life, each on training tasks of its own, with
as many evaluations (tasks x examples x generations). The centres are judged on the same held-out tasks. Differences are
of genome i of one arm and genome i of the other on the same streams, with the hierarchical bootstrap over genomes and
streams. What is in FOLDER is not run again. The tables are in docs/results/rule-forms.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from benchmarks import forms_rivals as rivals
from mesocosm.evolution.build import build_searcher
from mesocosm.evolution.parameters import SearchParameters
from mesocosm.rivals.school import prequential_loss
from mesocosm.rivals.table import interval
from mesocosm.rules import handwritten
from mesocosm.rules.form import RuleForm
from mesocosm.rules.net import Genome, Net
from mesocosm.rules.outputs import target
from mesocosm.rules.rule import EvolvedRule, build_net
from mesocosm.tasks.measured import draw_numbers, draw_pairs
from mesocosm.tasks.procedural import draw_clouds
from mesocosm.tasks.sequences import draw_cues
from mesocosm.tasks.sounds import draw_sounds

SEARCHES, STREAMS, JUDGED, SEED = 8, 64, 100, 0
SPREAD = 0.03
"""Standard deviation of the noise on the founding genome."""


@dataclass(frozen=True)
class Arm:
    """One form, and the genome that its searches begin with."""

    form: RuleForm
    founding: Callable[[Net], Genome]
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True)
class Campaign:
    """Arms on tasks of one kind.

    Args:
      draw: (key, examples) -> a stream to learn from, and a stream to be judged by.
      sizes: inputs and outputs of a net.
      quality: (answers, wanted) -> one number, in points: per cent right, 100 R^2, per cent of pairs in order.
      baselines: by name, (x, y, test x) -> answers; after each number of examples.
    """

    draw: Callable[[Any, int], tuple[Any, Any]]
    sizes: tuple[int, int]
    arms: dict[str, Arm]
    quality: Callable[[np.ndarray, np.ndarray], float]
    against: dict[str, tuple[str, ...]]
    baselines: dict[str, Callable[..., np.ndarray]] = field(default_factory=dict)
    shown: tuple[int, ...] = (10, 20, 40)
    generations: int = 120
    tasks: int = 5
    rate: float = 0.01


def lives(arm: Arm, campaign: Campaign) -> tuple[Net, np.ndarray, Any]:
    """The net of an arm, the numbers of its founding genome, and the way back from such numbers."""
    inputs, outputs = campaign.sizes
    net = build_net(arm.form, (inputs // arm.form.steps, *arm.hidden, outputs))
    numbers, whole = ravel_pytree(arm.founding(net))
    return net, np.asarray(numbers), whole


def searched(arm: Arm, campaign: Campaign) -> np.ndarray:
    """The centres of independent searches [searches, d]; the first `SEARCHES` of them."""
    net, founder, whole = lives(arm, campaign)
    parameters = SearchParameters("meta-gradient", rate=campaign.rate, decay=campaign.generations)
    searcher = build_searcher(parameters, founder.size)

    def generation(state: Any, key: Any) -> tuple[Any, None]:
        k_tasks, k_noise, k_step = jax.random.split(key, 3)
        streams = jax.vmap(lambda k: campaign.draw(k, campaign.shown[-1])[0])(jax.random.split(k_tasks, campaign.tasks))
        noise = jax.random.split(k_noise, campaign.tasks)

        def losses(members: Any) -> Any:
            rule = EvolvedRule(net, whole(members[0]))
            lost = jax.vmap(lambda k, s: prequential_loss(rule, k, s, net.sizes[-1], net.output))(noise, streams)
            return jnp.mean(lost)[None]

        return searcher.step(k_step, state, losses)[0], None

    def search(key: Any) -> Any:
        k_found, k_life = jax.random.split(key)
        begun = searcher.found(jnp.asarray(founder) + SPREAD * jax.random.normal(k_found, founder.shape))
        end, _ = jax.lax.scan(generation, begun, jax.random.split(k_life, campaign.generations))
        return searcher.centre(end)

    return np.asarray(jax.jit(jax.vmap(search))(jax.random.split(jax.random.key(SEED), SEARCHES)))


def streams_of(campaign: Campaign) -> tuple[Any, Any]:
    """What all genomes and baselines are judged on."""
    keys = jax.random.split(jax.random.key(SEED + 1), STREAMS)
    return jax.jit(jax.vmap(lambda k: campaign.draw(k, campaign.shown[-1])))(keys)


def judged(arm: Arm, campaign: Campaign, genomes: np.ndarray) -> np.ndarray:
    """Quality [genomes, streams, shown]."""
    net, _, whole = lives(arm, campaign)
    learnt, test = streams_of(campaign)

    def life(genome: Any, key: Any, stream: Any, x: Any) -> Any:
        rule = EvolvedRule(net, whole(genome))
        labels = jax.vmap(lambda y: target(net.output, y, net.sizes[-1], jnp.float32))(stream.labels)

        def part(state: Any, ends: Any) -> Any:
            lesson = lambda k, s: rule.learn(s, stream.inputs[k], labels[k])[0]  # noqa: E731
            state = jax.lax.fori_loop(ends[0], ends[1], lesson, state)
            return state, jax.vmap(lambda one: rule.predict(state, one))(x)

        ends = jnp.array([0, *campaign.shown[:-1]]), jnp.array(campaign.shown)
        return jax.lax.scan(part, rule.begin(key), ends)[1]

    keys = jax.random.split(jax.random.key(SEED + 2), STREAMS)
    over_streams = jax.jit(jax.vmap(life, in_axes=(None, 0, 0, 0)))
    answers = np.stack([np.asarray(over_streams(g, keys, learnt, test.inputs)) for g in genomes])
    return told(campaign, answers, np.asarray(test.labels))


def told(campaign: Campaign, answers: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Quality of answers [genomes, streams, shown, tests, outputs]."""
    out = np.empty(answers.shape[:3])
    for at in np.ndindex(*out.shape):
        out[at] = campaign.quality(answers[at], wanted[at[1]])
    return out


def of_baseline(campaign: Campaign, baseline: Callable[..., np.ndarray]) -> np.ndarray:
    """Quality [1, streams, shown]."""
    learnt, test = (jax.tree.map(np.asarray, part) for part in streams_of(campaign))
    answers = [
        [baseline(learnt.inputs[s, :n], learnt.labels[s, :n], test.inputs[s]) for n in campaign.shown]
        for s in range(STREAMS)
    ]
    return told(campaign, np.asarray(answers)[None], test.labels)


def right(answers: np.ndarray, wanted: np.ndarray) -> float:
    return 100 * float(np.mean(answers.argmax(axis=1) == wanted))


def explained(answers: np.ndarray, wanted: np.ndarray) -> float:
    """100 R^2; an answer that is no number, or wilder than ten deviations, counts as that far away."""
    answer = np.clip(np.nan_to_num(answers[:, 0], nan=10.0), -10, 10)
    return 100 * (1 - float(np.mean((answer - wanted) ** 2) / np.var(wanted)))


def in_order(answers: np.ndarray, wanted: np.ndarray) -> float:
    """Per cent of pairs of test items in the right order (50 (1 + Kendall's tau)); ties are half right."""
    a, w = np.nan_to_num(answers[:, 0]), wanted
    rows, columns = np.triu_indices(len(w), 1)
    signs = np.sign(a[rows] - a[columns]) * np.sign(w[rows] - w[columns])
    return 50 * (1 + float(signs.mean()))


# -- founding genomes --------------------------------------------------------------------------------------------------


def random_features(net: Net) -> Genome:
    """Class means of what hidden neurons answer, over first strengths that stay random: nothing comes back to them."""
    genome = handwritten.class_mean(net)
    for genes in genome.synapse:
        if "spread" in genes:
            genes["spread"] = genes["spread"] + 1.0
    for genes in genome.neuron:
        genes |= {name: 0 * genes[name] for name in ("Q",) if name in genes}
        genes |= {name: 3 * genes[name] for name in ("V",) if name in genes}
    return genome


# -- campaigns ---------------------------------------------------------------------------------------------------------


def clouds(key: Any, n: int) -> tuple[Any, Any]:
    return rivals.cut(draw_clouds(key, n + JUDGED, 4, 25), n)


def sounds(key: Any, n: int) -> tuple[Any, Any]:
    return rivals.cut(draw_sounds(key, n + JUDGED, 4, 24, 1, 1.0), n)


def cues(key: Any, n: int) -> tuple[Any, Any]:
    return rivals.cut(draw_cues(key, n + JUDGED, 4, 12, 3, 0.9), n)


def numbers(key: Any, n: int) -> tuple[Any, Any]:
    return rivals.cut(draw_numbers(key, n + JUDGED, 16), n)


def pairs(key: Any, n: int) -> tuple[Any, Any]:
    return draw_pairs(key, n, 16, 0.3, JUDGED)


def in_a_net(**form: Any) -> Arm:
    base: dict[str, Any] = {"messages": 2, "hidden": 4, "memory": 2}
    return Arm(RuleForm("lstm", **(base | form)), random_features, (12,))


SPLIT = {
    "one genome": in_a_net(),
    "one genome, larger": in_a_net(messages=3, hidden=6, memory=3),
    "per role": in_a_net(per_role=True),
    "per layer": in_a_net(layers=2),
    "two species": in_a_net(species=2),
    "per layer, symmetric": in_a_net(layers=2, symmetric=True),
    "per layer, fixed ways back": in_a_net(layers=2, replies="fixed"),
    "per layer, nothing back": in_a_net(layers=2, replies="none"),
}
SPLIT_AGAINST = {
    "one genome": ("one genome, larger", "per role", "per layer", "two species"),
    "one genome, larger": ("per role", "per layer", "two species"),
    "per layer": ("per layer, symmetric", "per layer, fixed ways back", "per layer, nothing back"),
}


def cued(remembers: Any) -> Arm:
    form = RuleForm("bilinear", messages=2, memory=2, steps=3, remembers=remembers)
    return Arm(form, lambda net: handwritten.traces(net, past=6.0, pace=0.3))


def measured(output: Any, cell: Any = "bilinear", hidden: tuple[int, ...] = ()) -> Arm:
    form = RuleForm(cell, messages=1, memory=2, normalise=False, output=output)
    return Arm(form, lambda net: handwritten.delta(net, 0.4), hidden)


CAMPAIGNS = {
    "split": Campaign(clouds, (25, 4), SPLIT, right, SPLIT_AGAINST, {"class mean": rivals.class_mean}),
    "sounds": Campaign(
        sounds,
        (24, 4),
        {name: SPLIT[name] for name in ("one genome", "per layer", "two species")},
        right,
        {"one genome": ("per layer", "two species")},
        {"class mean": rivals.class_mean, "nearest neighbour": rivals.nearest},
    ),
    "sequences": Campaign(
        cues,
        (36, 4),
        {"memory of the example": cued("example"), "memory of a life": cued("life"), "memory cut": cued("step")},
        right,
        {"memory of the example": ("memory of a life", "memory cut")},
        {"class mean of all steps": rivals.class_mean, "class mean of the last": rivals.last_of(3)},
    ),
    "regression": Campaign(
        numbers,
        (16, 1),
        {"evolved": measured("numbers")},
        explained,
        {},
        {"delta rule, tuned": rivals.delta, "ridge": rivals.ridge, "kernel ridge": rivals.kernel_ridge},
        shown=(10, 20, 50),
    ),
    "ranking": Campaign(
        pairs,
        (16, 1),
        {"evolved": measured("order")},
        in_order,
        {},
        {"logistic, online": rivals.online_order, "logistic, all pairs": rivals.batch_order},
        shown=(10, 20, 50),
    ),
}


def report(name: str, folder: Path) -> None:
    """Run what is missing of a campaign, and print its table."""
    campaign, found, genes, costs = CAMPAIGNS[name], {}, {}, {}
    for arm_name, arm in campaign.arms.items():
        place = folder / f"{name}-{arm_name.replace(', ', '-').replace(' ', '-')}.npz"
        if not place.exists():
            began = time.process_time()
            genomes = searched(arm, campaign)
            founder = lives(arm, campaign)[1][None]
            quality, begun = judged(arm, campaign, genomes), judged(arm, campaign, founder)
            seconds = np.array(time.process_time() - began)
            np.savez(place, genomes=genomes, seconds=seconds, quality=quality, founder=begun)
        with np.load(place) as kept:
            found[arm_name], costs[arm_name] = kept["quality"], float(kept["seconds"])
            found[f"{arm_name}, as founded"] = kept["founder"]
            genes[arm_name] = kept["genomes"].shape[1]
    found |= {of: of_baseline(campaign, baseline) for of, baseline in campaign.baselines.items()}
    evaluations = campaign.generations * campaign.tasks * campaign.shown[-1]
    print(f"\n### {name}: {SEARCHES} searches of {evaluations} evaluations, {STREAMS} streams\n")
    print(f"| | genes | after {' / '.join(map(str, campaign.shown))} | worst | CPU-s |\n|---|---|---|---|---|")
    for arm_name, quality in found.items():
        each = " / ".join(f"{v:.1f}" for v in quality.mean(axis=(0, 1)))
        cost = f"{costs[arm_name]:.0f}" if arm_name in costs else ""
        print(f"| {arm_name} | {genes.get(arm_name, '')} | {each} | {quality.mean(axis=1)[:, -1].min():.1f} | {cost} |")
    print(f"\n| | less | points after {campaign.shown[-1]} | after {campaign.shown[-2]} |\n|---|---|---|---|")
    for control, arms in told_against(campaign).items():
        for arm_name in arms:
            apart = found[arm_name] - found[control]
            cells = ["{:+.1f} [{:+.1f}, {:+.1f}]".format(*interval(apart[:, :, k])) for k in (-1, -2)]
            print(f"| {arm_name} | {control} | {cells[0]} | {cells[1]} |")
    spread = {name: found[name][:, :, -1].mean(axis=1).std(ddof=1) for name in campaign.arms}
    print(
        "\ndeviation between genomes:", ", ".join(f"{name} {value:.2f}" for name, value in spread.items()), flush=True
    )


def told_against(campaign: Campaign) -> dict[str, tuple[str, ...]]:
    """What is set against what: arms, and each arm against its founder and every baseline."""
    first = next(iter(campaign.arms))
    out = {control: arms for control, arms in campaign.against.items()}
    return out | {control: (first,) for control in (f"{first}, as founded", *campaign.baselines)}


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:] or list(CAMPAIGNS)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        report(name, folder)


if __name__ == "__main__":
    main()
