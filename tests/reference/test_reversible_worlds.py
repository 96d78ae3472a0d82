"""The reversible worlds: against their witness in every bit, and against all that is known of them exactly."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.analyses.echo import growth_of
from mesocosm.core import Bits
from mesocosm.core.random import seed_words
from mesocosm.worlds.reversible import orbits
from mesocosm.worlds.reversible.build import world_of
from mesocosm.worlds.reversible.gravity import high_product, inverse_root
from mesocosm.worlds.reversible.packed import bits_of
from mesocosm.worlds.reversible.parameters import (
    LAWS,
    DiscParameters,
    PlanetParameters,
    RingParameters,
    UrnParameters,
)
from mesocosm.worlds.reversible.world import World
from tests.reference import reversible_witness as witness

SEED = 2**40 + 7
REVERSIBLE = tuple(law for law in LAWS if law != "urn")
pytestmark = pytest.mark.xdist_group("reversible")


class Tried:
    """A world with its programs, compiled once: for several replicates at a time, given by their numbers."""

    def __init__(self, world: World, seed: int = SEED) -> None:
        self.world = world

        def found(world, replicate, prepared):
            return world.found(Bits.founding(seed_words(seed), replicate), prepared)

        def steps(world, replicate, now, first, last, chance):
            def one(tick, now):
                return world.step(Bits.at(seed_words(seed), replicate, tick), now, chance)

            return jax.lax.fori_loop(first, last, one, now)

        self._found = jax.jit(jax.vmap(found, in_axes=(None, 0, None)))
        self._steps = jax.jit(jax.vmap(steps, in_axes=(None, 0, 0, None, None, None)))
        self._reversed = jax.jit(jax.vmap(lambda world, now: world.reversed(now), in_axes=(None, 0)))

    def found(self, replicates, prepared=True):
        self.replicates = jnp.asarray(replicates, jnp.uint32)
        return self._found(self.world, self.replicates, jnp.bool_(prepared))

    def step(self, now, tick=0, chance=False):
        return self._steps(self.world, self.replicates, now, jnp.int32(tick), jnp.int32(tick + 1), jnp.bool_(chance))

    def steps(self, now, n, first=0):
        return self._steps(self.world, self.replicates, now, jnp.int32(first), jnp.int32(first + n), jnp.bool_(False))

    def reversed(self, now):
        return self._reversed(self.world, now)


@pytest.fixture(scope="module")
def tried():
    small = {"discs": DiscParameters(bodies=16), "planets": PlanetParameters(dust=8)}
    """Each compiled for two replicates: another number is another program."""
    return {law: Tried(world_of(law, **({law: small[law]} if law in small else {}))) for law in LAWS}  # type: ignore[arg-type]


def told_by(law):
    witnesses = {"hpp": witness.HPP, "fhp": witness.FHP, "kac": witness.Kac, "urn": witness.Urn}
    if law == "discs":
        return witness.Discs(16)
    if law == "planets":
        return witness.Planets(orbits.massive(), orbits.circles(), 8)
    return witnesses[law]()


@pytest.mark.parametrize("by_chance", [False, True])
@pytest.mark.parametrize("law", LAWS)
def test_it_agrees_with_its_witness_in_every_bit(tried, law, by_chance):
    world, other = tried[law], told_by(law)
    now = world.found([3, 4], prepared=not by_chance)
    seen = other.found(witness.Words(SEED, 3, witness.FOUNDING), prepared=not by_chance)
    for tick in range(40):
        assert np.array_equal(np.asarray(now[0]).ravel(), other.words(seen)), f"after {tick} ticks"
        assert np.array_equal(np.asarray(world.world.counts(now[0])), other.counts(seen))
        now = world.step(now, tick, by_chance)
        words = witness.Words(SEED, 3, tick) if by_chance or law == "urn" else None
        seen = other.move(other.collide(seen, words))
    if law != "urn":
        assert np.array_equal(np.asarray(world.reversed(now)[0]).ravel(), other.words(witness.reversed_of(other, seen)))


@pytest.mark.parametrize("law", REVERSIBLE)
def test_the_reversor_is_an_involution_that_undoes_a_tick(tried, law):
    world = tried[law]
    now = world.steps(world.found([0, 1]), 20)
    there = world.reversed(now)
    assert not np.array_equal(there, now)
    assert np.array_equal(world.reversed(there), now)
    back = world.reversed(world.step(there))
    assert np.array_equal(world.step(back), now)  # S R S R = 1


@pytest.mark.parametrize("law", ["hpp", "fhp", "discs", "planets"])
def test_turning_velocities_round_alone_is_not_enough(tried, law):
    world = tried[law]
    now = world.steps(world.found([0, 1]), 20)
    turn = jax.jit(jax.vmap(world.world.turned))
    turned = turn(now)
    assert np.array_equal(turn(turned), now)
    assert not np.array_equal(turn(world.step(turned)), world.steps(world.found([0, 1]), 19))


@pytest.mark.parametrize("law", ["hpp", "fhp"])
def test_particles_and_momentum_are_conserved(tried, law):
    world = tried[law]
    now = world.found([0, 1])
    conserved = jax.jit(jax.vmap(world.world.conserved))
    first, later = (jax.tree.map(np.asarray, conserved(state)) for state in (now, world.steps(now, 50)))
    n = np.asarray(bits_of(now[:, : world.world.channels])).sum(axis=(2, 3))  # summed independently
    angle = np.arange(world.world.channels) * 2 * np.pi / world.world.channels
    unit = {"hpp": (1, 1), "fhp": (0.5, 0.75**0.5)}[law]
    assert np.array_equal(first["particles"], n.sum(axis=1))
    np.testing.assert_allclose(first["momentum_x"] * unit[0], n @ np.cos(angle), atol=1e-9)
    np.testing.assert_allclose(first["momentum_y"] * unit[1], n @ np.sin(angle), atol=1e-9)
    for name in first:
        assert np.array_equal(first[name], later[name]), name
    assert np.any(first["momentum_x"] != 0)


def spurious(n: np.ndarray) -> dict[str, np.ndarray]:
    """The spurious invariants of HPP as they would be at tick 0: of channels [4, L, L] at tick t, see `at`."""
    e, north, w, s = n.astype(int)
    y, x = np.indices(e.shape)
    side = e.shape[0]
    along, across = (x + y) % side, (x - y) % side

    def by(diagonal, what):
        return np.bincount(diagonal.ravel(), what.ravel(), side)

    return {
        "rows": (e - w).sum(axis=1),
        "columns": (north - s).sum(axis=0),
        "up": by(along, e + north),
        "down": by(along, w + s),
        "right": by(across, e + s),
        "left": by(across, w + north),
        "sublattices": np.array([(e + north + w + s)[(x + y) % 2 == k].sum() for k in (0, 1)]),
    }


MOVES = {"rows": 0, "columns": 0, "up": 1, "down": -1, "right": 1, "left": -1, "sublattices": 1}
"""By how many places each list of invariants moves along in a tick."""


@pytest.mark.parametrize("law", ["hpp", "fhp"])
def test_the_spurious_invariants_of_hpp_by_name(tried, law):
    """FHP, whose channels 0, 1, 3, 4 are as good as any, has none of those that are no momentum and no parity."""
    world, t = tried[law], 37
    now = world.found([0, 1])
    channels = [0, 1, 2, 3] if law == "hpp" else [0, 1, 3, 4]
    first = spurious(np.asarray(bits_of(now[0]))[channels])
    later = spurious(np.asarray(bits_of(world.steps(now, t)[0]))[channels])
    kept = {name: np.array_equal(np.roll(first[name], MOVES[name] * t), later[name]) for name in first}
    assert all(kept.values()) if law == "hpp" else not any(kept.values()), kept


def test_a_drop_of_hpp_comes_together_again_for_ever_and_one_of_fhp_does_not(tried):
    """Its diagonal waves come round after half a side, 32 ticks: what spreads in 16 is back in 32, also after 250."""
    entropies = {}
    for law in ("hpp", "fhp"):
        world, course = tried[law], []
        entropy = jax.jit(jax.vmap(world.world.entropy))
        now = start = world.found([0, 1])
        for tick in range(0, 256, 8):
            now = world.steps(now, 8, tick)
            course.append(np.asarray(entropy(now)).mean())
        last = np.array(course[-4:])
        entropies[law] = (last.max() - last.min()) / (last.max() - np.asarray(entropy(start)).mean())
    assert entropies["hpp"] > 0.3
    assert entropies["fhp"] < 0.1


def test_the_ring_recurs_after_two_rounds_and_not_before():
    world = Tried(world_of("kac", ring=RingParameters(balls=256, marked=0.1)))
    start = now = world.found(range(4))
    for tick in range(1, 513):
        now = world.step(now, tick)
        if tick == 256:  # all have crossed all markers once: white again where these are even in number, else black
            is_odd = np.asarray(bits_of(start[:, 1])).sum(axis=1) % 2 == 1
            assert np.array_equal(np.asarray(bits_of(now[:, 0])).sum(axis=1), np.where(is_odd, 256, 0))
        else:
            assert (np.asarray(now) == np.asarray(start)).all(axis=(1, 2)).all() == (tick == 512)


def test_the_ring_fades_as_its_mean_says():
    n, marked, rings = 1024, 0.02, 400
    world = Tried(world_of("kac", ring=RingParameters(balls=n, marked=marked)))
    share = round(65536 * marked) / 65536
    now = world.found(range(rings))
    for tick in range(1, 41):
        now = world.step(now, tick)
        if tick in (1, 10, 40):
            left = 1 - 2 * np.asarray(bits_of(now[:, 0])).sum(axis=1) / n
            error = left.std(ddof=1) / math.sqrt(rings)
            assert abs(left.mean() - (1 - 2 * share) ** tick) < 4.5 * error
            assert error < 0.01


def test_the_urns_fade_as_their_mean_says():
    n, urns = 256, 400
    world = Tried(world_of("urn", urn=UrnParameters(balls=n)))
    now = world.found(range(urns))
    for tick in range(1, 129):
        now = world.step(now, tick)
        if tick in (1, 16, 128):
            left = 2 * np.asarray(bits_of(now[:, 0])).sum(axis=1) / n - 1
            error = left.std(ddof=1) / math.sqrt(urns)
            assert abs(left.mean() - (1 - 2 / n) ** tick) < 4.5 * error + 1e-12
            assert error < 0.01


def test_discs_keep_their_momentum_to_the_last_unit_and_their_energy_nearly(tried):
    world = tried["discs"]
    now = world.found([0, 1])
    conserved = jax.jit(jax.vmap(world.world.conserved))
    first = conserved(now)

    def energy(state):
        x, v = (np.asarray(state, np.uint32)[k : k + 2].astype(np.int32).astype(float) for k in (0, 2))
        x = x - v / 2
        d = (x[:, :, None] - x[:, None] + 2**31) % 2**32 - 2**31
        r = np.minimum(np.hypot(*d) / 2**28, 1.0)
        depth = (1 - r**2) ** 2 / 4 * 2.0**24 * 2**28  # the integral of r (1 - r^2)
        return (v**2).sum() / 2 + (depth.sum() - np.trace(depth)) / 2

    later = world.steps(now, 200)
    for name in first:
        assert np.array_equal(first[name], conserved(later)[name])
    for before, after in zip(now, later, strict=True):
        assert energy(after) == pytest.approx(energy(before), rel=0.05)


def benettin(worlds: int = 6, settle: int = 300, steps: int = 600) -> np.ndarray:
    """The largest Lyapunov exponent of 48 discs, a tick, in floating point: [worlds].

    Two neighbours are drawn together again every ten ticks (G. Benettin, L. Galgani and J.-M. Strelcyn, Phys. Rev. A
    14, 1976).
    """
    rng, i, out = np.random.default_rng(0), np.arange(48), []

    def tick(x, v):
        d = (x[:, :, None] - x[:, None] + 2.0**31) % 2.0**32 - 2.0**31
        share = d / 2.0**28
        v = v + 2.0**24 * (share * np.maximum(1 - (share**2).sum(axis=0), 0)).sum(axis=2)
        return x + v, v

    for _ in range(worlds):
        one = (
            np.stack([i % 8, i // 8]) * 2.0**28 + rng.uniform(0, 2**24, (2, 48)),
            rng.uniform(-(2**24), 2**24, (2, 48)),
        )
        for _ in range(settle):
            one = tick(*one)
        other, grown = (one[0] + rng.normal(size=(2, 48)), one[1]), 0.0
        for t in range(1, steps + 1):
            one, other = tick(*one), tick(*other)
            if t % 10 == 0:
                away = [b - a for a, b in zip(one, other, strict=True)]
                by = np.sqrt((away[0] ** 2).sum() + 256 * (away[1] ** 2).sum())
                grown += np.log(by) if t > 100 else 0.0
                other = one[0] + away[0] / by, one[1] + away[1] / by
        out.append(grown / (steps - 100))
    return np.array(out)


def test_the_lyapunov_exponent_of_discs_is_told_alike_by_two_ways():
    """From how one flipped bit grows in our integers (the analysis `echo`), and by Benettin's method in floats."""
    world, every = Tried(world_of("discs")), 4
    now = world.steps(world.found(range(8)), 256)
    flip = jax.jit(jax.vmap(lambda state: world.world.flipped(state, jnp.uint32(5), jnp.int32(1))))
    apart = jax.jit(jax.vmap(world.world.apart))
    other, course = flip(now), []
    for _ in range(150):
        course.append(np.asarray(apart(now, other)))
        now, other = (world.steps(state, every) for state in (now, other))
    rates = np.array([growth_of(row)[0] / every for row in np.array(course).T])  # type: ignore[index]
    floats = benettin()
    assert rates.std(ddof=1) / len(rates) ** 0.5 < 0.005
    assert rates.mean() == pytest.approx(floats.mean(), rel=0.25)
    assert floats.mean() == pytest.approx(0.054, rel=0.1)


