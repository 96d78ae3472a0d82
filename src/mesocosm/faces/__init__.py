"""Worlds as other people's tools know them: PettingZoo's parallel environment, and Gymnasium's of one body.

Needs the extra `faces`; nothing of it is imported before a face is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mesocosm.evolution.searcher import Searcher
    from mesocosm.faces.outside import Schooling
    from mesocosm.faces.parallel import Colony
    from mesocosm.faces.single import OneBody

EATEN: Mapping[str, float] = {"eaten": 1.0}
"""What a body is rewarded for where nothing else is asked: the quanta that it ate."""


def parallel_env(
    name: str,
    *,
    budget: int = 4096,
    reward: Mapping[str, float] = EATEN,
    among: Any = None,
    **configuration: Any,
) -> Colony:
    """A world of bodies as a PettingZoo parallel environment: every body is an agent.

    Observations and acts are numbers (`Discrete`): which levels its senses are at, `env.stimuli` in words, and what it
    does, `env.acts`. Whoever is given no act acts by its genome. Each birth takes the next name; no name is used twice.
    `reset(seed=s)` founds what `mesocosm run NAME --seed s` founds in its first replicate.

    Args:
      name: of an experiment, or a file, as for `mesocosm.run`.
      budget: how many names there are; when a birth finds none left, the episode is truncated.
      reward: weights of what happened to a body in a tick: `eaten` (quanta), `met`, `exchanged`, `emitted`, `children`,
        `lived` and `died` (each 0 or 1, but for children).
      among: a finished run of the experiment (or its folder): its bodies at the end begin each episode, under its
        configuration; which of its worlds is drawn by the seed.
      configuration: as for `mesocosm.run`; an episode is truncated after `ticks`. Another one for an episode:
        `reset(options={"configuration": {"world": {"metabolism": 8}}})`.

    Raises:
      ConfigurationError: for what is not permitted, and for an experiment without bodies that act.
      MissingPackage: where the extra `faces` is not installed.
    """
    _require()
    from mesocosm.faces.parallel import Colony
    from mesocosm.faces.world import World

    return Colony(World(name, reward, among, configuration), budget)


def gymnasium_env(
    name: str, *, reward: Mapping[str, float] = EATEN, among: Any = None, **configuration: Any
) -> OneBody:
    """A world as a Gymnasium environment: you are one body, drawn by the seed; all others act by their genomes.

    Arguments and errors as of `parallel_env`. It is terminated when the body dies, truncated after `ticks`.
    """
    _require()
    from mesocosm.faces.single import OneBody
    from mesocosm.faces.world import World

    return OneBody(World(name, reward, among, configuration))


def schooling(
    name: str,
    searcher: Callable[[int], Searcher],
    *,
    mind: Literal["net", "rule"] = "net",
    hidden: tuple[int, ...] = (),
    longest: int = 500,
    episodes: int = 2,
    settings: Mapping[str, Any] | None = None,
) -> Schooling:
    """The law of an experiment whose world is an environment of Gymnasium: `lab.Setup(schooling("CartPole-v1", ...))`.

    A tick is a generation of a search for a mind that gains much. In its scene: `gained` (on the mean, by the last
    generation), `best`, `centre` (by what the search stands for, in episodes that nobody is selected by) and `founder`
    (by what it began as, in the same).

    Args:
      name: as for `gymnasium.make`, with `settings`.
      searcher: from the number of numbers in a mind to a searcher: `lambda d: CMAES(d, 16, jnp.float32(0.5))`.
      mind: `net`, or `rule`: a net whose strengths change while it lives, by Hebbian rules that are searched.
      hidden: neurons between observation and act.
      longest: steps of an episode at most.
      episodes: that all minds of a generation live through.

    Raises:
      ConfigurationError: for an environment that is not there, or whose observations or acts are neither Box nor
        Discrete; for sizes and settings that are none. An environment that fails later ends the searches in it.
      MissingPackage: where Gymnasium is not installed.
    """
    _require("gymnasium", what="a world of Gymnasium")
    from mesocosm.faces.outside import schooling as made

    return made(name, searcher, mind=mind, hidden=hidden, longest=longest, episodes=episodes, settings=settings)


def _require(*packages: str, what: str = "a face of a world") -> None:
    from importlib.util import find_spec

    from mesocosm.record.configuration import MissingPackage

    for package in packages or ("gymnasium", "pettingzoo"):
        if find_spec(package) is None:
            raise MissingPackage(what, package, "faces")


__all__ = ["gymnasium_env", "parallel_env", "schooling"]
