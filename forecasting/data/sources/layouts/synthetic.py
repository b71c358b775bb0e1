"""A simulated retail chain: `load` takes a config, reads no file and returns RawData with known effects.

Stores x items, daily, with h future days (y and stock null). The frame RawData.long has unique_id (store/item), ds, y,
the tags and those of these columns that the config names: store, item, category, price (on the shelf), promo, open,
holiday (1 on public holidays), stock (units left in the evening, known afterwards; 0 when out of stock). The true
effects and the injected errors come with the rows.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Portions
from forecasting.data.sources.driver_columns import long_frame_columns, require_drivers
from forecasting.data.sources.options import parse_options
from forecasting.data.sources.raw_data import RawData
from forecasting.data.sources.readers.typed_table import to_json
from forecasting.data.sources.simulator import demand_simulator as simulator
from forecasting.data.sources.simulator.demand_simulator import Floats
from forecasting.data.sources.simulator.injected_errors import InjectedErrors, error_table, inject_errors
from forecasting.data.sources.simulator.options import Options
from forecasting.data.sources.simulator.retail_chain import RetailChain, repeat_for_stores, simulate_chain
from forecasting.data.sources.simulator.true_effects import true_effects, unique_ids

FILE = "synthetic"


def load(config: Config) -> RawData:
    """The chain of config.source.options; raises UserError for unknown options, columns or countries."""
    if config.freq != "1d":
        raise config.fault("freq", f"the synthetic source makes days only, not {config.freq}: set freq: 1d")
    options = source_options(config)
    chain = simulate_chain(options, config.h, _public_holidays(options, config))
    mean = chain.base * np.exp(chain.promo * np.tile(chain.items.uplift, options.stores))
    demand = simulator.demand(options, mean)
    is_open = np.repeat(chain.open, options.items, axis=1)
    regular = chain.alive & is_open & ~chain.out_of_stock & chain.is_past(options)[:, None]
    errors = inject_errors(options, config, mean, regular)
    long = _long_frame(options, chain, demand * ~chain.out_of_stock, errors)
    require_drivers(config, long.columns, "the synthetic source")
    long = long.select(long_frame_columns(config))
    effects = true_effects(options, chain.items, chain.base, chain.alive)
    injected = error_table(errors, demand, chain.dates, unique_ids(options))
    return RawData(
        Portions.of(long), long.height, lambda keys: _json_rows(long, keys), {}, effects, injected_errors=injected
    )


def source_options(config: Config) -> Options:
    """source.options, validated; raises UserError that names the option."""
    return parse_options(config, Options)


def _public_holidays(options: Options, config: Config) -> object:
    """The dates of the public holidays of calendar.country (and region); none without a country."""
    import holidays

    country = config.calendar.country
    days = options.days + config.h
    years = range(options.start.year, options.start.year + days // 365 + 2)
    if country is None:
        return frozenset()
    try:
        return holidays.country_holidays(country, subdiv=config.calendar.region, years=years)
    except NotImplementedError as e:
        raise config.fault("calendar.country", f"{e}: use an ISO code such as DE or US") from None


def _long_frame(options: Options, chain: RetailChain, sold: Floats, errors: InjectedErrors) -> pl.DataFrame:
    """The long frame, series by series, with the errors in it; the last h days have no sales and no stock."""
    past = chain.is_past(options)
    level = np.outer(simulator.store_levels(options), chain.items.level).ravel()
    no_stock = chain.out_of_stock | errors.stock_out
    stock = np.ceil(np.maximum(level, 1) * (1 + 3 * options.rng("stock").random(sold.shape))) * ~no_stock
    sold = np.where(np.isnan(errors.outlier), sold, errors.outlier) * ~(errors.stock_out | errors.closed)
    is_open = np.repeat(chain.open, options.items, axis=1) & ~errors.closed
    stores, items = simulator.store_names(options), simulator.item_names(options)
    n_days, n_series = len(chain.dates), options.stores * options.items
    frame = pl.DataFrame(
        {
            "ds": pl.concat([chain.dates] * n_series),
            "store": np.repeat(stores, options.items * n_days),
            "item": np.tile(np.repeat(items, n_days), options.stores),
            "category": np.tile(np.repeat(chain.items.category, n_days), options.stores),
            "y": np.where(past[:, None], sold, np.nan).T.ravel(),
            "price": repeat_for_stores(chain.price, options.stores).T.ravel(),
            "promo": chain.promo.T.ravel().astype(np.int8),
            "open": is_open.T.ravel().astype(np.int8),
            "holiday": np.tile(chain.holiday, n_series).astype(np.int8),
            "stock": np.where(past[:, None], stock, np.nan).T.ravel(),
        }
    ).filter(pl.Series((chain.alive & ~errors.gap).T.ravel()))
    return _with_keys_and_tags(frame.with_columns(pl.col("y", "stock").fill_nan(None)))


def _with_keys_and_tags(frame: pl.DataFrame) -> pl.DataFrame:
    null = pl.lit(None, dtype=pl.String)
    line = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("line")
    unique_id = pl.concat_str("store", "item", separator="/").alias("unique_id")
    return frame.with_columns(unique_id, line, file=pl.lit(FILE), fault=null, fault_value=null)


def _json_rows(long: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """[file, line, row]: the rows with these keys as JSON."""
    found = keys.join(long, on=["file", "line"], how="inner", maintain_order="left")
    rows = [to_json(row) for row in found.drop("file", "line", "fault", "fault_value").iter_rows(named=True)]
    return found.select("file", "line").with_columns(pl.Series("row", rows, dtype=pl.String))
