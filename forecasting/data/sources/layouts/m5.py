"""The M5 competition's layout: a wide sales table, a calendar and weekly prices.

unique_id is store/item (CA_1/FOODS_1_033). Drivers by the names that a config may use: sell_price, snap (of the
store's own state), event_name and event_type (two on a day are joined by +; none without one); static: store, item,
dept, cat, state. Days before a series' first sale are dropped as `not_yet_sold`; the days that the calendar knows
beyond the sales are coming days. A line is the item's line of the sales file.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.loaded import Loaded
from forecasting.data.sources.long_frame import columns, present
from forecasting.data.sources.readers.cells import numbers
from forecasting.data.sources.readers.dates import dates
from forecasting.data.sources.readers.files import member, needed
from forecasting.data.sources.readers.raw_lines import from_files
from forecasting.data.sources.readers.text import Text, read
from forecasting.data.sources.reference_tables import side, unique_by, with_numbers
from forecasting.errors import UserError

FULL, SHORT = "sales_train_evaluation.csv", "sales_train_validation.csv"
ID = r"^(?P<item>(?P<dept>(?P<cat>[A-Z]+)_\d+)_\d+)_(?P<store>(?P<state>[A-Z]+)_\d+)(?:_evaluation|_validation)?$"
DAY = r"^d_(\d+)$"
EVENTS = ("event_name_1", "event_type_1", "event_name_2", "event_type_2")


def load(config: Config) -> Loaded:
    """All cells of the sales table from each first sale on; raises UserError when a file or column is missing."""
    text = read(member(config, FULL) or member(config, SHORT) or needed(config, FULL))
    calendar = _calendar(read(needed(config, "calendar.csv")), config)
    cells = _cells(text, calendar)
    sold = _from_first_sale(cells)
    rows = pl.concat([sold, _coming(sold, calendar)])
    long = _described(rows, calendar, _prices(read(needed(config, "sell_prices.csv"))))
    present(config, long.columns, "the m5 source")
    long = pl.concat([long, text.faulty()], how="diagonal_relaxed").select(columns(config))
    dropped = {"empty_line": text.empty, "not_yet_sold": cells.height - sold.height}
    dropped = {rule: n for rule, n in dropped.items() if n}
    return Loaded(long, long.height + sum(dropped.values()), from_files, dropped)


def _calendar(text: Text, config: Config) -> pl.DataFrame:
    """One row per day: d (Int64), ds, week, event_name, event_type and snap_<state> (Int8)."""
    snaps = [c for c in text.names if c.startswith("snap_")]
    frame = side(text, ["date", "wm_yr_wk", "d", *EVENTS, *snaps])
    frame = unique_by(with_numbers(frame, snaps), ["d"])
    return frame.select(
        pl.col("d").str.extract(DAY, 1).cast(pl.Int64),
        dates(frame["date"], config).alias("ds"),
        pl.col("wm_yr_wk").alias("week"),
        _joined("event_name_1", "event_name_2").alias("event_name"),
        _joined("event_type_1", "event_type_2").alias("event_type"),
        pl.col(snaps).cast(pl.Int8),
    )


def _joined(first: str, second: str) -> pl.Expr:
    both = pl.concat_str(first, second, separator="+", ignore_nulls=True)
    return pl.when(both == "").then(pl.lit("none")).otherwise(both)


def _cells(text: Text, calendar: pl.DataFrame) -> pl.DataFrame:
    """One row per item and day: the parts of id, d, y, and the tags."""
    days = [c for c in text.names if c.startswith("d_")]
    text.require(["id", *(days or ["d_1"])])
    unknown = set(days) - {f"d_{d}" for d in calendar["d"]}
    if unknown:
        raise UserError(f"{text.file}: its day {min(unknown)} is not in calendar.csv: take both files of one edition")
    wide = text.cells(["id", *days]).rename({d: d[2:] for d in days})
    long = wide.unpivot(on=[d[2:] for d in days], index=["id", "file", "line"], variable_name="d", value_name="cell")
    y, bad = numbers(long["cell"], ".")
    groups = pl.col("id").str.extract_groups(ID).struct.unnest()
    long = long.with_columns(groups, pl.col("d").cast(pl.Int64), y.alias("y")).with_columns(_tags(bad))
    return long.drop("id", "cell").sort("line", "d")


def _tags(bad: pl.Series) -> list[pl.Expr]:
    unnamed, wrong = pl.col("item").is_null(), pl.lit(bad)
    rule = pl.when(unnamed).then(pl.lit("id")).when(wrong).then(pl.lit("number"))
    value = pl.when(unnamed).then(pl.format("id={}", "id")).when(wrong).then(pl.format("d_{}={}", "d", "cell"))
    return [rule.alias("fault"), value.alias("fault_value")]


def _from_first_sale(cells: pl.DataFrame) -> pl.DataFrame:
    """Without the days before a line's first sale; cells with a fault count as sales, so that they are not lost."""
    some = (pl.col("y") != 0) | pl.col("fault").is_not_null()
    first = pl.col("d").filter(some).min().over("line")
    return cells.filter(pl.col("d") >= first)


def _coming(sold: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """Rows without y for each series that has been sold, on the days that only the calendar has."""
    series = sold.filter(pl.col("fault").is_null()).unique("line", keep="first", maintain_order=True)
    last = sold["d"].max()
    days = calendar.filter(pl.col("d") > last).select("d")
    rows = series.drop("d", "y").join(days, how="cross")
    return rows.with_columns(y=pl.lit(None, dtype=pl.Float64)).select(sold.columns)


def _prices(text: Text) -> pl.DataFrame:
    """store, item, week, sell_price."""
    frame = side(text, ["store_id", "item_id", "wm_yr_wk", "sell_price"])
    frame = unique_by(with_numbers(frame, ["sell_price"]), ["store_id", "item_id", "wm_yr_wk"])
    return frame.select(store="store_id", item="item_id", week="wm_yr_wk", sell_price="sell_price")


def _described(rows: pl.DataFrame, calendar: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """Adds what calendar and prices say of each row, and unique_id."""
    snaps = [c for c in calendar.columns if c.startswith("snap_")]
    snap = calendar.unpivot(on=snaps, index="d", variable_name="state", value_name="snap")
    snap = snap.with_columns(pl.col("state").str.strip_prefix("snap_"))
    unique_id = pl.concat_str("store", "item", separator="/").alias("unique_id")
    return (
        rows.join(calendar.drop(snaps), on="d", how="left", maintain_order="left")
        .join(snap, on=["d", "state"], how="left", maintain_order="left")
        .join(prices, on=["store", "item", "week"], how="left", maintain_order="left")
        .with_columns(unique_id)
    )
