"""Which way does a film run? A classifier that is shown short films of coarse cells, forward and backward.

Each half of the worlds teaches it for the other half: all are held out. It is a logistic regression on all that turns
round with a film: how uneven its frames are, how large their waves, how each differs from the next, to the third
order. A film and the same film run backward have opposite features, so that a classifier without intercept has no
favourite and chance is exactly 1/2. In equilibrium forward and backward films have the same distribution, and nobody
can do better. NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.intervals import show_mean
from mesocosm.protocol.catalogue import Analysis, Result, log
from mesocosm.protocol.story import Axis, Trajectories
from mesocosm.record import FolderError, Record
from mesocosm.record.configuration import Range

RIDGE = 1.0
"""Of the standardised weights: one film's worth."""


@dataclass(frozen=True)
class Settings:
    """What is shown."""

    frames: Annotated[int, Range(2, 64, "frames")] = 4
    """In a film, one after the other."""
    films: Annotated[int, Range(1, 4096, "films")] = 16
    """Of each world, beginning at its first, second ... frame: those that teach, and those that are judged."""


def films_of(record: Record, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """All films of a run: [replicates, films, frames, cells], and the tick at which each begins [films]."""
    rows = record.log("film")
    ticks, at = np.unique(rows["clock"], return_inverse=True)
    cells = np.zeros((record.replicates, ticks.size, rows["cells"].shape[1]))
    cells[rows["replicate"].astype(int), at] = rows["cells"]
    if ticks.size < frames:
        raise FolderError(f"{record.folder}: its film has {ticks.size} frames; films of {frames} need as many at least")
    first = np.arange(ticks.size - frames + 1)
    return cells[:, first[:, None] + np.arange(frames)], ticks[first]


def features(films: np.ndarray) -> np.ndarray:
    """What changes its sign when a film is run backward. [..., frames, cells] -> [..., features]"""
    n = films - films.mean(axis=(-2, -1), keepdims=True)
    n = n / np.maximum(films.std(axis=(-2, -1), keepdims=True), 1e-9)
    waves = np.abs(np.fft.rfft(n, axis=-1)[..., 1:5])
    each = [(n**2).mean(axis=-1), (n**3).mean(axis=-1), *np.moveaxis(waves, -1, 0)]  # [..., frames] each
    turned = [(e - e[..., ::-1])[..., : (e.shape[-1] + 1) // 2] for e in each]
    a, b = n[..., :-1, :], n[..., 1:, :]
    pairs = [(a * a * b - a * b * b).mean(axis=(-2, -1)), (a**3 * b - a * b**3).mean(axis=(-2, -1))]
    return np.concatenate([*turned, np.stack(pairs, axis=-1)], axis=-1)


def taught(x: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression that says "forward" where `x @ w > 0`, from forward films: [films, features].

    Newton's method; the backward films are -x, and add nothing.
    """
    scale = np.sqrt((x**2).mean(axis=0))
    x = x / np.where(scale > 0, scale, 1.0)
    w = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        slope = x.T @ (1 - p) - RIDGE * w
        bend = (x.T * (p * (1 - p))) @ x + RIDGE * np.eye(w.size)
        step = np.linalg.solve(bend, slope)
        w = w + step
        if np.abs(step).max() < 1e-8:
            break
    return w / np.where(scale > 0, scale, 1.0)


def seen_rightly(record: Record, frames: int = 4, films: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Whether each film is seen rightly by who was taught with the other half of the worlds: [replicates, all films],
    1, 0, or 1/2 for a tie; and the tick at which each begins. Even and odd worlds are the halves; the first films
    teach."""
    shown, ticks = films_of(record, frames)
    x = features(shown)
    out = np.zeros(x.shape[:2])
    for half in (0, 1):
        score = x[half::2] @ taught(x[1 - half :: 2, :films].reshape(-1, x.shape[-1]))
        out[half::2] = np.where(score == 0, 0.5, score > 0)
    return out, ticks


def accuracy(record: Record, settings: Settings | None = None) -> np.ndarray:
    """The share of its first films that are seen rightly, of each world: [replicates]."""
    settings = settings or Settings()
    rightly, _ = seen_rightly(record, settings.frames, settings.films)
    return rightly[:, : settings.films].mean(axis=1)


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    rightly, ticks = seen_rightly(record, settings.frames, settings.films)
    shown = rightly[:, : settings.films].mean(axis=1)
    return {
        "ticks": ticks.tolist(),
        "rightly": rightly.mean(axis=0).round(6).tolist(),
        "worlds": shown.size,
        "accuracy": round(float(shown.mean()), 6),
        "percent": show_mean(100 * shown),
    }


def show(record: Record, values: Mapping[str, Any]) -> Result:
    sentence = (
        f"Which way a film runs is seen rightly in {values['percent']} % of films of {values['worlds']} worlds, all "
        "held out; chance is 50 %."
    )
    figure = Trajectories(
        title="Films whose direction is seen rightly",
        alt=f"{sentence} Of films that begin last it is {100 * values['rightly'][-1]:.0f} %.",
        x_axis=Axis("tick at which a film begins"),
        y_axis=Axis("share of worlds", low=0, high=1),
        x=np.array(values["ticks"]),
        lines=np.array([values["rightly"]]),
        label="shares",
    )
    return Result(sentence, values, figures=(figure,))


def lacks_films(record: Record) -> str:
    """What a record lacks for films of the usual length, in words; empty where nothing is lacking."""
    if record.replicates < 4:
        return f"has {record.replicates} worlds, and half of fewer than 4 teach nothing"
    n = np.unique(record.log("film")["clock"]).size
    least = Settings().frames
    return "" if n >= least else f"has a film of {n} frames, and at least {least} are needed (a smaller film_every)"


ANALYSIS = Analysis(
    "direction",
    "whether a film of coarse cells can be told from the same film run backward",
    compute,
    show,
    Settings,
    needs=(log("film", "film_every = 8"), lacks_films),
)
