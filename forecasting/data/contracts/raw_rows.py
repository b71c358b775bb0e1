"""The rules of a single raw row, as a Pandera schema (`raw_schema`), and the rows that break them (`rule_violations`).

`rule_violations` takes raw rows and a schema and returns the bad rows [file, line, ds, rule, value]; `future_sales`
returns those with sales after today. Nothing is raised or dropped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Portions
from forecasting.data.contracts.quarantine import no_bad_rows
from forecasting.frequency import Frequency

if TYPE_CHECKING:
    import pandera.polars as pa

RULES = ("missing_key", "implausible_date", "off_grid", "non_finite", "below_y_min", "fraction", "negative_price")
"""Rules of a single row; a row that breaks several is listed under the first. Others are in_the_future,
conflicting_duplicate and the faults of reading (date_format, missing_week, several_in_period, number, cells, quotes).
"""


def rule_violations(long: pl.DataFrame, schema: pa.DataFrameSchema, rules: Sequence[str]) -> pl.DataFrame:
    """The bad rows [file, line, ds, rule, value]: each row that breaks the schema, with the first of `rules` broken."""
    import pandera.errors

    try:
        schema.validate(long, lazy=True)
    except pandera.errors.SchemaErrors as e:
        cases = e.failure_cases
    else:
        return no_bad_rows(long)
    order = {rule: k for k, rule in enumerate(rules)}
    rule = pl.when(pl.col("check") == "not_nullable").then(pl.lit("missing_key")).otherwise("check")
    found = cases.select(pl.col("index").cast(pl.Int64), rule.alias("rule"), value=_failed_value())
    found = found.sort(pl.col("rule").replace_strict(order), maintain_order=True).unique(
        "index", keep="first", maintain_order=True
    )
    rows = long.select("file", "line", "ds").select(pl.all().gather(found["index"]))
    return rows.with_columns(found["rule"], found["value"])


def _failed_value() -> pl.Expr:
    return pl.format("{}={}", pl.col("column"), pl.col("failure_case").cast(pl.String).fill_null("nothing"))


def future_sales(long: pl.DataFrame, today: date) -> pl.DataFrame:
    """The bad rows with a number after `today`, which cannot have been sold yet. Without a number a row is a plan."""
    value = pl.format("ds={} y={}", "ds", "y")
    early = long.filter(pl.col("ds") > today, pl.col("y").is_not_null())
    return early.select("file", "line", "ds", rule=pl.lit("in_the_future"), value=value)


def days_of(rows: Portions) -> pl.DataFrame:
    """[ds, y, rows] of the days of raw rows: a number sold on it, if there is any, and how many rows can be read."""
    each = rows.each(lambda part: part.group_by("ds").agg(y=_first_number(), rows=pl.col("fault").is_null().sum()))
    return each.whole().group_by("ds").agg(y=_first_number(), rows=pl.col("rows").sum()).sort("ds")


def _first_number() -> pl.Expr:
    return pl.col("y").drop_nulls().first()


def raw_schema(days: pl.DataFrame, config: Config, last_loaded: date | None = None) -> pa.DataFrameSchema:
    """The Pandera schema of raw rows of these days (see `days_of`); the names of its checks are RULES.

    Weeks must begin on the weekday of `last_loaded` or, at the first load, on the one that most rows have.
    """
    import pandera.polars as pa

    first, last = config.limits.dates
    off = _off_grid(days.filter(pl.col("ds").is_between(first, last)), config.frequency, last_loaded)
    checks = [pa.Check(is_between(first, last), error="implausible_date"), pa.Check.notin(off, error="off_grid")]
    columns = {"unique_id": pa.Column(pl.String), "ds": pa.Column(pl.Date, checks)}
    columns["y"] = pa.Column(pl.Float64, _sales_checks(config), nullable=True)
    for money in {config.columns.price, config.columns.cost} - {None}:
        columns[str(money)] = pa.Column(pl.Float64, pa.Check.ge(0, error="negative_price"), nullable=True)
    return pa.DataFrameSchema(columns)


def _sales_checks(config: Config) -> list[pa.Check]:
    """Checks of y: finite, and what config.clean sends to quarantine instead of changing it."""
    import pandera.polars as pa

    clean, checks = config.clean, [pa.Check(is_finite, error="non_finite")]
    if clean.y_min is not None and clean.below == "quarantine":
        checks.append(pa.Check.ge(clean.y_min, error="below_y_min"))
    if clean.fractions == "quarantine":
        checks.append(pa.Check(_is_integer, error="fraction"))
    return checks


def _off_grid(days: pl.DataFrame, frequency: Frequency, last_loaded: date | None) -> list[date]:
    """The dates that lie elsewhere in their period than `last_loaded` (None: than most rows): other weekdays."""
    epoch, day = pl.lit(date(1970, 1, 1)), pl.col("ds")
    offset = (day - frequency.offset(epoch, frequency.steps(epoch, day))).alias("_offset")
    dates = days.select("ds", pl.col("rows").cast(pl.Int64)).filter(pl.col("rows") > 0).with_columns(offset)
    reference = pl.DataFrame({"ds": [last_loaded], "rows": [1]}).with_columns(offset) if last_loaded else dates
    by_offset = reference.group_by("_offset").agg(pl.col("rows").sum()).sort("rows", "_offset", descending=True)
    return dates.filter(~pl.col("_offset").is_in(by_offset["_offset"].head(1).implode()))["ds"].to_list()


def is_between(first: date, last: date) -> Any:
    """A Pandera check: whether each date of a column lies between two days, both included."""
    return lambda data: data.lazyframe.select(pl.col(data.key).is_between(first, last))


def is_finite(data: Any) -> pl.LazyFrame:
    """A Pandera check: whether each number of a column is finite."""
    frame: pl.LazyFrame = data.lazyframe.select(pl.col(data.key).is_finite())
    return frame


def _is_integer(data: Any) -> pl.LazyFrame:
    frame: pl.LazyFrame = data.lazyframe.select(pl.col(data.key) == pl.col(data.key).round())
    return frame
