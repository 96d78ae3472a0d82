"""Names of games and learners as they are typed: each part that is set has its value, or it is refused by name."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any

from mesocosm.games.find import game_named, learner_named
from mesocosm.games.known import GAMES
from mesocosm.games.learner import DIRECTIONS, FLOWS, ORDERS, SCALES, Composed, Flow
from tests.fuzz.configurations import NOISE

IN_SUITE = 1000
KINDS = (ORDERS, tuple(DIRECTIONS), tuple(SCALES), tuple(FLOWS))
PARTS = {**DIRECTIONS, **SCALES, **FLOWS}


def prepare(folder: Path) -> None:
    return None


def once(ready: None, random: Random) -> None:
    (_a_game if random.random() < 0.5 else _a_learner)(random)


def _a_game(random: Random) -> None:
    name = random.choice(list(GAMES))
    text, given = _written(name, GAMES[name], random)
    if random.random() < 0.4:
        game_named(_noisy(text, random))
        return
    found = game_named(text)
    assert type(found) is type(GAMES[name])
    for field in fields(found):
        assert getattr(found, field.name) == given.get(field.name, getattr(GAMES[name], field.name)), text


def _a_learner(random: Random) -> None:
    words = [random.choice(kind) for kind in KINDS if random.random() < 0.4] or ["adam"]
    random.shuffle(words)
    written = {word: _written(word, PARTS.get(word), random) for word in words}
    text = random.choice(("+", " + ")).join(text for text, _ in written.values())
    if random.random() < 0.3:
        learner_named(_noisy(text, random))
        return
    found = learner_named(text)
    parts = [found.direction, *([found.scale] if isinstance(found, Composed) else [])]  # type: ignore[attr-defined]
    assert isinstance(found, Flow) == (words[0] in FLOWS and len(words) == 1), text
    assert not isinstance(found, Composed) or found.order == next((w for w in words if w in ORDERS), ORDERS[0]), text
    for word, (_, given) in written.items():
        if word in PARTS:
            mine = next(part for part in parts if type(part) is type(PARTS[word]))
            assert all(getattr(mine, key) == value for key, value in given.items()), text


def _written(name: str, part: Any, random: Random) -> tuple[str, dict[str, float]]:
    """A name with some of its parameters, some of them beyond what is allowed."""
    own = [field.name for field in fields(part) if not field.metadata.get("static")] if part is not None else []
    given = {key: round(random.uniform(-2, 2), 3) for key in own if random.random() < 0.5}
    if own and random.random() < 0.05:
        given[own[0]] = random.choice((float("nan"), float("inf"), 1e9))
    pairs = random.choice((",", ", ")).join(f"{key}={value}" for key, value in given.items())
    return (f"{name}({pairs})" if pairs or random.random() < 0.1 else name), given


def _noisy(text: str, random: Random) -> str:
    out = list(text * random.choice((1, 1, 1, 500)))
    for _ in range(random.choice((1, 2, 4))):
        out[random.randrange(len(out))] = random.choice((*NOISE, "(", ")", "=", "+", ","))
    return "".join(out)
