"""Interventions as texts and as tables: whatever comes in mid-run is checked as what stands at the beginning is."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from random import Random
from typing import Any

from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.protocol.preparing import check_together
from mesocosm.protocol.reading import after
from mesocosm.record import Intervention
from mesocosm.record.configuration import check, from_dict, to_dict
from tests.fuzz.configurations import NOISE, ODD, leaves

IN_SUITE = 300

SAFE = {"replicates": 2, "ticks": 1000, "every": 100, "world": {"ceiling": 1024, "side": 64, "founders": 32}}
LEAVES = {name: permitted for name, _, permitted in leaves(ChemotaxisConfiguration)}
NUMBERS = [name for name, permitted in LEAVES.items() if permitted and "." in name and "levels" not in name]


def prepare(folder: Path) -> ChemotaxisConfiguration:
    return from_dict(ChemotaxisConfiguration, SAFE)


def once(ready: ChemotaxisConfiguration, random: Random) -> None:
    ready = dataclasses.replace(ready, world=dataclasses.replace(ready.world, ceiling=random.choice((1024, 1 << 15))))
    many = random.choice((1, 2, 3, 6))
    texts = tuple(random.choice((_text, _text, _table, _noise))(random) for _ in range(many))
    texts = _exchange(random) if random.random() < 0.3 else texts
    if random.random() < 0.7:
        texts = tuple(sorted(texts, key=lambda text: int(text.split(":")[0]) if text.split(":")[0].isdecimal() else 0))
    configuration = dataclasses.replace(ready, interventions=texts)
    check(configuration)
    parsed = configuration.parsed_interventions()
    check_together(configuration, parsed)
    assert [Intervention.parse(str(one)) for one in parsed] == list(parsed), "an intervention reads back as another"
    _overflows_nowhere(configuration, parsed)


def _overflows_nowhere(configuration: ChemotaxisConfiguration, parsed: tuple[Intervention, ...]) -> None:
    """Under the largest value that each number ever has, by whatever way it got it, sums stay below 2^31."""
    stages = [after(configuration, parsed[:k]) for k in range(len(parsed) + 1)]
    largest = {name: max(_flat(to_dict(stage))[name] for stage in stages) for name in NUMBERS}
    assert largest["world.ceiling"] * largest["world.division_energy"] < 2**31
    assert largest["world.side"] ** 2 * largest["world.cell_capacity"] < 2**31


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        out |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return out


def _tick(random: Random) -> int:
    return random.choice((0, 1, 10, 20, 500, 999, random.randrange(-5, 1100)))


def _value(name: str, random: Random) -> Any:
    permitted = LEAVES[name]
    if permitted is None or random.random() < 0.1:
        return random.choice([v for v in ODD if v is not None])
    low, high = permitted.low, permitted.high
    if (isinstance(high, float) and not high.is_integer()) or high == 1:
        return random.uniform(low, high)
    return int(
        random.choice((low, high, high + 1, random.uniform(low, high), low + (high - low) * random.random() ** 4))
    )


def _text(random: Random) -> str:
    name = random.choice(NUMBERS)
    return str(Intervention(_tick(random), name, _value(name, random)))


def _table(random: Random) -> str:
    """Several values of one table at once."""
    part = random.choice(("world", "world", "mind", "heredity"))
    names = [name for name in NUMBERS if name.startswith(f"{part}.")]
    chosen = random.sample(names, min(len(names), random.choice((1, 2, 3))))
    return str(Intervention(_tick(random), part, {name.split(".")[1]: _value(name, random) for name in chosen}))


def _exchange(random: Random) -> tuple[str, ...]:
    """One number comes down, then one goes up that it would not have allowed: as values or as tables."""
    down, up = "ceiling", "division_energy"
    texts = []
    for tick, name, value in ((10, down, random.randrange(64, 2000)), (20, up, int(2 ** random.uniform(8, 20)))):
        text = Intervention(tick, f"world.{name}", value), Intervention(tick, "world", {name: value, "speed": 9})
        texts.append(str(random.choice(text)))
    return tuple(texts)


def _noise(random: Random) -> str:
    text = list(_text(random))
    for _ in range(random.choice((1, 2, 4))):
        text[random.randrange(len(text))] = random.choice(NOISE)
    return "".join(text)
