"""Does a form of a rule help? `python -m benchmarks.forms FOLDER [CAMPAIGN ...]`, without names: all but split-again.

Every arm is several independent searches by the gradient through a life, each on training tasks of its own, with
as many evaluations (tasks x examples x generations). The centres are judged on the same held-out tasks. Differences are
of genome i of one arm and genome i of the other on the same streams, with the hierarchical bootstrap over genomes and
streams. What is in FOLDER and was made with the same numbers is not run again; what was made with others is refused.
`benchmarks.forms_told` tells arms apart. The tables are in docs/results/rule-forms.md.
"""

from __future__ import annotations

import argparse
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
from benchmarks.forms_told import Row, digest, kept, table
from mesocosm.evolution.build import build_searcher
from mesocosm.evolution.parameters import SearchParameters
from mesocosm.rivals.school import prequential_loss
from mesocosm.rules import handwritten
from mesocosm.rules.form import RuleForm
from mesocosm.rules.net import Genome, Net
from mesocosm.rules.outputs import target
from mesocosm.rules.rule import EvolvedRule, build_net, sizes_for
from mesocosm.tasks.measured import draw_numbers, draw_pairs
from mesocosm.tasks.procedural import draw_clouds
from mesocosm.tasks.sequences import draw_cues
from mesocosm.tasks.sounds import draw_sounds

JUDGED = 100
SPREAD = 0.03
"""Standard deviation of the noise on the founding genome."""
AGAIN = "split-again"
"""The campaign for one question, with enough power for it: genes for each layer, at equal numbers, on other tasks."""


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
    searches: int = 8
    streams: int = 64
    seed: int = 0


def lives(arm: Arm, campaign: Campaign) -> tuple[Net, np.ndarray, Any]:
    """The net of an arm, the numbers of its founding genome, and the way back from such numbers."""
    inputs, outputs = campaign.sizes
    net = build_net(arm.form, sizes_for(arm.form, inputs, arm.hidden, outputs))
    numbers, whole = ravel_pytree(arm.founding(net))
    return net, np.asarray(numbers), whole


def searched(arm: Arm, campaign: Campaign) -> np.ndarray:
    """The centres of independent searches [searches, d]."""
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

    return np.asarray(jax.jit(jax.vmap(search))(jax.random.split(jax.random.key(campaign.seed), campaign.searches)))


def lost(arm: Arm, campaign: Campaign, genomes: np.ndarray) -> np.ndarray:
    """What a search minimises, of held-out streams: the prequential loss [genomes, streams]."""
    net, _, whole = lives(arm, campaign)
    keys, learnt = jax.random.split(jax.random.key(campaign.seed + 2), campaign.streams), streams_of(campaign)[0]

    def life(genome: Any, key: Any, stream: Any) -> Any:
        return prequential_loss(EvolvedRule(net, whole(genome)), key, stream, net.sizes[-1], net.output)

    over_streams = jax.jit(jax.vmap(life, in_axes=(None, 0, 0)))
    return np.stack([np.asarray(over_streams(g, keys, learnt)) for g in genomes])


