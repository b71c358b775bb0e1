"""The Favorita grocery competition: `load` reads train.csv, stores.csv and test.csv (future days) as RawData.

test.csv may be missing; items.csv, transactions.csv, oil.csv and holidays_events.csv are read if the config names their
columns. They lie in the folder source.path. The frame RawData.long is [unique_id, ds, y, drivers of the config, file,
line, fault, fault_value].

unique_id is store/item (25/103665). Drivers by the names that a config may use: onpromotion (null in the early lines,
which do not have it); holiday, holiday_type, event ("none" on days without one) and work_day, of the country, state and
city of the store, a moved holiday on the day to which it was moved; transactions (of the store) and oil (the last
published price up to that day), both known only afterwards; static: store, item, family, class, perishable, city,
state, type, cluster.

unit_sales below 0 mean more returns than sales. The files have no line for days on which nothing was sold: rows are
generated for them, from the first line of a series to the last day of train.csv, with all drivers of the day, and
`clean.gaps` decides whether their sales are 0 or unknown. They are not on promotion on days for which the file has
promotions at all.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Portions
from forecasting.data.sources.column_layout import ColumnLayout
from forecasting.data.sources.driver_columns import long_frame_columns, require_drivers, source_drivers
from forecasting.data.sources.layouts.favorita.holidays import holidays_by_store
from forecasting.data.sources.long_frame import to_long_frame
from forecasting.data.sources.periods.source_dates import parse_source_dates
from forecasting.data.sources.raw_data import RawData
from forecasting.data.sources.readers.numbers import PLAIN
from forecasting.data.sources.readers.original_rows import read_text_rows
from forecasting.data.sources.readers.text.text_table import TextTable, read_text
from forecasting.data.sources.reference_tables import cast_to_numbers, read_columns, require_unique
from forecasting.data.sources.source_files import optional_file, required_file

IDS = {"store_nbr": "store", "item_nbr": "item"}
STORE = ("city", "state", "type", "cluster")
ITEM = ("family", "class", "perishable")
HOLIDAYS = ("holiday", "holiday_type", "event", "work_day")


def load(config: Config) -> RawData:
    """All days of all series; raises UserError when a file or a column is missing or freq is not 1d."""
    if config.freq != "1d":
        raise config.fault("freq", f"the favorita layout holds days, not {config.freq}: set freq: 1d")
    train, test = read_text(required_file(config, "train.csv")), optional_file(config, "test.csv")
    train.require([*IDS, "date", "unit_sales", "onpromotion"])
    texts = [train, *([read_text(test)] if test else [])]
    days = _days_with_lines(texts, config)
    generated = _days_without_lines(days, config)
    long = _with_drivers(pl.concat([days, generated], how="diagonal_relaxed"), config)
    require_drivers(config, long.columns, "the favorita source")
    long = pl.concat([long, *(t.faulty() for t in texts if t.broken.height)], how="diagonal_relaxed")
    empty = sum(t.empty for t in texts)
    dropped = {"empty_line": empty} if empty else {}
    lines = long.height - generated.height + empty
    long = long.select(long_frame_columns(config))
    return RawData(Portions.of(long), lines, read_text_rows, dropped, generated_rows=generated.height)


def _days_with_lines(texts: list[TextTable], config: Config) -> pl.DataFrame:
    """Sales and promotions of the lines; future days have no sales."""
    wanted = [*IDS, "date", "unit_sales", "onpromotion"]
    raw = pl.concat([t.cells([c for c in wanted if c in t.names]) for t in texts], how="diagonal")
    carried = (*IDS, "onpromotion")
    layout = ColumnLayout(tuple(IDS), "date", "unit_sales", {"onpromotion": PLAIN}, carried=carried)
    return to_long_frame(raw, layout, config).rename(IDS)


def _days_without_lines(days: pl.DataFrame, config: Config) -> pl.DataFrame:
    """A row for every day without a line, from the first line of each series to the last day with sales."""
    first, last = config.limits.dates
    valid = days.filter(
        pl.col("fault").is_null() & pl.col("unique_id").is_not_null(), pl.col("ds").is_between(first, last)
    )
    sold = valid.filter(pl.col("y").is_not_null())
    first_days = sold.group_by("unique_id", *IDS.values(), maintain_order=True).agg(pl.col("ds").min())
    ds = pl.date_ranges("ds", pl.lit(sold["ds"].max())).alias("ds")
    grid = first_days.with_columns(ds).explode("ds")
    grid = grid.join(valid.select("unique_id", "ds"), on=["unique_id", "ds"], how="anti")
    with_promotions = valid.filter(pl.col("onpromotion").is_not_null())["ds"].unique()
    y = 0.0 if config.clean.gaps == "zero" else None
    off = pl.when(pl.col("ds").is_in(with_promotions.implode())).then(pl.lit(0, days.schema["onpromotion"]))
    return grid.with_columns(pl.lit(y, pl.Float64).alias("y"), off.alias("onpromotion"), file=pl.lit(None, pl.String))


def _with_drivers(days: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Adds the drivers of the other files, as far as the config names them."""
    drivers = set(source_drivers(config))
    stores = _static_columns(read_text(required_file(config, "stores.csv")), "store_nbr", STORE, ("cluster",))
    days = days.join(stores, on="store", how="left", maintain_order="left")
    if drivers & set(ITEM):
        items = _static_columns(read_text(required_file(config, "items.csv")), "item_nbr", ITEM, ("perishable",))
        days = days.join(items, on="item", how="left", maintain_order="left")
    if drivers & set(HOLIDAYS):
        holidays = holidays_by_store(read_text(required_file(config, "holidays_events.csv")), stores, config)
        days = days.join(holidays, on=["store", "ds"], how="left", maintain_order="left")
        days = days.with_columns(pl.col(HOLIDAYS[:3]).fill_null("none"), pl.col("work_day").fill_null(0))
    if "transactions" in drivers:
        text = read_text(required_file(config, "transactions.csv"))
        transactions = _daily_values(text, ("store_nbr",), "transactions", config).rename({"store_nbr": "store"})
        days = days.join(transactions, on=["store", "ds"], how="left", maintain_order="left")
    return _with_oil_price(days, config) if "oil" in drivers else days


def _static_columns(text: TextTable, key: str, names: tuple[str, ...], numeric: tuple[str, ...]) -> pl.DataFrame:
    """One row per store or item with its static columns; classes and types are names."""
    frame = cast_to_numbers(require_unique(read_columns(text, [key, *names]), [key]), numeric)
    return frame.select(pl.col(key).alias(IDS[key]), *names)


def _daily_values(text: TextTable, keys: tuple[str, ...], value: str, config: Config) -> pl.DataFrame:
    """[keys, value, ds]: one number per day and keys."""
    unique = require_unique(read_columns(text, ["date", *keys, value]), ["date", *keys])
    frame = cast_to_numbers(unique, [value])
    return frame.select(*keys, value, parse_source_dates(frame["date"], config).alias("ds")).drop_nulls("ds")


def _with_oil_price(days: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Adds the last published oil price; on weekends and holidays none is published."""
    text = read_text(required_file(config, "oil.csv"))
    published = _daily_values(text, (), "dcoilwtico", config).drop_nulls().sort("ds")
    prices = days.select("ds").drop_nulls().unique().sort("ds").join_asof(published, on="ds")
    return days.join(prices.rename({"dcoilwtico": "oil"}), on="ds", how="left", maintain_order="left")
