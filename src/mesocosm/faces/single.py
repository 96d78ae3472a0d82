"""A world as a Gymnasium environment: one body is led, all others act by their genomes.

M. Towers et al., "Gymnasium: a standard interface for reinforcement learning environments" (2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete

from mesocosm.faces.world import Moment, World, acts_of
from mesocosm.record import ConfigurationError


class OneBody(gymnasium.Env[Any, Any]):
    """You are one body among the others; see `mesocosm.faces.gymnasium_env`."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012

    def __init__(self, world: World):
        self.world, self.stimuli, self.acts = world, world.stimuli, world.acts
        self.render_mode = None
        self.observation_space, self.action_space = Discrete(len(self.stimuli)), Discrete(len(self.acts))
        self._slot: int | None = None

    def reset(self, *, seed: int | None = None, options: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Found a world, and become a body of it; `options={"configuration": ...}` changes it for this episode."""
        super().reset(seed=seed)
        founding = int(self.np_random.integers(2**63)) if seed is None else int(seed)
        now = self.world.begin(founding, options)
        k = int(self.np_random.integers(now.ids.size))
        self._slot, self._width = int(now.slots[k]), now.died.size
        self._seen = int(now.seen[k])
        return self._seen, self._told(now, k)

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """One tick. In `info`: the id of the body, its energy, and how many live."""
        if self._slot is None:
            raise ConfigurationError("the episode is over; call reset()")
        acts, is_led = np.zeros(self._width, np.int32), np.zeros(self._width, bool)
        acts[self._slot], is_led[self._slot] = acts_of([action], self.acts)[0], True
        now = self.world.step(acts, is_led)
        reward, is_dead = float(now.rewards[self._slot]), bool(now.died[self._slot])
        is_over = self.world.ticks >= self.world.configuration.ticks
        told: dict[str, Any] = {"population": int(now.ids.size)}
        if is_dead:
            self._slot = None
        else:
            k = int(np.flatnonzero(now.slots == self._slot)[0])
            self._seen, self._width, told = int(now.seen[k]), now.died.size, self._told(now, k)
            self._slot = None if is_over else self._slot
        return self._seen, reward, is_dead, is_over and not is_dead, told

    def _told(self, now: Moment, k: int) -> dict[str, Any]:
        return {"id": int(now.ids[k]), "energy": int(now.energy[k]), "population": int(now.ids.size)}
