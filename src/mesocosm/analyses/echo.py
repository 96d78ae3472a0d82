"""How fast a flipped bit destroys an echo: worlds are run to several turns, disturbed, and run back.

At each turn n bits are flipped and the law leads back. What is kept of the echo is the share of the rise of entropy
that is undone at the end. On the way back from the last turn the distance between the disturbed world and the
undisturbed one is recorded: where it grows by the same factor in equal times, that factor is a Lyapunov exponent (D.
Levesque and L. Verlet, J. Stat. Phys. 72, 1993). In a gas of bits nothing is faster than a site a tick: there it cannot
do so for long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.claim import show_interval
from mesocosm.protocol.catalogue import Analysis, Result, columns
from mesocosm.protocol.story import Axis, Curve, Curves, Heat
from mesocosm.record import Record
from mesocosm.record.configuration import Range

GROWTH = (8.0, 0.05)
"""A distance counts as growing from so many times the first one to this share of the largest."""
LEAST = 4
"""Points that a rate of growth is fitted to."""


@dataclass(frozen=True)
class Settings:
    """What is disturbed, and when."""

    worlds: Annotated[int, Range(4, 4096, "worlds")] = 16
    """That are run anew: the first ones of the run."""
    turns: Annotated[int, Range(1, 64, "turns")] = 6
    """Moments at which time is turned round, evenly spaced up to that of the run."""
    flips: tuple[Annotated[int, Range(1, 1024, "bits")], ...] = (1, 4, 16)
    """How many bits are flipped."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    from mesocosm.protocol.preparing import law_of
    from mesocosm.protocol.reading import configuration_of
    from mesocosm.protocol.registry import entry_of

    configuration: Any = configuration_of(record)
    law: Any = law_of(entry_of(record), configuration).experiment
    n = min(settings.worlds, record.replicates)
    last = configuration.turn or record.tick
    turns = sorted({max(1, last * (k + 1) // settings.turns) for k in range(settings.turns)})
    kept = np.zeros((len(settings.flips), len(turns), n))
    apart = np.zeros((len(settings.flips), last + 1, n))
    runs = _Runs(law, int(record.header["seed"]), n, last)
    for t, turn in enumerate(turns):
        for f, flips in enumerate(settings.flips):
            kept[f, t], distance = runs.echo(turn, flips)
            if turn == last:
                apart[f] = distance
    return {
        "turns": turns,
        "flips": list(settings.flips),
        "worlds": n,
        "kept": [[_mean(worlds) for worlds in row] for row in kept],
        "apart": apart.mean(axis=2).round(3).tolist(),
        "growth": [growth_of(row) for row in apart[0].T],
    }


def undone(first: Any, high: Any, low: Any) -> Any:
    """The share of the rise of entropy, from `first` to `high`, that is undone at `low`; NaN where it did not rise."""
    import jax.numpy as jnp

    return jnp.where(high > first, (high - low) / jnp.maximum(high - first, 1), jnp.nan)


def _mean(shares: np.ndarray) -> float | None:
    """Over worlds in which entropy rose; None where it rose in none."""
    there = shares[np.isfinite(shares)]
    return round(float(there.mean()), 6) if there.size else None


class _Runs:
    """Worlds of a run, founded anew and led there and back, for all lengths and flips by the same two programs."""

    def __init__(self, law: Any, seed: int, n: int, most: int) -> None:
        import jax
        import jax.numpy as jnp
        from jax import lax

        from mesocosm.core import Bits
        from mesocosm.core.random import seed_words

        words, replicates = seed_words(seed), jnp.arange(n, dtype=jnp.uint32)

        def there(law: Any, replicate: Any, turn: Any) -> Any:
            start = law.world.found(Bits.founding(words, replicate), law.is_prepared)
            return start, lax.fori_loop(0, turn, lambda t, now: _step(law, words, replicate, t, now), start)

        def back(law: Any, replicate: Any, start: Any, now: Any, turn: Any, flips: Any) -> Any:
            plain = law.world.reversed(now)
            draw = Bits.at(words, replicate, turn).of(jnp.uint32(0), 0)[0]
            apart = jnp.zeros(most + 1, jnp.int32)

            def one(t: Any, carry: Any) -> Any:
                plain, other, apart = carry
                apart = apart.at[t].set(law.world.apart(plain, other))
                return *(_step(law, words, replicate, turn + t, x) for x in (plain, other)), apart

            carry = plain, law.world.flipped(plain, draw, flips), apart
            plain, other, apart = lax.fori_loop(0, turn, one, carry)
            apart = apart.at[turn].set(law.world.apart(plain, other))
            first, high, low = (law.world.entropy(x) for x in (start, now, other))
            return undone(first, high, low), apart

        self.law, self.replicates = law, replicates
        self._there = jax.jit(jax.vmap(there, in_axes=(None, 0, None)))
        self._back = jax.jit(jax.vmap(back, in_axes=(None, 0, 0, 0, None, None)))
        self.kept: dict[int, Any] = {}

    def echo(self, turn: int, flips: int) -> tuple[np.ndarray, np.ndarray]:
        """The share of the rise that is undone [worlds], NaN where there was none; how far apart the two are, by ticks
        since the turn."""
        import jax.numpy as jnp

        if turn not in self.kept:
            self.kept[turn] = self._there(self.law, self.replicates, jnp.int32(turn))
        moment, n = jnp.int32(turn), jnp.int32(flips)
        share, apart = self._back(self.law, self.replicates, *self.kept[turn], moment, n)
        return np.asarray(share, float), np.asarray(apart, float).T


def _step(law: Any, words: Any, replicate: Any, tick: Any, now: Any) -> Any:
    from mesocosm.core import Bits

    return law.world.step(Bits.at(words, replicate, tick), now, law.by_chance)


def growth_of(apart: np.ndarray) -> list[float] | None:
    """How a distance grows with time, from some times what it was until it comes near what it can be: the rate of an
    exponential and the power of a power law, each with what it leaves unexplained; None where it does not grow."""
    low, high = GROWTH[0] * max(apart[0], 1.0), GROWTH[1] * apart.max()
    above, beyond = np.flatnonzero(apart >= low), np.flatnonzero(apart >= high)
    if not above.size or beyond[0] - above[0] + 1 < LEAST:
        return None
    at = np.arange(max(above[0], 1), beyond[0] + 1)
    wanted, out = np.log(np.maximum(apart[at], 0.5)), []
    for time in (at, np.log(at)):
        line = np.polyfit(time, wanted, 1)
        out += [float(line[0]), float(((wanted - np.polyval(line, time)) ** 2).mean())]
    return [round(x, 6) for x in out]


def show(record: Record, values: Mapping[str, Any]) -> Result:
    kept, turns, flips = np.array(values["kept"], float), values["turns"], values["flips"]
    first, last = (f"{100 * share:.0f} %" if np.isfinite(share) else "nothing" for share in kept[0, [0, -1]])
    sentence = (
        f"With {flips[0]} bit{'s' if flips[0] > 1 else ''} flipped at tick {turns[-1]}, {last} of "
        f"the rise of entropy is undone on the way back (at tick {turns[0]}: {first}). "
        f"{_growth(values)}"
    )
    heat = Heat(
        title="Share of the rise of entropy that is undone",
        alt=sentence,
        x_axis=Axis("tick of the turn"),
        y_axis=Axis("flipped bits"),
        columns=[str(t) for t in turns],
        rows=[str(f) for f in flips],
        values=kept,
        texts=[[f"{v:.2f}" if np.isfinite(v) else "-" for v in row] for row in kept],
    )
    apart = np.array(values["apart"])
    shown = np.unique(np.linspace(0, apart.shape[1] - 1, 33).round().astype(int))
    grows = Curves(
        title="Distance of the disturbed world",
        alt=f"Logarithm of the distance by ticks since the turn, mean of {values['worlds']} worlds. {_growth(values)}",
        categories=[str(t) for t in shown],
        x_axis=Axis("ticks since the turn"),
        y_axis=Axis("log2 of the distance"),
        curves=[
            Curve(f"{f} flipped", np.log2(np.maximum(row[shown], 0.5))) for f, row in zip(flips, apart, strict=True)
        ],
    )
    return Result(sentence, values, figures=(heat, grows))


def _growth(values: Mapping[str, Any]) -> str:
    """In words: by a factor, or as a power of time, whichever is nearer in most worlds."""
    from mesocosm.findings.intervals import mean_interval

    found = np.array([row for row in values["growth"] if row is not None])
    if len(found) < LEAST:
        return "The disturbance does not grow enough to tell how."
    rate, unlike, power, unlike_power = found.T
    nearer = int((unlike < unlike_power).sum())
    if 2 * nearer > len(found):
        by = f"exp({show_interval(*_three(mean_interval(rate)))} t), a Lyapunov exponent; nearer than a power of time"
        return f"The distance grows as {by} in {nearer} of {len(found)} worlds."
    by = f"t^{show_interval(*_three(mean_interval(power)))}, which is nearer than an exponential"
    return f"The distance grows as {by} in {len(found) - nearer} of {len(found)} worlds."


def _three(found: Any) -> tuple[float, float | None, float | None]:
    low, high = (float(x) if np.isfinite(x) else None for x in (found.low, found.high))
    return float(found.estimate), low, high


def _can_come_back(record: Record) -> str:
    """What keeps a run from having an echo, in words; empty where nothing does."""
    c = record.header["configuration"]
    if c.get("law") == "urn" or c.get("collisions") == "chance":
        return "has no way back (run arrow-of-time with a law other than urn and collisions by law)"
    if c.get("start") == "equilibrium":
        return "begins in equilibrium, where entropy does not rise (run arrow-of-time with start = prepared)"
    return ""


ANALYSIS = Analysis(
    "echo",
    "how fast a flipped bit destroys the way back, against the time and the number of bits",
    compute,
    show,
    Settings,
    needs=(columns("wrong_bits", "rise", "apart"), _can_come_back),
)
