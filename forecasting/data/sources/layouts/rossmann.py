"""The Rossmann competition's layout: train.csv and store.csv, and test.csv with the coming days if it is there.

unique_id is the store. Drivers by the names that a config may use: open, promo, state_holiday (none, public, easter,
christmas), school_holiday, promo2 (1 in the months in which the store's second promotion starts anew), competition_open
(months since the nearest competitor opened), customers; of the store: store_type, assortment, competition_distance.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.loaded import Loaded
from forecasting.data.sources.long_frame import Layout, assemble, columns, present
from forecasting.data.sources.readers.files import member, needed
from forecasting.data.sources.readers.raw_lines import from_files
from forecasting.data.sources.readers.text import Text, read
from forecasting.data.sources.reference_tables import side, unique_by, with_numbers

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


def load(config: Config) -> Loaded:
    """All store days; raises UserError when a file or a column is missing."""
    train, coming = read(needed(config, "train.csv")), member(config, "test.csv")
    train.require([*KEYS, *DAILY])
    texts = [train, *([read(coming)] if coming else [])]
    long = _with_stores(_days(texts, config), _stores(read(needed(config, "store.csv"))))
    present(config, long.columns, "the rossmann source")
    long = pl.concat([long, *(t.faulty() for t in texts if t.broken.height)], how="diagonal_relaxed")
    empty = sum(t.empty for t in texts)
    dropped = {"empty_line": empty} if empty else {}
    return Loaded(long.select(columns(config)), long.height + empty, from_files, dropped)


def _days(texts: list[Text], config: Config) -> pl.DataFrame:
    """Sales and what is told by the day; the coming days have neither sales nor customers."""
    wanted = [*KEYS, *DAILY]
    raw = pl.concat([t.cells([c for c in wanted if c in t.names]) for t in texts], how="diagonal").rename(DAILY)
    numeric = frozenset(DAILY.values()) - {"state_holiday"}
    layout = Layout(("Store",), "Date", "Sales", numeric=numeric, carried=tuple(DAILY.values()))
    return assemble(raw, layout, config).with_columns(pl.col("state_holiday").replace(HOLIDAYS))


def _stores(text: Text) -> pl.DataFrame:
    """One row per store: its static columns, and since when its competitor and its second promotion are there."""
    names = ("Store", "StoreType", "Assortment", "PromoInterval", *NUMBERS, *PROMO2)
    frame = unique_by(with_numbers(side(text, names), (*NUMBERS, *PROMO2)), ["Store"])
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


def _with_stores(days: pl.DataFrame, stores: pl.DataFrame) -> pl.DataFrame:
    """Adds the static columns and what the store's rules say of each day, coming ones included."""
    joined = days.join(stores, on="unique_id", how="left", maintain_order="left")
    ds = pl.col("ds")
    named = ds.dt.month().replace_strict(range(1, 13), MONTHS, return_dtype=pl.String)
    anew = pl.col("_interval").str.contains(named, literal=True) & (ds >= pl.col("_promo2"))
    months = (ds.dt.year() * 12 + ds.dt.month().cast(pl.Int32) - pl.col("_competition")).clip(0)
    return joined.with_columns(
        anew.fill_null(False).cast(pl.Int8).alias("promo2"), months.cast(pl.Int64).alias("competition_open")
    ).drop("_competition", "_promo2", "_interval")
