"""What is known of a tick while it happens. Flows and events are what remains of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Array, UInt32

from mesocosm.core.experiment import Events


@dataclass(frozen=True)
class Book:
    """The account of a tick; phases and layers write into it and read what came before them.

    Args:
      law: of the world; `law.each_meeting`, `law.at_bodies` and the rest are for layers too.
      loci: where the genes that a layer has in its hosts lie in the genome, by the layer's name.
      word: orders the contests of this tick.
      flows: totals by cause.
      events: by type.
      facts: what later phases read, by name: `levels` (of each sense, as minds read them), `act`, `rank`, `crowd`,
        `is_first`, `energy_before` and `bodies` (as they were before they paid, and before they died).
      doings: what each body did or met in this tick, int32 [n] each: `eaten`, `met`, `emitted`, `exchanged`.
    """

    law: Any
    loci: Mapping[str, slice]
    word: UInt32[Array, ""]
    flows: Mapping[str, Array] = field(default_factory=dict)
    events: Mapping[str, Events] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    doings: Mapping[str, Array] = field(default_factory=dict)

    def __getitem__(self, fact: str) -> Any:
        return self.facts[fact]

    def add(
        self,
        flows: Mapping[str, Array] | None = None,
        events: Mapping[str, Events] | None = None,
        doings: Mapping[str, Array] | None = None,
        **facts: Any,
    ) -> Book:
        """With more in it; a fact that is there already is written over."""
        return dataclasses.replace(
            self,
            flows={**self.flows, **(flows or {})},
            events={**self.events, **(events or {})},
            doings={**self.doings, **(doings or {})},
            facts={**self.facts, **facts},
        )
