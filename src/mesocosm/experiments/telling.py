"""Parts that the stories of all ecologies share: notes, lineages, population and ledger, replays. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mesocosm.findings.claim import Finding, show_interval
from mesocosm.findings.intervals import mean_interval
from mesocosm.instruments.analysis import windows
from mesocosm.instruments.ancestry import lineage_shares, lives
from mesocosm.protocol import catalogue
from mesocosm.protocol.story import Axis, Band, Section, Shares, Strips, Table, Trajectories
from mesocosm.record import Record


def chips(record: Record, survived: int) -> list[tuple[str, str]]:
    """Short facts of a run of an ecology."""
    residual = sum(abs(int(x)) for x in record.metrics.get("residual", []))
    births = int(record.metrics["births"].sum()) if "births" in record.metrics else 0
    return [
        ("worlds started", str(record.replicates)),
        ("died out", str(record.replicates - survived)),
        ("ticks", f"{record.tick:,}"),
        ("births", f"{births:,}"),
        ("time to run", f"{record.seconds:,.0f} s"),
        ("energy unaccounted for", f"{residual} quanta"),
    ]


SHADOW = (
    "Each body also carries shadow genes: founded, copied, mutated and swapped like its own, but never used. Chance "
    "and descent act on both alike, so what sets them apart is selection."
)


def introduction(record: Record, survived: int, findings: Sequence[Finding], found: str = "") -> str:
    """What else was found; what such a world is, and what the brackets hold, for somebody who never heard of it."""
    n = record.replicates
    died = (
        f"All {n} lived to the end." if survived == n else f"{n - survived} died out, and count in every denominator."
    )
    levels = sorted({round(100 * f.shown[2], 1) for f in findings})
    held = f"Brackets hold {' or '.join(f'{level:g}' for level in levels)} % intervals over worlds. " if levels else ""
    world = (
        "A world is a dish of bacteria too small to sense a direction: in each tick a body runs straight, or tumbles "
        "to a new heading and stays where it is. No score is kept: who gathers energy divides, who runs out of it "
        "dies, and copies mutate. "
        f"{SHADOW} {held}The {n} worlds were founded independently. {died}"
    )
    return f"{found}\n\n{world}".strip()


def notes(record: Record) -> list[str]:
    """What a reader must know: the unit, the shadows, what ended early, what was changed."""
    out = [
        "What is counted is worlds, never bodies or ticks: bodies of one world are kin, and not independent.",
    ]
    ended = [s for s in record.statuses if s.status != "alive"]
    if ended:
        first = ended[0]
        out.append(
            f"{len(ended)} of {record.replicates} worlds ended early (world {first.replicate}: {first.status} at tick "
            f"{first.tick}, {first.cause}); they count in every denominator."
        )
    if record.header["interventions"]:
        out.append("Parameters were changed during the run: every finding is exploratory.")
    elif record.findings and not any(f["declared"] for f in record.findings):
        out.append("The claims were declared for bodies that go by another sense: here every finding is exploratory.")
    return out


def ticks(record: Record) -> np.ndarray:
    """The end of each window."""
    every = int(record.header["every"])
    return np.arange(1, max(1, record.tick // every) + 1) * every


def band(label: str, lines: np.ndarray) -> Band:
    """The control's median and central 90 % at each x."""
    low, median, high = (np.full(lines.shape[1], np.nan) for _ in range(3))
    there = np.isfinite(lines).any(axis=0)
    if there.any():
        low[there], median[there], high[there] = np.nanquantile(lines[:, there], [0.05, 0.5, 0.95], axis=0)
    return Band(label, low, median, high)


def at_the_end(lines: np.ndarray, control: np.ndarray | None = None, digits: str = "+.2f") -> str:
    """Medians over the worlds that live at the end, in words; of the control too, where there is one."""
    last = lines[:, -1][np.isfinite(lines[:, -1])]
    if not last.size:
        return "no world lives at the end"
    said = f"at the end {np.median(last):{digits}} in the median of {last.size} worlds"
    beside = np.zeros(0) if control is None else control[:, -1][np.isfinite(control[:, -1])]
    return f"{said}, {np.median(beside):{digits}} for the shadow genes" if beside.size else said


