"""What `soup` is asked, predicts and compares with; all that can be set; and what its record says. No jax.

After B. Agüera y Arcas et al., "Computational life: how well-formed, self-replicating programs emerge from simple
interaction" (arXiv 2406.19108, 2024): replicators in about 40 % of runs of 2^17 tapes within 16k epochs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Measure, Statistic
from mesocosm.record.configuration import Range
from mesocosm.worlds.soup.language import TAPE
from mesocosm.worlds.soup.parameters import SoupParameters

if TYPE_CHECKING:
    import numpy as np

    from mesocosm.record import Record


@dataclass(frozen=True)
class SoupConfiguration(RunConfiguration):
    """Tapes of 64 bytes that meet in pairs, run on each other as one program, and part."""

    replicates: Annotated[int, Range(1, 1 << 20, "replicates", "size")] = 32
    """Independently founded soups."""
    ticks: Annotated[int, Range(1, 2**31 - 1, "epochs")] = 1000
    """Epochs of the run, a multiple of `every`."""
    every: Annotated[int, Range(1, 8192, "epochs", "switch")] = 40
    """Epochs in a window: each window is a row of the metrics."""
    world: SoupParameters = field(default_factory=SoupParameters)
    assays: bool = True
    """Whether the declared controls follow the run; the claims need them."""
    log_births: bool = False
    """Whether it is recorded who copied whom: a birth and a death for each tape that is written over by a copy."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        # no flow of a window is larger: units of 1,024 reads are at most 32 a tape and epoch
        if (most := self.every * self.world.tapes * TAPE) >= 2**31:
            yield (
                f"every = {self.every}: a window could have {most} bytes that cross or are struck, more than int32 "
                "holds; lower every or world.tapes"
            )


def _measures(configuration: Mapping[str, Any]) -> tuple[Measure, ...]:
    return import_module("mesocosm.experiments.soup.measures").measures(configuration)


def _results() -> Any:
    return import_module("mesocosm.experiments.soup.results")


def _came_alive(record: Record, runs: Mapping[str, Record]) -> np.ndarray:
    return import_module("mesocosm.experiments.soup.measures").came_alive(record)


def _taken_over(record: Record, runs: Mapping[str, Record]) -> np.ndarray:
    return import_module("mesocosm.experiments.soup.measures").is_alive(runs["seeded"])[:, -1]


REPLICATES = 32
"""Soups that the claims are stated for: of fewer than 27 not even all could support four of five, at 99 %."""

EPOCHS = 80
"""Of an arm; some begin to be dealt halfway."""


def _arm(**world: Any) -> dict[str, Any]:
    """Short: a replicator that spreads at all has done so in 80 epochs, and has most of its order in 40."""
    return {"ticks": EPOCHS, "every": 40, "world": {"seeded": 32, **world}}


ARMS = {
    "seeded": {**_arm(), "frames_every": 2},
    "inert": _arm(copying=False),
    "dealt": _arm() | {"interventions": [f"{EPOCHS // 2}:world.dealing=true"]},
    "shallow": _arm(depth=2),
    "still": _arm(mutation=0.0),
}


def _above(arm: str, name: str, sentence: str, control: str) -> Claim:
    return Claim(
        name,
        sentence,
        control=control,
        statistic="higher-order entropy in bits a byte after 80 epochs of soups with 32 hand-written replicators, less "
        f"that of the same soups in the arm `{arm}`",
        delta=0.5,
        unit="bits a byte",
        replicates=REPLICATES,
        value=Statistic("higher", run="seeded", against=arm),
    )


CLAIMS = (
    Claim(
        "emerges",
        "replicators emerge in two of five soups of random bytes or more",
        control="the published share of soups of 2^17 tapes in 16k epochs",
        statistic="whether in two windows that follow each other the higher-order entropy is above 1 bit a byte, and "
        "5 % of the tapes or more are written over by copies in an epoch",
        delta=0.4,
        kind="fraction",
        replicates=REPLICATES,
        value=_came_alive,
    ),
    Claim(
        "spreads",
        "a hand-written replicator takes four of five soups or more",
        control="the criterion",
        statistic="whether both hold in the soup with 32 hand-written replicators after 80 epochs",
        delta=0.8,
        kind="fraction",
        replicates=REPLICATES,
        value=_taken_over,
    ),
    _above("inert", "copying", "copying makes order", "soups in which the two instructions that copy do nothing"),
    _above("dealt", "inheritance", "inheritance makes order", f"soups dealt anew from epoch {EPOCHS // 2} on"),
    _above("shallow", "ancestry", "a long ancestry makes order", "soups in which copies of copies end at two"),
)

DECLARATION = Declaration(
    name="soup",
    title="A soup of programs",
    question="Do programs that copy themselves take over a soup of random bytes, sown or by themselves?",
    prediction="in some soups replicators emerge (published: about 40 % of runs of 2^17 tapes in 16k epochs); where "
    "some are sown they take the soup, but not without copying, inheritance or a long ancestry",
    control="the same soups without the instructions that copy, with their bytes dealt out anew in every epoch once "
    "replicators have spread, and with copies of copies that end at two",
    configuration=SoupConfiguration,
    columns={
        "kiloreads": "bytes read by all pairs in the window, in 1,024",
        "births": "tapes written over by a copy in the window",
        "undone": "copies taken back, where inheritance is broken",
        "strikes": "bytes struck in the window",
        "crossed": "bytes that came over with copies from elsewhere",
        "zeros": "tapes of nothing but zeros at the end of the window",
        "tokens": "bytes of different descent at the end of the window",
        "entropy": "Shannon's entropy of the bytes, in 1/256 bit",
        "higher": "higher-order entropy, in 1/256 bit a byte",
        "births.*": "of a tape that was written over by a copy: itself, its parent, and what it holds",
        "deaths.id": "of the tape that was written over",
    },
    measures=_measures,
    claims=CLAIMS,
    under=lambda c: () if c.world.seeded else CLAIMS,
    asks_first="spreads",
    answers={
        "supported": "Sown replicators take over soups of random bytes",
        "refuted": "Sown replicators do not take over soups of random bytes",
        "undecided": "Whether sown replicators take over such soups is undecided",
    },
    arms=ARMS,
    results=_results,
    presets={
        "default": {},
        "quick": {"replicates": 8, "ticks": 240},
        "seeded": {"replicates": 8, "ticks": 160, "every": 5, "frames_every": 4, "world": {"seeded": 16}},
        "paper": {"ticks": 16384, "every": 128},
    },
    noun="soups",
    seen="Of tapes a row is some, a pixel a byte: dark is no instruction, each colour one. Of descent, bytes of "
    "one colour come from one founding tape.",
    about="A soup is many tapes of 64 random bytes. In every epoch they meet in pairs; two tapes end to end are one "
    "program, in a language with ten instructions that move two heads, add, copy and loop; they run, and they part. "
    "Nothing is scored, and nothing is copied but by programs. A few bytes are struck by chance.",
    trial=Trial(
        {
            "": {
                "every": 10,
                "frames_every": 4,
                "log_births": True,
                "world": {"tapes": 16, "seeded": 2, "mutation": 0.01},
            },
        },
        interventions=("20:world.mutation=0.5",),
    ),
)
