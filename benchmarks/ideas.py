"""What could a rule gain? Plain classifiers on validation tasks, before anything is built.

    python -m benchmarks.ideas [STREAMS] [fields]

Each idea sees the first n examples of a stream and names 100 further images; no meta-test image is looked at. Needs
MESOCOSM_DATA and scikit-learn. The tables are in docs/results/digits-shown.md. With `fields` only those that look
through small shared fields of random strengths, on images.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator

import jax
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.svm import SVC

from mesocosm.tasks.procedural import draw_clouds
from mesocosm.tasks.sets import load, with_rotations
from mesocosm.tasks.streams import Pool

SHOWN, SIDE, CLASSES, TESTS = (10, 20, 50, 100), 14, 10, 100


def streams(source: str, how_many: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Inputs and labels, the last TESTS of them for the test."""
    n = max(SHOWN) + TESTS
    pool = None
    if source == "omniglot":
        pool = Pool.of(with_rotations(load("omniglot", SIDE, "validate")))
    elif source == "digits8":
        pool = Pool.of(load("digits8", SIDE))
    for s in range(how_many):
        key = jax.random.key(s)
        drawn = pool.draw(key, n, CLASSES) if pool else draw_clouds(key, n, CLASSES, SIDE**2)
        yield np.asarray(drawn.inputs), np.asarray(drawn.labels)


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a @ b.T) / (np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)[None, :] + 1e-9)


def unit(a: np.ndarray, least: float = 1e-9) -> np.ndarray:
    return a / (np.linalg.norm(a, axis=-1, keepdims=True) + least)


def votes(x: np.ndarray, one_hot: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Scores by likeness: to the class mean, to the nearest, to all in the measure of their likeness."""
    likeness = cosine(test, x)
    found = {"class mean": cosine(test, one_hot.T @ x), "1-NN": (likeness >= likeness.max(1, keepdims=True)) @ one_hot}
    for sharpness in (8, 16, 32):
        share = np.log(np.exp(sharpness * likeness) @ one_hot + 1e-30) - 0.5 * np.log(one_hot.sum(0) + 1e-9)
        found[f"kernel vote {sharpness}"] = share
    return found


def ideas(x: np.ndarray, y: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Scores [tests, classes] of every idea."""
    n, pixels = x.shape
    one_hot = np.eye(CLASSES)[y]
    found = {f"plain: {name}": s for name, s in votes(x, one_hot, test).items()}
    centre = x.mean(0)
    x0, t0 = x - centre, test - centre
    found |= {f"centred: {name}": s for name, s in votes(x0, one_hot, t0).items()}
    covariance = x0.T @ x0 / n
    size = np.trace(covariance) / pixels + 1e-3
    for shrink, power in ((0.3, 1.0), (0.6, 1.0), (0.9, 1.0), (0.6, 0.3), (0.8, 0.6)):
        values, vectors = np.linalg.eigh((1 - shrink) * covariance + shrink * size * np.eye(pixels))
        white = vectors * values ** (-power / 2) @ vectors.T
        label = f"whitened (shrinkage {shrink:g}, power {power:g})"
        found |= {f"{label}: {name}": s for name, s in votes(x0 @ white, one_hot, t0 @ white).items()}
    for amount in (0.3, 0.5):  # one step of lateral inhibition through Hebbian strengths
        inhibited = (unit(z) - amount * unit(z @ covariance) for z in (x0, t0))
        a, b = inhibited
        found |= {f"lateral inhibition {amount:g}: {name}": s for name, s in votes(a, one_hot, b).items()}
    means = (one_hot.T @ x) / np.maximum(one_hot.sum(0), 1)[:, None]
    within = x - one_hot @ means
    for shrink in (0.3, 0.6, 0.9):
        spread = (1 - shrink) * within.T @ within / n + shrink * (np.mean(within**2) + 1e-3) * np.eye(pixels)
        weights = np.linalg.solve(spread, means.T)
        found[f"shrinkage LDA {shrink:g}"] = test @ weights - 0.5 * np.sum(means.T * weights, axis=0)
    if len(set(y.tolist())) > 1:
        for width in (0.25, 0.5, 1.0):
            found[f"RBF SVM {width:g}"] = np.eye(CLASSES)[SVC(C=10.0, gamma=width / pixels).fit(x, y).predict(test)]
    return {name: np.where(one_hot.sum(0)[None, :] > 0, scores, -1e9) for name, scores in found.items()}


ACTIVITIES = {
    "energy": lambda match: match**2,
    "rectified": lambda match: np.maximum(match, 0),
    "rectified above 0.2": lambda match: np.maximum(match - 0.2, 0),
    "tanh": np.tanh,
    "a share of the place (softmax of 16 x)": lambda match: (e := np.exp(16 * match)) / e.sum(-1, keepdims=True),
}
CHANNELS, WIDTH, POOL = 32, 5, 4


def through_fields(x: np.ndarray, y: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Class mean and kernel vote of what random fields of 5 x 5 answer, pooled over 4 x 4 places, every other place."""
    strengths = np.random.default_rng(0).normal(size=(CHANNELS, WIDTH**2))
    images = np.concatenate([x, test]).reshape(-1, SIDE, SIDE)
    seen = sliding_window_view(images, (WIDTH, WIDTH), axis=(1, 2)).reshape(len(images), -1, WIDTH**2)
    match = unit(seen - seen.mean(-1, keepdims=True), 1e-3) @ unit(strengths).T
    n, one_hot, found = SIDE - WIDTH + 1, np.eye(CLASSES)[y], {}
    for name, activity in ACTIVITIES.items():
        places = activity(match).reshape(len(images), n, n, CHANNELS)
        pooled = sliding_window_view(places, (POOL, POOL), axis=(1, 2))[:, ::2, ::2].mean((-1, -2))
        flat = pooled.reshape(len(images), -1) - pooled[: len(x)].reshape(len(x), -1).mean(0)
        told = votes(flat[: len(x)], one_hot, flat[len(x) :])
        found |= {f"{name}: {judge}": told[judge] for judge in ("class mean", "kernel vote 16")}
    return {name: np.where(one_hot.sum(0)[None, :] > 0, scores, -1e9) for name, scores in found.items()}


def main(how_many: int, only_fields: bool) -> None:
    judge = through_fields if only_fields else ideas
    for source in ("omniglot", "digits8") if only_fields else ("omniglot", "clouds", "digits8"):
        right: dict[tuple[str, int], list[float]] = defaultdict(list)
        for x, y in streams(source, how_many):
            for n in SHOWN:
                for name, scores in judge(x[:n], y[:n], x[-TESTS:]).items():
                    right[name, n].append(float(np.mean(scores.argmax(1) == y[-TESTS:])))
        print(f"\n{source}, {how_many} streams, accuracy in per cent after {SHOWN}")
        for name in dict.fromkeys(name for name, _ in right):
            print(f"{name:60s}", *(f"{100 * np.mean(right[name, n]):6.1f}" for n in SHOWN), flush=True)


if __name__ == "__main__":
    main(next((int(word) for word in sys.argv[1:] if word.isdigit()), 40), "fields" in sys.argv)
