"""Chains with a known response: each function takes a seed and returns a Chain, rows and the truth of each series.

`retailer` is the built-in simulator, with its own elasticities or one for all; `weak_demand` its items with prices and
promotions set after weak weeks; `weekly` another chain with other levels and timing, and what promotions take from the
week after and from their market.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.config import Config
from forecasting.data.sources.simulator import demand_simulator as simulator
from forecasting.data.sources.simulator.options import Options
from forecasting.data.sources.simulator.retail_chain import RetailChain, simulate_chain
from forecasting.data.sources.simulator.true_effects import unique_ids

Floats = NDArray[np.float64]
BLOCK = 28
"""Days for which a price holds at least."""
SHOCK, MEMORY = 0.2, 0.9
"""Size and memory (a week) of the demand that prices follow."""


@dataclass(frozen=True)
class Chain:
    """`rows` [unique_id, ds, y, price, promo, store, item, category] with their Config; `truth` [unique_id, price,
    promo] are elasticities and logs of uplifts.
    """

    config: Config
    rows: pl.DataFrame
    truth: pl.DataFrame


def job(freq: str) -> Config:
    """The job of a chain."""
    static = ["store", "item", "category"]
    columns = {"known_ahead": ["price", "promo"], "static": static, "price": "price", "promo": "promo"}
    levels: list[list[str]] = [[], ["store"], ["category"]]
    keys = {"name": "chain", "source": {"path": "sales.csv"}, "freq": freq, "h": 8, "columns": columns}
    return Config.model_validate(keys | {"levels_of_aggregation": levels})


def retailer(seed: int, elasticity: float | None = None, items: int = 20, stores: int = 5) -> Chain:
    """The built-in retailer of two years; with `elasticity` all items have this one."""
    options, chain = _drawn(seed, items, stores)
    own = chain.items.elasticity
    new = own if elasticity is None else np.full(options.items, elasticity)
    return _sold(options, chain, chain.price, (new - own) * np.log(chain.price / chain.items.price), new)


def weak_demand(seed: int) -> Chain:
    """The retailer with demand of items that wanders, and prices and promotions that follow the weeks before."""
    options, chain = _drawn(seed)
    rng, days = np.random.default_rng([seed, 99]), len(chain.dates)
    weekly = wander(rng, -(-days // 7), options.items, SHOCK, MEMORY)
    shock = np.repeat(weekly, 7, axis=0)[:days]
    steps, step = np.array(simulator.PRICE_STEPS), np.ones((-(-days // BLOCK), options.items))
    for b in range(1, len(step)):
        known = shock[(b - 1) * BLOCK : b * BLOCK].mean(0) / SHOCK + rng.normal(0, 0.7, options.items)
        new = np.sort(steps)[np.clip(np.round((len(steps) - 1) / 2 + known), 0, len(steps) - 1).astype(int)]
        step[b] = np.where(rng.random(options.items) < 0.4, new, step[b - 1])
    price = np.round(np.repeat(step, BLOCK, axis=0)[:days] * chain.items.price, 2)
    moved = chain.items.elasticity * np.log(price / chain.price) + shock
    before = np.vstack([weekly[:1], weekly[:-1]])
    chosen = rng.random(before.shape) < 1 / (1 + np.exp(2.2 + 1.5 * before / SHOCK))
    joins = rng.random((len(before), options.stores, options.items)) < 0.85
    promo = np.repeat((chosen[:, None, :] & joins).reshape(len(before), -1), 7, axis=0)[:days]
    return _sold(options, chain, price, moved, chain.items.elasticity, promo)


def wander(rng: np.random.Generator, periods: int, many: int, size: float, memory: float) -> Floats:
    """Deviations that fade, of this size, by period: a share `memory` is left a period later."""
    found = np.zeros((periods, many))
    found[0] = rng.normal(0, size, many)
    for t in range(1, periods):
        found[t] = memory * found[t - 1] + rng.normal(0, size * np.sqrt(1 - memory**2), many)
    return found


def _drawn(seed: int, items: int = 20, stores: int = 5) -> tuple[Options, RetailChain]:
    options = Options(seed=seed, items=items, stores=stores)
    years = range(options.start.year, options.start.year + 4)
    return options, simulate_chain(options, 0, holidays.country_holidays("DE", years=years))


def _sold(
    options: Options, chain: RetailChain, price: Floats, moved: Floats, elasticity: Floats, promo: Floats | None = None
) -> Chain:
    """What is sold at these prices, with logs `moved` by day and item, of what the chain would sell."""
    on = chain.promo if promo is None else promo
    stores, days, ids = options.stores, len(chain.dates), unique_ids(options)
    mean = chain.base * np.exp(np.tile(moved, (1, stores)) + on * np.tile(chain.items.uplift, stores))
    there = chain.alive & np.repeat(chain.open, options.items, axis=1) & ~chain.out_of_stock
    y = np.where(there, simulator.demand(options, mean), np.nan)
    columns = {"y": y, "price": np.tile(price, (1, stores)), "promo": on.astype(float)}
    rows = pl.DataFrame({name: values.T.ravel() for name, values in columns.items()}).with_columns(
        pl.col("y").fill_nan(None), ds=pl.concat([chain.dates] * len(ids)), unique_id=pl.Series(np.repeat(ids, days))
    )
    parts = pl.col("unique_id").str.split("/")
    rows = rows.with_columns(store=parts.list.first(), item=parts.list.last())
    category = dict(zip(simulator.item_names(options), chain.items.category, strict=True))
    rows = rows.with_columns(category=pl.col("item").replace_strict(category))
    truth = {"unique_id": ids, "price": np.tile(elasticity, stores), "promo": np.tile(chain.items.uplift, stores)}
    return Chain(job("1d"), rows, pl.DataFrame(truth))


def weekly(seed: int, dip: float = 0.0, lost: float = 0.0, items: int = 30, stores: int = 6, weeks: int = 156) -> Chain:
    """A chain with a price every two or three months, items and series that wander, and five categories of different
    response; sales of the week after a promotion are exp(dip) times as high, and those of an item exp(lost) times when
    all others of its category in the store are in promotion.
    """
    rng, categories = np.random.default_rng([seed, 5]), 5
    item, store = np.tile(np.arange(items), stores), np.repeat(np.arange(stores), items)
    category = np.arange(items) % categories
    elasticity = rng.normal(np.array([-1.0, -1.5, -2.2, -2.6, -0.7])[category], 0.35)
    uplift = rng.normal(np.array([0.3, 0.6, 0.4, 0.8, 0.5])[category], 0.1)
    level = rng.normal(3, 1, items)[item] + rng.normal(0, 0.4, stores)[store]
    angle = 2 * np.pi * (np.arange(weeks)[:, None] / 52 - rng.random(items)[item])
    season = (0.25 * rng.random(items))[item] * np.cos(angle)
    shock = wander(rng, weeks, item.size, 0.12, 0.85) + wander(rng, weeks, items, 0.1, 0.85)[:, item]
    price, due = np.zeros((weeks, items)), rng.integers(4, 13, items)
    for week in range(1, weeks):
        moves = due == week
        price[week] = np.where(moves, np.clip(rng.normal(0, 0.094, items), -0.25, 0.25), price[week - 1])
        due[moves] += rng.integers(8, 14, int(moves.sum()))
    promo = (rng.random((weeks, items)) < 0.1)[:, item] & (rng.random((weeks, item.size)) < 0.9)
    after = np.vstack([np.zeros_like(promo[:1]), promo[:-1] & ~promo[1:]])
    market = store * categories + category[item]
    same = ((market[:, None] == market) & ~np.eye(item.size, dtype=bool)).astype(float)
    share = promo.astype(float) @ same / same.sum(0)
    log = level + season + shock + (elasticity * price)[:, item] + uplift[item] * promo + dip * after + lost * share
    mean = np.exp(log + rng.normal(0, 0.1, items)[item] * np.arange(weeks)[:, None] / 52)
    usual = np.exp(rng.normal(1.2, 0.5, items))
    columns = {"y": rng.negative_binomial(8, 8 / (8 + mean)).astype(float), "promo": promo.astype(float)}
    columns["price"] = (usual * np.exp(price))[:, item]
    names = {"store": [f"S{s}" for s in store], "item": [f"I{i:02}" for i in item]}
    names["category"] = [f"C{c}" for c in category[item]]
    flat = {n: np.repeat(of, weeks) for n, of in names.items()} | {n: v.T.ravel() for n, v in columns.items()}
    rows = pl.DataFrame(flat).with_columns(
        ds=pl.Series([date(2020, 1, 6) + timedelta(weeks=week) for week in range(weeks)] * item.size),
        unique_id=pl.concat_str("store", "item", separator="/"),
    )
    ids = rows["unique_id"].unique(maintain_order=True)
    return Chain(job("1w"), rows, pl.DataFrame({"unique_id": ids, "price": elasticity[item], "promo": uplift[item]}))
