"""A made-up retail chain with known effects: stores x items, daily, with h coming days.

Columns: store, item, category, price (of the shelf), promo, open, holiday (1 on public holidays), stock (units left in
the evening, known afterwards; 0 when out of stock). The truth comes along: what each effect really is, and where which
dirt lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from forecasting.config import Config
from forecasting.data.sources.loaded import Loaded
from forecasting.data.sources.long_frame import columns, present
from forecasting.data.sources.options import checked
from forecasting.data.sources.readers.raw_lines import as_json
from forecasting.data.sources.simulator import demand_simulator as market
from forecasting.data.sources.simulator.demand_simulator import Bools, Floats, Options
from forecasting.data.sources.simulator.injected_errors import Planted, plant, planted
from forecasting.data.sources.simulator.true_effects import ids, truth

FILE = "synthetic"


def load(config: Config) -> Loaded:
    """The chain of config.source.options; raises UserError for unknown options, columns or countries."""
    if config.freq != "1d":
        raise config.fault("freq", f"the synthetic source makes days only, not {config.freq}: set freq: 1d")
    o = options(config)
    w = _world(o, config)
    mean = w.base * np.exp(w.promo * np.tile(w.range_.uplift, o.stores))
    sold = market.demand(o, mean)
    free = w.alive & np.repeat(w.open, o.items, axis=1) & ~w.out & _known(o, w)[:, None]
    dirt = plant(o, config, mean, free)
    long = _long(o, w, sold * ~w.out, dirt)
    present(config, long.columns, "the synthetic source")
    long = long.select(columns(config))
    known = truth(o, w.range_, w.base, w.alive)
    where = planted(dirt, sold, w.dates, ids(o))
    return Loaded(long, long.height, lambda keys: _rows(long, keys), {}, known, planted=where)


def options(config: Config) -> Options:
    """source.options, checked; the UserError names the option."""
    return checked(config, Options)


@dataclass(frozen=True)
class World:
    """All that happens, by day and series (or item, or store)."""

    range_: market.Items
    dates: pl.Series
    price: Floats
    promo: Bools
    open: Bools
    holiday: Bools
    alive: Bools
    base: Floats
    out: Bools


def _world(o: Options, config: Config) -> World:
    """Draw the chain for its days and h more; `base` is the mean demand without promotions, 0 when closed."""
    days = o.days + config.h
    dates, weekday, holiday = market.calendar(o, days, _holidays(o, config, days))
    range_, price = market.items(o), market.prices(o, market.items(o), days)
    opened = market.openings(o, weekday, holiday)
    alive = _alive(range_, days)
    log = np.log(range_.level) + np.outer(np.arange(days) / 365.25, range_.trend)
    log += market.yearly_effect(o, range_, dates[:days]) + range_.elasticity * np.log(price / range_.price)
    store = np.log(market.store_levels(o))[None, :] + np.log(market.weekday_profile(o))[:, weekday[:days]].T
    store += market.holiday_effect(holiday)[:, None] + market.BEFORE_CLOSED * ~opened[1:-1]
    base = np.exp(_series(log, o.stores) + np.repeat(store, o.items, axis=1))
    base *= np.repeat(opened[:days], o.items, axis=1)
    promo, out = market.promotions(o, days), market.stock_outs(o, days)
    day = pl.Series("ds", dates[:days], dtype=pl.Date)
    return World(range_, day, price, promo, opened[:days], holiday[:days], _series(alive, o.stores) > 0, base, out)


def _holidays(o: Options, config: Config, days: int) -> object:
    """The public holidays of calendar.country (and region), none without a country."""
    import holidays

    country = config.calendar.country
    years = range(o.start.year, o.start.year + days // 365 + 2)
    if country is None:
        return frozenset()
    try:
        return holidays.country_holidays(country, subdiv=config.calendar.region, years=years)
    except NotImplementedError as e:
        raise config.fault("calendar.country", f"{e}: use an ISO code such as DE or US") from None


def _alive(range_: market.Items, days: int) -> Bools:
    day = np.arange(days)[:, None]
    return (day >= range_.first) & (day < range_.last)


def _series(by_item: Floats | Bools, stores: int) -> Floats:
    """An array by item repeated for each store."""
    return np.tile(np.asarray(by_item, dtype=np.float64), (1, stores))


def _known(o: Options, w: World) -> Bools:
    """The days whose sales are known."""
    return np.asarray(np.arange(len(w.dates)) < o.days)


def _long(o: Options, w: World, sold: Floats, dirt: Planted) -> pl.DataFrame:
    """The long frame, series by series; the last h days have no sales and no stock."""
    known = _known(o, w)
    usual = np.outer(market.store_levels(o), w.range_.level).ravel()
    left = np.ceil(np.maximum(usual, 1) * (1 + 3 * o.rng("stock").random(sold.shape))) * ~(w.out | dirt.out)
    sold = np.where(np.isnan(dirt.odd), sold, dirt.odd) * ~(dirt.out | dirt.closed)
    opened = np.repeat(w.open, o.items, axis=1) & ~dirt.closed
    stores, names = market.store_names(o), market.item_names(o)
    frame = pl.DataFrame(
        {
            "ds": pl.concat([w.dates] * (o.stores * o.items)),
            "store": np.repeat(stores, o.items * len(w.dates)),
            "item": np.tile(np.repeat(names, len(w.dates)), o.stores),
            "category": np.tile(np.repeat(w.range_.category, len(w.dates)), o.stores),
            "y": np.where(known[:, None], sold, np.nan).T.ravel(),
            "price": _series(w.price, o.stores).T.ravel(),
            "promo": w.promo.T.ravel().astype(np.int8),
            "open": opened.T.ravel().astype(np.int8),
            "holiday": np.tile(w.holiday, o.stores * o.items).astype(np.int8),
            "stock": np.where(known[:, None], left, np.nan).T.ravel(),
        }
    ).filter(pl.Series((w.alive & ~dirt.gap).T.ravel()))
    return _tagged(frame.with_columns(pl.col("y", "stock").fill_nan(None)))


def _tagged(frame: pl.DataFrame) -> pl.DataFrame:
    none = pl.lit(None, dtype=pl.String)
    line = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("line")
    key = pl.concat_str("store", "item", separator="/").alias("unique_id")
    return frame.with_columns(key, line, file=pl.lit(FILE), fault=none, fault_value=none)


def _rows(long: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    found = keys.join(long, on=["file", "line"], how="inner", maintain_order="left")
    rows = [as_json(row) for row in found.drop("file", "line", "fault", "fault_value").iter_rows(named=True)]
    return found.select("file", "line").with_columns(pl.Series("row", rows, dtype=pl.String))
