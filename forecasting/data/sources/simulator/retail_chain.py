"""A simulated chain: `simulate_chain` takes Options, h and public holidays and returns a RetailChain of arrays.

They hold prices, promotions, opening days, stock-outs and mean demand; sales are drawn later (by
`demand_simulator.demand`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from forecasting.data.sources.simulator import demand_simulator as simulator
from forecasting.data.sources.simulator.demand_simulator import Bools, Floats, Items
from forecasting.data.sources.simulator.options import Options


@dataclass(frozen=True)
class RetailChain:
    """Everything that happens in the chain: arrays by day (rows) and series, item or store (columns).

    By series: `promo`, `alive` (between launch and end of the item), `base` (mean demand without promotions in units,
    0 when closed) and `out_of_stock`. By item: `price`. By store: `open`. By day: `dates` and `holiday`.
    """

    items: Items
    dates: pl.Series
    price: Floats
    promo: Bools
    open: Bools
    holiday: Bools
    alive: Bools
    base: Floats
    out_of_stock: Bools

    def is_past(self, options: Options) -> Bools:
        """Whether each day has sales; the days after them are future ones."""
        return np.asarray(np.arange(len(self.dates)) < options.days)


def simulate_chain(options: Options, h: int, public_holidays: object) -> RetailChain:
    """Draw the chain for options.days and h more days; `public_holidays` is a container of dates."""
    days = options.days + h
    dates, weekday, holiday = simulator.calendar(options, days, public_holidays)
    items = simulator.draw_items(options)
    price = simulator.shelf_prices(options, items, days)
    is_open = simulator.openings(options, weekday, holiday)
    alive = _alive(items, days)
    log = np.log(items.level) + np.outer(np.arange(days) / 365.25, items.trend)
    log += simulator.yearly_effect(options, items, dates[:days]) + items.elasticity * np.log(price / items.price)
    profile = np.log(simulator.weekday_profile(options))
    store = np.log(simulator.store_levels(options))[None, :] + profile[:, weekday[:days]].T
    store += simulator.holiday_effect(holiday)[:, None] + simulator.BEFORE_CLOSED * ~is_open[1:-1]
    base = np.exp(repeat_for_stores(log, options.stores) + np.repeat(store, options.items, axis=1))
    base *= np.repeat(is_open[:days], options.items, axis=1)
    return RetailChain(
        items,
        dates=pl.Series("ds", dates[:days], dtype=pl.Date),
        price=price,
        promo=simulator.promotions(options, days),
        open=is_open[:days],
        holiday=holiday[:days],
        alive=repeat_for_stores(alive, options.stores) > 0,
        base=base,
        out_of_stock=simulator.stock_outs(options, days),
    )


def _alive(items: Items, days: int) -> Bools:
    day = np.arange(days)[:, None]
    return (day >= items.first) & (day < items.last)


def repeat_for_stores(by_item: Floats | Bools, stores: int) -> Floats:
    """An array by day and item as one by day and series: the items repeated for each store."""
    return np.tile(np.asarray(by_item, dtype=np.float64), (1, stores))
