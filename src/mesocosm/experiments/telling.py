"""Parts that the stories of all ecologies share: notes, lineages, population and ledger, replays. NumPy, no jax."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mesocosm.experiments.story import Axis, Band, Panel, Section, Shares, Strips, Table, Trajectories
from mesocosm.findings.intervals import mean_interval
from mesocosm.instruments.activity import activity
from mesocosm.instruments.analysis import windows
from mesocosm.instruments.ancestry import lineage_shares, lives
from mesocosm.instruments.diversity import diversity
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
        ("seconds", f"{record.seconds:.0f}"),
        ("ledger residual", f"{residual} quanta"),
    ]


def notes(record: Record) -> list[str]:
    """What a reader must know: the unit, the shadows, what ended early, what was changed."""
    out = [
        "The unit of replication is the independently founded world; bodies within a world are not independent.",
        "Each body carries a shadow genome: founded, copied, mutated and swapped in the same way, never expressed.",
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
    said = ", ".join(f"{n} {i[0]:.2f}" for (n, _), i in zip(gardens, intervals, strict=True) if i)
    return Strips(
        title=title,
        alt=f"{title}, means over worlds: {said or 'too few worlds for a mean'}.",
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
        alt=f"Of {begun} founders in world {replicate}, {left} have living descendants at tick {record.tick}; the "
        f"largest lineage is {100 * shares[0, -1]:.0f} % of bodies.",
        x_axis=Axis("tick"),
        y_axis=Axis("share of bodies", low=0, high=1),
        x=when,
        shares=np.concatenate([shares, rest]),
        labels=[*(f"founder {f}" for f in founders), "all others"],
    )
    text = (
        f"Descent by division: of {begun} founders, {left} still have descendants. Genes also travel sideways, by "
        "exchange at touch, so a lineage is not a genotype."
    )
    return Section("Lineages", text, [figure])


def variety(record: Record) -> Section:
    """How different the living are, and whether what is new persists beyond what drift does."""
    found, active = diversity(record), activity(record)
    figures = []
    for title, measure, label, of in (
        ("Heterozygosity", found.heterozygosity, "probability that two bodies differ at a locus", found.ticks),
        ("Cumulative activity of an allele", active.mean, "activity, ticks of everybody", active.ticks),
    ):
        own, shadow = measure
        last = own[:, -1][np.isfinite(own[:, -1])]
        said = f"at the end {np.median(last):.3g} in the median world" if last.size else "no world lives"
        figures.append(
            Trajectories(
                title=title,
                alt=f"{title} over time in {record.replicates} worlds; {said}.",
                x_axis=Axis("tick"),
                y_axis=Axis(label, low=0),
                x=of,
                lines=own,
                control=band("shadow genomes, 90 % of worlds", shadow),
                label="evolved, each world",
            )
        )
    return Section("Diversity and activity", f"{found.sentence()} {active.sentence()}", figures)


_CAUSES = {
    "inflow": "fell into the world",
    "eaten": "eaten",
    "metabolism": "paid for living",
    "signalling": "paid for signals",
    "wasted": "eaten by the full",
    "decayed": "decayed uneaten",
    "spilled": "spilled",
    "elements": "taken by elements, less what they saved",
}


def ecology(record: Record) -> Section:
    """Population over time, and where the energy went."""
    metrics = record.metrics
    population = windows(record, metrics["population"])
    final = population[:, -1][np.isfinite(population[:, -1])]
    said = f"at the end {np.median(final):.0f} bodies in the median world" if final.size else "all worlds have ended"
    bodies = Trajectories(
        title="Population",
        alt=f"Bodies in each of {record.replicates} worlds over time; {said}.",
        x_axis=Axis("tick"),
        y_axis=Axis("bodies", low=0),
        x=ticks(record),
        lines=population,
        label="each world",
    )
    total = max(int(metrics["inflow"].astype(object).sum()), 1)
    rows = [
        (
            words,
            int(metrics[cause].astype(object).sum()),
            f"{100 * int(metrics[cause].astype(object).sum()) / total:.1f} %",
        )
        for cause, words in _CAUSES.items()
        if cause in metrics
    ]
    residual = sum(abs(int(x)) for x in metrics["residual"])
    ledger = Table(
        "Where the energy went, all worlds together (quanta)",
        ("cause", "quanta", "of inflow"),
        rows,
        [("what no cause explains", residual, "")],
    )
    text = (
        "Energy is conserved to the last quantum: what fell in is booked by cause and held against the state itself, "
        "summed independently."
    )
    return Section("Ecology and ledger", text, [bodies, ledger])


def panel(title: str, garden: Record) -> Panel | None:
    """What the cameras of an assay took, as a panel of the replay; None where nobody was there."""
    bodies, sources = garden.frames("bodies"), garden.frames("sources")
    if not bodies["tick"].size:
        return None
    fields = {}
    for name in ("food", "odour"):
        taken = garden.frames(f"{name}_field")
        if taken["tick"].size:
            fields[name] = (taken[name], taken["tick"])
    kept = {k: bodies[k] for k in ("tick", "id", "x", "y", "energy", "element") if k in bodies}
    kept["act"] = _acts(kept)
    if "element" in kept:
        kept["element"] = (kept["element"] > 0).astype(np.int32)
    return Panel(
        title=title,
        side=int(garden.header["configuration"]["resolved"]["world"]["side"]),
        bodies=kept,
        sources={k: sources[k] for k in ("tick", "x", "y")},
        fields=fields,
        words={"act": ("run", "tumble"), "element": ("none", "carried")},
        units={"energy": "quanta", "food": "quanta", "odour": "amount"},
    )


def _acts(bodies: dict[str, np.ndarray]) -> np.ndarray:
    """1 where a body stayed where it was since the frame before: it tumbled."""
    order = np.lexsort([bodies["tick"], bodies["id"]])
    same = np.zeros(order.size, bool)
    now, before = order[1:], order[:-1]
    is_same_body = bodies["id"][now] == bodies["id"][before]
    stayed = (bodies["x"][now] == bodies["x"][before]) & (bodies["y"][now] == bodies["y"][before])
    same[1:] = is_same_body & stayed
    out = np.zeros(order.size, np.int32)
    out[order] = same
    return out
