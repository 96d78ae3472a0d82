"""The witness of the reversible worlds, written from `docs/worlds/reversible.md` alone: NumPy, an element a site.

A state is a dictionary of plain arrays (truth values, or signed 64-bit numbers); `words` packs it as section 1 says.
"""

import numpy as np

M32 = 0xFFFFFFFF
FOUNDING = 2**32 - 1


# -- sections 1 and 2: words -------------------------------------------------------------------------------------------


def threefry(k, c0, c1):
    c0, c1 = np.broadcast_arrays(np.asarray(c0, np.uint64), np.asarray(c1, np.uint64))
    key = (k[0], k[1], k[0] ^ k[1] ^ 0x1BD11BDA)
    x, y = (c0 + np.uint64(key[0])) & M32, (c1 + np.uint64(key[1])) & M32
    for group in range(5):
        for turn in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x = (x + y) & M32
            y = (((y << np.uint64(turn)) | (y >> np.uint64(32 - turn))) & M32) ^ x
        x = (x + np.uint64(key[(group + 1) % 3])) & M32
        y = (y + np.uint64(key[(group + 2) % 3] + group + 1)) & M32
    return x, y


class Words:
    """All random words of a replicate in a tick."""

    def __init__(self, seed, replicate, tick):
        self.key = tuple(int(w) for w in threefry((seed & M32, seed >> 32), replicate, tick))

    def __call__(self, i, p):
        return threefry(self.key, i, p)[0].astype(np.int64)

    def block(self, n, q, p):
        """n words of bits of probability q / 65536, as truth values [32 n]."""
        out = np.zeros(n, np.uint64)
        for d in range(16):
            w = threefry(self.key, np.arange(n), p + d // 2)[d % 2]
            out = out | w if q >> d & 1 else out & w
        return unpack(np.full(n, M32) if q == 65536 else out)


def unpack(words):
    return (np.asarray(words, np.uint64)[:, None] >> np.arange(32, dtype=np.uint64) & 1).astype(bool).ravel()


def pack(sites):
    """Truth values of any shape as words, flat."""
    return (sites.reshape(-1, 32).astype(np.uint64) << np.arange(32, dtype=np.uint64)).sum(axis=1).astype(np.uint32)


def signed(x):
    return (np.asarray(x, np.int64) + 2**31 & M32) - 2**31


def hi(a, b):
    return (np.asarray(a, np.uint64) * np.asarray(b, np.uint64) >> np.uint64(32)).astype(np.int64)


# -- section 3: gases --------------------------------------------------------------------------------------------------


class Gas:
    h = 1.0

    def __init__(self, L=64, density=0.5, radius=0.25):
        self.L, self.q = L, int(65536 * density + 0.5)
        y, x = np.indices((L, L))
        self.drop = (x + 0.5 - L / 2) ** 2 + (self.h * (y + 0.5 - L / 2)) ** 2 < (radius * L) ** 2
        self.mean = int(65536 * density * self.drop.mean() + 0.5)

    def found(self, words, prepared):
        shape = (self.channels, self.L, self.L)
        n = words.block(self.channels * self.L**2 // 32, self.q if prepared else self.mean, 0).reshape(shape)
        return {"n": n & self.drop if prepared else n}

    def words(self, s):
        return np.concatenate([pack(a) for a in s.values()])

    def lots(self, words):
        return unpack(words(np.arange(self.L**2 // 32), 64)).reshape(self.L, self.L)

    def counts(self, s):
        c = self.L // 8
        return s["n"].sum(axis=0).reshape(8, c, 8, c).sum(axis=(1, 3)).ravel()


class HPP(Gas):
    channels = 4

    def collide(self, s, words=None):
        e, n, w, so = s["n"]
        change = (e & w & ~n & ~so) | (n & so & ~e & ~w)
        return {"n": s["n"] ^ (change & self.lots(words) if words else change)}

    def move(self, s):
        e, n, w, so = s["n"]
        return {"n": np.array([np.roll(e, 1, 1), np.roll(n, 1, 0), np.roll(w, -1, 1), np.roll(so, -1, 0)])}

    def turn(self, s):
        return {"n": s["n"][[2, 3, 0, 1]]}


class FHP(Gas):
    channels, h = 6, np.sqrt(3) / 2

    def found(self, words, prepared):
        hand = words.block(self.L**2 // 32, 1 << 15, 8).reshape(self.L, self.L)
        return super().found(words, prepared) | {"hand": hand}

    def collide(self, s, words=None):
        n, left, total = s["n"], self.lots(words) if words else s["hand"], s["n"].sum(axis=0)
        out = n.copy()
        for k in range(3):
            pair = n[k] & n[k + 3] & (total == 2)
            for there, sites in ((k + 1, pair & left), (k - 1, pair & ~left)):
                for c in (k, k + 3):
                    out[c] &= ~sites
                for c in (there % 6, (there + 3) % 6):
                    out[c] |= sites
        for k in (0, 1):
            three = n[k] & n[k + 2] & n[k + 4] & (total == 3)
            out[k::2] &= ~three
            out[1 - k :: 2] |= three
        return {"n": out, "hand": s["hand"]}

    def move(self, s):
        out = np.zeros_like(s["n"])
        for y in range(self.L):
            odd = y % 2
            right, left = (1, 0) if odd else (0, -1)
            steps = ((0, 1), (1, right), (1, left), (0, -1), (-1, left), (-1, right))
            for k, (dy, dx) in enumerate(steps):
                out[k, (y + dy) % self.L] = np.roll(s["n"][k, y], dx)
        return {"n": out, "hand": s["hand"]}

    def turn(self, s):
        return {"n": s["n"][[3, 4, 5, 0, 1, 2]], "hand": ~s["hand"]}


# -- sections 4 and 7: ring and urns -----------------------------------------------------------------------------------


class Kac:
    def __init__(self, N=1024, marked=0.02):
        self.N, self.q = N, int(65536 * marked + 0.5)

    def found(self, words, prepared):
        n = self.N // 32
        black = words.block(n, 0 if prepared else 1 << 15, 0)
        return {"black": black, "marked": words.block(n, self.q, 8), "back": np.zeros(self.N, bool)}

    def words(self, s):
        return np.concatenate([pack(a) for a in s.values()])

    def collide(self, s, words=None):
        return s | {"marked": words.block(self.N // 32, self.q, 64)} if words else s

    def move(self, s):
        black, marked = s["black"], s["marked"]
        moved = np.empty_like(black)
        for k in range(self.N):
            one, other = k, (k + 1) % self.N
            if s["back"][0]:
                moved[one] = black[other] ^ marked[k]
            else:
                moved[other] = black[one] ^ marked[k]
        return s | {"black": moved}

    def turn(self, s):
        return s | {"back": ~s["back"]}

    def counts(self, s):
        return s["black"].reshape(8, -1).sum(axis=1)


class Urn:
    def __init__(self, N=256):
        self.N = N

    def found(self, words, prepared):
        half = words.block(self.N // 32, 1 << 15, 0)
        return {"left": np.ones(self.N, bool) if prepared else half}

    def words(self, s):
        return pack(s["left"])

    def collide(self, s, words):
        left = s["left"].copy()
        left[int(words(0, 64)) % self.N] ^= True
        return {"left": left}

    def move(self, s):
        return s

    def counts(self, s):
        return s["left"].sum(keepdims=True)


# -- sections 5 and 6: bodies ------------------------------------------------------------------------------------------


class Bodies:
    def words(self, s):
        return np.concatenate([s["x"], s["v"]]).astype(np.uint32).ravel()

    def collide(self, s, words=None):
        v, n = s["v"] + self.force(signed(s["x"])), s["x"].shape[1]
        if words:
            v = v + (signed(words(np.arange(2 * n).reshape(2, n), 64)) >> self.narrow)
        return {"x": s["x"], "v": v & M32}

    def move(self, s):
        return {"x": s["x"] + s["v"] & M32, "v": s["v"]}

    def turn(self, s):
        return {"x": s["x"], "v": -s["v"] & M32}


class Discs(Bodies):
    narrow = 15

    def __init__(self, n=48, speed=2**24):
        self.n, self.speed = n, speed

    def found(self, words, prepared):
        i = np.arange(self.n)
        spacing = 2**28 if prepared else 2**29
        both = np.stack([i, self.n + i])
        x = np.stack([i % 8, i // 8]) * spacing + (words(both, 0) >> 8)
        return {"x": x & M32, "v": words(both, 1) % (2 * self.speed + 1) - self.speed & M32}

    def force(self, x):
        out = np.zeros_like(x)
        for i in range(self.n):
            for j in range(self.n):
                d = signed(x[:, i] - x[:, j])
                size = np.minimum(np.abs(d), 2**31 - 1)
                if size.max() < 2**28:
                    u = 16 * size
                    w = 2**31 - min(int((hi(u, u) >> 1).sum()), 2**31)
                    out[:, i] += np.sign(d) * (hi(u, w) >> 7)
        return out

    def counts(self, s):
        return np.bincount((s["x"][1] >> 30) * 4 + (s["x"][0] >> 30), minlength=16)


class Planets(Bodies):
    narrow = 23
    masses = (268435456, 268435, 268435)

    def __init__(self, massive, circles, dust=64):
        self.massive, self.circles, self.dust = (np.asarray(massive, np.int64), np.asarray(circles, np.int64), dust)

    def found(self, words, prepared):
        i = np.arange(self.dust)
        phase = words(self.dust + i, 0) % 256 // (16 if prepared else 1)
        all_of = np.concatenate([self.massive, self.circles[:, words(i, 0) % 16, phase]], axis=1)
        return {"x": all_of[:2], "v": all_of[2:]}

    def force(self, x):
        total = np.zeros_like(x)
        for i in range(x.shape[1]):
            for j, m in enumerate(self.masses):
                if i != j:
                    total[:, i] += self.pull(signed(x[:, j] - x[:, i]), m)
        return total + 8 >> 4

    @staticmethod
    def pull(d, m):
        size = np.abs(d)
        up = 32 - int(max(size.max(), 1)).bit_length()
        scaled = size << up
        s = int((hi(scaled, scaled) >> 2).sum())
        k = int(s < 2**30)
        u = max(s << 2 if k else s, 2**30)
        y = (2867555000 - (int(hi(u, 3527070000)) - int(hi(hi(u, u), 1759130000)))) & M32
        for _ in range(3):
            y = int(hi(y, (3 * 2**28 - int(hi(u, hi(y, y)))) << 2)) << 1
        c = hi(hi(y, y), y)
        w = hi(hi(scaled, c) << 3 & M32, m)
        shift = min(2 * up + 3 * k - 14, 30 - m.bit_length())
        return np.sign(d) * (w << shift if shift >= 0 else w >> -shift)

    def counts(self, s):
        x, y = signed(s["x"][:, 3:])
        return np.bincount(4 * (x < 0) + 2 * (y < 0) + (np.abs(y) > np.abs(x)), minlength=8)


def reversed_of(world, s):
    """Section 2: R = V C."""
    return world.turn(world.collide(s))
