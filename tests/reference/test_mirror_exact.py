"""What is known exactly of predictors and of the games that they play in `mirror`."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.random import Bits, seed_words
from mesocosm.worlds.mirror.games import SCRIPTS, cycles, de_bruijn, payoffs
from mesocosm.worlds.mirror.law import Mirror
from mesocosm.worlds.mirror.parameters import MirrorParameters
from mesocosm.worlds.mirror.play import Pairing, Touch, colours, visitor_act

pytestmark = pytest.mark.xdist_group("mirror")

TICKS, ROUNDS = 40, 32
STILL = dict(
    side=8, rounds=ROUNDS, stake=1, hazard=0.0, mutation=0.0, cost=0, ration=400, metabolism=400, memory=32000,
    division_energy=16384, founding_energy=8000, ceiling=32768, remembers="everyone", own_acts=False,
)  # fmt: skip
"""A world in which nobody is born or dies, and all that was seen is remembered."""


def law_of(**changes) -> Mirror:
    return Mirror.of(MirrorParameters(**{**STILL, **changes}))


@eqx.filter_jit
def played(law: Mirror, order, noise, chance):
    """All with the same order and noise: rounds read, and played [ticks, bodies], flows [ticks], and the end."""
    seed, replicate = seed_words(5), jnp.uint32(0)
    state = law.init(Bits.founding(seed, replicate))
    genes = jnp.stack([order, jnp.int32(0), jnp.int32(3), noise])[None, :, None]
    state = replace(state, genome=jnp.broadcast_to(genes, state.genome.shape), chance=jnp.full(2, chance, jnp.int32))

    def step(state, t):
        state, tick = law.tick(Bits.at(seed, replicate, t), state)
        return state, (state.read, state.met, tick.flows)

    return jax.lax.scan(step, state, jnp.arange(TICKS, dtype=jnp.int32))


def play(law: Mirror, order: int, noise: int = 0, chance: int = 32768):
    state, (read, met, flows) = played(law, jnp.int32(order), jnp.int32(noise), jnp.int32(chance))
    return state, np.asarray(read), np.asarray(met), {k: np.asarray(v) for k, v in flows.items()}


def labels(cycle: np.ndarray, order: int) -> list[tuple[int, ...]]:
    """What a mind of this order knows in each round of a touch that begins with the cycle."""
    return [tuple(cycle[max(0, r - order) : r]) for r in range(ROUNDS)]


def bayes_rate(cycle: np.ndarray, order: int) -> tuple[float, int]:
    """The best that a mind of this order can do against the cycle, and by how much its clearest tie is decided."""
    known = labels(cycle, order)
    counts = [[sum(x == k and c == a for x, c in zip(known, cycle, strict=True)) for a in (0, 1)] for k in set(known)]
    return sum(map(max, counts)) / ROUNDS, min(abs(a - b) for a, b in counts)


@pytest.mark.parametrize("m", [1, 3, 5])
def test_deep_minds_win_every_round_and_shallow_ones_see_a_uniform_opponent(m):
    law = law_of(visitors=1.0, pool=(f"cycle{m}",))
    for order in range(6):
        state, read, met, flows = play(law, order)
        assert (met == ROUNDS).all()
        if order >= m:
            assert (read[2:] == ROUNDS).all()  # from the third touch on, every round
            matchers = np.arange(64) % 2 == np.arange(64) // 8 % 2
            gains = flows["gained"][2:] - flows["lost"][2:]
            assert (gains == 64 * ROUNDS).all() and matchers.sum() == 32
            continue
        tables = np.asarray(state.tables)[:, 0]
        seen = np.stack([tables & 0xFFFF, tables >> 16], axis=-1)[:, 2**order : 2 ** (order + 1)].sum(axis=0)
        starts = [r for r in range(ROUNDS) if r < order]  # a touch begins with contexts that are not full
        uniform = 64 * TICKS * (ROUNDS - len(starts)) / 2**order
        assert abs(seen.sum(axis=1) - uniform).max() <= 64 * TICKS * order
        assert abs(seen[:, 0] - seen[:, 1]).max() <= 64 * TICKS * order  # neither act is more likely, but for starts
        assert read[2:].mean() <= ROUNDS / 2 + order


def test_shallow_minds_get_the_bayes_rate():
    rng, found = np.random.default_rng(3), 0
    law = law_of(visitors=1.0, pool=("cycle1",))
    while found < 4:
        cycle = (rng.random(ROUNDS) < 0.7).astype(np.int32)
        for order in (0, 1, 2):
            rate, decided = bayes_rate(cycle, order)
            if decided < 3 or rate == 1:  # counts swing by so much within a touch that they might tie
                continue
            own = eqx.tree_at(lambda law: law.rules.cycles, law, jnp.asarray(np.tile(cycle, (5, 1))))
            _, read, met, _ = play(own, order)
            assert (read[8:].sum(axis=0) / met[8:].sum(axis=0) == rate).all()
            found += 1


def test_nature_is_foretold_at_its_own_rate_by_every_order():
    law = law_of(visitors=1.0, pool=("nature",))
    for order in (0, 2, 5):
        _, read, met, _ = play(law, order, chance=int(0.8 * 65536))
        late = read[20:].sum() / met[20:].sum()
        assert abs(late - 0.8) < (0.012 if order < 5 else 0.03)  # 41,000 rounds; deep minds still learn


def won_by_role_0(law: Mirror, orders: tuple[int, int]) -> float:
    """Quanta a round, in the mean, of who has to match, where minds of the roles have these orders."""
    state = law.init(Bits.founding(seed_words(5), jnp.uint32(0)))
    genes = jnp.zeros_like(state.genome).at[:, 2].set(3)
    state = replace(state, genome=genes.at[:, 0].set(jnp.where(colours(law.side) == 0, *orders)))
    won = rounds = 0
    for t in range(TICKS):
        before = state.energy
        state, _ = one_tick(law, state, jnp.int32(t))
        won += int(jnp.sum(jnp.where(colours(law.side) == 0, state.energy - before, 0)))
        rounds += int(state.met.sum()) // 2
    return won / rounds


@jax.jit
def one_tick(law: Mirror, state, t):
    return law.tick(Bits.at(seed_words(5), jnp.uint32(0), t), state)


def test_pennies_is_worth_nothing_between_equals_alone():
    law = law_of()
    for order in (0, 3):  # 40 ticks of 32 rounds in 32 pairs: 41,000 rounds, which are not independent
        assert abs(won_by_role_0(law, (order, order))) < 0.05
    assert won_by_role_0(law, (3, 0)) > 0.2 and won_by_role_0(law, (0, 3)) < -0.2


def test_pennies_gives_what_it_takes():
    law = law_of()
    for order, noise in ((0, 0), (3, 0), (3, 16)):
        _, read, met, flows = play(law, order, noise)
        assert (flows["gained"] == flows["lost"]).all() and not flows["cut"].any()
        assert abs(read.sum() / met.sum() - 0.5) < (0.01 if noise else 0.05)
    pays = payoffs("pennies", 3)
    assert (pays[0] == -pays[1].T).all()


def test_hawks_are_worth_as_much_as_doves_at_v_over_c():
    pays = payoffs("dove", 1)[0]
    v, c = int(pays[1, 0]), int(pays[1, 0] - 2 * pays[1, 1])
    hawks = np.array([c - v, v])  # of c opponents
    assert pays[0] @ hawks == pays[1] @ hawks and 3 * v == 2 * c
    law = law_of(game="dove", visitors=1.0, pool=("nature",), ration=0, metabolism=40)
    for share, is_hawk in ((v / c - 0.05, 1), (v / c + 0.05, 0)):
        _, _, _, flows = play(law, 0, chance=int(65536 * share))
        assert abs(flows["visit_ones"][20:].sum() / flows["visits"][20:].sum() - is_hawk) < 0.06


def test_with_two_roles_hawks_and_doves_find_the_convention_of_who_yields():
    """Half are hawks, all of one role: the asymmetric equilibrium (Maynard Smith and Parker 1976), not V/C of each."""
    state, _, _, flows = play(law_of(game="dove", shuffled=True, ration=0, metabolism=40), 0)
    assert flows["ones"][10:].sum() * 2 == flows["plays"][10:].sum()
    assert sorted(np.asarray(state.chance).tolist()) == [0, 65536]


def duel(one: str, other: str, rounds: int = 10, error: int = -1) -> tuple[str, str]:
    """The acts of two scripts against each other; in one round the first does what it did not mean to."""
    acts: tuple[list[int], list[int]] = ([], [])
    zero = jnp.zeros(1, jnp.int32)
    for r in range(rounds):
        now = []
        for k, script in enumerate((one, other)):
            facing, own = acts[1 - k], acts[k]
            kind = jnp.full(1, SCRIPTS.index(script), jnp.int32)
            last = [jnp.full(1, x[-1] if x else 0, jnp.int32) for x in (facing, own)]
            wronged = jnp.full(1, int(any(facing)), jnp.int32)
            touch = Touch(zero, zero, zero, last[0], last[1], wronged, zero, zero, zero, {})
            pair = Pairing(zero, kind, zero > 0, zero)
            word = jnp.full(1, 0xFFFFFFFF, jnp.uint32)
            now.append(int(visitor_act(jnp.int32(r), jnp.int32(r), pair, touch, word, jnp.asarray(cycles()))[0]))
        if r == error:
            now[0] = 1 - now[0]
        acts[0].append(now[0])
        acts[1].append(now[1])
    a, b = ("".join("CD"[act] for act in side) for side in acts)
    return a, b


@pytest.mark.parametrize(
    ("one", "other", "error", "acts"),
    [
        ("tft", "tft", -1, ("CCCCCCCCCC", "CCCCCCCCCC")),
        ("tft", "alld", -1, ("CDDDDDDDDD", "DDDDDDDDDD")),
        ("tft", "tft", 3, ("CCCDCDCDCD", "CCCCDCDCDC")),  # the vendetta (Axelrod 1984)
        ("wsls", "wsls", 3, ("CCCDDCCCCC", "CCCCDCCCCC")),  # back in two rounds (Nowak and Sigmund 1993)
        ("wsls", "alld", -1, ("CDCDCDCDCD", "DDDDDDDDDD")),
        ("wsls", "allc", 3, ("CCCDDDDDDD", "CCCCCCCCCC")),  # it exploits the unconditional
        ("grim", "tft", 3, ("CCCDCDDDDD", "CCCCDCDDDD")),
        ("grim", "grim", 3, ("CCCDCDDDDD", "CCCCDDDDDD")),
        ("cycle2", "alld", -1, ("DDCCDDCCDD", "DDDDDDDDDD")),
    ],
)
def test_scripts_play_the_published_acts(one, other, error, acts):
    assert duel(one, other, error=error) == acts


def test_generosity_is_a_third():
    n = 1 << 16
    word = jnp.arange(n, dtype=jnp.uint32) << 16
    one, zero = jnp.ones(n, jnp.int32), jnp.zeros(n, jnp.int32)
    touch = Touch(zero, zero, zero, one, zero, one, zero, zero, zero, {})
    pair = Pairing(zero, zero + SCRIPTS.index("gtft"), zero > 0, zero)
    act = visitor_act(jnp.int32(3), jnp.int32(3), pair, touch, word, jnp.asarray(cycles()))
    assert float(1 - act.mean()) == 85 / 256


def test_cycles_hold_each_word_once():
    for order in range(1, 6):
        cycle = de_bruijn(order)
        words = {tuple(np.roll(cycle, -k)[:order]) for k in range(2**order)}
        assert len(words) == len(cycle) == 2**order
