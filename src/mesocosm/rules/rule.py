"""An evolved rule in one's own hands: `rule.learn(x, y)`, `rule.predict(x)`, and the small file it is kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, overload

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.core.flags import as_it_comes
from mesocosm.record.configuration import check, from_dict
from mesocosm.record.errors import MesocosmError, StorageError
from mesocosm.record.files import write_whole
from mesocosm.rules.answers import Answers
from mesocosm.rules.brain import Brain, BrainGenome, build_brain
from mesocosm.rules.examples import RuleError, heard, lessons, padded
from mesocosm.rules.files import checked_sum, digest, read_gene, text_of, written_gene
from mesocosm.rules.form import BrainForm, RuleForm
from mesocosm.rules.net import Genome, Net
from mesocosm.rules.neurons import Neuron
from mesocosm.rules.outputs import Output, target
from mesocosm.rules.synapses import BilinearSynapse, HebbianSynapse, LSTMSynapse, Synapse

FORMAT = "mesocosm rule 1"
Form = RuleForm | BrainForm
"""Of a rule that is one for all synapses and neurons, or of a brain with areas."""

FORMS: dict[str, type[Form]] = {"net": RuleForm, "brain": BrainForm}
"""What a file may hold, by the word in it."""


@overload
def build_net(form: RuleForm, sizes: tuple[int, ...]) -> Net: ...
@overload
def build_net(form: BrainForm, sizes: tuple[int, ...]) -> Brain: ...
def build_net(form: Form, sizes: tuple[int, ...]) -> Net | Brain:
    """A rule of this form at work in a net of these sizes.

    Raises:
      ConfigurationError: for a form that is not permitted.
      RuleError: for sizes that are none, or no square image where the form has fields.
    """
    check(form)
    try:
        return build_brain(form, sizes) if isinstance(form, BrainForm) else _net(form, sizes)
    except ValueError as error:
        raise RuleError(str(error)) from None


def sizes_for(form: Form, numbers: int, hidden: tuple[int, ...], outputs: int) -> tuple[int, ...]:
    """Of a net that hears examples of so many numbers, in as many steps as its form says.

    Raises:
      RuleError: where the numbers are no whole number of steps.
    """
    steps = form.steps if isinstance(form, RuleForm) else 1
    if numbers % steps:
        raise RuleError(
            f"examples have {numbers} numbers, and this rule hears them in {steps} steps of equal length; give a "
            f"multiple of {steps}, or take another rule"
        )
    return numbers // steps, *hidden, outputs


def _net(form: RuleForm, sizes: tuple[int, ...]) -> Net:
    shape = {"messages": form.messages, "symmetric": form.symmetric}
    if form.cell == "lstm":
        synapse: Synapse = LSTMSynapse(**shape, hidden=form.hidden, fast=form.fast)
    else:
        synapse = {"bilinear": BilinearSynapse, "hebbian": HebbianSynapse}[form.cell](**shape)
    neuron = Neuron(form.messages, form.memory)
    how = ("ticks", "normalise", "per_role", "compete", "fields", "winners", "layers", "species")
    how += ("replies", "output", "steps", "remembers")
    return Net(synapse, neuron, sizes, **{name: getattr(form, name) for name in how})


class EvolvedRule(eqx.Module):
    """A net with a genome, in the harness that every learner shares: begin, learn, predict."""

    net: Net | Brain
    genome: Any

    @property
    def dtype(self) -> Any:
        """Of its numbers."""
        return jax.tree.leaves(self.genome)[-1].dtype

    @property
    def output(self) -> Output:
        """What it answers."""
        return "classes" if isinstance(self.net, Brain) else self.net.output

    @property
    def heard(self) -> int:
        """Numbers of an example; of a pair, of each of the two."""
        return self.net.sizes[0] if isinstance(self.net, Brain) else self.net.heard

    def begin(self, key: Any) -> Any:
        return self.net.start(self.genome, key)

    def predict(self, state: Any, x: Any) -> Any:
        return self.net.predict(self.genome, state, x)

    def learn(self, state: Any, x: Any, label: Any) -> tuple[Any, Any]:
        return self.net.learn(self.genome, state, x, label)


@eqx.filter_jit
def _learn_all(learner: EvolvedRule, state: Any, inputs: Any, labels: Any, n: Any) -> Any:
    """The state after the first n examples of padded ones."""

    def lesson(k: Any, state: Any) -> Any:
        label = target(learner.output, labels[k], learner.net.sizes[-1], inputs.dtype)
        return learner.learn(state, inputs[k], label)[0]

    return jax.lax.fori_loop(0, n, lesson, state)


@dataclass
class Rule:
    """An evolved rule: it learns from examples one at a time, in one pass, and stores none of them.

    >>> import numpy as np
    >>> from mesocosm import rules
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(60, 9)), np.arange(60) % 3
    >>> x[:, :3] += 3 * np.eye(3)[y]
    >>> rule = rules.load("class-mean")
    >>> float(np.mean(rule.learn(x[:30], y[:30]).predict(x[30:]) == y[30:])) > 0.8
    True

    Args:
      form: which cell, how many messages.
      genome: its numbers.
      made: how it was made: command, seed, data, curves.
      classes: how many there are (default: the largest label of the first call, and one).
      hidden: neurons in each hidden level.
      seed: of the random initial state of hidden levels.
    """

    form: Form
    genome: Genome | BrainGenome
    made: dict[str, Any] = field(default_factory=dict)
    classes: int | None = None
    hidden: tuple[int, ...] = ()
    seed: int = 0
    _learner: EvolvedRule | None = field(default=None, repr=False)
    _state: Any = field(default=None, repr=False)
    _answers: Answers | None = field(default=None, repr=False, compare=False)

    @as_it_comes
    def learn(self, x: Any, y: Any) -> Rule:
        """Learn from examples in their order. Further calls go on from there.

        Args:
          x: [examples, ...] numbers; each example is standardised by itself. Of a rule that puts things in order: pairs
            [pairs, 2, ...].
          y: [examples] whole numbers from 0; of a rule that answers numbers: these, [examples] or [examples, numbers];
            of one that puts things in order: 1 where the first of a pair is above the second, 0 where it is below.

        Raises:
          RuleError: for shapes that do not fit, values that are not finite, labels out of range, no examples.
        """
        x, y = lessons(self.output, x, y)
        n_heard = x.shape[1] // (2 if self.output == "order" else 1)
        learner = self._ready(n_heard, y)
        if self.output == "classes" and y.max() >= learner.net.sizes[-1]:
            raise RuleError(
                f"y: label {int(y.max())} is beyond the {learner.net.sizes[-1]} classes that this rule began with; "
                "give `classes` when it is loaded"
            )
        if self.output == "numbers" and y.shape[1] != (n := learner.net.sizes[-1]):
            raise RuleError(f"y: has {y.shape[1]} numbers an example; this rule began with {n}")
        told = padded(x, learner.dtype), padded(y, jnp.int32 if self.output == "classes" else learner.dtype)
        self._state = _learn_all(learner, self._state, *told, jnp.int32(len(x)))
        return self

    @property
    def output(self) -> Output:
        """What it answers: classes, numbers, or scores that put things in order."""
        return self.form.output if isinstance(self.form, RuleForm) else "classes"

    def logits(self, x: Any) -> np.ndarray:
        """[examples, outputs]; what is learnt stays as it is. Errors as of `learn`, and if nothing was learnt yet."""
        x = heard(x)
        if self._learner is None:
            raise RuleError("this rule has seen no example yet; call learn(x, y) first")
        if x.shape[1] != (n := self._learner.heard):
            raise RuleError(f"x: has {x.shape[1]} numbers an example; this rule has learnt from {n}")
        told = padded(x, self._learner.dtype)
        answers = self._answers
        if answers is None or answers.learner is not self._learner:
            answers = self._answers = Answers(self._learner)
        return np.asarray(answers(self._state, told))[: len(x)]

    def predict(self, x: Any) -> np.ndarray:
        """The class of each example, int64 [examples]; numbers; or scores [examples]. Errors as of `logits`."""
        answers = self.logits(x)
        if self.output == "classes":
            return answers.argmax(axis=1)
        return answers[:, 0] if answers.shape[1] == 1 else answers

    def fresh(self) -> Rule:
        """The same rule in a net that has seen nothing."""
        return replace(self, _learner=None, _state=None, _answers=None)

    def memory(self) -> dict[str, np.ndarray]:
        """What it has learnt, as arrays by name, to be kept and given to `remember`; none before it has learnt."""
        if self._learner is None:
            return {}
        leaves = enumerate(jax.tree.leaves(self._state))
        of = {"form": digest(self.form), "sizes": np.array(self._learner.net.sizes)}
        return of | {f"state.{k}": np.asarray(leaf) for k, leaf in leaves}

    @as_it_comes
    def remember(self, memory: Mapping[str, np.ndarray]) -> Rule:
        """The same rule, knowing what another of its kind has learnt.

        Raises:
          RuleError: if the arrays are not what `memory` of a rule of this form gives.
        """
        rule = self.fresh()
        if not memory:
            return rule
        try:
            sizes = tuple(int(n) for n in memory["sizes"])
            rule._learner = EvolvedRule(build_net(self.form, sizes), self.genome)
            template, treedef = jax.tree.flatten(jax.eval_shape(rule._learner.begin, jax.random.key(self.seed)))
            leaves = [np.asarray(memory[f"state.{k}"]) for k in range(len(template))]
        except (KeyError, TypeError, ValueError) as error:
            raise RuleError(f"this memory is none of this rule ({error}); begin anew") from None
        is_alike = np.array_equal(memory.get("form", of := digest(self.form)), of)  # older ones do not say
        if not is_alike or any(
            leaf.shape != like.shape or leaf.dtype != like.dtype for leaf, like in zip(leaves, template, strict=True)
        ):
            raise RuleError("this memory is of a rule of another form; load the rule that it was made with")
        rule._state = treedef.unflatten([jnp.asarray(leaf) for leaf in leaves])
        return rule

    def _ready(self, n_heard: int, y: np.ndarray) -> EvolvedRule:
        if self._learner is None:
            if isinstance(self.form, RuleForm) and self.form.compete and not self.hidden:
                raise RuleError("hidden: this rule keeps what it learns in hidden neurons; load it with hidden=(128,)")
            sizes = sizes_for(self.form, n_heard, self.hidden, self._outputs(y))
            self._learner = EvolvedRule(build_net(self.form, sizes), self.genome)
            self._state = self._learner.begin(jax.random.key(self.seed))
        elif n_heard != self._learner.heard:
            raise RuleError(f"x: has {n_heard} numbers an example; this rule began with {self._learner.heard}")
        return self._learner

    def _outputs(self, y: np.ndarray) -> int:
        """Output neurons for such labels."""
        if self.output != "classes":
            if self.classes is not None:
                raise RuleError(f"classes = {self.classes}: this rule answers {self.output}; leave classes out")
            return y.shape[1]
        classes = self.classes if self.classes is not None else int(y.max()) + 1
        if classes < 2:
            raise RuleError("y: holds one class only; give two or more, or `classes` when the rule is loaded")
        return classes

    def save(self, path: str | Path) -> None:
        """Write the rule into a small file, beside and then renamed: never half of it."""
        target = Path(path)
        leaves = [written_gene(np.asarray(leaf)) for leaf in jax.tree.leaves(self.genome)]
        form, of = asdict(self.form), next(word for word, kind in FORMS.items() if isinstance(self.form, kind))
        content = {"format": FORMAT, "of": of, "form": form, "genes": leaves}
        content |= {"made": self.made, "sha256": checked_sum(form, leaves)}
        text = json.dumps(content)
        try:
            write_whole(target, f"{text}\n".encode())
        except StorageError as error:
            why = getattr(error.__cause__, "strerror", error)
            raise RuleError(f"{target}: cannot be written ({why}); choose another place") from None


def shipped() -> list[str]:
    """The names of the rules that come with the project."""
    return sorted(p.name.removesuffix(".json") for p in _folder().iterdir() if p.name.endswith(".json"))


@as_it_comes
def load(
    name: str | Path,
    classes: int | None = None,
    hidden: tuple[int, ...] = (),
    seed: int = 0,
    channels: int = 0,
    winners: int = 0,
    output: Output | None = None,
) -> Rule:
    """A rule that comes with the project, by name, or one from a file.

    Args:
      classes, hidden, seed: as of `Rule`.
      channels: neurons of fields that look at the same place (0: as many as the rule was evolved with).
      winners: hidden neurons that answer and learn at once, where they compete (0: as the rule was evolved). In nets of
        many more neurons than that, small shares of many add up until they drown the answer: take 4 there.
      output: what it must answer; None: whatever it does.

    Raises:
      RuleError: if there is none of this name, the file is damaged or of another version, has no fields to multiply
        or no neurons that compete, or answers something else.
      ConfigurationError: for numbers of channels or winners that are not permitted.
    """
    there = _folder() / f"{name}.json"
    path = Path(name)
    try:
        text = there.read_text("utf-8") if str(name) in shipped() else text_of(path)
    except (OSError, ValueError) as error:  # no file, no plain one, no text
        why = getattr(error, "strerror", None) or error
        raise RuleError(
            f"{name}: is neither a file that can be read ({why}) nor a rule that comes with the project: "
            f"{', '.join(shipped())}"
        ) from None
    form, genome, made = _parsed(str(name), text)
    form = _at_work(name, form, channels, winners)
    if output not in (None, answers := form.output if isinstance(form, RuleForm) else "classes"):
        raise RuleError(f"the rule {name} answers {answers}, and {output} are needed here; take another rule")
    return Rule(form, genome, made, classes, hidden, seed)


def _at_work(name: str | Path, form: Form, channels: int, winners: int) -> Form:
    """The form in a net of more neurons of fields, or with fewer winners, than it was evolved in."""
    if channels:
        if not isinstance(form, RuleForm) or not form.fields.channels:
            raise RuleError(f"channels = {channels}: the rule {name} has no fields; leave channels at 0")
        form = replace(form, fields=replace(form.fields, channels=channels))
    if winners:
        if not isinstance(form, RuleForm) or not form.compete:
            none = f"no neurons of the rule {name} compete"
            raise RuleError(f"winners = {winners}: {none}; take a rule of prototypes, or leave winners at 0")
        form = replace(form, winners=winners)
    check(form)
    return form


def _folder() -> Any:
    return resources.files("mesocosm.rules") / "shipped"


def _least_sizes(form: Form) -> tuple[int, ...]:
    """Of a net that has all that genes of this form are for."""
    if isinstance(form, BrainForm):
        return form.side**2, 2
    levels = form.layers - 1 if form.layers else int(form.species > 1)
    return form.fields.width**2, *(levels * [max(form.species, form.winners)]), 2


def _parsed(name: str, text: str) -> tuple[Form, Any, dict[str, Any]]:
    try:
        data = json.loads(text)
        version = data["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RuleError(f"{name}: is no rule file, or a damaged one; fetch or save it again") from None
    if version != FORMAT:
        raise RuleError(f"{name}: is of the version {version!r}, this is {FORMAT!r}; use the mesocosm that saved it")
    try:
        if "sha256" in data and data["sha256"] != checked_sum(data["form"], data["genes"]):
            raise ValueError
        form = from_dict(FORMS[data.get("of", "net")], data["form"])
        template = jax.eval_shape(build_net(form, _least_sizes(form)).found, jax.random.key(0))
        genes = [read_gene(values) for values in data["genes"]]
        leaves, treedef = jax.tree.flatten(template)
        if [g.size for g in genes] != [leaf.size for leaf in leaves] or not all(np.isfinite(g).all() for g in genes):
            raise ValueError
        made = dict(data.get("made", {}))
    except (MesocosmError, ValueError, KeyError, TypeError, OverflowError, AttributeError, RecursionError):
        raise RuleError(f"{name}: its genes do not fit its form; the file is damaged: fetch or save it again") from None
    genome = treedef.unflatten([jnp.asarray(g.reshape(leaf.shape)) for g, leaf in zip(genes, leaves, strict=True)])
    return form, genome, made


__all__ = ["EvolvedRule", "Rule", "RuleError", "build_net", "load", "shipped", "sizes_for"]
