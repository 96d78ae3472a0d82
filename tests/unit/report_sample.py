"""A made-up run, good enough to judge a report by: founders that diffuse, descendants that gather around their food."""

from __future__ import annotations

import numpy as np

from mesocosm.player.panel import Panel

SIDE = 128
EXTENT = 256 * SIDE
HEADINGS = 2 * np.pi * np.arange(64) / 64
COSINES, SINES = (np.floor(256 * f(HEADINGS) + 0.5).astype(np.int64) for f in (np.cos, np.sin))


def walk(n: int = 512, frames: int = 300, seed: int = 0, skill: float = 0.0, title: str = "a walk") -> Panel:
    """Bodies that run and tumble; with `skill` they tumble near the source and run elsewhere."""
    rng = np.random.default_rng(seed)
    source = _source(frames, seed)
    colony = {
        "id": np.arange(n) + 11,
        "x": rng.integers(0, EXTENT, n),
        "y": rng.integers(0, EXTENT, n),
        "heading": rng.integers(0, 64, n),
        "energy": np.full(n, 3000),
        "lineage": rng.integers(0, 12, n) + 1,
    }
    next_id, rows, fields, warm_up = n + 11, [], [], 400 if skill else 0
    field = np.zeros((SIDE, SIDE))
    for t in range(-warm_up, frames):
        at = source[max(t, 0)]
        field = _spread(field, at, rng)
        away = np.hypot(*(_wrapped(colony[axis] - at[k]) for k, axis in enumerate("xy"))) / 256
        near = np.exp(-away / 9)
        p_tumble = 0.5 + skill * (0.45 * near - 0.42 * (1 - near))
        act = (rng.random(away.size) < p_tumble).astype(np.int64)
        colony["heading"] = np.where(act == 1, rng.integers(0, 64, away.size), colony["heading"])
        for axis, table in (("x", COSINES), ("y", SINES)):
            colony[axis] = (colony[axis] + np.where(act == 0, table[colony["heading"]], 0)) % EXTENT
        eaten = (rng.random(away.size) < 0.7 * np.exp(-away / 6)) * rng.integers(0, 60, away.size)
        colony["energy"] = np.clip(colony["energy"] - 4 + eaten, 1, 4000)
        if t >= 0:
            rows.append({"tick": np.full(act.size, t), **{k: colony[k] for k in ("id", "x", "y")}, "act": act})
            rows[-1] |= {k: colony[k] for k in ("energy", "lineage")}
            if t % 5 == 0:
                fields.append(field.copy())
        colony, next_id = _turnover(colony, next_id, rng)
    bodies = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    return Panel(
        title,
        SIDE,
        bodies,
        {"tick": np.arange(frames), "x": source[:, 0], "y": source[:, 1]},
        {"odour": (np.array(fields), np.arange(0, frames, 5))},
        words={"act": ("run", "tumble")},
        units={"energy": "quanta", "odour": "quanta in a cell"},
    )


def _wrapped(difference):
    return (difference + EXTENT // 2) % EXTENT - EXTENT // 2


def _source(frames: int, seed: int) -> np.ndarray:
    """A wandering source that jumps twice: [frames, 2]."""
    rng = np.random.default_rng(99)
    place, heading, out = np.array([0.32, 0.4]) * EXTENT, 0.6, []
    for t in range(frames):
        heading += rng.normal(0, 0.15)
        place = (place + 26 * np.array([np.cos(heading), np.sin(heading)])) % EXTENT
        if t in (120, 240):
            place = np.array([[0.7, 0.66], [0.25, 0.72]][t // 200]) * EXTENT
        out.append(place)
    return np.array(out).astype(np.int64) % EXTENT


def _spread(field: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    field = field * 0.985
    for _ in range(2):
        field = 0.4 * field + 0.15 * sum(np.roll(field, shift, axis) for axis in (0, 1) for shift in (1, -1))
    cells = (at // 256 + rng.integers(-3, 4, (16, 2))) % SIDE
    np.add.at(field, (cells[:, 1], cells[:, 0]), 64)
    return field


def _turnover(colony: dict, next_id: int, rng: np.random.Generator) -> tuple[dict, int]:
    """One in 500 dies; as many are born beside others."""
    stays = rng.random(colony["id"].size) > 0.002
    parents = rng.integers(0, stays.size, int((~stays).sum()))
    child = {name: values[parents] for name, values in colony.items()}
    child["id"] = next_id + np.arange(parents.size)
    return {name: np.concatenate([colony[name][stays], child[name]]) for name in colony}, next_id + parents.size