# -- planets: REBOUND's own test (`test_janus.py`), with its numbers ---------------------------------------------------

N_STEPS = 400  # to t = 100 in steps of 1/4


def energy_of(state) -> float:
    """Of star and planets."""
    masses, _, _ = orbits.system()
    x, v = orbits.in_numbers(np.asarray(state)[:, :3])
    apart = np.hypot(*(x[:, None] - x[None]).transpose(2, 0, 1))
    pairs = np.triu_indices(3, 1)
    return float((masses * (v**2).sum(axis=1)).sum() / 2 - ((masses[:, None] * masses)[pairs] / apart[pairs]).sum())


def test_planets_there_and_back_are_equal_on_every_coordinate(tried, tmp_path):
    """After one step to t = 100 and back to it; and through a file that is written half way back."""
    world = tried["planets"]
    first = world.step(world.found([0, 1]))
    there = world.steps(first, N_STEPS - 1)
    assert np.abs(np.asarray(there - first).astype(np.int32)[0, :2, 1:3]).min() > 0.1 * orbits.UNIT
    back = world.steps(world.reversed(there), 200)
    np.save(tmp_path / "half.npy", np.asarray(back))
    read = jnp.asarray(np.load(tmp_path / "half.npy"))
    for state in (back, read):
        assert np.array_equal(world.reversed(world.steps(state, N_STEPS - 201)), first)


