"""A slow, literal reading of `docs/worlds/petri.md` in plain Python integers and dictionaries: checks the witness."""

import math

import numpy as np

from tests.reference import petri_witness as witness

M32 = 0xFFFFFFFF


def threefry(k0, k1, c0, c1):
    """Section 2, after Random123."""
    turns = ((13, 15, 26, 6), (17, 29, 16, 24))
    key = (k0, k1, k0 ^ k1 ^ 0x1BD11BDA)
    x0, x1 = (c0 + k0) & M32, (c1 + k1) & M32
    for group in range(5):
        for turn in turns[group % 2]:
            x0 = (x0 + x1) & M32
            x1 = ((x1 << turn | x1 >> (32 - turn)) & M32) ^ x0
        x0 = (x0 + key[(group + 1) % 3]) & M32
        x1 = (x1 + key[(group + 2) % 3] + group + 1) & M32
    return x0, x1


def mix(z):
    z ^= z >> 16
    z = z * 0x7FEB352D & M32
    z ^= z >> 15
    z = z * 0x846CA68B & M32
    return z ^ z >> 16


def cosine(h):
    return math.floor(256 * math.cos(2 * math.pi * h / 64) + 0.5)


def step(speed, h):
    return (speed * cosine(h) + 128) >> 8, (speed * cosine((h + 48) & 63) + 128) >> 8


