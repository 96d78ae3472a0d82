"""The witness: a second implementation of the world `petri`, written from `docs/worlds/petri.md` alone.

It shares no code with the program and is built differently: compiled loops over bodies in a structure of arrays, in
no particular order, with the number of bodies and the lowest and the highest rank kept for each cell, removal of the
dead by moving the last body, fields changed in place. Docstrings name the section of the page that a piece
implements. A phase is split into several loops where that spares the processor branches it cannot foresee.

    world = found(law, seed=1, replicate=0)
    advance(world, 1000)
    state = snapshot(world)

`uint32` arithmetic needs care in Numba, which promotes it to 64 bits: every result is masked by `u32(...)`. All of it
is one file, for Numba keeps compiled functions by the file that they stand in, and does not see that one which they
call has changed in another.
"""

from collections import namedtuple
from dataclasses import dataclass, fields

import numpy as np
from numba import njit

u32, i32 = np.uint32, np.int32

SENSES = ("odour", "trend", "touch", "signal", "energy")  # in the order of the page, section 3
LEVELS = {"odour": 4, "trend": 3, "touch": 2, "signal": 4, "energy": 4}
FLOWS = ("inflow", "spilled", "decayed", "metabolism", "signalling", "eaten", "wasted")
STATUS = ("alive", "extinct", "overflow")
OVERFLOW_ID = 2**31 - 2**20  # section 5.9

# Purposes of random bits, section 2.
BODY, PLACE, HEADING, SOURCE, SOURCE_PLACE, DROP, FIELD, CONTEST = range(8)
EXCHANGE, GENE = 0x100, 0x10000
FOUNDING_TICK = 0xFFFFFFFF

# Section 1.
COSINE = np.array(
    [256, 255, 251, 245, 237, 226, 213, 198, 181, 162, 142, 121, 98, 74, 50, 25,
     0, -25, -50, -74, -98, -121, -142, -162, -181, -198, -213, -226, -237, -245, -251, -255,
     -256, -255, -251, -245, -237, -226, -213, -198, -181, -162, -142, -121, -98, -74, -50, -25,
     0, 25, 50, 74, 98, 121, 142, 162, 181, 198, 213, 226, 237, 245, 251, 255], dtype=i32)  # fmt: skip
SINE = COSINE[(np.arange(64) + 48) & 63]


@dataclass(frozen=True, kw_only=True)
class Law:
    """The numbers and switches of the page (section 7), in its units."""

    side: int
    founders: int
    ceiling: int
    founding_energy: int
    division_energy: int
    n_sources: int
    drops: int
    drop_food: int
    drop_odour: int
    drop_spread: int
    source_speed: int
    turn_threshold: int
    jump_threshold: int
    food_diffusion: int
    food_decay: int
    odour_diffusion: int
    odour_decay: int
    signal_diffusion: int = 0
    signal_decay: int = 0
    cell_capacity: int
    speed: int
    metabolism: int
    emission_cost: int = 0
    emission_quanta: int = 0
    bite: int
    odour_levels: tuple[int, int, int]
    trend_margin: int = 0
    signal_levels: tuple[int, int, int] = (1, 8, 32)
    mutation_threshold: int
    exchange_threshold: int
    sharpness: int
    policy: str = "argmax"
    senses: tuple[str, ...] = ("odour",)
    signal: bool = False

    def __post_init__(self):
        """The ranges of section 7 are taken on trust, but not what would pass unnoticed."""
        if self.side & (self.side - 1) or not 1 <= self.founders <= self.ceiling:
            raise ValueError("side must be a power of two, and founders within the ceiling")
        if self.policy not in ("argmax", "softmax") or not set(self.senses) <= set(SENSES):
            raise ValueError("unknown policy or sense")
        if "signal" in self.senses and not self.signal:
            raise ValueError("the sense `signal` needs the switch `signal`")

    @property
    def n_acts(self) -> int:
        return 4 if self.signal else 2

    @property
    def n_stimuli(self) -> int:
        return int(np.prod([LEVELS[sense] for sense in set(self.senses)], dtype=np.int64))

    @property
    def n_loci(self) -> int:
        return self.n_stimuli * self.n_acts


