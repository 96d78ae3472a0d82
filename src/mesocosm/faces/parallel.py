"""A world as a PettingZoo parallel environment: agents are born and die, and no name is used twice.

J. K. Terry et al., "PettingZoo: a standard API for multi-agent reinforcement learning", NeurIPS 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete
from pettingzoo import ParallelEnv

from mesocosm.faces.world import Moment, World, acts_of
from mesocosm.record import ConfigurationError

Everybody = dict[str, Any]


class Colony(ParallelEnv[str, int, int]):
    """Every body is an agent; see `mesocosm.faces.parallel_env`."""

    metadata: dict[str, Any] = {"render_modes": [], "name": "mesocosm", "is_parallelizable": True}  # noqa: RUF012

    def __init__(self, world: World, budget: int):
        if isinstance(budget, bool) or not isinstance(budget, int) or not 1 <= budget < 2**31:
            raise ConfigurationError(f"budget = {budget!r}: must be a whole number of names, 1 ... {2**31 - 1}")
        if world.record is None and budget < world.n_founders:
            raise ConfigurationError(f"budget = {budget}: must be at least world.founders = {world.n_founders}")
        self.world, self.stimuli, self.acts = world, world.stimuli, world.acts
        self.metadata = {**Colony.metadata, "name": f"mesocosm_{world.name}"}
        self.render_mode = None
        self.possible_agents = [f"body_{k + 1}" for k in range(budget)]
        self.agents: list[str] = []
        self._spaces: dict[str, tuple[Discrete, Discrete]] = {}
        self._random = np.random.default_rng()

    def observation_space(self, agent: str) -> Discrete:
        return self._spaces_of(agent)[0]

    def action_space(self, agent: str) -> Discrete:
        return self._spaces_of(agent)[1]

    def _spaces_of(self, agent: str) -> tuple[Discrete, Discrete]:
        if agent not in self._spaces:
            self._spaces[agent] = Discrete(len(self.stimuli)), Discrete(len(self.acts))
        return self._spaces[agent]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, int], dict[str, dict[str, Any]]]:
        """Found a world; `options={"configuration": ...}` changes it for this episode.

        Args:
          seed: of the world; None: drawn from what the last seed began.
        """
        if seed is not None:
            self._random = np.random.default_rng(seed)
        founding = int(self._random.integers(2**63)) if seed is None else int(seed)
        now = self.world.begin(founding, options)
        k = now.ids.size
        if k > len(self.possible_agents):
            raise ConfigurationError(f"budget = {len(self.possible_agents)}: {k} bodies live here; ask for more names")
        self.agents, self._named, self._next_id = self.possible_agents[:k], k, now.next_id
        self._enter(now)
        return dict(zip(self.agents, self._seen, strict=True)), {agent: {} for agent in self.agents}

    def step(self, actions: Mapping[str, int]) -> tuple[Everybody, Everybody, Everybody, Everybody, Everybody]:
        """One tick.

        Args:
          actions: of living agents; whoever has none acts by its genome.

        Raises:
          ConfigurationError: for an act that is none, or of somebody who does not live.
        """
        if not self.agents:
            return {}, {}, {}, {}, {}
        before, slots, seen = self.agents, self._slots, self._seen
        now = self.world.step(*self._told(actions))
        died = now.died[slots].tolist()
        n_born = int(np.count_nonzero(now.ids >= self._next_id))
        is_spent = self._named + n_born > len(self.possible_agents)
        is_over = is_spent or self.world.ticks >= self.world.configuration.ticks
        # Who is born into the end of an episode will never act, and is no agent of it.
        newborn = [] if is_over else self.possible_agents[self._named : self._named + n_born]
        self.agents = [agent for agent, is_dead in zip(before, died, strict=True) if not is_dead] + newborn
        self._enter(now)
        observed = dict(zip(before, seen, strict=True)) if any(died) else {}  # of the dead: what they saw last
        observed |= zip(self.agents, self._seen, strict=False)
        rewards = dict(zip(before, now.rewards[slots].tolist(), strict=True)) | dict.fromkeys(newborn, 0.0)
        terminated = dict(zip(before, died, strict=True)) | dict.fromkeys(newborn, False)
        truncated = dict.fromkeys(terminated, False) | dict.fromkeys(self.agents, is_over)
        infos: Everybody = {agent: {} for agent in terminated}
        if newborn:
            names = dict(zip(now.ids.tolist(), self.agents, strict=True))
            for agent, parent in zip(newborn, now.parent[-n_born:].tolist(), strict=True):
                infos[agent] = {"parent": names[parent]}
        self._named, self._next_id = self._named + len(newborn), now.next_id
        if is_over:
            self.agents = []
        return observed, rewards, terminated, truncated, infos

    def _enter(self, now: Moment) -> None:
        """Who is where; the living are in the order of their names."""
        self._slots, self._seen, self._width = now.slots, now.seen.tolist(), now.died.size
        self._at = dict(zip(self.agents, now.slots.tolist(), strict=False))

    def _told(self, actions: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
        """Acts, and who is led, by slot."""
        values = acts_of(actions.values(), self.acts)
        try:
            slots = [self._at[agent] for agent in actions]
        except KeyError as error:
            raise ConfigurationError(f"an act of {error.args[0]!r}, who does not live; see `agents`") from None
        acts, is_led = np.zeros(self._width, np.int32), np.zeros(self._width, bool)
        acts[slots], is_led[slots] = values, True
        return acts, is_led
