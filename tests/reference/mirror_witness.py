"""The witness: a second implementation of the world `mirror`, written from `docs/worlds/mirror.md` alone.

It shares no code with the program and is built differently: one body after the other, in dictionaries. Slow.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tests.reference.petri_witness import threefry

PAY = {
    "pennies": ([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]),
    "stag": ([[4, 0], [3, 3]],) * 2,
    "dove": ([[2, 0], [4, -1]],) * 2,
    "dilemma": ([[3, 0], [5, 1]],) * 2,
}
SCRIPTS = ["nature", "allc", "alld", "tft", "gtft", "wsls", "grim", "cycle1", "cycle2", "cycle3", "cycle4", "cycle5"]
SLOTS = {"everyone": 1, "partner": 4, "kind": 13}


def cycle(order: int) -> list[int]:
    acts, seen = [0] * order, {(0,) * order}
    while True:
        new = next((c for c in (1, 0) if tuple([*acts, c][-order:]) not in seen), None)
        if new is None:
            return [*acts[order:], 0]
        acts.append(new)
        seen.add(tuple(acts[-order:]))


CYCLES = {k: cycle(k) for k in range(1, 6)}


@dataclass
class Body:
    id: int
    energy: int
    genome: list[list[int]]
    slots: int
    met: int = 0
    read: int = 0
    tables: np.ndarray = field(init=False)
    history: list[int] = field(init=False)
    whom: list[int] = field(init=False)

    def __post_init__(self):
        self.tables = np.zeros((self.slots, 64, 2), int)
        self.history, self.whom = [1] * self.slots, [0] * self.slots


def push(h: int, c: int) -> int:
    g = 2 * h + c
    return g if g < 64 else 32 | (g & 31)


def context(h: int, k: int) -> int:
    return 2**k | (h & (2**k - 1)) if h >= 2**k else h


class World:
    """One replicate. `numbers` is the configuration, as plain values."""

    def __init__(self, numbers: dict, seed: int, replicate: int):
        self.c, self.seed, self.replicate = numbers, (seed & 0xFFFFFFFF, seed >> 32), replicate
        self.side, self.t = numbers["side"], -1
        n, key = self.side**2, self._key(0xFFFFFFFF)
        self.tops = [numbers["orders"], int(numbers["foresight"]), 6, numbers["noise"]]
        self.at: list[Body | None] = []
        for p in range(n):
            genome = []
            for s in (0, 1):
                q = self._quarters(key, p + 1, 16 + s)
                genome.append([(q[k] * (self.tops[k] + 1)) >> 16 for k in range(4)])
            self.at.append(Body(p + 1, numbers["founding_energy"], genome, SLOTS[numbers["remembers"]]))
        self.next_id, self.way, self.chance = n + 1, 0, [32768, 32768]

    def _key(self, t: int):
        return threefry(*self.seed, self.replicate, t)

    @staticmethod
    def _quarters(key, index: int, purpose: int) -> list[int]:
        a, b = (int(w) for w in threefry(*key, index, purpose))
        return [a & 65535, a >> 16, b & 65535, b >> 16]

    def bits(self, index: int, purpose: int) -> tuple[int, int]:
        a, b = threefry(*self.key, index, purpose)
        return int(a), int(b)

    def chance_of(self, name: str) -> int:
        return int(65536 * self.c[name] + 0.5)

    def role(self, p: int) -> int:
        return (p % self.side + p // self.side) & 1

    def tick(self) -> dict[str, int]:
        self.t += 1
        self.key = self._key(self.t)
        self.booked = dict.fromkeys(("inflow", "spilled", "upkeep", "died", "cut", "births", "deaths"), 0)
        self._stir()
        other = self._meet()
        self._play(other)
        self._live()
        self._divide(other)
        return self.booked

    def _stir(self):
        a, b = self.bits(0, 0)
        side = self.side
        cx, cy = a & (side - 1), b & (side - 1)
        cy ^= (cx ^ cy) & 1
        for p in range(side**2):
            q = ((cy - p // side) % side) * side + (cx - p % side) % side
            if p < q and self.bits(p, 1)[0] & 65535 < self.chance_of("mobility"):
                self.at[p], self.at[q] = self.at[q], self.at[p]

    def _meet(self) -> list[int]:
        side, self.way = self.side, self.bits(0, 2)[0] & 3
        o, other = self.way & 1, []
        for p in range(side**2):
            x, y = p % side, p // side
            if self.way < 2:
                x = (((x + o) ^ 1) - o) % side
            else:
                y = (((y + o) ^ 1) - o) % side
            other.append(y * side + x)
        self.facing: dict[int, str | None] = {}
        self.slot: dict[int, int] = {}
        pool, what = self.c["pool"], self.c["remembers"]
        for p, q in enumerate(other):
            a, b = self.bits(min(p, q), 3)
            half = b & 65535 if self.role(p) == 0 else b >> 16
            script = pool[(half * len(pool)) >> 16] if a & 65535 < self.chance_of("visitors") else None
            me, they = self.at[p], self.at[q]
            if me is None or (script is None and they is None):
                continue
            self.facing[p] = script
            slot = {"everyone": 0, "partner": self.way, "kind": 0 if script is None else 1 + SCRIPTS.index(script)}[
                what
            ]
            self.slot[p] = slot
            if what != "partner":
                me.history[slot] = 1
            else:
                who = 0 if script else they.id
                if script or me.whom[slot] != who:
                    me.tables[slot], me.history[slot], me.whom[slot] = 0, 1, who
        return other

    def _opponent(self, p: int, r: int, other: list[int]) -> int:
        if not self.c["shuffled"]:
            return other[p]
        a, b = self.bits(0, 8192 + r)
        side = self.side
        dx, dy = a & (side - 1), b & (side - 1)
        dy ^= (dx ^ dy) & 1
        if self.role(p) == 0:
            q = other[p]
            return ((q // side + dy) % side) * side + (q % side + dx) % side
        return other[((p // side - dy) % side) * side + (p % side - dx) % side]

    def _play(self, other: list[int]):
        last = {p: (0, 0, False) for p in self.facing}
        played = [[0, 0], [0, 0]]
        for body in self.at:
            if body:
                body.met = body.read = 0
        for r in range(self.c["rounds"]):
            acts, guesses = {}, {}
            for p in self.facing:
                acts[p], guesses[p] = self._mind(p, r)
            energy = {p: self.at[p].energy for p in self.facing}
            ends = {}
            for p, script in self.facing.items():
                q = self._opponent(p, r, other)
                if energy[p] == 0 or (script is None and energy.get(q, 0) == 0):
                    self.booked["cut"] += 1
                    continue
                theirs = self._script(script, p, r, last[p]) if script else acts[q]
                ends[p] = (theirs, *self._paid(p, q, script, acts[p], theirs, energy))
            for p, (theirs, gain, loss) in ends.items():
                me, slot = self.at[p], self.slot[p]
                me.energy += gain - loss
                me.met += 1
                me.read += guesses[p] == theirs
                counts = me.tables[slot][context(me.history[slot], me.genome[0][0])]
                counts[theirs] += 1
                if counts.sum() >= self.c["memory"]:
                    counts >>= 1
                me.history[slot] = push(me.history[slot], theirs)
                if self.c["own_acts"]:
                    me.history[slot] = push(me.history[slot], acts[p])
                last[p] = (acts[p], theirs, last[p][2] or acts[p] == 1)
                if self.facing[p] is None:
                    played[self.role(p)][0] += acts[p]
                    played[self.role(p)][1] += 1
        for role, (ones, rounds) in enumerate(played):
            if rounds:
                self.chance[role] = ((ones << 8) // rounds) << 8

    def _paid(self, p, q, script, act, theirs, energy) -> tuple[int, int]:
        stake, pay = self.c["stake"], PAY[self.c["game"]]
        mine = stake * pay[self.role(p)][act][theirs]
        yours = stake * pay[1 - self.role(p)][theirs][act]
        supply = 0 if self.c["game"] == "pennies" else stake * max(max(row) for row in pay[0])
        loss = min(max(-mine, 0), energy[p])
        pot = supply + (max(-yours, 0) if script else min(max(-yours, 0), energy[q]))
        gain = min(max(mine, 0), pot)
        self.booked["inflow"] += supply + (max(-yours, 0) if script else 0)
        self.booked["spilled"] += pot - gain + (loss if script else 0)
        return gain, loss

    def _mind(self, p: int, r: int) -> tuple[int, int]:
        me, slot = self.at[p], self.slot[p]
        order, foresight, prior, noise = me.genome[0]
        a = self.bits(me.id, 4096 + r)[0]
        pay, stake = PAY[self.c["game"]][self.role(p)], self.c["stake"]

        def weights(h):
            at = context(h, order)
            w = [1 + int(count) for count in me.tables[slot][at]]
            if at > 1:  # the newest act again, or the other one
                w[at % 2 if prior >= 3 else 1 - at % 2] += abs(prior - 3)
            return tuple(w)

        def expected(h):
            w0, w1 = weights(h)
            return (a >> 5) & 1 if w0 == w1 else int(w1 > w0)

        h = me.history[slot]
        w, worth = weights(h), [0, 0]
        for u in (0, 1):
            for v in (0, 1):
                after = push(push(h, v), u) if self.c["own_acts"] else push(h, v)
                best = max(pay[0][expected(after)], pay[1][expected(after)])
                worth[u] += w[v] * stake * (pay[u][v] + foresight * best)
        act = (a >> 6) & 1 if worth[0] == worth[1] else int(worth[1] > worth[0])
        return ((a >> 4) & 1 if a & 15 < noise or self.c["mindless"] else act), expected(h)

    def _script(self, script: str, p: int, r: int, last) -> int:
        mine, theirs, wronged = last
        high = self.bits(self.at[p].id, 4096 + r)[0] >> 16
        if script.startswith("cycle"):
            k = int(script[5:])
            return CYCLES[k][(self.t * self.c["rounds"] + r) % 2**k]
        if script == "nature":
            return int(high < self.chance[1 - self.role(p)])
        if script in ("allc", "alld"):
            return int(script == "alld")
        if script == "grim":
            return int(wronged)
        if r == 0 or (script == "gtft" and high & 255 < 85):
            return 0
        return mine ^ theirs if script == "wsls" else mine

    def _live(self):
        for p, me in enumerate(self.at):
            if me is None:
                continue
            starved = me.energy == 0
            if not starved:
                me.energy += self.c["ration"]
                self.booked["inflow"] += self.c["ration"]
                paid = min(me.energy, self.c["metabolism"] + ((self.c["cost"] << me.genome[0][0]) >> 4))
                me.energy -= paid
                self.booked["upkeep"] += paid
                over = max(0, me.energy - self.c["ceiling"])
                me.energy -= over
                self.booked["spilled"] += over
            if me.energy == 0 or self.bits(me.id, 4)[0] & 65535 < self.chance_of("hazard"):
                self.booked["died"] += me.energy
                self.booked["deaths"] += 1
                self.at[p] = None

    def _divide(self, other: list[int]):
        before = list(self.at)
        for p, q in enumerate(other):
            parent = before[q]
            if before[p] is not None or parent is None or parent.energy < self.c["division_energy"]:
                continue
            genome = []
            for s in (0, 1):
                steps, genes = self.bits(self.next_id, 48 + s)[0], []
                for k, quarter in enumerate(self._quarters(self.key, self.next_id, 32 + s)):
                    gene = parent.genome[s][k]
                    if quarter < self.chance_of("mutation"):
                        gene = min(max(gene + (1 if (steps >> k) & 1 else -1), 0), self.tops[k])
                    genes.append(gene)
                genome.append(genes)
            self.at[p] = Body(self.next_id, parent.energy // 2, genome, parent.slots)
            parent.energy -= parent.energy // 2
            self.next_id += 1
            self.booked["births"] += 1
