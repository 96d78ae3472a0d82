"""How the senses of a body are wired to a net, what its genes are called, and nets written by hand. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np

from mesocosm.minds.pupil.parameters import RULE
from mesocosm.record import ConfigurationError

ACTS = ("run", "tumble")


class Sensed(Protocol):
    """What is asked of a sense."""

    @property
    def n_levels(self) -> int: ...
    def told(self) -> list[str]: ...


@dataclass(frozen=True)
class Wiring:
    """Which inputs a stimulus becomes: one a level, and one for a sense of two levels.

    Args:
      levels: of each sense, in the order in which they form a stimulus.
      inputs: what each input is called.
    """

    levels: tuple[int, ...]
    inputs: tuple[str, ...]

    @staticmethod
    def of(senses: Sequence[Sensed]) -> Wiring:
        """Of these senses, in the order in which they form a stimulus."""
        names = [told[-1:] if len(told) == 2 else told for told in (sense.told() for sense in senses)]
        return Wiring(tuple(sense.n_levels for sense in senses), tuple(name for told in names for name in told))

    @property
    def n_stimuli(self) -> int:
        return prod(self.levels)

    @property
    def n_inputs(self) -> int:
        return len(self.inputs)

    def places(self) -> Iterator[tuple[int, int]]:
        """Of each sense: how many levels it has, and what its digit of the stimulus is multiplied by."""
        for k, n_levels in enumerate(self.levels):
            yield n_levels, prod(self.levels[k + 1 :])


def gene_names(wiring: Wiring, hidden: int, n_acts: int) -> list[str]:
    """What each locus is called, in order."""
    acts = [f"{word}{' and emit' if k >= 2 else ''}" for k, word in ((k, ACTS[k & 1]) for k in range(n_acts))]
    names = [f"{told} to neuron {j}" for j in range(hidden) for told in wiring.inputs]
    return [*names, *(f"neuron {j} to {to}" for to in (*acts, "value") for j in range(hidden)), *RULE]


def written(text: str, wiring: Wiring, hidden: int, n_acts: int) -> np.ndarray:
    """The genes of a net written by hand, `taste nothing=-127,actor=127,food=127`.

    Each input has a neuron of its own. The name of an input says what is done there: 127 to tumble, -127 to run; the
    name of a gene of the rule says that gene; what is not named is 0.

    Raises:
      ConfigurationError: for a name that is none, a number that is no gene, or fewer neurons than inputs.
    """
    n = wiring.n_inputs
    if hidden < n:
        raise ConfigurationError(
            f"genotypes: {hidden} neurons; a net written by hand has one an input, {n}; set hidden"
        )
    genes = np.zeros(hidden * (n + n_acts + 1) + len(RULE), np.int16)
    genes[: hidden * n].reshape(hidden, n)[np.arange(n), np.arange(n)] = 127
    acts = genes[hidden * n :][: hidden * n_acts].reshape(n_acts, hidden)
    acts[2:] = -128  # a net written by hand is silent
    for name, value in _given(text, (*wiring.inputs, *RULE)):
        if name in wiring.inputs:
            i = wiring.inputs.index(name)
            acts[:2, i] = -value, value
        else:
            genes[genes.size - len(RULE) + RULE.index(name)] = value  # pyright: ignore[reportArgumentType]
    return np.clip(genes, -128, 127).astype(np.int8)


def _given(text: str, known: Sequence[str]) -> Iterator[tuple[str, int]]:
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (word.strip() for word in part.partition("="))
        try:
            value = int(number)
        except ValueError:
            value = 1 << 16
        if name not in known or not -128 <= value <= 127:
            raise ConfigurationError(
                f"genotypes = {text!r}: {part!r} must be name=number, a whole number -128 ... 127; names are "
                + ", ".join(known)
            )
        yield name, value