class Slow:
    """The world with a dictionary for every body and one method for every phase of section 5."""

    def __init__(self, law, seed, replicate):
        self.law, self.seed, self.replicate = law, seed, replicate
        self.tick, self.status, self.ended, self.births, self.deaths, self.exchanges = 0, "alive", -1, 0, 0, 0
        self.flows = dict.fromkeys(witness.FLOWS, 0)
        self.extent = 256 * law.side
        self.fields = {name: [0] * law.side**2 for name in ("food", "odour", "signal")[: 2 + law.signal]}
        self.key = self.tick_key(0xFFFFFFFF)
        self.sources, self.bodies = [], []
        for j in range(law.n_sources):
            x, y = self.bits(j, 3)
            heading = self.bits(j, 4)[0] & 63
            self.sources.append({"x": x % self.extent, "y": y % self.extent, "heading": heading})
        for name in range(1, law.founders + 1):
            x, y = self.bits(name, 1)
            genome = [[], []]
            for locus in range(law.n_loci):
                for strand, word in zip(genome, self.bits(name, 0x10000 + locus), strict=True):
                    strand.append((word >> 24) - 128)
            self.bodies.append({
                "id": name, "x": x % self.extent, "y": y % self.extent, "heading": self.bits(name, 2)[0] & 63,
                "energy": law.founding_energy, "last_odour": 0, "touched": 0, "born": -1, "lineage": name,
                "genome": genome,
            })  # fmt: skip
        self.next_id = law.founders + 1

    def tick_key(self, t):
        return threefry(self.seed & M32, self.seed >> 32, self.replicate, t)

    def bits(self, index, purpose):
        return threefry(*self.key, index, purpose)

    def rank(self, body):
        return mix(body["id"] ^ self.contest)

    def cell(self, thing):
        return (thing["y"] >> 8) * self.law.side + (thing["x"] >> 8)

    def move(self, thing, dx, dy):
        thing["x"], thing["y"] = (thing["x"] + dx) & (self.extent - 1), (thing["y"] + dy) & (self.extent - 1)

    def do_tick(self):
        if self.status != "alive":
            return
        self.key = self.tick_key(self.tick)
        self.contest = self.bits(0, 7)[0]
        self.divide()
        self.move_sources()
        self.drop()
        self.diffuse_and_decay()
        acts = [self.sense_and_act(body) for body in self.bodies]
        for body, act in zip(self.bodies, acts, strict=True):
            if act & 1:
                body["heading"] = self.bits(body["id"], 0)[0] >> 16 & 63
            else:
                self.move(body, *step(self.law.speed, body["heading"]))
        self.pay(acts)
        cells = {}
        for body in self.bodies:
            cells.setdefault(self.cell(body), []).append(body)
        for cell, here in cells.items():
            here.sort(key=self.rank)
            self.eat(cell, here)
        for here in cells.values():
            self.meet(here)
        before = len(self.bodies)
        self.bodies = [body for body in self.bodies if body["energy"] > 0]
        self.deaths += before - len(self.bodies)
        if not self.bodies:
            self.status, self.ended = "extinct", self.tick
        elif self.next_id >= 2**31 - 2**20:
            self.status, self.ended = "overflow", self.tick
        self.tick += 1

    def divide(self):
        law = self.law
        askers = sorted((body for body in self.bodies if body["energy"] >= law.division_energy), key=self.rank)
        for parent in askers[: max(0, law.ceiling - len(self.bodies))]:
            name = self.next_id
            self.next_id += 1
            self.births += 1
            genome = [list(strand) for strand in parent["genome"]]
            for locus in range(law.n_loci):
                for strand, word in zip(genome, self.bits(name, 0x10000 + locus), strict=True):
                    if word & 0xFFFF < law.mutation_threshold:
                        strand[locus] = (word >> 24) - 128
            half = parent["energy"] // 2
            parent["energy"] -= half
            heading = self.bits(name, 2)[0] & 63
            changed = {"id": name, "energy": half, "born": self.tick, "heading": heading, "genome": genome}
            self.bodies.append({**parent, **changed})

    def move_sources(self):
        for j, source in enumerate(self.sources):
            a, b = self.bits(j, 3)
            if a & 0xFFFF < self.law.jump_threshold:
                source["x"], source["y"] = (word % self.extent for word in self.bits(j, 4))
                continue
            if a >> 16 < self.law.turn_threshold:
                source["heading"] = b & 63
            self.move(source, *step(self.law.source_speed, source["heading"]))

    def drop(self):
        law = self.law
        for j, source in enumerate(self.sources):
            for i in range(law.drops):
                place = dict(source)
                self.move(place, *(
                    (((word & 0xFFFF) - (word >> 16)) * law.drop_spread) >> 16 for word in self.bits(256 * j + i, 5)
                ))  # fmt: skip
                self.fields["food"][self.cell(place)] += law.drop_food
                self.fields["odour"][self.cell(place)] += law.drop_odour
        self.flows["inflow"] += law.n_sources * law.drops * law.drop_food
        self.flows["spilled"] += self.cut("food")
        self.cut("odour")

    def cut(self, name):
        before = sum(self.fields[name])
        self.fields[name] = [min(v, self.law.cell_capacity) for v in self.fields[name]]
        return before - sum(self.fields[name])

    def diffuse_and_decay(self):
        law, side, m = self.law, self.law.side, self.tick & 3
        for f, (name, v) in enumerate(self.fields.items()):
            a, b = self.bits(f, 6)
            diffusion, decay = getattr(law, name + "_diffusion"), getattr(law, name + "_decay")
            for i in range(m >> 1, side, 2):
                for other in range(side):
                    one, two = (i, other), ((i + 1) % side, other)
                    if m & 1:
                        one, two = one[::-1], two[::-1]
                    c1, c2 = one[0] * side + one[1], two[0] * side + two[1]
                    dither = (c1 * (b | 1) + a) & M32
                    q = ((v[c1] - v[c2]) * diffusion + (dither >> 24)) >> 8
                    v[c1], v[c2] = v[c1] - q, v[c2] + q
            if m == 3:
                for c in range(side * side):
                    loss = (v[c] * decay + (((c * (a | 1) + b) & M32) >> 16)) >> 16
                    v[c] -= loss
                    self.flows["decayed"] += loss if name == "food" else 0

    def sense_and_act(self, body):
        law, cell = self.law, self.cell(body)
        o, last = self.fields["odour"][cell], body["last_odour"]
        s = self.fields["signal"][cell] if law.signal else 0
        levels = {
            "odour": (4, sum(k <= o for k in law.odour_levels)),
            "trend": (3, 0 if o + law.trend_margin < last else 2 if o > last + law.trend_margin else 1),
            "touch": (2, body["touched"]),
            "signal": (4, sum(k <= s for k in law.signal_levels)),
            "energy": (4, sum(4 * body["energy"] >= k * law.division_energy for k in (1, 2, 3))),
        }
        stimulus = 0
        for sense, (radix, level) in levels.items():
            if sense in law.senses:
                stimulus = stimulus * radix + level
        body["last_odour"] = o
        q = body["genome"][0][stimulus * law.n_acts :][: law.n_acts]
        if law.policy == "argmax":
            return q.index(max(q))
        weights = []
        for gene in q:
            e = (max(q) - gene) * law.sharpness
            f, i = e % 256, min(e // 256, 31)
            weights.append((12288 - 32 * f + f * f // 32) >> i)
        z = (self.bits(body["id"], 0)[0] % 65536 * sum(weights)) // 65536
        return sum(sum(weights[: j + 1]) <= z for j in range(law.n_acts))

    def pay(self, acts):
        for body, act in zip(self.bodies, acts, strict=True):
            paid = min(body["energy"], self.law.metabolism)
            body["energy"] -= paid
            self.flows["metabolism"] += paid
            if act & 2:
                paid = min(body["energy"], self.law.emission_cost)
                body["energy"] -= paid
                self.flows["signalling"] += paid
                self.fields["signal"][self.cell(body)] += self.law.emission_quanta
        if self.law.signal:
            self.cut("signal")

    def eat(self, cell, here):
        law, food, n = self.law, self.fields["food"][cell], len(here)
        share = food // n
        if share >= law.bite:
            takes = [law.bite] * n
        else:
            takes = [share] * n
            takes[0] += min(food - n * share, law.bite - share)
        self.fields["food"][cell] -= sum(takes)
        self.flows["eaten"] += sum(takes)
        for body, take in zip(here, takes, strict=True):
            body["energy"] += take
            self.flows["wasted"] += max(0, body["energy"] - law.division_energy)
            body["energy"] = min(body["energy"], law.division_energy)

    def meet(self, here):
        for body in here:
            body["touched"] = int(len(here) > 1)
        one, two = here[0], here[-1]
        if one is two or self.bits(one["id"], 0)[1] & 0xFFFF >= self.law.exchange_threshold:
            return
        self.exchanges += 1
        for locus in range(self.law.n_loci):
            for strand, word in enumerate(self.bits(one["id"], 0x100 + (locus >> 5))):
                if word >> (locus & 31) & 1:
                    mine, yours = one["genome"][strand], two["genome"][strand]
                    mine[locus], yours[locus] = yours[locus], mine[locus]

    def snapshot(self):
        bodies = sorted(self.bodies, key=lambda body: body["id"])
        state = {"tick": self.tick, "next_id": self.next_id, **self.flows}
        for name in ("id", "x", "y", "heading", "energy", "last_odour", "touched", "born", "lineage"):
            state[name] = [body[name] for body in bodies]
        genomes = np.array([body["genome"] for body in bodies], np.int8)
        state["genome"] = genomes.reshape(len(bodies), 2, self.law.n_loci)
        state |= {"signal": []} | self.fields
        for name in ("x", "y", "heading"):
            state["source_" + name] = [source[name] for source in self.sources]
        return state
