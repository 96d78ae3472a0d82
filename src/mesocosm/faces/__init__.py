"""Worlds as other people's tools know them: PettingZoo's parallel environment, and Gymnasium's of one body.

Needs the extra `faces`; nothing of it is imported before a face is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def _require() -> None:
    from importlib.util import find_spec

    from mesocosm.record.configuration import MissingPackage

    for package in ("gymnasium", "pettingzoo"):
        if find_spec(package) is None:
            raise MissingPackage("a face of a world", package, "faces")


__all__ = ["gymnasium_env", "parallel_env"]
