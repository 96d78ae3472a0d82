"""What `market` is asked: can beliefs, and how rationally one acts on them, be read from orders alone? No jax.

After E. Jang, "Three questions that keep me up at night" (2020). To recover from acts what somebody holds true, and how
closely acts follow, is inverse reinforcement learning as Bayes does it (A. Ng and S. Russell 2000; D. Ramachandran and
E. Amir 2007).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any

from mesocosm.findings.claim import Claim
from mesocosm.protocol.declaration import Declaration, RunConfiguration, Trial
from mesocosm.protocol.measure import Columns, Measure
from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class MarketConfiguration(RunConfiguration):
    """A market for one contract, which pays 1 if something comes true. A tick is a round of orders."""

    replicates: Annotated[int, Range(1, 2**20, "markets", "size")] = 32
    ticks: Annotated[int, Range(1, 2**31 - 1, "rounds")] = 200
    every: Annotated[int, Range(1, 2**31 - 1, "rounds", "switch")] = 20
    traders: Annotated[int, Range(1, 4096, "traders", "size")] = 64
    """In each market. Each may sell one contract, buy one or do nothing, in each round."""
    keenest: Annotated[float, Range(0, 16)] = 7.0
    """Rationality, 1 / temperature, is drawn from 1 to 2 to this power, evenly in its logarithm."""
    fee: Annotated[float, Range(0, 1)] = 0.02
    """What an order costs."""
    depth: Annotated[float, Range(1e-3, 1e9, "contracts")] = 40.0
    """Of the market maker: orders that move the price by a factor of e in its odds."""
    news: Annotated[float, Range(0, 10)] = 0.5
    """Standard deviation of what else moves the logarithm of the odds in a round, so that prices go about."""
    frames_every: Annotated[int, Range(0, 2**20, "ticks")] = field(default=1, compare=False)

    def contradictions(self):
        yield from super().contradictions()
        if self.news == 0 and self.depth >= 1e6:
            yield (
                f"news = {self.news}, depth = {self.depth}: the price never moves, and orders at one price cannot tell "
                "belief from rationality; set news above 0, or lower depth"
            )


def _results() -> Any:
    return import_module("mesocosm.experiments.market.results")


def _per_order(column: str) -> Any:
    def of(columns: Columns) -> Any:
        return columns[column] / columns["chances"]

    return of


MEASURES = (
    Measure("price", "price", "price", low=0, high=1),
    Measure("trading", _per_order("trades"), "share of traders who trade, a round", low=0, high=1),
    Measure("sensible", _per_order("sensible"), "share of orders that the trader's own belief favours", low=0, high=1),
)

_INSIDE = "share of traders whose true value lies within its 90 % interval, less 0.9"
CLAIMS = (
    Claim(
        "beliefs",
        "beliefs are recovered better where rationality is inferred with them",
        "the same inference for traders held to be all equally rational",
        "root mean squared error of recovered beliefs in a market, less the same where all are held equally rational",
        0.002,
        direction=-1,
    ),
    Claim(
        "rationality",
        "rationality is recovered",
        "its spread among traders before any order",
        "root mean squared error of recovered log2 rationality in a market, less its standard deviation by the prior",
        0.5,
        direction=-1,
    ),
    Claim(
        "belief-coverage",
        "intervals of beliefs hold the truth as often as they say",
        "the nominal 90 %",
        _INSIDE,
        0.03,
        expects="equivalent",
    ),
    Claim(
        "rationality-coverage",
        "intervals of rationality hold the truth as often as they say",
        "the nominal 90 %",
        _INSIDE,
        0.03,
        expects="equivalent",
    ),
    Claim(
        "laplace",
        "intervals of beliefs by Laplace's approximation hold the truth less often",
        "the exact posterior",
        "share of traders whose belief lies within its 90 % interval, less the same by the exact posterior",
        0.01,
        direction=-1,
    ),
)
DECLARATION = Declaration(
    name="market",
    title="Beliefs behind orders",
    question="Can what traders believe, and how rationally they act on it, be read from their orders alone?",
    prediction="yes: exact inference recovers both, and its intervals hold the truth as often as they say; where all "
    "are held to be equally rational, beliefs are recovered worse",
    control="the same inference with one rationality for all; the spread by the prior; the nominal coverage",
    configuration=MarketConfiguration,
    columns={
        "trades": "orders that met another in the window",
        "sensible": "orders that the trader's own belief favours",
        "chances": "orders that there could have been",
        "orders.price": "of the round",
        "orders.orders": "of each trader: -1 sells, 0 waits, 1 buys",
    },
    measures=MEASURES,
    claims=CLAIMS,
    results=_results,
    asks_first="beliefs",
    answers={
        "supported": "Yes, and better where nobody is held to be more rational than they are",
        "refuted": "Beliefs are recovered worse where rationality is inferred with them",
        "equivalent": "Inferring rationality does not change what is recovered of beliefs",
        "undecided": "Whether inferring rationality helps is undecided",
    },
    presets={"default": {}, "quick": {"replicates": 12, "ticks": 100}, "paper": {"replicates": 128}},
    analyses=("beliefs",),
    noun="markets",
    seen="A dot is a trader: to the right what it holds for likely, upward how keenly it acts on that, in the "
    "colour of its order. The ring is the price.",
    about="A dot is a trader: to the right who holds it more likely that the contract pays, higher up who acts more "
    "rationally on that. Its colour is its order. The ring below is the price: who stands right of it should buy.",
    trial=Trial({"": {"traders": 3, "frames_every": 7}}, interventions=("30:news=0.1",)),
)
