"""Files of studies and of facts for office hours: fields of any type, counts without an end, odd texts, none at all."""

from __future__ import annotations

import datetime
import json
import math
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from mesocosm.review import read_design, review
from mesocosm.studies import component
from mesocosm.studies.study import from_dict, read
from tests.unit.test_review import CLEAN as FACTS
from tests.unit.test_studies import GOOD, PARTS

IN_SUITE = 300

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        -1,
        0,
        3,
        10**9,
        10**12,
        10**400,
        -(10**400),
        1.5,
        1e300,
        5e-324,
        math.nan,
        math.inf,
        "",
        "x",
        "a\nb",
    ),
    *(
        "a\nb",
        "\x1b[31m",
        "é" * 500,
        [],
        [[]],
        [1, 1.0],
        ["x", "x"],
        [True, 1],
        {},
        {"component": 3},
        {"component": "noisy"},
    ),
    *({"a": {"b": {}}}, {"": 1}, datetime.date(2020, 1, 1), datetime.time(1), list(range(3000)), [10**12] * 3),
)
RAW = (b"", b"\xef\xbb\xbfseeds = 3", b"\xff\xfe", b"a = [" + b"[" * 5000, b"\0" * 50, b"name = 'x'\nname = 'y'")


@dataclass(frozen=True)
class Ready:
    folder: Path


def prepare(folder: Path) -> Ready:
    component.load_file(PARTS)
    return Ready(folder)


def once(ready: Ready, random: Random) -> None:
    """A study or a plan with one to three odd fields makes its cells, or its review, or one line."""
    kind = random.choice(["study", "study", "facts", "raw"])
    if kind == "raw":
        path = ready.folder / "raw.toml"
        path.write_bytes(random.choice(RAW))
        if random.random() < 0.5:
            read(path)
        else:
            read_design(str(path))
        return
    values = _spoilt(dict(GOOD if kind == "study" else FACTS), random)
    if kind == "study":
        cells = from_dict(values, "study").cells
        assert 0 < len({c.identity for c in cells}) <= len(cells) < 10**6
        return
    path = ready.folder / "facts.toml"
    path.write_text("\n".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in values.items() if v is not None), "utf-8")
    answer = review(read_design(str(path)))
    assert json.dumps(answer.to_dict(), allow_nan=False) and answer.words()


def _spoilt(values: dict[str, Any], random: Random) -> dict[str, Any]:
    for _ in range(random.randrange(1, 4)):
        name = random.choice([*values, "more", "limits", "fixed", "floor", "against", "cross", "claims", "worlds"])
        value = random.choice(ODD)
        if isinstance(values.get(name), dict) and random.random() < 0.5:
            values[name] = {**values[name], random.choice([*values[name], "new"]): value}
        else:
            values[name] = value
    return values


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items() if v is not None) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value if v is not None) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf"
    return str(value) if isinstance(value, datetime.date | datetime.time) else json.dumps(value)
