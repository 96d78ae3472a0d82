"""An analysis of one's own: how long does a newcomer's kin last? The share of populations in which it still lives."""

import numpy as np

from mesocosm import lab


def compute(record, settings):
    kin = lab.in_windows(record, record.metrics["newcomers"])  # [replicates, windows]
    return {"ticks": lab.ticks(record).tolist(), "alive": (kin > 0).mean(axis=0).round(6).tolist()}


def show(record, values):
    ticks, alive = np.array(values["ticks"]), np.array(values["alive"])
    sentence = f"In {100 * alive[-1]:.1f} % of populations the newcomer has kin at the end."
    figure = lab.Trajectories(
        title="Populations in which the newcomer has kin",
        alt=sentence,
        x_axis=lab.Axis("tick"),
        y_axis=lab.Axis("share", low=0, high=1),
        x=ticks,
        lines=alive[None],
    )
    return lab.Result(sentence, values, figures=(figure,))


ANALYSIS = lab.Analysis("streaks", "how long a newcomer's kin lasts", compute, show, needs=(lab.columns("newcomers"),))
