"""The Rossmann competition: `load` reads train.csv, store.csv and, if it exists, test.csv (future days), as RawData.

unique_id is the store. Drivers by the names that a config may use: open, promo, state_holiday (none, public, easter,
christmas), school_holiday, promo2 (1 in the months in which a round of the store's second promotion starts),
competition_open (months since the nearest competitor opened), customers; static: store_type, assortment,
competition_distance. The frame RawData.long is [unique_id, ds, y, drivers of the config, file, line, fault,
fault_value].
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Portions
from forecasting.data.sources.column_layout import ColumnLayout
from forecasting.data.sources.driver_columns import long_frame_columns, require_drivers
from forecasting.data.sources.long_frame import to_long_frame
from forecasting.data.sources.raw_data import RawData
from forecasting.data.sources.readers.numbers import PLAIN
from forecasting.data.sources.readers.original_rows import read_text_rows
from forecasting.data.sources.readers.text.text_table import TextTable, read_text
from forecasting.data.sources.reference_tables import cast_to_numbers, read_columns, require_unique
from forecasting.data.sources.source_files import optional_file, required_file

DAILY = {
    "Open": "open",
    "Promo": "promo",
    "StateHoliday": "state_holiday",
    "SchoolHoliday": "school_holiday",
    "Customers": "customers",
}
KEYS = ("Store", "Date", "Sales")
NUMBERS = ("CompetitionDistance", "CompetitionOpenSinceMonth", "CompetitionOpenSinceYear")
PROMO2 = ("Promo2", "Promo2SinceWeek", "Promo2SinceYear")
HOLIDAYS = {"0": "none", "a": "public", "b": "easter", "c": "christmas"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def load(config: Config) -> RawData:
    """All days of all stores; raises UserError when a file or a column is missing."""
    train, test = read_text(required_file(config, "train.csv")), optional_file(config, "test.csv")
    train.require([*KEYS, *DAILY])
    texts = [train, *([read_text(test)] if test else [])]
    stores = _stores(read_text(required_file(config, "store.csv")))
    long = _with_store_columns(_days(texts, config), stores)
    require_drivers(config, long.columns, "the rossmann source")
    long = pl.concat([long, *(t.faulty() for t in texts if t.broken.height)], how="diagonal_relaxed")
    empty = sum(t.empty for t in texts)
    dropped = {"empty_line": empty} if empty else {}
    return RawData(Portions.of(long.select(long_frame_columns(config))), long.height + empty, read_text_rows, dropped)


def _days(texts: list[TextTable], config: Config) -> pl.DataFrame:
    """Sales and daily drivers; the future days have neither sales nor customers."""
    wanted = [*KEYS, *DAILY]
    raw = pl.concat([t.cells([c for c in wanted if c in t.names]) for t in texts], how="diagonal").rename(DAILY)
    numeric = frozenset(DAILY.values()) - {"state_holiday"}
    layout = ColumnLayout(("Store",), "Date", "Sales", dict.fromkeys(numeric, PLAIN), carried=tuple(DAILY.values()))
    return to_long_frame(raw, layout, config).with_columns(pl.col("state_holiday").replace(HOLIDAYS))


def _stores(text: TextTable) -> pl.DataFrame:
    """One row per store: its static columns, and the start of its competitor and of its second promotion."""
    names = ("Store", "StoreType", "Assortment", "PromoInterval", *NUMBERS, *PROMO2)
    frame = require_unique(cast_to_numbers(read_columns(text, names), (*NUMBERS, *PROMO2)), ["Store"])
    since = [_monday(y, w) for y, w in frame.select("Promo2SinceYear", "Promo2SinceWeek").iter_rows()]
    return frame.select(
        pl.col("Store").alias("unique_id"),
        pl.col("StoreType").alias("store_type"),
        pl.col("Assortment").alias("assortment"),
        pl.col("CompetitionDistance").alias("competition_distance"),
        (pl.col("CompetitionOpenSinceYear") * 12 + pl.col("CompetitionOpenSinceMonth")).alias("_competition"),
        pl.when(pl.col("Promo2") == 1).then(pl.Series(since, dtype=pl.Date)).alias("_promo2"),
        pl.col("PromoInterval").fill_null("").alias("_interval"),
    )


def _monday(year: float | None, week: float | None) -> date | None:
    return None if year is None or week is None else date.fromisocalendar(int(year), int(week), 1)


def _with_store_columns(days: pl.DataFrame, stores: pl.DataFrame) -> pl.DataFrame:
    """Adds the static columns, and promo2 and competition_open of each day, future days included."""
    rows = days.join(stores, on="unique_id", how="left", maintain_order="left")
    ds = pl.col("ds")
    month = ds.dt.month().replace_strict(range(1, 13), MONTHS, return_dtype=pl.String)
    starts = pl.col("_interval").str.contains(month, literal=True) & (ds >= pl.col("_promo2"))
    months_open = (ds.dt.year() * 12 + ds.dt.month().cast(pl.Int32) - pl.col("_competition")).clip(0)
    return rows.with_columns(
        starts.fill_null(False).cast(pl.Int8).alias("promo2"), months_open.cast(pl.Int64).alias("competition_open")
    ).drop("_competition", "_promo2", "_interval")
