"""A made-up run, good enough to judge a report by: founders that diffuse, descendants that gather around their food."""

from __future__ import annotations

import numpy as np

from mesocosm.player.encoder.panel import Population
from mesocosm.player.encoder.places import EXTENT as STEPS
from mesocosm.player.encoder.places import told_space
from mesocosm.protocol.story import (
    Axis,
    Band,
    Curve,
    Curves,
    Heat,
    Panel,
    Replay,
    Section,
    Shares,
    Story,
    Strips,
    Table,
    Trajectories,
)
from mesocosm.record.about import About, torus

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
    next_id, rows, fields, warm_up = n + 11, [], [], 150
    field = np.zeros((SIDE, SIDE))
    for t in range(-warm_up, frames):
        at = source[max(t, 0)]
        field = _spread(field, at, rng)
        away = np.hypot(*(_wrapped(colony[axis] - at[k]) for k, axis in enumerate("xy"))) / 256
        near = np.exp(-away / 11)
        p_tumble = 0.5 + skill * (0.42 * near - 0.4 * (1 - near))
        act = (rng.random(away.size) < p_tumble).astype(np.int64)
        turned = rng.integers(0, 64, away.size)
        home = np.arctan2(*(_wrapped(at[k] - colony[axis]) for k, axis in ((1, "y"), (0, "x")))) / (2 * np.pi) * 64
        finds = rng.random(away.size) < 0.5 * skill * (away < 48) * (
            away > 5
        )  # no bacterium can; a picture needs no more
        turned = np.where(finds, np.rint(home + rng.normal(0, 9, away.size)).astype(np.int64) % 64, turned)
        colony["heading"] = np.where(act == 1, turned, colony["heading"])
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
    sources = {"tick": np.arange(frames), "id": np.ones(frames, int), "x": source[:, 0], "y": source[:, 1]}
    for rows_of in (bodies, sources):
        rows_of |= {axis: rows_of[axis] * STEPS // EXTENT for axis in "xy"}
    about = {"act": About(words=("run", "tumble")), "energy": About("quanta"), "lineage": About(is_class=True)}
    return Panel(
        title,
        told_space(torus(EXTENT, per_unit=256, unit="cells")),
        [Population.of("bodies", bodies, **about), Population.of("sources", sources, "rings")],
        fields={"odour": (np.array(fields), np.arange(0, frames, 5))},
        abouts={"odour": {"unit": "quanta in a cell"}},
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


def sample(replicates: int = 32, n: int = 512, frames: int = 300) -> dict:
    """Arguments of `render`: a report as a run of `chemotaxis` might give it."""
    founders = walk(n, frames, seed=1, title="founders")
    evolved = walk(n, frames, seed=2, skill=0.95, title="evolved, after 4,000 ticks")
    story = Story(
        "Chemotaxis evolved: bacteria tumble in food 0.55 more often than their shadow genome would [0.51, 0.59], in "
        f"{replicates - 1} of {replicates} worlds.",
        chips=[
            ("worlds", str(replicates)),
            ("extinct", "1"),
            ("ticks", "4,000"),
            ("wall time", "38 s"),
            ("device", "2 CPU cores"),
            ("ledger residual", "0 quanta"),
        ],
        replay=Replay(
            "Left the founders, right their descendants, in the same world with the same seed: the source of food "
            "wanders and jumps at the same moments. The descendants tumble where the odour is strong, and so stay.",
            [founders, evolved],
        ),
        sections=_sections(replicates),
        notes=[
            "A world in which everybody died counts as wrong in every denominator.",
            "The replayed world is the one with the median effect.",
        ],
    )
    rng = np.random.default_rng(5)
    return {
        "story": story,
        "title": "Bacteria that follow their food",
        "question": "Do bacteria that sense only how strong an odour is evolve to follow a moving source of food?",
        "verdict": "supported",
        "findings": _findings(replicates),
        "trust": {
            "seed": 0,
            "versions": {"mesocosm": "0.1.0", "jax": "0.10.2", "numpy": "2.4.6", "Python": "3.11.7"},
            "host": "Linux x86-64, 2 cores",
            "command": f"mesocosm run chemotaxis --seed 0 --replicates {replicates} --world.jump-probability 0.005",
            "differences": [("world.jump_probability", 0.005, 1 / 300)],
            "warnings": ["Replicate 17 died out at tick 212 and is counted as wrong."],
            "digest": "9f2c6d0a51e3b7c84d1a90f6e2b35c7718aa40de65f1c9b2037e8d4f6a1b2c3d",
            "residual": 0,
        },
        "data": {
            "metrics": {
                "replicate": np.repeat(np.arange(replicates), 40),
                "tick": np.tile(np.arange(1, 41) * 100, replicates),
                "population": rng.integers(300, 900, replicates * 40),
                "eaten": rng.gamma(9, 200, replicates * 40),
            }
        },
    }


def _findings(replicates: int) -> list[dict]:
    common = {
        "confidence": 0.95,
        "n_started": replicates,
        "n_survived": replicates - 1,
        "n_used": replicates,
        "control": "shadow genome of the same bodies",
        "method": "signed-rank test, Hodges-Lehmann interval, Holm over 4 claims",
        "declared": True,
        "direction": "greater",
        "still_needed": None,
        "note": None,
    }
    share = {"kind": "difference", "unit": "probability of tumbling", "statistic": "near minus far, minus shadow"}
    return [
        common
        | share
        | {"name": "Tumbling follows the odour", "estimate": 0.55, "low": 0.51, "high": 0.59, "delta": 0.1}
        | {"sentence": "Evolved bacteria tumble more where the odour is strong.", "verdict": "supported"}
        | {"n_right": replicates - 1, "p": 2.3e-9, "p_adjusted": 9.2e-9},
        common
        | share
        | {"name": "Nothing without food", "estimate": 0.01, "low": -0.03, "high": 0.05, "delta": 0.1, "n_right": 17}
        | {"sentence": "In a world without food nothing evolves.", "verdict": "equivalent"}
        | {"p": 0.61, "p_adjusted": 0.61},
        common
        | share
        | {"name": "Mixed odours confuse", "estimate": -0.08, "low": -0.21, "high": 0.06, "delta": 0.1, "n_right": 20}
        | {"sentence": "A second, empty odour halves the effect.", "verdict": "undecided"}
        | {"p": 0.21, "p_adjusted": 0.42}
        | {"still_needed": "about 90 more worlds", "declared": False},
        common
        | {"kind": "ratio", "unit": "times the founders' intake", "statistic": "intake in the last 1,000 ticks"}
        | {"name": "They eat more", "estimate": 3.1, "low": 2.6, "high": 3.6, "delta": 0.2, "n_right": replicates - 1}
        | {"sentence": "A body takes in three times what a founder takes in.", "verdict": "supported"}
        | {"p": 1e-8, "p_adjusted": 3e-8},
        common
        | {"kind": "difference", "unit": "quanta in a body", "statistic": "energy at the end", "delta": 150}
        | {"name": "They store more", "estimate": -420, "low": -610, "high": -260, "n_right": 3, "verdict": "refuted"}
        | {"sentence": "Bodies end up with more energy than founders had.", "p": 0.9998, "p_adjusted": 1.0},
    ]


def _sections(replicates: int) -> list[Section]:
    rng = np.random.default_rng(3)
    ticks = np.arange(1, 41) * 100
    rise = 0.55 / (1 + np.exp(-(ticks[None] - rng.normal(1300, 380, (replicates, 1))) / 260))
    lines = rise + np.cumsum(rng.normal(0, 0.008, rise.shape), axis=1)
    lines[min(17, replicates - 1), 3:] = np.nan
    drift = np.cumsum(rng.normal(0, 0.01, rise.shape), axis=1)
    low, median, high = np.quantile(drift, [0.05, 0.5, 0.95], axis=0)
    ends = np.array([lines[:, -1], drift[:, -1], rng.normal(0.02, 0.06, replicates)])
    weights = np.exp(rng.normal(0, 0.25, (9, 40)).cumsum(axis=1) + np.linspace(0, 1, 9)[:, None])
    x, energy = Axis("time", "ticks"), Axis("energy", "quanta")
    population = 512 + np.cumsum(rng.normal(4, 14, (replicates, 40)), axis=1)
    return [
        Section(
            "The outcome over time",
            "In most worlds the rule appears between tick 800 and tick 1,800, and then spreads within a few hundred.",
            [
                Trajectories(
                    "P(tumble) near food minus far from it",
                    f"The median of {replicates} worlds rises from 0.00 to 0.55; the shadow genome stays within ±0.10.",
                    x,
                    Axis("difference of probabilities"),
                    ticks,
                    lines,
                    Band("shadow genome, 90% of worlds", low, median, high),
                    "worlds",
                    [(2500, "jumps twice as often")],
                )
            ],
        ),
        Section(
            "Who won",
            "The commonest genotypes at the end, as response curves, and the lineages that carried them.",
            [
                Curves(
                    "Response curves of the three commonest genotypes",
                    "The commonest tumbles with probability 0.08 without odour and 0.93 where it is strongest.",
                    ["none", "weak", "middling", "strong"],
                    Axis("odour"),
                    Axis("P(tumble)", "", 0, 1),
                    [
                        Curve("A, 61% of bodies", *_around([0.08, 0.21, 0.74, 0.93])),
                        Curve("B, 22%", np.array([0.11, 0.12, 0.52, 0.95]), weight=0.5),
                        Curve("C, 9%", np.array([0.31, 0.42, 0.61, 0.72]), weight=0.2),
                        Curve("shadow genomes", np.array([0.5, 0.48, 0.51, 0.52]), is_control=True),
                    ],
                ),
                Shares(
                    "Lineages of the median world",
                    "Founder 341 has 48% of all living descendants at the end.",
                    x,
                    Axis("share of bodies"),
                    ticks,
                    weights / weights.sum(axis=0),
                    [f"founder {k}" for k in (341, 77, 18, 402, 250, 93, 160, 5)] + ["all others"],
                ),
            ],
        ),
        Section(
            "What if",
            "Knock-outs at the end of each run, and the same run under other conditions.",
            [
                Strips(
                    "Effect by condition",
                    "Evolved 0.55 [0.51, 0.59]; shadow 0.00 [−0.03, 0.03]; odour removed 0.02 [0.00, 0.04].",
                    ["evolved", "shadow genome", "odour removed"],
                    Axis("near minus far"),
                    ends,
                    [(0.55, 0.51, 0.59), (0.0, -0.03, 0.03), (0.02, 0.0, 0.04)],
                    paired=True,
                ),
                Heat(
                    "Effect by mutation rate and jumps of the source",
                    "Largest, 0.61, at mutation 0.002 and a jump in 300 ticks; near zero where mutation is 0.05.",
                    Axis("jumps", "per 1,000 ticks"),
                    Axis("mutation rate"),
                    ["1", "3", "10", "30"],
                    ["0.0005", "0.002", "0.01", "0.05"],
                    np.array(
                        [[0.31, 0.42, 0.2, 0.05], [0.5, 0.61, 0.4, 0.1], [0.3, 0.3, 0.2, -0.02], [0, 0, -0.1, np.nan]]
                    ),
                    centre=0.0,
                ),
            ],
        ),
        Section(
            "Ecology",
            "Energy is accounted for to the last quantum in every window.",
            [
                Trajectories(
                    "Living bodies",
                    "The median population settles at 670 [610, 720].",
                    x,
                    Axis("bodies", "", 0),
                    ticks,
                    population,
                    label="worlds",
                ),
                Table(
                    "Energy over the run, median world",
                    ["account", "quanta", "share"],
                    [["fell as food", 8192000, 1.0], ["eaten", 5120400, 0.625], ["decayed", 3071600, 0.375]],
                    [["residual", 0, None]],
                ),
                Trajectories(
                    "Energy of a body",
                    "Median energy falls from 3,000 to 2,580 quanta.",
                    x,
                    energy,
                    ticks,
                    3000 - population * 0.6 + 300,
                    label="worlds",
                ),
            ],
        ),
    ]


def _around(values: list[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array(values), np.array(values) - 0.04, np.array(values) + 0.04


NASTY = """</script><script>alert(1)</script> "quoted" 'single' & <img src=x onerror=alert(2)> \u2028 Ünï ✓ {{ 7*7 }}"""


def nasty_arguments() -> dict:
    """Arguments of `render` in which every text tries to leave its place."""
    axis, figures = Axis(NASTY, NASTY), []
    x, two = np.arange(3), np.arange(6.0).reshape(2, 3)
    figures.append(Trajectories(NASTY, NASTY, axis, axis, x, two, Band(NASTY, *two, two[0]), NASTY, [(1, NASTY)]))
    figures.append(Curves(NASTY, NASTY, [NASTY] * 3, axis, axis, [Curve(NASTY, two[0], two[0], two[1])]))
    figures.append(Shares(NASTY, NASTY, axis, axis, x, two / 10, [NASTY, NASTY]))
    figures.append(Strips(NASTY, NASTY, [NASTY, NASTY], axis, two, [(1, 0, 2), None]))
    figures.append(Heat(NASTY, NASTY, axis, axis, [NASTY] * 3, [NASTY] * 2, two, None, [[NASTY] * 3] * 2))
    figures.append(Table(NASTY, [NASTY, "b"], [[NASTY, 1]], [[NASTY, None]]))
    bodies = {name: np.array([1, 1]) for name in ("tick", "x", "y", "act")} | {"id": np.array([3, 4])}
    about = {"act": About(NASTY, words=(NASTY, NASTY))}
    panel = Panel(NASTY, populations=[Population.of(NASTY, bodies, **about), Population.of(NASTY, bodies, "rings")])
    words = "name sentence kind unit control statistic direction verdict method still_needed note"
    finding = dict.fromkeys(words.split(), NASTY)
    return {
        "story": Story(NASTY, [(NASTY, NASTY)], Replay(NASTY, [panel]), [Section(NASTY, NASTY, figures)], [NASTY]),
        "title": NASTY,
        "question": NASTY,
        "verdict": NASTY,
        "findings": [finding],
        "trust": {
            "seed": NASTY,
            "versions": {NASTY: NASTY},
            "host": NASTY,
            "command": NASTY,
            "differences": [(NASTY, NASTY, NASTY)],
            "warnings": [NASTY],
            "digest": NASTY,
        },
        "data": {NASTY: {NASTY: [NASTY, "=1+1"]}},
    }