def strips(
    gardens: Sequence[tuple[str, Record]], measure: Callable[[Record], np.ndarray], title: str, axis: Axis
) -> Strips:
    """A measure [replicates] of several assays, with the interval of each mean."""
    values = np.array([measure(garden) for _, garden in gardens])
    intervals: list[tuple[float, float, float] | None] = []
    for row in values:
        there = row[np.isfinite(row)]
        found = mean_interval(there) if there.size > 1 else None
        intervals.append((float(found.estimate), float(found.low), float(found.high)) if found else None)
    said = ", ".join(f"{n} {show_interval(*i)}" for (n, _), i in zip(gardens, intervals, strict=True) if i)
    return Strips(
        title=title,
        alt=f"{title}, means over worlds with 95 % intervals: {said or 'too few worlds for a mean'}.",
        conditions=[n for n, _ in gardens],
        y_axis=axis,
        values=values,
        intervals=intervals,
        paired=True,
    )


def lineages(record: Record, replicate: int) -> Section:
    """Whose descendants fill the world over time."""
    who, when = lives(record, replicate), ticks(record)
    shares, founders = lineage_shares(who, when - 1)
    left = int(np.unique(who.founder[who.alive_at(record.tick - 1)]).size)
    rest = np.clip(1 - shares.sum(axis=0, keepdims=True), 0, 1)
    begun = int((who.parent == 0).sum())
    figure = Shares(
        title=f"Lineages in world {replicate}",
        alt=f"Of {begun} founders in world {replicate}, {left} have living descendants at tick {record.tick:,}; the "
        f"largest lineage is {100 * shares[0, -1]:.0f} % of bodies.",
        x_axis=Axis("tick"),
        y_axis=Axis("share of bodies", low=0, high=1),
        x=when,
        shares=np.concatenate([shares, rest]),
        labels=[*(f"founder {f}" for f in founders), "all others"],
    )
    text = (
        f"Who descends from whom by division: of {begun} founders, {left} still {'has' if left == 1 else 'have'} "
        "descendants. Genes also pass between bodies that touch, so a lineage is not a genotype."
    )
    return Section("Lineages", text, [figure])


def variety(record: Record) -> Section:
    """How different the living are, and whether what is new persists beyond what drift does."""
    diversity, activity = (catalogue.measure(record, name) for name in ("diversity", "activity"))
    text = "How different the living are, and whether new alleles persist longer than by chance. Exploratory."
    return Section(
        "Diversity and activity",
        f"{text} {diversity.sentence} {activity.sentence}",
        [*diversity.figures, *activity.figures],
    )


_LOST = {
    "metabolism": "paid for living",
    "signalling": "paid for signals",
    "wasted": "eaten by the full",
    "decayed": "decayed uneaten",
    "spilled": "spilled",
    "elements": "taken by elements, less what they saved",
}
"""How energy leaves a world, by the name of its account."""


def ecology(record: Record) -> Section:
    """Population over time, and where the energy went."""
    population = windows(record, record.metrics["population"])
    bodies = Trajectories(
        title="Population",
        alt=f"Bodies in each of {record.replicates} worlds over time; {at_the_end(population, digits='.0f')}.",
        x_axis=Axis("tick"),
        y_axis=Axis("bodies", low=0),
        x=ticks(record),
        lines=population,
        label="worlds",
    )
    text = (
        "Energy is conserved to the last quantum: all that came in has left, or is still there. Flows are booked by "
        "cause; what is there is summed independently, from the state itself."
    )
    return Section("Ecology and ledger", text, [bodies, _ledger(record)])


def _ledger(record: Record) -> Table:
    """What came in and what became of it, all worlds together; exact."""
    metrics = record.metrics
    flows = {name: metrics[name].astype(object) for name in ("inflow", *_LOST) if name in metrics}
    stock, residual = (metrics["food"] + metrics["body_energy"]).astype(object), metrics["residual"].astype(object)
    lost = sum(flow for name, flow in flows.items() if name != "inflow")
    first = np.unique(metrics["replicate"], return_index=True)[1]
    last = metrics["replicate"].size - 1 - np.unique(metrics["replicate"][::-1], return_index=True)[1]
    begun = int((stock + lost + residual - flows["inflow"])[first].sum())
    inflow, left = int(flows["inflow"].sum()), int(stock[last].sum())
    total = max(begun + inflow, 1)
    spent = [(words, int(flows[name].sum())) for name, words in _LOST.items() if name in flows and flows[name].any()]
    rows = [("there at the start", begun, None), ("fell into the world", inflow, None)]
    rows += [(words, None, quanta) for words, quanta in [*spent, ("there at the end", left)]]
    shown = [(words, *pair, f"{100 * sum(q or 0 for q in pair) / total:.1f} %") for words, *pair in rows]
    sums = [("sum", begun + inflow, sum(quanta for _, quanta in spent) + left, "")]
    unexplained = ("what no cause explains", None, sum(abs(int(x)) for x in residual), "")
    return Table("Energy, all worlds together (quanta)", ("", "in", "out", "share"), shown, [*sums, unexplained])