def test_the_energy_of_planets_is_off_by_less_than_a_ten_thousandth(tried):
    """REBOUND's bound for order 2 at t = 100, and its circles."""
    world = tried["planets"]
    circles = ((1e-3, 1.12313, 0.0, 0.0, 0.0), (1e-3, 2.32323, 0.0, 0.0, 0.0))
    now = world.found([0, 1]).at[:, :, :3].set(jnp.asarray(orbits.massive(circles))[None])
    later = world.steps(now, N_STEPS)
    assert abs(energy_of(later[0]) / energy_of(now[0]) - 1) < 1e-4


def test_gravity_in_integers_is_that_of_newton():
    rng = np.random.default_rng(0)
    u = rng.integers(2**30, 2**32, 2000, dtype=np.uint64)
    assert (
        np.abs(np.asarray(jax.jit(inverse_root)(jnp.asarray(u, jnp.uint32))) - 2.0**30 / np.sqrt(u / 2.0**32)).max() < 8
    )
    a, b = rng.integers(0, 2**32, (2, 1000), dtype=np.uint64)
    a[:4], b[:4] = (2**32 - 1, 0, 1, 2**32 - 1), (2**32 - 1, 5, 2**32 - 1, 1)
    assert np.array_equal(
        high_product(jnp.asarray(a, jnp.uint32), jnp.asarray(b, jnp.uint32)), (a * b) >> np.uint64(32)
    )
    world = world_of("planets", planets=PlanetParameters(dust=256))
    x = np.concatenate([orbits.system()[1], rng.uniform(-3, 3, (256, 2))])
    x = x[np.hypot(*(x - x[0]).T) + (np.arange(259) < 1) > 0.75]
    whole = np.rint(orbits.UNIT * x.T).astype(np.int32)
    found = np.asarray(jax.jit(lambda x: world.force(x))(jnp.asarray(whole)))  # type: ignore[attr-defined]
    place = whole.T / orbits.UNIT
    exact = orbits.UNIT * orbits.STEP**2 * orbits.acceleration(place, place[:3], orbits.system()[0]).T
    near = np.minimum(*(np.hypot(*(x - x[k]).T) + (np.arange(len(x)) == k) for k in (1, 2))) < 0.05
    assert np.abs(found - exact)[:, ~near].max() < 3 + 3e-6 * np.abs(exact).max()