def streams_of(campaign: Campaign) -> tuple[Any, Any]:
    """What all genomes and baselines are judged on."""
    keys = jax.random.split(jax.random.key(campaign.seed + 1), campaign.streams)
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

    keys = jax.random.split(jax.random.key(campaign.seed + 2), campaign.streams)
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
        for s in range(campaign.streams)
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
    AGAIN: Campaign(
        clouds,
        (25, 4),
        {name: SPLIT[name] for name in ("one genome, larger", "per layer")},
        right,
        {"one genome, larger": ("per layer",)},
        {"class mean": rivals.class_mean},
        searches=24,
        streams=192,
        seed=1,
    ),
    "sounds": Campaign(
        sounds,
        (24, 4),
        {name: SPLIT[name] for name in ("one genome", "one genome, larger", "per layer")},
        right,
        {"one genome": ("one genome, larger", "per layer"), "one genome, larger": ("per layer",)},
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


def made_with(arm: Arm, campaign: Campaign) -> str:
    """Digest of the form, the founding genome, and every number of the campaign; not of the code."""
    numbers = campaign.sizes, campaign.shown, campaign.generations, campaign.tasks, campaign.rate
    functions = campaign.draw.__name__, campaign.quality.__name__
    constants = campaign.searches, campaign.streams, JUDGED, campaign.seed, SPREAD
    return digest(arm.form, arm.hidden, lives(arm, campaign)[1], numbers, functions, constants)


def run(name: str, arm_name: str, folder: Path) -> dict[str, np.ndarray]:
    """Genomes, quality and loss of an arm, and of its founder: from the folder, or found now."""
    campaign = CAMPAIGNS[name]
    arm, place = campaign.arms[arm_name], folder / f"{name}-{arm_name.replace(', ', '-').replace(' ', '-')}.npz"
    made = made_with(arm, campaign)
    if (before := kept(place, made)) is not None:
        return before
    began = time.process_time()
    genomes, founder = searched(arm, campaign), lives(arm, campaign)[1][None]
    quality, begun = judged(arm, campaign, genomes), judged(arm, campaign, founder)
    losses = lost(arm, campaign, np.concatenate([founder, genomes]))
    seconds = np.array(time.process_time() - began)
    found: dict[str, Any] = {"genomes": genomes, "quality": quality, "founder": begun, "losses": losses}
    found["seconds"] = seconds
    np.savez(place, **found, made_with=np.array(made))
    return found


def report(name: str, folder: Path) -> None:
    """Run what is missing of a campaign, and print its tables."""
    campaign = CAMPAIGNS[name]
    arms = {arm_name: run(name, arm_name, folder) for arm_name in campaign.arms}
    evaluations = campaign.generations * campaign.tasks * campaign.shown[-1]
    print(f"\n### {name}: {campaign.searches} searches of {evaluations} evaluations, {campaign.streams} streams\n")
    shown = " / ".join(map(str, campaign.shown))
    print(f"| | genes | after {shown} | worst | loss | as founded | its loss | CPU-s |")
    print("|---|---|---|---|---|---|---|---|")
    for arm_name, arm in arms.items():
        found, begun = arm["quality"], arm["founder"]
        cells = arm_name, arm["genomes"].shape[1], points(found), f"{found.mean(axis=1)[:, -1].min():.1f}"
        losses = f"{arm['losses'][1:].mean():.3f}", points(begun), f"{arm['losses'][0].mean():.3f}"
        print("|", " | ".join(map(str, (*cells, *losses, f"{arm['seconds']:.0f}"))), "|")
    rivals_found = {of: of_baseline(campaign, baseline) for of, baseline in campaign.baselines.items()}
    for of, found in rivals_found.items():
        print(f"| {of} | | {points(found)} | | | | | |")
    print("", *table(rows_of(campaign, arms, rivals_found), campaign.shown), sep="\n")
    spread = {of: arm["quality"][:, :, -1].mean(axis=1).std(ddof=1) for of, arm in arms.items()}
    print("\ndeviation between genomes:", ", ".join(f"{of} {value:.2f}" for of, value in spread.items()), flush=True)


def rows_of(
    campaign: Campaign, arms: dict[str, dict[str, np.ndarray]], rivals_found: dict[str, np.ndarray]
) -> list[Row]:
    """Arms less each other; the first arm less its founder, and less rivals."""

    def apart(one: str, control: str) -> Row:
        a, b = arms[one], arms[control]
        return Row(one, control, a["quality"] - b["quality"], a["losses"][1:] - b["losses"][1:])

    name, first = next(iter(arms.items()))
    rows = [apart(one, control) for control, those in campaign.against.items() for one in those]
    losses = first["losses"]
    rows.append(Row(name, "as founded", first["quality"] - first["founder"], losses[1:] - losses[:1]))
    return rows + [Row(name, of, first["quality"] - found) for of, found in rivals_found.items()]


def points(quality: np.ndarray) -> str:
    return " / ".join(f"{v:.1f}" for v in quality.mean(axis=(0, 1)))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.forms", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where results are kept")
    parser.add_argument("names", nargs="*", metavar="CAMPAIGN", help=f"{', '.join(CAMPAIGNS)}; none: all but {AGAIN}")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in CAMPAIGNS]:
        parser.error(f"{unknown[0]} is no campaign; there are {', '.join(CAMPAIGNS)}")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name in chosen.names or (name for name in CAMPAIGNS if name != AGAIN):
        report(name, chosen.folder)


if __name__ == "__main__":
    main()
