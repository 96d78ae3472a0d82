"""The world `petri` as a model in Mesa 3, to compare speeds.

Written from `docs/worlds/petri.md` as a Mesa user would write it: a body is an agent, a Python object; the phases of
bodies are methods called through `AgentSet`s, those of fields and sources are vectorised with NumPy. Fields and
sources draw the random bits of the page (so food falls where it falls in the program, given the same seed and
replicate 0); bodies draw from the generator of the model, which is cheaper in Python. A run therefore agrees with the
program in its statistics but not in its bits: ranks, headings, places of founders, genes, mutations, exchanges and
choices of `softmax` have the same distributions.

`law` is any object with the numbers and switches of the page as attributes, `tests.reference.petri_witness.Law` say.
"""

from array import array
from itertools import accumulate

import mesa
import numpy as np

LEVELS = {"odour": 4, "trend": 3, "touch": 2, "signal": 4, "energy": 4}
SOURCE, SOURCE_PLACE, DROP, FIELD = 3, 4, 5, 6
GOLDEN = np.uint32(2654435769)


def threefry(key, index, purpose):
    """Threefry-2x32 with 20 rounds for an array of indices: two arrays of `uint32` (section 2)."""
    k0, k1 = (np.atleast_1d(np.asarray(k, np.uint32)) for k in key)
    keys = (k0, k1, k0 ^ k1 ^ np.uint32(0x1BD11BDA))
    x0 = np.atleast_1d(np.asarray(index, np.uint32)) + k0
    x1 = np.asarray(purpose, np.uint32) + k1
    for group in range(5):
        for turn in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x0 = x0 + x1
            x1 = (x1 << np.uint32(turn) | x1 >> np.uint32(32 - turn)) ^ x0
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + np.uint32(group + 1)
    return x0, x1


