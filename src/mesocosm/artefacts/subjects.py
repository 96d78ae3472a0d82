"""Worlds, minds and rules as programs to be exported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.artefacts import ArtefactError
from mesocosm.artefacts.program import CASES, NEXT, SCENE, Arrays, Program
from mesocosm.core.checkpoint import named, unnamed
from mesocosm.core.flags import as_it_comes
from mesocosm.core.random import Bits, seed_words
from mesocosm.ecology.ecology import Ecology
from mesocosm.heredity.genomes import EXPRESSED
from mesocosm.minds.mind import Draw, Experience, Mind
from mesocosm.protocol.preparing import law_of
from mesocosm.protocol.reading import after, configuration_of
from mesocosm.protocol.registry import entry_of
from mesocosm.record import FolderError, Record
from mesocosm.record.configuration import to_dict
from mesocosm.record.given import MOST_CLASSES
from mesocosm.rules.outputs import Output, target
from mesocosm.rules.rule import Rule, build_net, sizes_for

MOST_CONNECTIONS = 1 << 23
"""Of a rule: a file of it holds the net nine times, and 2 GiB at most."""


@as_it_comes
def of_run(record: Record, replicate: int = 0) -> list[Program]:
    """The world of a replicate of a finished run, from its end on: its tick, and what its bodies do and learn.

    Raises:
      FolderError: if the run is not finished, or this replicate has no last state.
    """
    law, state, about = last_world(record, replicate)
    programs = [tick_of(law, state, about)]
    return programs + (of_mind(law, state, about) if isinstance(law, Ecology) else [])


@as_it_comes
def last_world(record: Record, replicate: int = 0) -> tuple[Any, Any, dict[str, Any]]:
    """The law of a run after all its interventions, the last state of a replicate, and what they are.

    Raises:
      FolderError: as of `of_run`.
    """
    if record.status != "finished":
        raise FolderError(f"{record.folder}: is {record.status}; finish it first, `mesocosm resume`")
    arrays = record.state
    living = np.asarray(arrays["replicate"]).tolist()
    if replicate not in living:
        there = ", ".join(map(str, living)) or "none"
        raise FolderError(f"{record.folder}: replicate {replicate} has no last state; those that have: {there}")
    lane = living.index(replicate)
    configuration = configuration_of(record)
    lasting = replace(after(configuration, configuration.parsed_interventions()), interventions=())
    law = law_of(entry_of(record), lasting).experiment
    own = {k: np.asarray(v[lane]) for k, v in arrays.items() if k.partition(".")[0] == "state"}
    template = jax.eval_shape(lambda: law.init(Bits.founding(seed_words(0), jnp.uint32(0))))
    state = roomy(law, jax.tree.map(jnp.asarray, unnamed({"state": template}, own)["state"]))
    about = {
        "experiment": record.header["experiment"],
        "configuration": to_dict(lasting),
        "seed": configuration.seed,
        "replicate": replicate,
        "tick": record.tick,
    }
    return law, state, about


def roomy(law: Any, state: Any) -> Any:
    """The state in arrays that need not grow any more, since a file cannot make its own larger."""
    most = int(law.world.ceiling) if isinstance(law, Ecology) else 0
    while isinstance(law, Ecology) and state.world.bodies.id.shape[0] < most:
        state = law.grow(state)
    return state


def tick_of(law: Any, state: Any, about: dict[str, Any]) -> Program:
    """One tick of a world: from seed, replicate, tick and state to the next state, its status, and flows."""
    leaves, treedef = jax.tree.flatten(state)
    names = list(named({"state": state}))
    flows = sorted(jax.eval_shape(lambda bits, s: law.tick(bits, s)[1].flows, Bits.shapes(), state))

    def compute(seed: Any, replicate: Any, tick: Any, *own: Any) -> list[Any]:
        later, told = law.tick(Bits.at(seed, replicate, tick), treedef.unflatten(own))
        return [*jax.tree.leaves(later), law.status(later), *(told.flows[name] for name in flows)]

    begins = _address(about) | dict(zip(names, map(np.asarray, leaves), strict=True))
    outputs = (*(NEXT + name for name in names), "status", *(f"flow.{name}" for name in flows))
    kept = {name: ends for name, ends in law.ranges().items() if f"state.{name}" in names}
    least, most = ({f"state.{name}": ends[k] for name, ends in kept.items()} for k in (0, 1))
    return Program("tick", compute, begins, outputs, about, bool(law.exact), {"tick": 0, **least}, {}, most)


@dataclass(frozen=True)
class Shown:
    """A tick that also tells what is drawn: `compute` and `outputs` for those of its program; `about`, plain values."""

    compute: Any
    outputs: tuple[str, ...]
    about: dict[str, Any]


def shown_of(law: Any, state: Any, program: Program) -> Shown:
    """Its first field, and its first population in space.

    Raises:
      ArtefactError: for a world without bodies in a bounded space.
    """
    scene = jax.eval_shape(law.scene, state)
    points = next((name for name, p in scene.points.items() if {"x", "y"} <= set(p.columns)), None)
    space = scene.space
    if points is None or space is None or space.kind == "plane" or space.parts > 1:
        raise ArtefactError("--to browser: draws points in one bounded space, and this world has none; use --to replay")
    field = next((name for name, f in scene.fields.items() if len(f.values.shape) == 2), None)
    columns = [name for name in ("x", "y", "lineage") if name in scene.points[points].columns]
    treedef, n = jax.tree.structure(state), len(jax.tree.leaves(state))

    def compute(*given: Any) -> list[Any]:
        out = list(program.compute(*given))
        seen = law.scene(treedef.unflatten(out[:n]))
        drawn = [seen.points[points].alive, *(seen.points[points].columns[name] for name in columns)]
        return [*out, *drawn, *([seen.fields[field].values] if field else [])]

    names = [f"{SCENE}{points}.{name}" for name in ("alive", *columns)]
    names += [f"{SCENE}{field}"] if field else []
    about = {"points": f"{SCENE}{points}", "field": f"{SCENE}{field}" if field else ""}
    about |= {"width": space.width, "height": space.height}
    return Shown(compute, (*program.outputs, *names), about)


def of_mind(law: Ecology, state: Any, about: dict[str, Any]) -> list[Program]:
    """What the living bodies do, each under the stimulus that it is given, and how they learn from what they lived."""
    alive = np.flatnonzero(np.asarray(state.world.bodies.alive))
    if not alive.size:
        return []
    mind = law.mind
    brains = jax.tree.map(lambda leaf: np.asarray(leaf)[..., alive], state.brains)
    leaves, treedef = jax.tree.flatten(brains)
    own = dict(zip(named({"brain": brains}), leaves, strict=True))
    own["genome"] = np.asarray(state.genomes)[EXPRESSED, : mind.n_loci][:, alive]
    about = about | {"bodies": alive.size, "stimuli": mind.n_stimuli, "acts": mind.n_acts}
    programs = [_acting(mind, np.asarray(state.world.bodies.id)[alive], own, treedef, about)]
    return programs if type(mind).learn is Mind.learn else [*programs, _learning(mind, own, treedef, about)]


def _acting(mind: Mind, ids: np.ndarray, own: Arrays, treedef: Any, about: dict[str, Any]) -> Program:
    """The acts of bodies, and their brains after that."""
    rng, n = np.random.default_rng(0), ids.size
    words = rng.integers(2**32, size=(CASES, n), dtype=np.uint32)
    brains = [name for name in own if name != "genome"]
    fixed = _address(about)

    def act(*given: Any) -> list[Any]:
        seed, replicate, tick, id, word, stimulus, genome, *brain = given
        bits = Bits.at(seed, replicate, tick)

        def one(genome: Any, brain: Any, seen: Any, id: Any, word: Any) -> Any:
            return mind.act(Draw(bits, id, word), genome, brain, seen)

        each = jax.vmap(one, (1, -1, 0, 0, 0), (-1, 0))
        later, acts = each(genome, treedef.unflatten(brain), stimulus, id, word)
        return [*jax.tree.leaves(later), acts]

    begins = fixed | {"id": ids, "word": words[0], "stimulus": np.zeros(n, np.int32), "genome": own["genome"]}
    begins |= {name: own[name] for name in brains}
    outputs = (*(NEXT + name for name in brains), "act")
    tried = {"word": words, "stimulus": _some(rng, mind.n_stimuli, n)}
    most = {"stimulus": mind.n_stimuli - 1}
    return Program("act", act, begins, outputs, about, True, {"tick": 0, "stimulus": 0}, tried, most)


def _learning(mind: Mind, own: Arrays, treedef: Any, about: dict[str, Any]) -> Program:
    """The brains of bodies after an experience: the stimulus before, the act, what came of it, the stimulus now."""
    rng, n = np.random.default_rng(1), about["bodies"]
    brains = [name for name in own if name != "genome"]
    felt = {f"felt.{name}": 2 for name in mind.doings}

    def learn(*given: Any) -> list[Any]:
        genome, before, act, now, *rest = given
        doings, brain = dict(zip(mind.doings, rest, strict=False)), treedef.unflatten(rest[len(felt) :])

        def one(genome: Any, brain: Any, lived: Any) -> Any:
            seen, acted, came, after = lived
            return mind.learn(genome, brain, Experience(seen, acted, came, after, jnp.bool_(False)))

        return jax.tree.leaves(jax.vmap(one, (1, -1, 0), -1)(genome, brain, (before, act, doings, now)))

    asked = {"before": mind.n_stimuli, "act": mind.n_acts, "now": mind.n_stimuli, **felt}
    tried = {name: _some(rng, below, n) for name, below in asked.items()}
    begins = {"genome": own["genome"], **{name: array[0] for name, array in tried.items()}}
    begins |= {name: own[name] for name in brains}
    least, most = dict.fromkeys(tried, 0), {name: asked[name] - 1 for name in ("before", "act", "now")}
    return Program("learn", learn, begins, tuple(NEXT + name for name in brains), about, True, least, tried, most)


def _address(about: dict[str, Any]) -> Arrays:
    """Of random bits."""
    return {
        "seed": np.asarray(seed_words(about["seed"])),
        "replicate": np.asarray(about["replicate"], np.uint32),
        "tick": np.asarray(about["tick"], np.int32),
    }


def _some(rng: np.random.Generator, below: int, n: int) -> np.ndarray:
    return rng.integers(below, size=(CASES, n)).astype(np.int32)


@as_it_comes
def of_rule(rule: Rule, n_inputs: int, about: dict[str, Any], n_outputs: int = 1) -> list[Program]:
    """The learning step of a rule, and what it answers with what it has learnt: an example at a time.

    A rule that puts things in order learns from pairs `x` [2, n_inputs], and answers a score of one thing.

    Args:
      n_inputs: numbers of an example; where the rule has learnt, as many as it learnt from.
      n_outputs: of a rule that answers numbers: how many.

    Raises:
      ArtefactError: for sizes that do not fit.
    """
    n = _outputs_of(rule, n_inputs, n_outputs)
    learner = rule._ready(n_inputs, np.array([n - 1]) if rule.output == "classes" else np.zeros((1, n)))
    leaves, treedef = jax.tree.flatten(rule._state)
    names = list(named({"state": rule._state}))
    own: Arrays = dict(zip(names, map(np.asarray, leaves), strict=True))

    def learn(x: Any, y: Any, *state: Any) -> Any:
        heard = jnp.concatenate([standardised(x[0]), standardised(x[1])]) if x.ndim == 2 else standardised(x)
        later, answer = learner.learn(treedef.unflatten(state), heard, target(rule.output, y, n, jnp.float32))
        return [*jax.tree.leaves(later), answer]

    def predict(x: Any, *state: Any) -> Any:
        answer = learner.predict(treedef.unflatten(state), standardised(x))
        return [answer, jnp.argmax(answer).astype(jnp.int32)] if rule.output == "classes" else [answer]

    x, pairs, y = _lessons(rule.output, n_inputs, n)
    about = about | {"inputs": n_inputs, "outputs": n, "output": rule.output, "hidden": list(rule.hidden)}
    about |= {"classes": n} if rule.output == "classes" else {}
    kept, answer = tuple(NEXT + name for name in names), _ANSWERS[rule.output]
    least, most = ({"y": 0}, {"y": n - 1}) if rule.output == "classes" else ({}, {})
    begins, taught = {"x": pairs[0], "y": y[0], **own}, {"x": pairs, "y": y}
    outputs = (answer, "class") if rule.output == "classes" else (answer,)
    return [
        Program("learn", learn, begins, (*kept, answer), about, False, least, taught, most),
        Program("predict", predict, {"x": x[0], **own}, outputs, about, False, {}, {"x": x}),
    ]


_ANSWERS = {"classes": "logits", "numbers": "numbers", "order": "score"}
"""What the answer of a rule is called; while it learns from a pair, the score of the first less that of the second."""


def _lessons(output: Output, n_inputs: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Examples [cases, inputs], what is learnt from (the same, or pairs), and what is told of it [cases, ...]."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(CASES, n_inputs)).astype(np.float32)
    if output == "classes":
        return x, x, (np.arange(CASES) % n).astype(np.int32)
    if output == "numbers":
        return x, x, rng.normal(size=(CASES, n)).astype(np.float32)
    pairs = np.stack([x, np.roll(x, 1, axis=0)], axis=1)
    return x, pairs, (np.arange(CASES)[:, None] % 3 / 2).astype(np.float32)


def _outputs_of(rule: Rule, n_inputs: int, n_outputs: int) -> int:
    """How many numbers it answers, if its sizes fit."""
    if rule.output == "classes":
        if rule.classes is None or not 2 <= rule.classes < MOST_CLASSES:
            raise ArtefactError(f"classes = {rule.classes}: must be 2 ... {MOST_CLASSES - 1}")
    elif rule.classes is not None:
        raise ArtefactError(f"classes = {rule.classes}: this rule answers {rule.output}; leave classes out")
    elif rule.output == "numbers" and not 1 <= n_outputs < MOST_CLASSES:
        raise ArtefactError(f"outputs = {n_outputs}: must be 1 ... {MOST_CLASSES - 1}")
    if rule.output != "numbers" and n_outputs != 1:
        raise ArtefactError(
            f"outputs = {n_outputs}: are of a rule that answers numbers; this one answers {rule.output}"
        )
    n = {"classes": rule.classes, "numbers": n_outputs, "order": 1}[rule.output]
    assert n is not None
    if not 1 <= n_inputs <= 1 << 20:
        raise ArtefactError(f"inputs = {n_inputs}: must be 1 ... {1 << 20} numbers of an example")
    sizes = (n_inputs, *rule.hidden, n)
    connections = build_net(rule.form, sizes_for(rule.form, n_inputs, rule.hidden, n)).n_connections
    if connections > MOST_CONNECTIONS:
        told = ", ".join(map(str, sizes))
        raise ArtefactError(
            f"a net of {told} neurons has {connections} connections: must be {MOST_CONNECTIONS} at most; give fewer "
            "--inputs, --hidden, or --classes or --outputs"
        )
    return n


def standardised(x: Any) -> Any:
    """As `Rule.learn` does with an example before it looks at it: mean 0, standard deviation 1, a constant is zero."""
    size = jnp.max(jnp.abs(x))
    scaled = x / jnp.where(size > 0, size, 1)
    centred = scaled - jnp.mean(scaled)
    spread = jnp.sqrt(jnp.mean(centred * centred))
    flat = 8 * np.finfo(np.float32).eps
    return jnp.where(spread > flat, centred / jnp.maximum(spread, flat), 0)
