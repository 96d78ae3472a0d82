"""The witness of the mind of `school`: one body in plain Python integers, written from docs/worlds/school.md alone."""

from __future__ import annotations

NAMES = ("actor", "critic", "discount", "trace", "sharpness", "food", "touch")


def toward_zero(a: int, b: int) -> int:
    return -(-a // b) if a < 0 else a // b


def bound(a: int, most: int) -> int:
    return max(-most, min(most, a))


def weight(e: int) -> int:
    """petri.md, 5.5."""
    f, i = e & 255, min(e >> 8, 31)
    return (12288 - 32 * f + ((f * f) >> 5)) >> i


class Body:
    """A body of `levels` senses, with H hidden neurons and A acts."""

    def __init__(self, genome, levels, H, A, crossed, crossed_senses, bite, learns_until, without=()):
        self.levels, self.H, self.A, self.bite, self.learns_until = levels, H, A, bite, learns_until
        self.crossed, self.crossed_senses = crossed, crossed_senses
        inputs = sum(1 if n == 2 else n for n in levels)
        genes = iter(int(g) for g in genome)
        self.U = [[next(genes) for _ in range(inputs)] for _ in range(H)]
        self.w = [[256 * next(genes) for _ in range(H)] for _ in range(A)]
        self.v = [256 * next(genes) for _ in range(H)]
        self.rule = {name: next(genes) for name in NAMES}
        for name in NAMES:
            if name in without:
                self.rule[name] = 0
            if name not in ("food", "touch"):
                self.rule[name] = max(0, self.rule[name])
        self.e = [[0] * H for _ in range(A)]
        self.f = [0] * H
        self.age = 0

    def hidden(self, stimulus):
        digits = []
        for n in reversed(self.levels):
            digits.append(stimulus % n)
            stimulus //= n
        x = []
        for n, level in zip(self.levels, reversed(digits), strict=True):
            if n == 2:
                x.append(level)
            else:
                level = n - 1 - level if self.crossed_senses else level
                x += [1 if k == level else 0 for k in range(n)]
        return [min(127, max(0, sum(u * on for u, on in zip(row, x, strict=True)))) for row in self.U]

    def weights(self, h):
        q = [sum(w * a for w, a in zip(row, h, strict=True)) >> 15 for row in self.w]
        return [weight(min((max(q) - one) * self.rule["sharpness"], 1280)) for one in q]

    def act(self, stimulus, word):
        weights = self.weights(self.hidden(stimulus))
        d = (word * sum(weights)) >> 16
        meant = sum(sum(weights[: k + 1]) <= d for k in range(self.A - 1))
        return meant ^ 1 if self.crossed else meant

    def learn(self, stimulus, act, eaten, met, after):
        self.age += 1
        if self.age - 1 >= self.learns_until:
            return
        meant = act ^ 1 if self.crossed else act
        h, then = self.hidden(stimulus), self.hidden(after)
        g, rule = self.weights(h), self.rule
        for a in range(self.A):
            s = (256 if a == meant else 0) - 256 * g[a] // sum(g)
            for j in range(self.H):
                kept = toward_zero(2 * rule["trace"] * self.e[a][j], 256)
                self.e[a][j] = bound(kept + toward_zero(s * h[j], 256), 1023)
        self.f = [bound(toward_zero(2 * rule["trace"] * f, 256) + x, 1023) for f, x in zip(self.f, h, strict=True)]
        full = min(eaten, self.bite) * 128 // self.bite
        feeling = (rule["food"] * full + 128 * rule["touch"] * met) >> 1
        y, ahead = (sum(v * x for v, x in zip(self.v, hs, strict=True)) >> 7 for hs in (h, then))
        r = bound(feeling + (((ahead >> 4) * 2 * rule["discount"]) >> 4) - y, 32767)
        for a in range(self.A):
            for j in range(self.H):
                change = toward_zero(toward_zero(r * self.e[a][j], 256) * rule["actor"], 128)
                self.w[a][j] = bound(self.w[a][j] + change, 1 << 16)
        for j in range(self.H):
            change = toward_zero(toward_zero(r * self.f[j], 256) * rule["critic"], 128)
            self.v[j] = bound(self.v[j] + change, 1 << 18)
