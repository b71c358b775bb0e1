"""The M5 competition: `load` reads the wide sales table, calendar and weekly prices in source.path, as RawData.

unique_id is store/item (CA_1/FOODS_1_033). Drivers by the names that a config may use: sell_price, snap (of the state
of the store), event_name and event_type ("none" on days without one, two on a day joined by "+"); static: store, item,
dept, cat, state. Days before the first sale of a series are dropped as `not_yet_sold`; days of the calendar after the
last sales are future rows (y null). `line` is the item's line of the sales file; RawData.lines counts cells and future
rows; the frame RawData.long is [unique_id, ds, y, drivers of the config, file, line, fault, fault_value].
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Portions
from forecasting.data.sources.driver_columns import long_frame_columns, require_drivers
from forecasting.data.sources.periods.source_dates import parse_source_dates
from forecasting.data.sources.raw_data import RawData
from forecasting.data.sources.readers.numbers import parse_numbers
from forecasting.data.sources.readers.original_rows import read_text_rows
from forecasting.data.sources.readers.text.text_table import TextTable, read_text
from forecasting.data.sources.reference_tables import cast_to_numbers, read_columns, require_unique
from forecasting.data.sources.source_files import optional_file, required_file
from forecasting.errors import UserError
from forecasting.features.joined_names import join_names

EVALUATION, VALIDATION = "sales_train_evaluation.csv", "sales_train_validation.csv"
ID = r"^(?P<item>(?P<dept>(?P<cat>[A-Z]+)_\d+)_\d+)_(?P<store>(?P<state>[A-Z]+)_\d+)(?:_evaluation|_validation)?$"
DAY = r"^d_(\d+)$"
EVENTS = ("event_name_1", "event_type_1", "event_name_2", "event_type_2")


def load(config: Config) -> RawData:
    """All cells of the sales table from the first sale of each series on, one row per series and day.

    Raises UserError when a file or a column is missing.
    """
    sales_file = optional_file(config, EVALUATION) or optional_file(config, VALIDATION)
    text = read_text(sales_file or required_file(config, EVALUATION))
    calendar = _calendar(read_text(required_file(config, "calendar.csv")), config)
    cells = _sales_cells(text, calendar)
    sold = _from_first_sale(cells)
    rows = pl.concat([sold, _future_rows(sold, calendar)])
    long = _with_drivers(rows, calendar, _prices(read_text(required_file(config, "sell_prices.csv"))))
    require_drivers(config, long.columns, "the m5 source")
    long = pl.concat([long, text.faulty()], how="diagonal_relaxed").select(long_frame_columns(config))
    dropped = {"empty_line": text.empty, "not_yet_sold": cells.height - sold.height}
    dropped = {rule: n for rule, n in dropped.items() if n}
    return RawData(Portions.of(long), long.height + sum(dropped.values()), read_text_rows, dropped)


def _calendar(text: TextTable, config: Config) -> pl.DataFrame:
    """[d (Int64), ds, week, event_name, event_type, snap_<state> (Int8) ...]: one row per day."""
    snaps = [c for c in text.names if c.startswith("snap_")]
    frame = read_columns(text, ["date", "wm_yr_wk", "d", *EVENTS, *snaps])
    frame = require_unique(cast_to_numbers(frame, snaps), ["d"])
    return frame.select(
        pl.col("d").str.extract(DAY, 1).cast(pl.Int64),
        parse_source_dates(frame["date"], config).alias("ds"),
        pl.col("wm_yr_wk").alias("week"),
        _both("event_name_1", "event_name_2").alias("event_name"),
        _both("event_type_1", "event_type_2").alias("event_type"),
        pl.col(snaps).cast(pl.Int8),
    )


def _both(first: str, second: str) -> pl.Expr:
    """The values of two columns joined by "+", "none" where both are empty."""
    both = pl.concat_str(first, second, separator="+", ignore_nulls=True)
    return pl.when(both == "").then(pl.lit("none")).otherwise(both)


def _sales_cells(text: TextTable, calendar: pl.DataFrame) -> pl.DataFrame:
    """One row per item and day: the parts of its id, d, y and the tags."""
    days = [c for c in text.names if c.startswith("d_")]
    text.require(["id", *(days or ["d_1"])])
    unknown = set(days) - {f"d_{d}" for d in calendar["d"]}
    if unknown:
        raise UserError(f"{text.file}: its day {min(unknown)} is not in calendar.csv: take both files of one edition")
    wide = text.cells(["id", *days]).rename({d: d[2:] for d in days})
    long = wide.unpivot(on=[d[2:] for d in days], index=["id", "file", "line"], variable_name="d", value_name="cell")
    y, bad = parse_numbers(long["cell"])
    groups = pl.col("id").str.extract_groups(ID).struct.unnest()
    long = long.with_columns(groups, pl.col("d").cast(pl.Int64), y.alias("y")).with_columns(_fault_columns(bad))
    return long.drop("id", "cell").sort("line", "d")


def _fault_columns(bad: pl.Series) -> list[pl.Expr]:
    """fault and fault_value of cells whose id does not match, or that are no number (`bad`)."""
    bad_id, bad_number = pl.col("item").is_null(), pl.lit(bad)
    rule = pl.when(bad_id).then(pl.lit("id")).when(bad_number).then(pl.lit("number"))
    value = pl.when(bad_id).then(pl.format("id={}", "id")).when(bad_number).then(pl.format("d_{}={}", "d", "cell"))
    return [rule.alias("fault"), value.alias("fault_value")]


def _from_first_sale(cells: pl.DataFrame) -> pl.DataFrame:
    """Without the days before the first sale of a line; faulty cells count as sales, so that they are reported."""
    is_sale = (pl.col("y") != 0) | pl.col("fault").is_not_null()
    first = pl.col("d").filter(is_sale).min().over("line")
    return cells.filter(pl.col("d") >= first)


def _future_rows(sold: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """Rows with y null for each series that has been sold, on the days of the calendar after the last sales."""
    series = sold.filter(pl.col("fault").is_null()).unique("line", keep="first", maintain_order=True)
    last = sold["d"].max()
    days = calendar.filter(pl.col("d") > last).select("d")
    rows = series.drop("d", "y").join(days, how="cross")
    return rows.with_columns(y=pl.lit(None, dtype=pl.Float64)).select(sold.columns)


def _prices(text: TextTable) -> pl.DataFrame:
    """[store, item, week, sell_price]: one row per item of a store and week."""
    frame = read_columns(text, ["store_id", "item_id", "wm_yr_wk", "sell_price"])
    frame = require_unique(cast_to_numbers(frame, ["sell_price"]), ["store_id", "item_id", "wm_yr_wk"])
    return frame.select(store="store_id", item="item_id", week="wm_yr_wk", sell_price="sell_price")


def _with_drivers(rows: pl.DataFrame, calendar: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """Adds the drivers of the calendar and the prices to each row, and unique_id."""
    snaps = [c for c in calendar.columns if c.startswith("snap_")]
    snap = calendar.unpivot(on=snaps, index="d", variable_name="state", value_name="snap")
    snap = snap.with_columns(pl.col("state").str.strip_prefix("snap_"))
    unique_id = join_names(("store", "item")).alias("unique_id")
    return (
        rows.join(calendar.drop(snaps), on="d", how="left", maintain_order="left")
        .join(snap, on=["d", "state"], how="left", maintain_order="left")
        .join(prices, on=["store", "item", "week"], how="left", maintain_order="left")
        .with_columns(unique_id)
    )
