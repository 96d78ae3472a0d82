"""Rounds of orders: each trader buys, sells or waits by its hidden belief, more or less rationally; orders move prices.

The gain that a trader with belief b expects at price p is b - p - fee of buying, p - b - fee of selling, 0 of waiting;
it chooses each with probability proportional to e^(rationality * gain) (logit choice: R. Luce 1959; D. McFadden 1974).
The price is that of a market maker with a logarithmic scoring rule (R. Hanson 2003), moved by news besides.
"""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int32

from mesocosm.core import Bits, Events, Experiment, Fold, Log, Points, Scene, Setup, Tick, box
from mesocosm.experiments.market.declaration import MarketConfiguration
from mesocosm.record.about import About

BELIEFS, KEENNESS, ORDERS, NEWS = 1, 2, 3, 4  # purposes of random bits
FARTHEST = 12.0
"""Log odds beyond which the price does not go: a price of 1 in 160,000."""


class Market(eqx.Module):
    """What changes, and what is hidden: beliefs and rationality are drawn once."""

    belief: Float32[Array, " n"]  # probability that the contract pays, as the trader sees it
    keenness: Float32[Array, " n"]  # log2 of rationality
    odds: Float32[Array, ""]  # logarithm of the odds that the price stands for
    orders: Int32[Array, " n"]  # of the last round: -1 sells, 0 waits, +1 buys


class Trading(Experiment):
    """One contract, its traders and a market maker."""

    exact: ClassVar[bool] = False

    keenest: Float32[Array, ""]
    fee: Float32[Array, ""]
    depth: Float32[Array, ""]
    news: Float32[Array, ""]
    traders: int = eqx.field(static=True)

    def init(self, bits: Bits) -> Market:
        belief = jax.random.uniform(bits.key(BELIEFS), (self.traders,))
        keenness = self.keenest * jax.random.uniform(bits.key(KEENNESS), (self.traders,))
        return Market(belief, keenness, jnp.float32(0), jnp.zeros(self.traders, jnp.int32))

    def tick(self, bits: Bits, state: Market) -> tuple[Market, Tick]:
        price = jax.nn.sigmoid(state.odds)
        ahead = state.belief - price
        gains = jnp.stack([-ahead - self.fee, jnp.zeros_like(ahead), ahead - self.fee])  # sells, waits, buys
        logits = jnp.exp2(state.keenness)[None] * gains
        orders = jax.random.categorical(bits.key(ORDERS), logits, axis=0).astype(jnp.int32) - 1
        moved = jnp.sum(orders).astype(jnp.float32) / self.depth + self.news * jax.random.normal(bits.key(NEWS))
        odds = jnp.clip(state.odds + moved, -FARTHEST, FARTHEST)
        flows = {
            "trades": jnp.sum(orders != 0, dtype=jnp.int32),
            "sensible": jnp.sum(orders + 1 == jnp.argmax(gains, axis=0), dtype=jnp.int32),
            "chances": jnp.int32(self.traders),
        }
        told = Events(jnp.ones(1, bool), {"price": price[None], "orders": orders[:, None]})
        return Market(state.belief, state.keenness, odds, orders), Tick(flows, {"orders": told})

    def scene(self, state: Market) -> Scene:
        price = jax.nn.sigmoid(state.odds)
        about = {
            "order": About(words=("sells", "waits", "buys"), palette=("#b83227", "#b9b7ae", "#2b6cb0")),
            "x": About("belief", low=0, high=1),
        }
        columns = {
            "id": jnp.arange(1, self.traders + 1, dtype=jnp.int32),
            "x": state.belief,
            "y": (self.keenest - state.keenness) / (2 * jnp.maximum(self.keenest, 1e-6)),
            "rationality": jnp.exp2(state.keenness),
            "order": state.orders + 1,
        }
        points = {
            "traders": Points(jnp.ones(self.traders, bool), columns, about, "dots"),
            "quote": Points(
                jnp.ones(1, bool),
                {"id": jnp.ones(1, jnp.int32), "x": price[None], "y": jnp.full(1, 0.57)},
                look="rings",
            ),
        }
        curves = {"price": price, "belief": jnp.mean(state.belief)}
        shares = {name: About("probability", low=0, high=1) for name in curves}
        return Scene(points, curves=curves, space=box(1.1, 0.68, -0.05, -0.05), about=shares)


class Rounds(Fold):
    """The price at the end of a window; trades, orders that their own belief favours, and how many there could be."""

    def init(self, scene: Scene) -> dict[str, Array]:
        return {name: jnp.int32(0) for name in ("trades", "sensible", "chances")}

    def update(self, folded: dict[str, Array], tick: Tick) -> dict[str, Array]:
        return {name: total + tick.flows[name] for name, total in folded.items()}

    def read(self, folded: dict[str, Array], scene: Scene) -> dict[str, Array]:
        return {"price": scene.curves["price"], **folded}


def build(configuration: MarketConfiguration) -> Setup:
    """The market that a configuration describes."""
    c = configuration
    keenest, fee, depth, news = (jnp.float32(x) for x in (c.keenest, c.fee, c.depth, c.news))
    trading = Trading(keenest=keenest, fee=fee, depth=depth, news=news, traders=c.traders)
    log = Log("orders", "orders", (("price", "price"), ("orders", "orders")))
    return Setup(trading, {"rounds": Rounds()}, (log,))
