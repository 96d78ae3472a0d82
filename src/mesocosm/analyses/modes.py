"""Which modes of the truth an artist found, and which it kept. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.intervals import wilson_interval
from mesocosm.protocol.catalogue import Analysis, Result, columns
from mesocosm.protocol.measure import in_windows
from mesocosm.protocol.story import Axis, Heat
from mesocosm.record import Record
from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class Settings:
    """When a mode counts as held."""

    least: Annotated[float, Range(0, 1)] = 0.2
    """Of the points that a mode has in truth, which share the artist must make there for it to be held."""
    late: Annotated[float, Range(0.01, 1)] = 0.25
    """The last share of the run, in all of whose windows a mode must be held to be kept."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    shares = held_shares(record)  # [replicates, windows, modes]
    is_held = np.nan_to_num(shares) * shares.shape[2] >= settings.least
    late = max(1, round(settings.late * shares.shape[1]))
    return {
        "modes": shares.shape[2],
        "found": is_held.any(axis=1).sum(axis=1).tolist(),
        "kept": is_held[:, -late:].all(axis=1).sum(axis=1).tolist(),
        "lost": (is_held[:, :-1] & ~is_held[:, 1:]).sum(axis=(1, 2)).tolist(),
        "held_over_time": is_held.mean(axis=0).round(6).tolist(),
        "windows": (np.arange(1, shares.shape[1] + 1) * int(record.header["every"])).tolist(),
    }


def held_shares(record: Record) -> np.ndarray:
    """The share of the artist's points at each mode. [replicates, windows, modes], NaN after an end"""
    n = sum(name.startswith("mode_") for name in record.metrics)
    return np.stack([in_windows(record, record.metrics[f"mode_{k}"].astype(float)) for k in range(n)], axis=2)


def show(record: Record, values: Mapping[str, Any]) -> Result:
    n, kept = values["modes"], np.array(values["kept"])
    whole = int((kept == n).sum())
    share = wilson_interval(whole, kept.size)
    sentence = (
        f"{whole} of {kept.size} artists keep all {n} modes [{float(share.low):.2f}, {float(share.high):.2f}]; in the "
        f"mean they found {np.mean(values['found']):.2f}, keep {kept.mean():.2f}, and lost one "
        f"{np.mean(values['lost']):.1f} times on the way."
    )
    over = np.array(values["held_over_time"])
    step = -(-len(over) // 12)
    figure = Heat(
        title="Modes that are held",
        alt=f"Share of artists that hold each mode (row) at each time (column). {sentence}",
        x_axis=Axis("tick"),
        y_axis=Axis("mode"),
        columns=[str(t) for t in values["windows"][step - 1 :: step]],
        rows=[str(k) for k in range(n)],
        values=over[step - 1 :: step].T,
    )
    return Result(sentence, values, figures=(figure,))


ANALYSIS = Analysis(
    "modes", "which modes of the truth an artist found, and which it kept", compute, show, Settings,
    needs=(columns("mode_0"),),
)  # fmt: skip
