"""Blocks that the pages of all ecologies share: lineages, diversity, population and ledger, frozen bodies side by side.

NumPy, no jax.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesocosm.instruments.ancestry import lineage_shares, lives
from mesocosm.instruments.recorded import panel
from mesocosm.protocol.blocks import Analysed, Told, over_time, ticks
from mesocosm.protocol.measure import Measure
from mesocosm.protocol.story import Axis, Replay, Section, Shares, Table
from mesocosm.record import Record

POPULATION = Measure("population", "population", "bodies", low=0)
DIVERSITY = Analysed("diversity", "Diversity", "How different the living are.")
OPTIMISED = (
    Analysed(
        "price",
        "What was selected",
        "Price's equation splits what changed in each gene into selection and inheritance; what chance does is seen in "
        "the shadow genes of the same bodies.",
    ),
    Analysed("kin", "For whose good", "A gene may serve its bearer, or kin nearby.", only_kept=True),
    Analysed("individuality", "What carries itself on", only_kept=True),
)
"""Who is optimising, as far as it was asked."""
ACTIVITY = Analysed("activity", "Activity of alleles", "Whether new alleles persist longer than by chance.")


def lineages(told: Told) -> Section | None:
    """Whose descendants fill the median world over time."""
    record, world = told.record, told.median
    if "births" not in record.header["logs"] or not told.alive:
        return None
    who, when = lives(record, world), ticks(record)
    shares, founders = lineage_shares(who, when - 1)
    left = int(np.unique(who.founder[who.alive_at(record.tick - 1)]).size)
    begun = int((who.parent == 0).sum())
    figure = Shares(
        title=f"Lineages in world {world}",
        alt=f"Of {begun} founders in world {world}, {left} have living descendants at tick {record.tick:,}; the "
        f"largest lineage is {100 * shares[0, -1]:.0f} % of bodies.",
        x_axis=Axis("tick"),
        y_axis=Axis("share of bodies", low=0, high=1),
        x=when,
        shares=np.concatenate([shares, np.clip(1 - shares.sum(axis=0, keepdims=True), 0, 1)]),
        labels=[*(f"founder {f}" for f in founders), "all others"],
    )
    text = "Who descends from whom by division. Genes also pass between bodies that touch: a lineage is no genotype."
    return Section("Lineages", text, [figure])


def population_and_ledger(told: Told) -> Section:
    """Population over time, and where the energy went."""
    text = (
        "Energy is conserved to the last quantum. Flows are booked by cause; what is there is summed independently, "
        "from the state itself."
    )
    return Section("Ecology and ledger", text, [over_time(told, POPULATION), _ledger(told.record)])


_LOST = {
    "metabolism": "paid for living",
    "signalling": "paid for signals",
    "wasted": "eaten by the full",
    "decayed": "decayed uneaten",
    "spilled": "spilled",
}
"""How energy leaves a world, by the name of its account."""
_UNTOLD = {"losses": {"elements": "taken by elements, less what they saved"}, "stores": []}
"""The accounts of layers in records that do not name them."""


def _ledger(record: Record) -> Table:
    """What came in and what became of it, all worlds together; exact."""
    metrics, of_layers = record.metrics, record.header["configuration"].get("accounts", _UNTOLD)
    causes = _LOST | of_layers["losses"]
    flows = {name: metrics[name].astype(object) for name in ("inflow", *causes) if name in metrics}
    stock, residual = metrics["food"].astype(object), metrics["residual"].astype(object)
    for name in ("body_energy", *of_layers["stores"]):
        stock = stock + metrics[name]
    lost = sum(flow for name, flow in flows.items() if name != "inflow")
    first = np.unique(metrics["replicate"], return_index=True)[1]
    last = metrics["replicate"].size - 1 - np.unique(metrics["replicate"][::-1], return_index=True)[1]
    begun = int((stock + lost + residual - flows["inflow"])[first].sum())
    inflow, left = int(flows["inflow"].sum()), int(stock[last].sum())
    total = max(begun + inflow, 1)
    spent = [(words, int(flows[name].sum())) for name, words in causes.items() if name in flows and flows[name].any()]
    rows = [("there at the start", begun, None), ("fell into the world", inflow, None)]
    rows += [(words, None, quanta) for words, quanta in [*spent, ("there at the end", left)]]
    shown = [(words, *pair, f"{100 * sum(q or 0 for q in pair) / total:.1f} %") for words, *pair in rows]
    sums = [("sum", begun + inflow, sum(quanta for _, quanta in spent) + left, "")]
    unexplained = ("what no cause explains", None, sum(abs(int(x)) for x in residual), "")
    return Table("Energy, all worlds together (quanta)", ("", "in", "out", "share"), shown, [*sums, unexplained])


def films(told: Told, runs: Mapping[str, str], caption: str) -> Replay | None:
    """What the cameras of follow-ups took, side by side; None unless all of them took something.

    Args:
      runs: names of the follow-ups, and what they are called.
    """
    panels = [
        panel(title, told.runs[name])
        for name, title in runs.items()
        if name in told.runs and told.runs[name].header.get("frames")
    ]
    shown = [found for found in panels if found is not None]
    return Replay(caption, shown) if len(shown) == len(runs) else None
