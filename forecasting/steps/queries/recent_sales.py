"""Total sales of the last 13 weeks (or months) and of the same a year before: `read_recent_sales`.

It takes a Session and returns [end, y, last_year], one row per span, oldest first.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.frequency import Frequency
from forecasting.steps.queries.history import read_history
from forecasting.steps.queries.selection import TOTAL
from forecasting.steps.queries.status import read_status
from forecasting.steps.session import Session

RECENT_SPANS = 13
"""Spans that are shown: a quarter of weeks."""


def read_recent_sales(session: Session) -> pl.DataFrame:
    """[end, y, last_year]: total units of the last 13 weeks (of the last 13 periods for weeks and months), sorted.

    A week is seven days that end with the last observed one; last_year is the same span a year before, null where the
    history does not reach back that far. Empty before the first load.
    """
    last = read_status(session).through
    if last is None:
        return pl.DataFrame(schema={"end": pl.Date, "y": pl.Float64, "last_year": pl.Float64})
    history = read_history(session, TOTAL).select("ds", "y")
    frequency = session.config.frequency
    length = max(1, 7 // frequency.days)
    spans = _sum_spans(frequency, history, last, length)
    before = _sum_spans(frequency, history, frequency.shift(last, -frequency.year), length)
    paired = spans.join(before.select("k", last_year="y"), on="k", how="left")
    return paired.sort("k", descending=True).select("end", "y", "last_year")


def _sum_spans(frequency: Frequency, history: pl.DataFrame, last: date, length: int) -> pl.DataFrame:
    """[k, end, y]: sums over the spans of `length` periods that end `length * k` periods before `last`, k < 13.

    Spans that the history covers only in part are left out.
    """
    k = frequency.steps(pl.col("ds"), pl.lit(last)) // length
    recent = history.filter(pl.col("ds") <= last).with_columns(k=k).filter(pl.col("k") < RECENT_SPANS)
    reach = frequency.steps(pl.lit(history["ds"].min()), pl.lit(last)) + 1
    complete = recent.filter((pl.col("k") + 1) * length <= reach).group_by("k").agg(pl.col("y").sum())
    return complete.with_columns(end=frequency.offset(pl.lit(last), -length * pl.col("k")))