# What compiled code sees of a law, of the bodies, and of the places.
_NUMBERS = tuple(f.name for f in fields(Law) if f.type in (int, "int"))
_DERIVED = ("log2_side", "extent", "n_acts", "n_loci", "softmax", "signal", "odour_levels", "signal_levels")
Numbers = namedtuple("Numbers", (*_NUMBERS, *_DERIVED, *("sense_" + sense for sense in SENSES)))
Bodies = namedtuple("Bodies", "id x y heading energy last_odour touched born lineage genome")
Places = namedtuple("Places", "food odour signal source_x source_y source_heading")
Scratch = namedtuple(
    "Scratch", "word_a word_b rank cell odour stimulus act taken first queue weight crowd lowest highest"
)

COUNTS = ("tick", "next_id", "alive", "status", "ended", *FLOWS, "births", "deaths", "exchanges")
TICK, NEXT_ID, ALIVE, STATE, ENDED = range(5)
INFLOW, SPILLED, DECAYED, METABOLISM, SIGNALLING, EATEN, WASTED, BIRTHS, DEATHS, EXCHANGES = range(5, 15)


def _numbers(law: Law) -> Numbers:
    return Numbers(
        **{name: int(getattr(law, name)) for name in _NUMBERS},
        **{"sense_" + sense: sense in law.senses for sense in SENSES},
        log2_side=law.side.bit_length() - 1,
        extent=256 * law.side,
        n_acts=law.n_acts,
        n_loci=law.n_loci,
        softmax=law.policy == "softmax",
        signal=bool(law.signal),
        odour_levels=tuple(law.odour_levels),
        signal_levels=tuple(law.signal_levels),
    )


# --- section 2: random bits ---------------------------------------------------------------------------------------


@njit(cache=True)
def _four_rounds(x0, x1, turn_0, turn_1, turn_2, turn_3):
    for turn in (turn_0, turn_1, turn_2, turn_3):
        x0 = u32(x0 + x1)
        x1 = u32(u32(u32(x1 << u32(turn)) | u32(x1 >> u32(32 - turn))) ^ x0)
    return x0, x1


@njit(cache=True)
def threefry(k0, k1, c0, c1):
    """Threefry-2x32 with 20 rounds; arguments are taken as `uint32`, as are both results."""
    k0, k1 = u32(k0), u32(k1)
    k2 = u32(u32(k0 ^ k1) ^ u32(0x1BD11BDA))
    x0, x1 = _four_rounds(u32(u32(c0) + k0), u32(u32(c1) + k1), 13, 15, 26, 6)
    x0, x1 = _four_rounds(u32(x0 + k1), u32(x1 + u32(k2 + u32(1))), 17, 29, 16, 24)
    x0, x1 = _four_rounds(u32(x0 + k2), u32(x1 + u32(k0 + u32(2))), 13, 15, 26, 6)
    x0, x1 = _four_rounds(u32(x0 + k0), u32(x1 + u32(k1 + u32(3))), 17, 29, 16, 24)
    x0, x1 = _four_rounds(u32(x0 + k1), u32(x1 + u32(k2 + u32(4))), 13, 15, 26, 6)
    return u32(x0 + k2), u32(x1 + u32(k0 + u32(5)))


@njit(cache=True)
def mix(z):
    """The bijection of 32-bit words that makes ranks."""
    z = u32(z)
    z = u32(u32(z ^ u32(z >> u32(16))) * u32(0x7FEB352D))
    z = u32(u32(z ^ u32(z >> u32(15))) * u32(0x846CA68B))
    return u32(z ^ u32(z >> u32(16)))


