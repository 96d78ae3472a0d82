"""The witness of `calling`, written from `docs/worlds/calling.md` (and `docs/worlds/petri.md`, 5.5 and 5.8) alone.

What `calling` leaves as it is in `petri` is done by the witness of that world. What bodies hear, what they choose, whom
they take genes from and the fields of their own signals are done here, in NumPy, with what was heard kept in a
dictionary by the id of the body. Docstrings name the section of the page.

    world = found(law, seed=1, replicate=0)
    advance(world, 1000)
    world.heard[id]  # the signal that there was to hear in the last tick
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.reference import petri_phases as phases
from tests.reference import petri_witness as petri
from tests.reference.petri_phases import advance

CHANNELS, FIRST_FIELD, NOISE = 8, 32, 0x40000
RUN, TUMBLE, EMIT_AND_TUMBLE = 0, 1, 3


@dataclass(frozen=True, kw_only=True)
class Law(petri.Law):
    """The numbers and switches of the page besides those of `petri`; a `mute` law has no price and no quanta."""

    n_callers: int = 0
    ears: str = "all"
    hears_trend: bool = False
    reticence: int = 0
    copies: bool = False

    @property
    def n_stimuli(self) -> int:
        return super().n_stimuli * (3 if self.hears_trend else 1)

    @property
    def order(self) -> list[str]:
        """The senses as they form a stimulus, the most significant first."""
        return [s for s in petri.SENSES if s in self.senses] + (["signal_trend"] if self.hears_trend else [])

    @property
    def is_parted(self) -> bool:
        return self.ears in ("own", "others")


class World(phases.World):
    """A replicate with what its bodies heard, and the fields in which signals are parted."""

    law: Law

    def __init__(self, law: Law, seed: int, replicate: int):
        super().__init__(law, seed, replicate)
        self.heard: dict[int, int] = dict.fromkeys(range(1, law.founders + 1), 0)
        self.channels = [np.zeros(law.side**2, np.int32) for _ in range(CHANNELS if law.is_parted else 0)]
        self.met = np.zeros(law.n_stimuli, int)

    def inherit(self, key, before):
        """A child stands where its parent was, and has heard what it heard."""
        for parent, child in self.parents_and_children(before):
            self.heard[child] = self.heard[parent]

    def fields(self):
        """Those of one's own age as the signal does."""
        return super().fields() + [(FIRST_FIELD + k, "signal", channel) for k, channel in enumerate(self.channels)]

    def sense(self, key):
        _sense(self, key)

    def choose(self):
        _choose(self)

    def pay(self):
        super().pay()
        _emit(self)

    def meet(self, key):
        _take(self, key) if self.law.copies else super().meet(key)


def _caller(law: Law) -> np.ndarray:
    """Founders: the genes of one that calls."""
    rows = []
    for stimulus in range(law.n_stimuli):
        digits, rest = {}, stimulus
        for sense in reversed(law.order):
            n = 3 if sense == "signal_trend" else petri.LEVELS[sense]
            digits[sense], rest = rest % n, rest // n
        stays = digits["signal"] > 0 if "signal" in digits else digits["signal_trend"] == 0
        act = EMIT_AND_TUMBLE if digits["odour"] > 0 else TUMBLE if stays else RUN
        rows += [127 if a == act else -128 for a in range(law.n_acts)]
    return np.array(rows, np.int8)


def found(law: Law, seed: int, replicate: int) -> World:
    """Founders"""
    world = World(law, seed, replicate)
    petri._found(world.numbers, *world.key, world.bodies, world.places)
    if law.n_callers:
        world.bodies.genome[: law.n_callers] = _caller(law)
    return world


