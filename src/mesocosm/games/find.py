"""Games and learners by name, with their parameters: `rps(tie=0.5)`, `sga(weight=0.5)+rmsprop`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import equinox as eqx

from mesocosm.games.game import Game
from mesocosm.games.known import GAMES
from mesocosm.games.learner import DIRECTIONS, FLOWS, LEARNERS, ORDERS, SCALES, Composed, Flow, Learner, Plain, Scale
from mesocosm.record import ConfigurationError

T = TypeVar("T", bound=eqx.Module)
_WORD = re.compile(r"\s*([\w-]+)\s*(?:\(([^()]*)\))?\s*")


def game_named(reference: str, games: Mapping[str, Game] = GAMES) -> Game:
    """A game by name, with its parameters.

    Raises:
      ConfigurationError: for a name, parameter or value that is not known, offering what is.

    >>> game_named("rps(tie=0.5)").tie
    0.5
    """
    name, given = _read("game", reference)
    return _with("game", name, games[_known("game", name, games)], given)


def learner_named(reference: str, others: Mapping[str, Learner] = {}) -> Learner:
    """A learner by name: words joined by +, of which one says the direction, one the order, one the scale.

    Args:
      others: known by names of their own.

    Raises:
      ConfigurationError: for words that are not known or do not go together.

    >>> learner_named("alternating+adam").order
    'alternating'
    """
    parts = [_read("learner", word) for word in reference.split("+")]
    if len(parts) == 1 and parts[0][0] in others:
        return _with("learner", parts[0][0], others[parts[0][0]], parts[0][1])
    for name, _ in parts:
        _known("learner", name, (*LEARNERS, *others))
        if name in others:
            raise ConfigurationError(f"learner = {reference}: {name} is a whole learner; name it alone")
    kinds = {kind: [p for p in parts if p[0] in names] for kind, names in _KINDS.items()}
    if twice := next((found for found in kinds.values() if len(found) > 1), None):
        raise ConfigurationError(f"learner = {reference}: {twice[0][0]} and {twice[1][0]} do not go together; name one")
    if kinds["flow"]:
        if len(parts) > 1:
            raise ConfigurationError(f"learner = {reference}: {kinds['flow'][0][0]} has no steps; name it alone")
        return Flow(_one("learner", kinds["flow"], FLOWS, Plain()))
    direction, scale = (
        _one("learner", kinds["direction"], DIRECTIONS, Plain()),
        _one("learner", kinds["scale"], SCALES, Scale()),
    )
    order, given = kinds["order"][0] if kinds["order"] else (ORDERS[0], {})
    if given:
        raise ConfigurationError(f"learner = {reference}: {order} has no parameters")
    return Composed(direction, scale, order)  # type: ignore[arg-type]  # one of the orders


_KINDS: Mapping[str, Iterable[str]] = {"order": ORDERS, "direction": DIRECTIONS, "scale": SCALES, "flow": FLOWS}


def check_pair(game: Game, learner: Learner, said: tuple[str, str]) -> None:
    """Refuse a learner that this game cannot have.

    Raises:
      ConfigurationError: saying what is lacking.
    """
    if lack := learner.lacks(game):
        raise ConfigurationError(
            f"learner = {said[1]}: {lack}; {said[0]} is none. Take flow, or a game of acts: coordination, pennies, rps"
        )


def _read(field: str, text: str) -> tuple[str, dict[str, float]]:
    """Name and parameters of `name(key=value, ...)`."""
    found = _WORD.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"{field} = {text[:80]!r}: write a name, as rps, or rps(tie=0.5)")
    given = {}
    for pair in filter(None, (part.strip() for part in (found[2] or "").split(","))):
        key, _, value = pair.partition("=")
        try:
            given[key.strip()] = float(value)
        except ValueError:
            raise ConfigurationError(f"{field} = {text[:80]}: {pair!r} must be NAME=NUMBER") from None
    return found[1], given


def _known(field: str, name: str, names: Iterable[str]) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise ConfigurationError(f"{field} = {name}: there is no such {field}. {hint}There are {', '.join(names)}")


def _one(field: str, found: list[tuple[str, dict[str, float]]], table: Mapping[str, T], otherwise: T) -> T:
    return _with(field, found[0][0], table[found[0][0]], found[0][1]) if found else otherwise


def _with(field: str, name: str, part: T, given: Mapping[str, float]) -> T:
    """The same with other parameters."""
    own = [f.name for f in fields(part) if not f.metadata.get("static")]  # type: ignore[arg-type]  # is a dataclass
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in own:
            there = f"it has {', '.join(own)}" if own else "it has none"
            raise ConfigurationError(f"{field} = {name}: there is no parameter {key!r}; {there}")
        if not abs(value) <= 1e6:
            raise ConfigurationError(f"{field} = {name}: {key} = {value:g} must be within 1e6 of 0")
        values[key] = value
    return type(part)(**{name: getattr(part, name) for name in own} | values)


__all__ = ["check_pair", "game_named", "learner_named"]
