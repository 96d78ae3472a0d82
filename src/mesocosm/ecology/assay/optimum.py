"""How far is a run from the best that its law allows? A direct search over what its genomes say, by assays.

Three things can be best. In the *garden* a population of one genotype eats the most; by *invasion* a genotype gains the
most on the evolved, in one world with them; a *colony* of it alone is the largest. Of tables P(tumble) under each
stimulus is sought, of reward maps the weights. Each is sought by CMA-ES, begun in the middle (every probability 1/2,
every weight 0), never at what evolved; the space is mirrored at its ends (in logits a search runs off along the
plateaus beyond). Every generation has fresh worlds; what a search stands for is its mean, not its luckiest draw. The
searches are compared in worlds that none of them saw, and the better one is judged in those of the declared assays,
which no search saw either. As a whole it is exploratory: it says how large the gap is, not why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from mesocosm.ecology.assay.analysis import contest_ticks, intake, selection
from mesocosm.ecology.assay.call import assay
from mesocosm.ecology.assay.declaration import ASSAY_SEEDS
from mesocosm.ecology.assay.space import TUMBLING, in_units, mirrored, rounded, space, spelt
from mesocosm.findings.claim import Claim, Finding
from mesocosm.findings.outcomes import plain
from mesocosm.protocol.reading import follow_ups_of
from mesocosm.record import ConfigurationError, FolderError, Record
from mesocosm.record.configuration import Range, digest
from mesocosm.record.files import sealed, unsealed, write_whole

if TYPE_CHECKING:
    from mesocosm.core import Progress

By = Literal["garden", "invasion", "colony"]
CRITERIA: tuple[By, ...] = ("garden", "invasion", "colony")
SEARCHES, GENERATIONS, CANDIDATES, WORLDS = 2, 10, 12, 4


@dataclass(frozen=True)
class Effort:
    """How hard one looks."""

    searches: Annotated[int, Range(1, 64, "searches")] = SEARCHES
    """Independent searches; the better is taken."""
    generations: Annotated[int, Range(1, 1000, "generations")] = GENERATIONS
    """Of each search."""
    candidates: Annotated[int, Range(4, 1024, "genotypes")] = CANDIDATES
    """Genotypes in a generation."""
    worlds: Annotated[int, Range(1, 1024, "worlds")] = WORLDS
    """In which each is tried."""
    horizon: Annotated[int, Range(0, 2**20, "ticks")] = 0
    """For which each is tried; 0: 300 in the garden, and where it meets the evolved twice what reserves last."""


JUDGED = 64
"""The best is judged against the evolved of so many worlds of the run at most, the first ones."""
_GARDEN_TICKS, _TRIED_TICKS, COLONY_TICKS = 600, 300, 600
_QUIET = ("log_births_and_deaths=false", "log_exchanges=false")
_SEARCH = 0x6F7074 << 24
"""Differs the seeds of searches from those of the declared assays."""

CLAIMS = (
    Claim(
        "intake",
        "food eaten per body and tick in the common garden",
        control="the evolved",
        statistic="ln(intake of the best by direct search / intake of the evolved), in the same fresh worlds",
        delta=1.1,
        kind="ratio",
        declared=False,
    ),
    Claim(
        "selection",
        "selection coefficient of the best by direct search",
        control="the evolved",
        statistic="change of ln((a + 1/2) / (b + 1/2)) per 100 ticks in one world, mean of both assignments of marks",
        delta=0.02,
        unit="per 100 ticks",
        declared=False,
    ),
)
"""What is asked of the best: the two statistics, and the two smallest effects, that the runs themselves declare."""

LARGER = Claim(
    "colony",
    "population of the best by direct search where all are alike",
    control="the evolved",
    statistic="ln((population + 1) / (population of the evolved + 1)), second half of a monoculture in the same worlds",
    delta=1.05,
    kind="ratio",
    declared=False,
)
"""What is asked besides of the best for the colony."""


@dataclass(frozen=True)
class Optimum:
    """The best genotype found, and how far the evolved are from it.

    Args:
      by: what was maximised: `garden`, intake of a population of that genotype alone; `invasion`, selection coefficient
        against the evolved; `colony`, how many live where all have that genotype.
      stimuli: what the probabilities belong to; of reward maps, the events that are weighed.
      chances: P(tumble) under each stimulus; of reward maps, the weights.
      others: where each search ended, the best first: P(tumble), and its score in worlds that no search saw (None where
        nobody lived).
      trace: mean score of the candidates in each generation, of each search.
      findings: intake and selection of the best against the evolved, over worlds of the run.
    """

    by: By
    stimuli: tuple[str, ...]
    chances: tuple[float, ...]
    others: tuple[tuple[tuple[float, ...], float | None], ...]
    trace: tuple[tuple[float | None, ...], ...]
    findings: tuple[Finding, ...]
    of: str = TUMBLING

    def to_dict(self) -> dict[str, Any]:
        """Plain values; valid JSON."""
        return {
            "by": self.by,
            "of": self.of,
            "stimuli": list(self.stimuli),
            "chances": list(self.chances),
            "searches": [{"chances": list(chances), "score": score} for chances, score in self.others],
            "trace": [list(scores) for scores in self.trace],
            "findings": [finding.to_dict() for finding in self.findings],
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Optimum:
        return Optimum(
            values["by"],
            tuple(values["stimuli"]),
            tuple(values["chances"]),
            tuple((tuple(s["chances"]), s["score"]) for s in values["searches"]),
            tuple(map(tuple, values["trace"])),
            tuple(map(Finding.from_dict, values["findings"])),
            values.get("of", TUMBLING),
        )

    def sentence(self) -> str:
        """What is best, in words."""
        what = {"garden": "eats the most where all are alike", "invasion": "gains the most on the evolved"}
        what |= {"colony": "makes the largest colony where all are alike"}
        shape = ".2f" if self.of == TUMBLING else "+.0f"
        said = ", ".join(f"{name} {p + 0.0:{shape}}" for name, p in zip(self.stimuli, self.chances, strict=True))
        return f"{self.of} that {what[self.by]}: {said}."

    def text(self) -> str:
        """The genotype, as an assay takes it."""
        return spelt(np.array(self.chances), self.of)


def optimum(
    source: Record,
    by: By = "garden",
    *,
    searches: int = SEARCHES,
    generations: int = GENERATIONS,
    candidates: int = CANDIDATES,
    worlds: int = WORLDS,
    horizon: int = 0,
    report: Callable[[Progress], None] | None = None,
) -> Optimum:
    """Search, judge, and write what was found into the run's folder. A search that was cut off goes on.

    Args:
      source: a finished run of an ecology.
      by: see `Optimum`.
      searches: independent ones; the better is taken.
      candidates: genotypes in a generation; `worlds` of each.
      horizon: ticks for which a candidate is tried; 0: 300 in the garden, and where it meets the evolved twice what
        reserves last (`contest_ticks`).
      report: called between chunks.

    Raises:
      ConfigurationError: for numbers below what a search needs.
      FolderError: if the run is not finished, or has no bodies or none left.
    """
    horizon = horizon or (_TRIED_TICKS if by == "garden" else contest_ticks(source))
    effort = {"searches": searches, "generations": generations, "candidates": candidates, "worlds": worlds}
    settings = {"by": by, **effort, "horizon": horizon}
    _check(settings)
    if all(s.status != "alive" for s in source.statuses):
        raise FolderError(f"{source.folder}: no world lives; there is nobody to compare the best with")
    living = [s.replicate for s in source.statuses if s.status == "alive"]
    stimuli, of = space(source)
    under = f"optimum-{by}-{digest({**settings, 'source': source.digest()})[:8]}"
    tried = _Tried(source, by, of, under, horizon, living, report)
    ends, traces = tried.searches(len(stimuli), **effort)
    compared = tried.scores("compared", np.array(ends), max(1, candidates * worlds // searches), 1000 * searches)
    order = np.argsort(-np.where(np.isfinite(compared), compared, -np.inf), kind="stable")
    others = tuple((rounded(ends[k]), plain(compared[k])) for k in order)
    judged = _judged(source, under, by, spelt(ends[order[0]], of), report)
    found = Optimum(by, stimuli, others[0][0], others, tuple(traces), judged, of)
    write_whole(source.folder / f"optimum-{by}.json", sealed(found.to_dict()))
    return found


@dataclass(frozen=True)
class _Tried:
    """Genotypes tried in assays of a run, each in some worlds.

    Args:
      of: what their numbers are.
      under: folder of the assays.
      living: replicates of the run in which somebody lives, to meet or to share a model with.
    """

    source: Record
    by: By
    of: str
    under: str
    horizon: int
    living: list[int]
    report: Callable[[Progress], None] | None

    def searches(
        self, n: int, searches: int, generations: int, candidates: int, worlds: int
    ) -> tuple[list[np.ndarray], list[tuple[float | None, ...]]]:
        """Where each search over n numbers ended, and the mean score of each of its generations."""
        ends, traces = [], []
        for k in range(searches):

            def scores(g: int, points: np.ndarray, k: int = k) -> np.ndarray:
                return self.scores(f"{k}-{g:03d}", in_units(points, self.of), worlds, 1000 * k + g)

            end, trace = _searched(scores, n, generations, candidates, _seed(self.source, _SEARCH + k))
            ends.append(in_units(end, self.of))
            traces.append(tuple(trace))
        return ends, traces

    def scores(self, name: str, chances: np.ndarray, n_worlds: int, number: int) -> np.ndarray:
        """The mean score of each genotype. [genotypes]"""
        texts = [spelt(row, self.of) for row in chances for _ in range(n_worlds)]
        given: dict[str, Any] = {"replicates": len(texts), "ticks": self.horizon}
        given["seed"] = _seed(self.source, _SEARCH + number)
        # All of a generation meet the bodies of the same replicates, other ones in each generation.
        given["sources"] = tuple(self.living[(number * n_worlds + k) % len(self.living)] for k in range(n_worlds))
        scores = _scores(_assayed(self.source, f"{self.under}/{name}", self.by, texts, self.report, **given), self.by)
        return _means(scores.reshape(len(chances), n_worlds))


def _means(scores: np.ndarray) -> np.ndarray:
    """Mean score of each candidate over the worlds in which it lived [candidates]; NaN where it lived in none."""
    there = np.isfinite(scores)
    mean = np.where(there, scores, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return np.where(there.any(axis=1), mean, np.nan)


def found_before(source: Record) -> list[Optimum]:
    """What was found for this run, as it stands in its folder."""
    paths = (source.folder / f"optimum-{by}.json" for by in CRITERIA)
    try:
        return [Optimum.from_dict(unsealed(path)) for path in paths if path.exists()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FolderError(
            f"{source.folder}: what `optimum` left there cannot be read ({error}); run it again"
        ) from None


def _check(settings: dict[str, Any]) -> None:
    if settings["by"] not in CRITERIA:
        raise ConfigurationError(f"by = {settings['by']!r}: must be one of {', '.join(CRITERIA)}")
    for name, (low, high) in _PERMITTED.items():
        if not low <= settings[name] <= high:
            raise ConfigurationError(f"{name} = {settings[name]}: must be in {low} ... {high}")
    tried = settings["candidates"] * settings["worlds"]
    if tried > _MOST_TRIED:
        raise ConfigurationError(
            f"candidates * worlds = {tried}: must be at most {_MOST_TRIED}, for all are tried at once; take fewer"
        )


_PERMITTED = {
    "searches": (1, 64),
    "generations": (1, 10_000),
    "candidates": (4, 4096),
    "worlds": (1, 4096),
    "horizon": (1, 1 << 20),
}
_MOST_TRIED = 1 << 16


def _searched(
    scores: Callable[[int, np.ndarray], np.ndarray], n_stimuli: int, generations: int, candidates: int, seed: int
) -> tuple[np.ndarray, list[float | None]]:
    """CMA-ES uphill: P(tumble) at the mean of the last generation [stimuli], and the mean score of each generation."""
    import jax
    import jax.numpy as jnp

    from mesocosm.evolution.cma import CMAES

    searcher = CMAES(n_stimuli, candidates, jnp.float32(0.3))
    state = searcher.found(jnp.full(n_stimuli, 0.5, jnp.float32))
    keys = jax.random.split(jax.random.key(seed % 2**32), generations)
    trace = []
    for generation in range(generations):

        def losses(points: Any, generation: int = generation) -> Any:
            return jnp.asarray(-scores(generation, mirrored(points)), jnp.float32)

        state, found = searcher.step(keys[generation], state, losses)
        finite = np.asarray(found)[np.isfinite(found)]
        trace.append(float(-finite.mean()) if finite.size else None)
    return mirrored(searcher.centre(state)), trace


def _seed(source: Record, offset: int) -> int:
    return (int(source.header["seed"]) + ASSAY_SEEDS + offset) % 2**64


def _scores(record: Record, by: By) -> np.ndarray:
    """The score of each replicate. [replicates], NaN where nobody was founded."""
    return {"garden": intake, "invasion": lambda r: 100 * selection(r), "colony": colony}[by](record)


def colony(record: Record) -> np.ndarray:
    """How many live in the second half of an assay, 0 where all have died. [replicates], NaN where none was founded."""
    metrics = record.metrics
    every, late = int(record.header["every"]), metrics["tick"] > record.tick // 2
    windows = record.tick // every - record.tick // 2 // every
    total = np.bincount(metrics["replicate"].astype(int)[late], metrics["population"][late], record.replicates)
    out = total / max(1, windows)
    out[[s.replicate for s in record.statuses if s.status == "extinct" and s.tick == 0]] = np.nan
    return out


def _assayed(
    source: Record, name: str, by: By, texts: Sequence[str], report: Callable[[Progress], None] | None, **given: Any
) -> Record:
    """Genotypes alone, or against the evolved; of what is not counted nothing is logged."""
    ticks = int(given["ticks"])
    kind = {"garden": "garden", "invasion": "competition", "colony": "monoculture"}[by]
    given |= {"kind": kind, "against": "evolved", "genotypes": tuple(texts)}
    every = max(w for w in range(1, min(50, ticks) + 1) if ticks % w == 0)
    return assay(source, name, report, population="genotypes", every=every, changes=_QUIET, **given)


def _judged(
    source: Record, under: str, by: By, text: str, report: Callable[[Progress], None] | None
) -> tuple[Finding, ...]:
    """The best against the evolved, in the worlds of the declared assays."""
    from mesocosm.findings.verdicts import judge

    texts, n = [text], min(source.replicates, JUDGED)
    best = _assayed(source, f"{under}/garden", "garden", texts, report, ticks=_GARDEN_TICKS, replicates=n)
    both = [
        selection(
            _assayed(
                source,
                f"{under}/competition{'-swapped' if is_swapped else ''}",
                "invasion",
                texts,
                report,
                ticks=contest_ticks(source),
                marks_swapped=is_swapped,
                replicates=n,
            )
        )
        for is_swapped in (False, True)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.log(intake(best) / intake(_evolved(source, under, report))[:n])
    values = {"intake": gain, "selection": 100 * np.mean(both, axis=0)}
    claims = CLAIMS
    if by == "colony":
        own = _assayed(source, f"{under}/colony", by, texts, report, ticks=COLONY_TICKS, replicates=n)
        values["colony"] = np.log((colony(own) + 1) / (colony(evolved_alone(source, report))[:n] + 1))
        claims = (*CLAIMS, LARGER)
    survived = sum(s.status == "alive" for s in source.statuses if s.replicate < n)
    return tuple(judge(claims, values, n, survived, int(source.header["seed"])))


def alone(source: Record, text: str, replicates: int) -> Record:
    """A genotype alone, in the worlds in which the evolved are judged (`evolved_alone`)."""
    name = f"monoculture-{digest({'genotype': text, 'replicates': replicates})[:8]}"
    return _assayed(source, name, "colony", [text], None, ticks=COLONY_TICKS, replicates=replicates)


def evolved_alone(source: Record, report: Callable[[Progress], None] | None = None) -> Record:
    """The evolved in fresh worlds, with births and deaths and without mutation."""
    return assay(source, "monoculture-evolved", report, kind="monoculture", ticks=COLONY_TICKS, changes=_QUIET)


def _evolved(source: Record, under: str, report: Callable[[Progress], None] | None) -> Record:
    """The garden of the evolved: the declared one where it is there and of this length."""
    there = follow_ups_of(source).get("garden-evolved")
    if there is not None and int(there.header["ticks"]) == _GARDEN_TICKS and there.header["seed"] == _seed(source, 0):
        return there
    return assay(source, f"{under}/garden-evolved", report, kind="garden", population="evolved", ticks=_GARDEN_TICKS)


__all__ = ["CRITERIA", "Optimum", "found_before", "optimum"]