def _levels(world: World) -> dict[str, np.ndarray]:
    """What there is to hear, and section 3 of `petri`: the level of each sense at each body."""
    law, alive, bodies, places = world.law, world.alive, world.bodies, world.places
    cell = world.scratch.cell[:alive]
    ids, energy, last = (a[:alive].astype(np.int64) for a in (bodies.id, bodies.energy, bodies.last_odour))
    odour, there = places.odour[cell].astype(np.int64), places.signal[cell].astype(np.int64)
    if law.is_parted:
        each = np.array([channel[cell] for channel in world.channels], np.int64)
        own = each[ids % CHANNELS, np.arange(alive)]
        there = own if law.ears == "own" else each.sum(axis=0) - own
    before = np.array([world.heard[i] for i in ids.tolist()])
    world.heard = dict(zip(ids.tolist(), there.tolist(), strict=True))
    bodies.last_odour[:alive] = odour

    def count(amount, limits):
        return sum((amount >= limit).astype(np.int64) for limit in limits)

    return {
        "odour": count(odour, law.odour_levels),
        "trend": np.where(odour + law.trend_margin < last, 0, np.where(odour > last + law.trend_margin, 2, 1)),
        "touch": bodies.touched[:alive].astype(np.int64),
        "signal": count(there, law.signal_levels),
        "energy": sum((4 * energy >= k * law.division_energy).astype(np.int64) for k in (1, 2, 3)),
        "signal_trend": 1 + (there > before) - (there < before),
    }


def _stimulus(law: Law, levels: dict[str, np.ndarray]) -> np.ndarray:
    out = np.zeros_like(levels["odour"])
    for sense in law.order:
        out = out * (3 if sense == "signal_trend" else petri.LEVELS[sense]) + levels[sense]
    return out


def _sense(world: World, key) -> None:
    """What is heard: what is met is recorded, and what minds read is what their ears let through."""
    law, alive, scratch = world.law, world.alive, world.scratch
    levels = _levels(world)
    np.add.at(world.met, _stimulus(law, levels), 1)
    for k, sense in enumerate(s for s in law.order if s in ("signal", "signal_trend")):
        if law.ears == "deaf":
            levels[sense] = np.full(alive, levels[sense][np.argmin(scratch.rank[:alive])])
        elif law.ears == "noise":
            words = [int(petri.threefry(*key, i, NOISE + k)[0]) for i in world.bodies.id[:alive]]
            n = 3 if sense == "signal_trend" else petri.LEVELS[sense]
            levels[sense] = np.array([((a >> 16) * n) >> 16 for a in words])
    scratch.stimulus[:alive] = _stimulus(law, levels)


def _choose(world: World) -> None:
    """What is preferred, and 5.5 of `petri`."""
    law, alive, scratch = world.law, world.alive, world.scratch
    loci = scratch.stimulus[:alive, None] * law.n_acts + np.arange(law.n_acts)
    q = world.bodies.genome[np.arange(alive)[:, None], 0, loci].astype(np.int64)
    q[:, 2:] -= law.reticence
    if law.policy == "argmax":
        scratch.act[:alive] = q.argmax(axis=1)
        return
    e = (q.max(axis=1, keepdims=True) - q) * law.sharpness
    f, i = e & 255, np.minimum(e >> 8, 31)
    ends = np.cumsum((12288 - 32 * f + ((f * f) >> 5)) >> i, axis=1)
    z = ((scratch.word_a[:alive].astype(np.int64) & 0xFFFF) * ends[:, -1]) >> 16
    scratch.act[:alive] = (ends <= z[:, None]).sum(axis=1)


def _emit(world: World) -> None:
    """What there is to hear: an emission goes into the field of who emits, too."""
    law, scratch = world.law, world.scratch
    for place in range(world.alive if law.is_parted else 0):
        if scratch.act[place] >= 2:
            channel = world.channels[int(world.bodies.id[place]) % CHANNELS]
            channel[scratch.cell[place]] += law.emission_quanta
    for channel in world.channels:
        np.minimum(channel, law.cell_capacity, out=channel)


def _take(world: World, key) -> None:
    """What is passed on, and 5.8 of `petri`: the first takes, the last keeps its own."""
    law, bodies, scratch = world.law, world.bodies, world.scratch
    for first, last in world.meetings():
        if int(scratch.word_b[first]) & 0xFFFF >= law.exchange_threshold:
            continue
        world.count[petri.EXCHANGES] += 1
        for locus in range(law.n_loci):
            words = petri.threefry(*key, bodies.id[first], petri.EXCHANGE + (locus >> 5))
            for strand, word in enumerate(words):
                if (int(word) >> (locus & 31)) & 1:
                    bodies.genome[first, strand, locus] = bodies.genome[last, strand, locus]


__all__ = ["Law", "World", "advance", "found", "petri"]
