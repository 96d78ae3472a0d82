"""From a record of `digits` and what was worked out of it to findings and to a page. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesocosm.experiments.digits.telling import BLOCKS
from mesocosm.protocol.kept import analysis_of
from mesocosm.record import Record


def values(record: Record, assays: Mapping[str, Record]) -> dict[str, np.ndarray]:
    """The last accuracy of each search less that of a control, in points; NaN where a search has none. [replicates]"""
    found = analysis_of(record)
    if found is None:
        nothing = np.full(record.replicates, np.nan)
        return {"improves": nothing, "beyond-class-mean": nothing}
    ends = np.array([np.nan if row is None else row[-1] for row in found["rules"]])
    return {
        "improves": 100 * (ends - found["founder"][-1]),
        "beyond-class-mean": 100 * (ends - found["class mean"][-1]),
    }


__all__ = ["BLOCKS", "values"]
