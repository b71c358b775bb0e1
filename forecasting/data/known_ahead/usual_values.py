"""The usual value of a driver: what stands in for the value of a coming day that nobody knows.

`fill_unknown` takes a frame and returns it with usual values in the place of unknown ones on coming rows, past rows as
they are; `unknown_on_coming_rows` returns the columns that have any, `is_flag` an expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.features.base import SERIES


def is_flag(column: str, cutoff: date) -> pl.Expr:
    """Of the rows of a series: whether the column held nothing but 0 and 1 up to the cutoff."""
    past = pl.when(pl.col("ds") <= cutoff).then(pl.col(column))
    return ((past == 0) | (past == 1)).all()


def _usual_value(column: str, kind: pl.DataType, config: Config, cutoff: date) -> pl.Expr:
    """Of the rows of a series, sorted by ds: the share of a flag within the level window up to the cutoff, the median
    of the newest values of other numbers (those of the shortest window of features: a price cut of one day is not the
    usual price), the most frequent text of that window. Null where there is none.
    """
    past = pl.when(pl.col("ds") <= cutoff).then(pl.col(column))
    since = config.frequency.shift(cutoff, -config.frequency.level_window)
    late = pl.when(pl.col("ds") > since).then(past).drop_nulls()
    if not kind.is_numeric():
        return late.mode().sort().first()
    newest = past.drop_nulls().tail(config.frequency.windows[0]).median()
    share = pl.coalesce(late.mean(), newest)
    return pl.when(is_flag(column, cutoff)).then(share).otherwise(newest)


def fill_unknown(frame: pl.DataFrame, columns: Iterable[str], config: Config, cutoff: date) -> pl.DataFrame:
    """The frame (rows sorted by unique_id and ds) with the usual value of each of the columns on the rows after the
    cutoff that hold none.
    """
    unknown, kinds = unknown_on_coming_rows(frame, columns, cutoff), frame.schema
    if not unknown:
        return frame
    usual = [_usual_value(c, kinds[c], config, cutoff).cast(kinds[c]).alias(f"usual {c}") for c in unknown]
    lacking = (pl.col("ds") > cutoff) & pl.any_horizontal(pl.col(c).is_null() for c in unknown)
    return change_rows(frame, lacking, usual, [pl.coalesce(c, f"usual {c}").alias(c) for c in unknown])


def change_rows(
    frame: pl.DataFrame, where: pl.Expr, facts: Sequence[pl.Expr], columns: Sequence[pl.Expr]
) -> pl.DataFrame:
    """The frame with these columns on the rows `where`, most often few of them, and all others as they are.

    They read the row, and of its series the `facts`, which are computed for the series of these rows alone.
    """
    at = frame.select(where.arg_true()).to_series()
    if at.is_empty():
        return frame
    rows = frame[at]
    mine = frame.filter(pl.col(SERIES).is_in(rows[SERIES].unique().implode()))
    known = mine.group_by(SERIES).agg(facts)
    changed = rows.join(known, on=SERIES, how="left", maintain_order="left").select(columns)
    return frame.with_columns(frame[c].scatter(at, changed[c]) for c in changed.columns)


def unknown_on_coming_rows(frame: pl.DataFrame, columns: Iterable[str], cutoff: date) -> tuple[str, ...]:
    """Those of the columns that lack a value on a row after the cutoff."""
    names = list(columns)
    coming = frame.select("ds", *names).filter(pl.col("ds") > cutoff)
    return tuple(c for c in names if coming[c].null_count())
