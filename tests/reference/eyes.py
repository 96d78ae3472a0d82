"""What a brain with eyes does, written again in NumPy from the docstrings, in plain loops and double precision."""

import numpy as np


def upright(image, centre=1.0, slant=1.0, scale=0.8):
    """The image [side, side] seen from where its ink lies."""
    side, large = len(image), 3 / 14 * len(image)
    ink = np.maximum(image, 0) + 1e-6
    line = np.arange(side) - (side - 1) / 2
    places = [(y, x, ink[r, c]) for r, y in enumerate(line) for c, x in enumerate(line)]
    whole = sum(w for *_, w in places)
    my, mx = (sum(p[k] * p[2] for p in places) / whole for k in (0, 1))
    yy = sum((y - my) ** 2 * w for y, _, w in places) / whole
    xx = sum((x - mx) ** 2 * w for _, x, w in places) / whole
    xy = sum((y - my) * (x - mx) * w for y, x, w in places) / whole
    lean, size = slant * xy / (yy + 0.5), (np.sqrt((yy + xx) / 2 + 1e-6) / large) ** scale
    ground = image.min()
    out = np.empty_like(image)
    for r, y in enumerate(line):
        for c, x in enumerate(line):
            at_y, at_x = size * y + centre * my, size * (x + lean * y) + centre * mx
            out[r, c] = _between(image - ground, at_y + (side - 1) / 2, at_x + (side - 1) / 2) + ground
    return out


def _between(image, y, x):
    """The image at a place between pixels; zeros around it."""
    side = len(image)
    y, x = np.clip([y, x], -1, side)
    total = 0.0
    for r in (int(np.floor(y)), int(np.floor(y)) + 1):
        for c in (int(np.floor(x)), int(np.floor(x)) + 1):
            if 0 <= r < side and 0 <= c < side:
                total += image[r, c] * max(0, 1 - abs(y - r)) * max(0, 1 - abs(x - c))
    return total


def oriented(image, orientations, pools, sharp=2.0, root=0.4):
    """Pooled oriented energies [pools * pools * orientations]."""
    side = len(image)
    width = side * 0.6 / pools
    wide = np.pad(image, 1, mode="edge")
    energy = np.zeros((orientations, side, side))
    for r in range(side):
        for c in range(side):
            down = (wide[r + 2, c + 1] - wide[r, c + 1]) / 2
            across = (wide[r + 1, c + 2] - wide[r + 1, c]) / 2
            whole = down**2 + across**2 + 1e-6
            for o in range(orientations):
                angle = 2 * np.pi * o / orientations
                along = max(0, np.cos(angle) * across + np.sin(angle) * down)
                energy[o, r, c] = np.sqrt(whole) * (along**2 / whole + 1e-6) ** sharp
    middles = np.linspace(1, side - 2, pools)
    pool = np.exp(-0.5 * ((np.arange(side) - middles[:, None]) / width) ** 2)
    pool /= pool.sum(axis=1, keepdims=True)
    out = np.array([[[(e * np.outer(a, b)).sum() for e in energy] for b in pool] for a in pool]).ravel()
    return (out / (out.mean() + 1e-6) + 1e-3) ** root


class Keys:
    """Keys with learning values, one example after the other."""

    def __init__(self, keys, classes, rehearsals, sharpness=2.0, decay=0.1, gain=10.0, unknown=10.0):
        self.many, self.classes, self.rehearsals = keys, classes, rehearsals
        self.sharpness, self.decay, self.gain, self.unknown = sharpness, decay, gain, unknown
        self.patterns, self.labels, self.counts = [], [], []
        self.values = np.zeros((0, classes))

    def fires(self, x):
        return np.array([np.expm1(self.sharpness * _cosine(x, p)) / np.expm1(self.sharpness) for p in self.patterns])

    def answer(self, x):
        named = np.isin(np.arange(self.classes), self.labels)
        known = self.fires(x) @ self.values if self.patterns else np.zeros(self.classes)
        return self.gain * known - np.where(named, 0, self.unknown)

    def learn(self, x, label):
        own = [k for k, told in enumerate(self.labels) if told == label]
        if len(self.patterns) < self.many:
            self.patterns.append(np.array(x))
            self.labels.append(label)
            self.counts.append(1)
            self.values = np.vstack([self.values, np.zeros(self.classes)])
        elif own:
            k = max(own, key=lambda k: _cosine(x, self.patterns[k]))
            self.patterns[k] = (self.counts[k] * self.patterns[k] + x) / (self.counts[k] + 1)
            self.counts[k] += 1
        else:
            crowds = [self.labels.count(told) for told in self.labels]
            k = int(np.argmax(crowds))
            self.patterns[k], self.labels[k], self.counts[k] = np.array(x), label, 1
            self.values[k] = 0
        self._rehearse()

    def _rehearse(self):
        alike = np.array([self.fires(p) for p in self.patterns])
        told = np.eye(self.classes)[self.labels]
        wanted = told - told.mean(axis=0)
        bound = np.abs(alike).sum(axis=1).max() + self.decay
        for _ in range(self.rehearsals):
            self.values = self.values + (wanted - alike @ self.values - self.decay * self.values) / bound


class Heeded:
    """Learners that are heeded by how often they were right; each has `answer(x)` and `learn(x, label)`.

    With `forgets` an answer that was right t examples ago counts (1 - forgets)^t.
    """

    def __init__(self, learners, lean, trust, forgets=0.0):
        self.learners, self.lean, self.trust, self.right = learners, np.array(lean), trust, np.zeros(len(learners))
        self.forgets, self.named = forgets, []

    def answer(self, x):
        shares = np.exp(self.lean + self.trust * self.right)
        return sum(s * one.answer(x) for s, one in zip(shares / shares.sum(), self.learners, strict=True))

    def learn(self, x, label):
        self.named.append([float(np.argmax(one.answer(x)) == label) for one in self.learners])
        ages = np.arange(len(self.named))[::-1, None]
        self.right = np.sum(np.array(self.named) * (1 - self.forgets) ** ages, axis=0)
        for one in self.learners:
            one.learn(x, label)


def _cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b) + 1e-8)
