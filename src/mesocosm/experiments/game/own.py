"""A game, or a way of learning, of one's own: a file of some fifteen lines (docs/tutorials/your-own-game.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mesocosm.core import Setup
from mesocosm.experiments.game.declaration import GameConfiguration, declared
from mesocosm.experiments.game.system import build
from mesocosm.games.game import Game
from mesocosm.games.known import GAMES
from mesocosm.games.learner import Learner
from mesocosm.protocol.declaration import Declaration, Trial
from mesocosm.record import ConfigurationError


@dataclass(frozen=True)
class _Build:
    """From a configuration to a match, in which these are known by name too."""

    games: Mapping[str, Game]
    learners: Mapping[str, Learner]

    def __call__(self, configuration: GameConfiguration) -> Setup:
        return build(configuration, self.games, self.learners)


def playing(
    name: str, game: Game | str = "bilinear", learner: Learner | str = "simultaneous", **changes: Any
) -> Declaration:
    """The experiment `game` with a game or a learner of one's own, known by the name of the experiment.

    Args:
      name: of the experiment: one word.
      game, learner: one's own, or the name of a known one.
      changes: other fields of the configuration, as defaults (`step`, `ticks` ...), or parts of the declaration
        (`question`, `claims` ...).

    Raises:
      ConfigurationError: for a field or part that is not there.
    """
    fields, parts = GameConfiguration.__dataclass_fields__, Declaration.__dataclass_fields__
    if unknown := sorted(set(changes) - set(fields) - set(parts)):
        raise ConfigurationError(f"playing: there is no field or part {unknown[0]!r}")
    games = {**GAMES, **({name: game} if isinstance(game, Game) else {})}
    learners = {name: learner} if isinstance(learner, Learner) else {}
    defaults: dict[str, Any] = {key: value for key, value in changes.items() if key in fields}
    defaults["game"] = name if isinstance(game, Game) else game
    defaults["learner"] = name if isinstance(learner, Learner) else learner
    configuration = _configuration(defaults)
    said = {key: value for key, value in changes.items() if key in parts and key not in fields}
    small = Trial({"": {"every": 10, "keep_every": 7, "frames_every": 0}}, interventions=("30:step=0.02",))
    common = {"configuration": configuration, "build": _Build(games, learners), "trial": small}
    return declared(name, **{**common, **said})


def _configuration(defaults: Mapping[str, Any]) -> type[GameConfiguration]:
    """The configuration of a game with other defaults."""
    types = {name: field.type for name, field in GameConfiguration.__dataclass_fields__.items()}
    body = {
        "__annotations__": {name: types[name] for name in defaults},
        "__module__": GameConfiguration.__module__,
        "__doc__": GameConfiguration.__doc__,
        **defaults,
    }
    return dataclass(frozen=True)(type("OwnGameConfiguration", (GameConfiguration,), body))


__all__ = ["playing"]