class Bacterium(mesa.Agent):
    """A body (section 3). Its genome is two strands of bytes: `expressed` and `shadow`."""

    def __init__(self, model, x, y, energy, expressed, shadow, *, parent=None):
        super().__init__(model)
        self.x, self.y, self.energy = x, y, energy
        self.heading = self.random.getrandbits(6)
        self.expressed, self.shadow = expressed, shadow
        self.last_odour = parent.last_odour if parent else 0
        self.touched = parent.touched if parent else False
        self.lineage = parent.lineage if parent else self.unique_id
        self.born = model.steps - 1  # -1 for founders
        self.act = 0
        self.cell = model.cell_at(x, y)

    def divide(self):
        """5.1"""
        half = self.energy >> 1
        self.energy -= half
        strands = (self.model.mutated(self.expressed), self.model.mutated(self.shadow))
        Bacterium(self.model, self.x, self.y, half, *strands, parent=self)

    def sense_and_act(self):
        """5.5"""
        model = self.model
        locus = self.stimulus() * model.n_acts
        row = self.expressed[locus : locus + model.n_acts]
        top = max(row)
        if model.softmax:
            sums = list(accumulate([model.weights[top - q] for q in row]))
            z = (self.random.getrandbits(16) * sums[-1]) >> 16
            self.act = sum(total <= z for total in sums)
        else:
            self.act = row.index(top)
        if self.act & 1:
            self.heading = self.random.getrandbits(6)
        else:
            dx, dy = model.steps_of_bodies[self.heading]
            self.x = (self.x + dx) & model.mask
            self.y = (self.y + dy) & model.mask
            self.cell = model.cell_at(self.x, self.y)

    def stimulus(self):
        """Section 3; remembers the odour."""
        model, law, stimulus = self.model, self.model.law, 0
        odour, last = model.odour.item(self.cell), self.last_odour
        if "odour" in model.senses:
            one, two, three = law.odour_levels
            stimulus = (one <= odour) + (two <= odour) + (three <= odour)
        if "trend" in model.senses:
            margin = law.trend_margin
            stimulus = stimulus * 3 + 1 + (odour > last + margin) - (odour + margin < last)
        if "touch" in model.senses:
            stimulus = stimulus * 2 + self.touched
        if "signal" in model.senses:
            one, two, three = law.signal_levels
            signal = model.signal.item(self.cell)
            stimulus = stimulus * 4 + (one <= signal) + (two <= signal) + (three <= signal)
        if "energy" in model.senses:
            stimulus = stimulus * 4 + min(4 * self.energy // law.division_energy, 3)
        self.last_odour = odour
        return stimulus

    def pay(self):
        """5.6"""
        model, law = self.model, self.model.law
        paid = min(self.energy, law.metabolism)
        self.energy -= paid
        model.metabolism += paid
        if self.act & 2:
            paid = min(self.energy, law.emission_cost)
            self.energy -= paid
            model.signalling += paid
            model.signal[self.cell] += law.emission_quanta

    def eat(self, amount):
        """5.7, of one body"""
        model, energy = self.model, self.energy + amount
        self.energy = min(energy, model.law.division_energy)
        model.eaten += amount
        model.wasted += energy - self.energy

    def exchange(self, other):
        """5.8, of a pair"""
        for mine, yours in ((self.expressed, other.expressed), (self.shadow, other.shadow)):
            bits = self.random.getrandbits(len(mine))
            for locus in range(len(mine)):
                if bits >> locus & 1:
                    mine[locus], yours[locus] = yours[locus], mine[locus]


class PetriModel(mesa.Model):
    """A replicate; `step()` is a tick (section 5)."""

    def __init__(self, law, seed):
        super().__init__(seed=seed)
        self.law, self.side, self.mask = law, law.side, 256 * law.side - 1
        self.key = (seed & 0xFFFFFFFF, seed >> 32)
        self.softmax, self.senses = law.policy == "softmax", frozenset(law.senses)
        self.n_acts = 4 if law.signal else 2
        self.n_loci = self.n_acts * int(np.prod([LEVELS[sense] for sense in self.senses], dtype=int))
        self.tables()
        self.inflow = self.spilled = self.decayed = 0
        self.metabolism = self.signalling = self.eaten = self.wasted = 0
        self.births = self.exchanges = 0

        cells = self.side**2
        self.dither = np.arange(cells, dtype=np.uint32) * GOLDEN
        self.food, self.odour, self.signal = (np.zeros(cells, np.int32) for _ in range(3))
        self.fields = [
            (self.food, law.food_diffusion, law.food_decay),
            (self.odour, law.odour_diffusion, law.odour_decay),
        ]
        if law.signal:
            self.fields.append((self.signal, law.signal_diffusion, law.signal_decay))

        founding_key = threefry(self.key, 0, 0xFFFFFFFF)
        self.numbers = np.arange(law.n_sources)
        x, y = threefry(founding_key, self.numbers, SOURCE)
        self.source_x, self.source_y = (np.asarray(v & np.uint32(self.mask), np.int64) for v in (x, y))
        self.source_heading = np.asarray(
            threefry(founding_key, self.numbers, SOURCE_PLACE)[0] & np.uint32(63), np.int64
        )

        n, strand = law.founders, self.n_loci
        Bacterium.create_agents(
            self,
            n,
            self.rng.integers(256 * self.side, size=n).tolist(),
            self.rng.integers(256 * self.side, size=n).tolist(),
            law.founding_energy,
            [array("b", self.random.randbytes(strand)) for _ in range(n)],
            [array("b", self.random.randbytes(strand)) for _ in range(n)],
        )

    def tables(self):
        """Sections 1 and 5.5: steps for every heading, and the weight for every difference of genes."""
        angle = 2 * np.pi * np.arange(64) / 64
        cosine = np.floor(256 * np.cos(angle) + 0.5).astype(int)
        sine = cosine[(np.arange(64) + 48) & 63]
        self.steps_of_bodies = [
            ((self.law.speed * c + 128) >> 8, (self.law.speed * s + 128) >> 8)
            for c, s in zip(cosine.tolist(), sine.tolist(), strict=True)
        ]
        self.source_dx, self.source_dy = ((self.law.source_speed * v + 128) >> 8 for v in (cosine, sine))
        e = np.arange(256) * self.law.sharpness
        f, i = e & 255, np.minimum(e >> 8, 31)
        self.weights = ((12288 - 32 * f + (f * f >> 5)) >> i).tolist()

    def cell_at(self, x, y):
        return (y >> 8) * self.side + (x >> 8)

    def mutated(self, strand):
        """A copy of a strand, with mutations (5.1)."""
        strand, threshold, draw = strand[:], self.law.mutation_threshold, self.random.getrandbits
        if threshold:
            for locus in range(len(strand)):
                if draw(16) < threshold:
                    strand[locus] = draw(8) - 128
        return strand

    def step(self):
        """A tick (section 5)."""
        tick = self.steps - 1  # Mesa counts before the step
        key = threefry(self.key, 0, tick)
        self.divide()
        self.move_sources(key)
        self.let_drops_fall(key)
        self.diffuse_and_decay(key, tick)
        self.agents.do("sense_and_act")
        self.agents.do("pay")
        np.minimum(self.signal, self.law.cell_capacity, out=self.signal)
        self.eat_and_meet()
        self.agents.select(lambda body: body.energy == 0).do("remove")
        self.running = len(self.agents) > 0

    def divide(self):
        """5.1: a random choice of the askers, in random order, stands for the order of ranks."""
        room = self.law.ceiling - len(self.agents)
        if room <= 0:
            return
        level = self.law.division_energy
        askers = self.agents.select(lambda body: body.energy >= level)
        self.births += min(room, len(askers))
        askers.shuffle(inplace=True).select(at_most=room).do("divide")

    def move_sources(self, key):
        """5.2"""
        a, b = threefry(key, self.numbers, SOURCE)
        new_x, new_y = threefry(key, self.numbers, SOURCE_PLACE)
        jumps = (a & 0xFFFF) < self.law.jump_threshold
        turns = ~jumps & ((a >> np.uint32(16)) < self.law.turn_threshold)
        self.source_heading = np.where(turns, b & 63, self.source_heading).astype(np.int64)
        x = np.where(jumps, new_x, self.source_x + self.source_dx[self.source_heading])
        y = np.where(jumps, new_y, self.source_y + self.source_dy[self.source_heading])
        self.source_x, self.source_y = x & self.mask, y & self.mask

    def let_drops_fall(self, key):
        """5.3"""
        law = self.law
        index = 256 * self.numbers[:, None] + np.arange(law.drops)
        far = []
        for word in threefry(key, index.ravel(), DROP):
            difference = (word & 0xFFFF).astype(np.int64) - (word >> np.uint32(16))
            far.append((difference * law.drop_spread >> 16).reshape(index.shape))
        cells = self.cell_at(
            (self.source_x[:, None] + far[0]) & self.mask, (self.source_y[:, None] + far[1]) & self.mask
        )
        np.add.at(self.food, cells, law.drop_food)
        np.add.at(self.odour, cells, law.drop_odour)
        self.inflow += index.size * law.drop_food
        self.spilled += int(np.maximum(self.food - law.cell_capacity, 0).sum())
        np.minimum(self.food, law.cell_capacity, out=self.food)
        np.minimum(self.odour, law.cell_capacity, out=self.odour)

    def diffuse_and_decay(self, key, tick):
        """5.4"""
        words = threefry(key, np.arange(3), FIELD)
        matching, shape = tick & 3, (self.side, self.side)
        odd = matching >> 1
        for f, (field, diffusion, decay) in enumerate(self.fields):
            v = field.reshape(shape)
            dither = ((self.dither + words[0][f]) >> np.uint32(24)).astype(np.int32).reshape(shape)
            if matching & 1:
                v, dither = v.T, dither.T
            q = ((v[odd::2] - np.roll(v, -1, axis=0)[odd::2]) * diffusion + dither[odd::2]) >> 8
            v[odd::2] -= q
            v[1 - odd :: 2] += np.roll(q, odd, axis=0)
            if matching == 3:
                loss = (field * decay + ((self.dither + words[1][f]) >> np.uint32(16)).astype(np.int32)) >> 16
                field -= loss
                if f == 0:
                    self.decayed += int(loss.sum())

    def eat_and_meet(self):
        """5.7 and 5.8, cell by cell: a random pair stands for the lowest and the highest rank."""
        bite, threshold, draw = self.law.bite, self.law.exchange_threshold, self.random.getrandbits
        for cell, bodies in self.agents.groupby("cell", result_type="list"):
            food, n = self.food.item(cell), len(bodies)
            if n == 1:
                first = last = bodies[0]
            else:
                first, last = self.random.sample(bodies, 2)
            if food > 0:
                share = min(food // n, bite)
                more = min(food - n * share, bite - share)
                self.food[cell] = food - n * share - more
                for body in bodies:
                    body.eat(share + more if body is first else share)
            for body in bodies:
                body.touched = n > 1
            if n > 1 and draw(16) < threshold:
                first.exchange(last)
                self.exchanges += 1
