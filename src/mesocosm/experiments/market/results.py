"""From a record of `market` to its findings: all of them are told by the analysis `beliefs`. No jax."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesocosm.protocol.blocks import Analysed, OverTime, at_the_end
from mesocosm.protocol.catalogue import measure
from mesocosm.record import Record


def values(record: Record, _: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """The statistic of each claim in each market."""
    found = measure(record, "beliefs").values
    of = {name: np.array([np.nan if v is None else v for v in found[name]], float) for name in found["by_market"]}
    keenest = float(record.header["configuration"]["keenest"])
    return {
        "beliefs": of["belief_error"] - of["belief_error_fixed"],
        "rationality": of["keenness_error"] - keenest / np.sqrt(12),
        "belief-coverage": of["belief_covered"] - 0.9,
        "rationality-coverage": of["keenness_covered"] - 0.9,
        "laplace": of["belief_covered_laplace"] - of["belief_covered"],
    }


BLOCKS = (
    Analysed("beliefs", "What the orders say"),
    OverTime(("price", "trading", "sensible"), "The market"),
    at_the_end,
)
