"""Who copied whom in a soup: families of tapes, from the log of births."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mesocosm.findings.intervals import wilson_interval
from mesocosm.instruments.ancestry import lineage_shares, lives
from mesocosm.protocol.catalogue import Analysis, NoSettings, Result, arrays, log
from mesocosm.protocol.story import Axis, Trajectories
from mesocosm.record import Record

SAMPLES = 60
"""Times at which families are counted."""


def compute(record: Record, settings: NoSettings) -> dict[str, Any]:
    sown, tapes = (int(record.header["configuration"]["world"][name]) for name in ("seeded", "tapes"))
    at = np.unique(np.linspace(0, record.tick - 1, SAMPLES).astype(int))
    rows, largest = [], []
    for replicate in range(record.replicates):
        who = lives(record, replicate)
        alive = who.founder[who.alive_at(record.tick)]
        shares, _ = lineage_shares(who, at, most=1)
        founder, count = np.unique(alive, return_counts=True)
        first = int(founder[count.argmax()])
        rows.append(
            {
                "replicate": replicate,
                "births": int(who.id.size - tapes),
                "families": int(founder.size),
                "largest": float(count.max() / count.sum()),
                "founder": first,
                "is_sown": first <= sown,
            }
        )
        largest.append(shares[0].round(6).tolist())
    return {"rows": rows, "ticks": at.tolist(), "largest": largest, "sown": sown}


def show(record: Record, values: Mapping[str, Any]) -> Result:
    rows = values["rows"]
    share, n = np.median([row["largest"] for row in rows]), np.median([row["families"] for row in rows])
    sentence = (
        f"{n:.0f} families of tapes are left in the median soup; the largest holds {100 * share:.0f} % of its tapes."
    )
    if values["sown"]:
        k = sum(row["is_sown"] for row in rows)
        low, high = (float(x) for x in wilson_interval(k, len(rows))[1:3])
        sentence += f" It descends from a sown replicator in {k} of {len(rows)} soups [{low:.2f}, {high:.2f}]."
    figure = Trajectories(
        title="The family that becomes the largest",
        alt=sentence,
        x_axis=Axis("tick", "epochs"),
        y_axis=Axis("share of the tapes", low=0, high=1),
        x=np.array(values["ticks"]),
        lines=np.array(values["largest"]),
        label="soups",
    )
    return Result(sentence, values, figures=(figure,))


def _of_a_soup(record: Record) -> str:
    world = record.header["configuration"].get("world")
    lacking = [n for n in ("seeded", "tapes") if not isinstance(world, Mapping) or not isinstance(world.get(n), int)]
    return f"its configuration has no number world.{lacking[0]}, as that of `soup` has" if lacking else ""


ANALYSIS = Analysis(
    "copied",
    "who copied whom in a soup: families of tapes",
    compute,
    show,
    needs=(log("births", "log_births = True"), arrays("state.ids", "state.tokens"), _of_a_soup),
)