# --- section 4: founding ------------------------------------------------------------------------------------------


@njit(cache=True)
def _found(law, s0, s1, replicate, bodies, places):
    k0, k1 = threefry(s0, s1, replicate, u32(FOUNDING_TICK))
    mask = law.extent - 1
    for j in range(law.n_sources):
        a, b = threefry(k0, k1, j, SOURCE)
        places.source_x[j], places.source_y[j] = a & mask, b & mask
        a, b = threefry(k0, k1, j, SOURCE_PLACE)
        places.source_heading[j] = a & 63
    for i in range(law.founders):
        name = i + 1
        a, b = threefry(k0, k1, name, PLACE)
        bodies.x[i], bodies.y[i] = a & mask, b & mask
        a, b = threefry(k0, k1, name, HEADING)
        bodies.heading[i] = a & 63
        bodies.id[i] = bodies.lineage[i] = name
        bodies.energy[i] = law.founding_energy
        bodies.born[i] = -1
        for locus in range(law.n_loci):
            a, b = threefry(k0, k1, name, GENE + locus)
            bodies.genome[i, 0, locus] = (a >> 24) - 128
            bodies.genome[i, 1, locus] = (b >> 24) - 128


# --- section 5: the phases of a tick ------------------------------------------------------------------------------


@njit(cache=True)
def _sift_down(heap, root, size):
    """Restore a heap with its largest on top below `root`."""
    value = heap[root]
    child = 2 * root + 1
    while child < size:
        if child + 1 < size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= value:
            break
        heap[root] = heap[child]
        root = child
        child = 2 * root + 1
    heap[root] = value


@njit(cache=True)
def _queue_of_askers(law, word, bodies, alive, queue):
    """5.1: the places of those that divide, in order of rank, in the low 32 bits of `queue`; returns their number."""
    room = law.ceiling - alive
    size = 0
    if room <= 0:
        return 0
    for i in range(alive):
        if bodies.energy[i] >= law.division_energy:
            key = (np.uint64(mix(u32(bodies.id[i] ^ word))) << np.uint64(32)) | np.uint64(i)
            if size < room:
                queue[size] = key
                size += 1
                if size == room:
                    for root in range(size // 2 - 1, -1, -1):
                        _sift_down(queue, root, size)
            elif key < queue[0]:
                queue[0] = key
                _sift_down(queue, 0, size)
    if size < room:
        for root in range(size // 2 - 1, -1, -1):
            _sift_down(queue, root, size)
    for last in range(size - 1, 0, -1):
        queue[0], queue[last] = queue[last], queue[0]
        _sift_down(queue, 0, last)
    return size


@njit(cache=True)
def _divide(law, t, k0, k1, word, bodies, queue, count):
    """5.1"""
    alive = count[ALIVE]
    births = _queue_of_askers(law, word, bodies, alive, queue)
    for k in range(births):
        parent = np.int64(queue[k] & np.uint64(0xFFFFFFFF))
        child, name = alive + k, u32(count[NEXT_ID] + k)
        half = bodies.energy[parent] >> 1
        bodies.energy[child] = half
        bodies.energy[parent] -= half
        bodies.id[child] = name
        bodies.x[child], bodies.y[child] = bodies.x[parent], bodies.y[parent]
        bodies.last_odour[child], bodies.touched[child] = bodies.last_odour[parent], bodies.touched[parent]
        bodies.lineage[child], bodies.born[child] = bodies.lineage[parent], t
        bodies.heading[child] = threefry(k0, k1, name, HEADING)[0] & 63
        old, new = bodies.genome[parent], bodies.genome[child]
        for locus in range(law.n_loci):
            new[0, locus], new[1, locus] = old[0, locus], old[1, locus]
            if law.mutation_threshold > 0:
                a, b = threefry(k0, k1, name, GENE + locus)
                if a & 0xFFFF < law.mutation_threshold:
                    new[0, locus] = (a >> 24) - 128
                if b & 0xFFFF < law.mutation_threshold:
                    new[1, locus] = (b >> 24) - 128
    count[ALIVE] += births
    count[NEXT_ID] += births
    count[BIRTHS] += births


@njit(cache=True)
def _move_sources(law, k0, k1, places):
    """5.2"""
    mask = law.extent - 1
    for j in range(law.n_sources):
        a, b = threefry(k0, k1, j, SOURCE)
        if a & 0xFFFF < law.jump_threshold:
            a, b = threefry(k0, k1, j, SOURCE_PLACE)
            places.source_x[j], places.source_y[j] = a & mask, b & mask
        else:
            if a >> 16 < law.turn_threshold:
                places.source_heading[j] = b & 63
            h = places.source_heading[j]
            places.source_x[j] = (places.source_x[j] + ((law.source_speed * COSINE[h] + 128) >> 8)) & mask
            places.source_y[j] = (places.source_y[j] + ((law.source_speed * SINE[h] + 128) >> 8)) & mask


@njit(cache=True)
def _let_drops_fall(law, k0, k1, places, count):
    """5.3. Amounts are not negative, so cutting after each drop leaves and spills the same as cutting at the end."""
    mask, spread, capacity = law.extent - 1, law.drop_spread, law.cell_capacity
    for j in range(law.n_sources):
        for i in range(law.drops):
            a, b = threefry(k0, k1, 256 * j + i, DROP)
            dx = ((np.int64(a & 0xFFFF) - np.int64(a >> 16)) * spread) >> 16
            dy = ((np.int64(b & 0xFFFF) - np.int64(b >> 16)) * spread) >> 16
            x, y = (places.source_x[j] + dx) & mask, (places.source_y[j] + dy) & mask
            cell = ((y >> 8) << law.log2_side) + (x >> 8)
            food = places.food[cell] + law.drop_food
            if food > capacity:
                count[SPILLED] += food - capacity
            places.food[cell] = min(food, capacity)
            places.odour[cell] = min(places.odour[cell] + law.drop_odour, capacity)
    count[INFLOW] += law.n_sources * law.drops * law.drop_food


@njit(cache=True)
def _flow(one, two, rate, cell, word, multiplier):
    """5.4: the `q` of a pair of which the first is `cell`."""
    dither = u32(u32(u32(cell) * u32(multiplier | u32(1))) + word) >> u32(24)
    return i32(i32(i32(one - two) * i32(rate) + i32(dither)) >> i32(8))


@njit(cache=True)
def _diffuse(field, side, rate, matching, word, multiplier):
    """5.4, number 1"""
    odd = matching >> 1
    if matching & 1 == 0:
        for row in range(odd, side, 2):
            start, below = row * side, ((row + 1) & (side - 1)) * side
            one, two = field[start : start + side], field[below : below + side]
            for k in range(side):
                q = _flow(one[k], two[k], rate, start + k, word, multiplier)
                one[k], two[k] = i32(one[k] - q), i32(two[k] + q)
    else:
        for start in range(0, side * side, side):
            line = field[start + odd : start + side]
            for k in range(side // 2 - odd):
                q = _flow(line[2 * k], line[2 * k + 1], rate, start + odd + 2 * k, word, multiplier)
                line[2 * k], line[2 * k + 1] = i32(line[2 * k] - q), i32(line[2 * k + 1] + q)
            if odd:
                last = start + side - 1
                q = _flow(field[last], field[start], rate, last, word, multiplier)
                field[last], field[start] = i32(field[last] - q), i32(field[start] + q)


@njit(cache=True)
def _decay(field, decay, word, multiplier):
    """5.4, number 2; returns what was lost."""
    rate, odd, lost = i32(decay), u32(multiplier | u32(1)), 0
    for cell in range(field.size):
        dither = i32(u32(u32(u32(cell) * odd) + word) >> u32(16))
        loss = i32(i32(field[cell] * rate + dither) >> i32(16))
        field[cell] = i32(field[cell] - loss)
        lost += loss
    return lost


@njit(cache=True)
def _draw(k0, k1, word, bodies, scratch, alive):
    """Section 2: `(a_i, b_i)` and the rank of every body."""
    for i in range(alive):
        scratch.word_a[i], scratch.word_b[i] = threefry(k0, k1, bodies.id[i], BODY)
    for i in range(alive):
        scratch.rank[i] = mix(u32(bodies.id[i] ^ word))


@njit(cache=True)
def _find_cells(law, bodies, cells, alive):
    """Section 1"""
    for i in range(alive):
        cells[i] = ((bodies.y[i] >> 8) << law.log2_side) + (bodies.x[i] >> 8)


@njit(cache=True)
def _sense(law, bodies, places, scratch, alive):
    """5.5 and section 3: the stimulus of every body, digit by digit."""
    odour, last, stimulus = scratch.odour, bodies.last_odour, scratch.stimulus
    stimulus[:alive] = 0
    for i in range(alive):
        odour[i] = places.odour[scratch.cell[i]]
    if law.sense_odour:
        one, two, three = law.odour_levels
        for i in range(alive):
            stimulus[i] = i32(odour[i] >= one) + i32(odour[i] >= two) + i32(odour[i] >= three)
    if law.sense_trend:
        for i in range(alive):
            up, down = odour[i] > last[i] + law.trend_margin, odour[i] + law.trend_margin < last[i]
            stimulus[i] = stimulus[i] * 3 + 1 + i32(up) - i32(down)
    if law.sense_touch:
        for i in range(alive):
            stimulus[i] = stimulus[i] * 2 + bodies.touched[i]
    if law.sense_signal:
        one, two, three = law.signal_levels
        for i in range(alive):
            s = places.signal[scratch.cell[i]]
            stimulus[i] = stimulus[i] * 4 + i32(s >= one) + i32(s >= two) + i32(s >= three)
    if law.sense_energy:
        full = law.division_energy
        for i in range(alive):
            e = 4 * bodies.energy[i]
            stimulus[i] = stimulus[i] * 4 + i32(e >= full) + i32(e >= 2 * full) + i32(e >= 3 * full)
    last[:alive] = odour[:alive]


@njit(cache=True)
def _gene(genome, body, locus):
    """Strand 0; an unsigned index spares the test for a negative one."""
    return i32(genome[body, 0, u32(locus)])


@njit(cache=True)
def _choose(law, genome, scratch, alive):
    """5.5: the act of every body."""
    four, weight = law.n_acts == 4, scratch.weight
    for i in range(alive):
        locus = scratch.stimulus[i] * law.n_acts
        q0, q1 = _gene(genome, i, locus), _gene(genome, i, locus + 1)
        q2 = q3 = i32(-128)  # changes nothing where there are two acts
        if four:
            q2, q3 = _gene(genome, i, locus + 2), _gene(genome, i, locus + 3)
        if law.softmax:
            top = max(max(q0, q1), max(q2, q3))
            sum_0 = weight[u32(top - q0)]
            sum_1 = sum_2 = sum_3 = sum_0 + weight[u32(top - q1)]
            if four:
                sum_2 = sum_1 + weight[u32(top - q2)]
                sum_3 = sum_2 + weight[u32(top - q3)]
            z = (np.int64(scratch.word_a[i] & u32(0xFFFF)) * sum_3) >> 16
            scratch.act[i] = i32(sum_0 <= z) + i32(sum_1 <= z) + i32(sum_2 <= z)
        else:  # the largest of 4 * gene + (3 - act) is the largest gene and then the lowest act
            best = max(max(4 * q0 + 3, 4 * q1 + 2), max(4 * q2 + 1, 4 * q3))
            scratch.act[i] = 3 - (best & 3)


@njit(cache=True)
def _move(law, bodies, scratch, alive):
    """5.5: tumble or run."""
    mask, speed = i32(law.extent - 1), i32(law.speed)
    for i in range(alive):
        if scratch.act[i] & 1:
            bodies.heading[i] = i32(scratch.word_a[i] >> u32(16)) & i32(63)
    for i in range(alive):
        runs = i32((scratch.act[i] & 1) - 1)  # all bits, or none for a body that tumbles
        h = bodies.heading[i]
        bodies.x[i] = i32(bodies.x[i] + i32(i32(i32(speed * COSINE[h] + i32(128)) >> i32(8)) & runs)) & mask
        bodies.y[i] = i32(bodies.y[i] + i32(i32(i32(speed * SINE[h] + i32(128)) >> i32(8)) & runs)) & mask


@njit(cache=True)
def _pay(law, bodies, places, scratch, count, alive):
    """5.6. Cutting after each emission leaves the same as cutting at the end."""
    energy, metabolism, signalling = bodies.energy, 0, 0
    for i in range(alive):
        paid = min(energy[i], i32(law.metabolism))
        energy[i] -= paid
        metabolism += paid
    if law.signal:
        for i in range(alive):
            emits = -i32((scratch.act[i] >> 1) & 1)  # all bits, or none
            paid = min(energy[i], i32(law.emission_cost)) & emits
            energy[i] -= paid
            signalling += paid
            cell = scratch.cell[i]
            amount = law.emission_quanta & emits
            places.signal[cell] = min(places.signal[cell] + amount, law.cell_capacity)
    count[METABOLISM] += metabolism
    count[SIGNALLING] += signalling


@njit(cache=True)
def _disperse(scratch, alive):
    """Forget the bodies of all cells."""
    if 8 * alive > scratch.crowd.size:
        scratch.crowd[:], scratch.lowest[:], scratch.highest[:] = 0, u32(0xFFFFFFFF), 0
    else:
        for i in range(alive):
            cell = scratch.cell[i]
            scratch.crowd[cell], scratch.lowest[cell], scratch.highest[cell] = 0, u32(0xFFFFFFFF), 0


@njit(cache=True, error_model="numpy")
def _eat(law, bodies, places, scratch, count, alive):
    """5.7, and `touched` of 5.8, with the number of bodies, the lowest and the highest rank of each cell."""
    cells, taken, energy, full = scratch.cell, scratch.taken, bodies.energy, i32(law.division_energy)
    eaten, wasted = 0, 0
    for i in range(alive):
        cell, rank = cells[i], scratch.rank[i]
        scratch.crowd[cell] += 1
        scratch.lowest[cell] = min(scratch.lowest[cell], rank)
        scratch.highest[cell] = max(scratch.highest[cell], rank)
    for i in range(alive):
        cell = cells[i]
        n, food = scratch.crowd[cell], places.food[cell]
        taken[i] = 0
        bodies.touched[i] = n > 1
        if food > 0:
            share = min(i32(np.float64(food) / np.float64(n)), i32(law.bite))  # a quotient of doubles is exact enough
            more = min(food - n * share, law.bite - share)  # 0 if the share is a whole bite
            taken[i] = share + (more & -i32(scratch.lowest[cell] == scratch.rank[i]))
    for i in range(alive):
        places.food[cells[i]] -= taken[i]
    for i in range(alive):
        fed = i32(energy[i] + taken[i])
        energy[i] = min(fed, full)
        eaten += taken[i]
        wasted += max(i32(fed - full), i32(0))
    count[EATEN] += eaten
    count[WASTED] += wasted


@njit(cache=True)
def _swap(one, two, bits):
    """Swap the first 32 genes of two strands where `bits` is 1, without branches."""
    for k in range(min(32, one.size)):
        difference = (one[k] ^ two[k]) & -((bits >> k) & 1)
        one[k] ^= difference
        two[k] ^= difference


@njit(cache=True)
def _exchange(law, k0, k1, name, one, two):
    """5.8: swap some loci of two genomes, by the words of the first body."""
    for locus in range(0, law.n_loci, 32):
        a, b = threefry(k0, k1, name, EXCHANGE + (locus >> 5))
        _swap(one[0, locus:], two[0, locus:], i32(a))
        _swap(one[1, locus:], two[1, locus:], i32(b))


@njit(cache=True)
def _meet(law, k0, k1, bodies, scratch, count, alive):
    """5.8: the first of each pair that exchanges marks its cell (`crowd` negative), and the last finds the mark."""
    pairs = 0
    for i in range(alive):
        if scratch.word_b[i] & 0xFFFF < law.exchange_threshold:
            cell = scratch.cell[i]
            if scratch.crowd[cell] > 1 and scratch.lowest[cell] == scratch.rank[i]:
                scratch.crowd[cell] = ~pairs
                scratch.first[pairs] = i
                pairs += 1
    if pairs > 0:
        for j in range(alive):
            cell = scratch.cell[j]
            if scratch.crowd[cell] < 0 and scratch.highest[cell] == scratch.rank[j]:
                i = scratch.first[~scratch.crowd[cell]]
                _exchange(law, k0, k1, bodies.id[i], bodies.genome[i], bodies.genome[j])
    count[EXCHANGES] += pairs


@njit(cache=True)
def _die(bodies, count):
    """5.9: the last body takes the place of one that died."""
    alive = before = count[ALIVE]
    i = 0
    while i < alive:
        if bodies.energy[i] > 0:
            i += 1
            continue
        alive -= 1
        if i < alive:
            bodies.id[i], bodies.x[i], bodies.y[i] = bodies.id[alive], bodies.x[alive], bodies.y[alive]
            bodies.heading[i], bodies.energy[i] = bodies.heading[alive], bodies.energy[alive]
            bodies.last_odour[i], bodies.touched[i] = bodies.last_odour[alive], bodies.touched[alive]
            bodies.born[i], bodies.lineage[i] = bodies.born[alive], bodies.lineage[alive]
            for locus in range(bodies.genome.shape[2]):
                bodies.genome[i, 0, locus] = bodies.genome[alive, 0, locus]
                bodies.genome[i, 1, locus] = bodies.genome[alive, 1, locus]
    count[ALIVE] = alive
    count[DEATHS] += before - alive


@njit(cache=True)
def _advance(law, s0, s1, replicate, ticks, bodies, places, scratch, count):
    """Section 5: whole ticks, until the law ends."""
    for _ in range(ticks):
        if count[STATE] != 0:
            return
        t = count[TICK]
        k0, k1 = threefry(s0, s1, replicate, u32(t))
        word = threefry(k0, k1, 0, CONTEST)[0]
        _divide(law, t, k0, k1, word, bodies, scratch.queue, count)
        _move_sources(law, k0, k1, places)
        _let_drops_fall(law, k0, k1, places, count)
        for f in range(3 if law.signal else 2):
            a, b = threefry(k0, k1, f, FIELD)
            field = (places.food, places.odour, places.signal)[f]
            diffusion = (law.food_diffusion, law.odour_diffusion, law.signal_diffusion)[f]
            _diffuse(field, law.side, diffusion, t & 3, a, b)
            if t & 3 == 3:
                lost = _decay(field, (law.food_decay, law.odour_decay, law.signal_decay)[f], b, a)
                if f == 0:
                    count[DECAYED] += lost
        alive = count[ALIVE]
        _draw(k0, k1, word, bodies, scratch, alive)
        _find_cells(law, bodies, scratch.cell, alive)
        _sense(law, bodies, places, scratch, alive)
        _choose(law, bodies.genome, scratch, alive)
        _move(law, bodies, scratch, alive)
        _find_cells(law, bodies, scratch.cell, alive)
        _pay(law, bodies, places, scratch, count, alive)
        _eat(law, bodies, places, scratch, count, alive)
        _meet(law, k0, k1, bodies, scratch, count, alive)
        _disperse(scratch, alive)
        _die(bodies, count)
        count[TICK] = t + 1
        if count[ALIVE] == 0:
            count[STATE], count[ENDED] = 1, t
        elif count[NEXT_ID] >= OVERFLOW_ID:
            count[STATE], count[ENDED] = 2, t


# --- the world as the tests see it --------------------------------------------------------------------------------


class World:
    """A replicate: its law and key, and the arrays that compiled code changes in place.

    `tick` is the number of ticks done, thus the tick that comes next; `ended` is the tick in which the law ended, -1
    before. Only the first `alive` places of the arrays in `bodies` are meaningful, in no particular order.
    """

    def __init__(self, law: Law, seed: int, replicate: int):
        self.law, self.seed, self.replicate = law, seed, replicate
        self.numbers = _numbers(law)
        self.key = (u32(seed & 0xFFFFFFFF), u32((seed >> 32) & 0xFFFFFFFF), u32(replicate))
        places, cells, loci = law.ceiling, law.side**2, law.n_loci
        self.bodies = Bodies(
            np.zeros(places, u32),
            *(np.zeros(places, i32) for _ in Bodies._fields[1:-1]),
            np.zeros((places, 2, loci), np.int8),
        )
        self.places = Places(
            np.zeros(cells, i32), np.zeros(cells, i32), np.zeros(cells if law.signal else 0, i32),
            *(np.zeros(law.n_sources, np.int64) for _ in range(3)),
        )  # fmt: skip
        words, lists = (tuple(np.zeros(places, kind) for _ in range(n)) for kind, n in ((u32, 3), (i32, 6)))
        self.scratch = Scratch(
            *words, *lists, np.zeros(places, np.uint64), _weights(law.sharpness), np.zeros(cells, i32),
            np.full(cells, 0xFFFFFFFF, u32), np.zeros(cells, u32),
        )  # fmt: skip
        self.count = np.zeros(len(COUNTS), np.int64)
        self.count[[NEXT_ID, ALIVE, ENDED]] = law.founders + 1, law.founders, -1

    def __getattr__(self, name):
        """`world.tick`, `world.births`, `world.inflow` and the other counts, as Python integers."""
        if name not in COUNTS or "count" not in self.__dict__:
            raise AttributeError(name)
        return int(self.count[COUNTS.index(name)])

    @property
    def status(self) -> str:
        return STATUS[self.count[STATE]]


def _weights(sharpness: int) -> np.ndarray:
    """5.5: the weight of an act in `softmax` for every difference `top - q`, 0 ... 255."""
    e = np.arange(256, dtype=np.int64) * sharpness
    f, i = e & 255, np.minimum(e >> 8, 31)
    return ((12288 - 32 * f + ((f * f) >> 5)) >> i).astype(i32)


def found(law: Law, seed: int, replicate: int) -> World:
    """Section 4: the state before tick 0."""
    world = World(law, seed, replicate)
    _found(world.numbers, *world.key, world.bodies, world.places)
    return world


def advance(world: World, ticks: int) -> None:
    """Section 5, that many times; stops early when the law ends."""
    _advance(world.numbers, *world.key, ticks, world.bodies, world.places, world.scratch, world.count)


def snapshot(world: World) -> dict[str, np.ndarray]:
    """The state of section 3 with bodies sorted by id, and the cumulative flows of section 6."""
    order = np.argsort(world.bodies.id[: world.alive])
    state = {name: np.array(getattr(world, name), np.int64) for name in ("tick", "next_id", *FLOWS)}
    for name, values in zip(Bodies._fields, world.bodies, strict=True):
        state[name] = values[order].astype(np.int8 if name == "genome" else np.int64)
    for name, values in zip(Places._fields, world.places, strict=True):
        state[name] = values.astype(np.int64)
    return state
