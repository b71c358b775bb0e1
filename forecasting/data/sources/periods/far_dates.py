"""Dates far from all others, mistyped mostly: `mark_far_dates` takes raw rows and the config.

It returns the rows, in which sales years before or after all others have the fault `implausible_date` so that they do
not make years of gaps, and remarks that name such rows.
"""

from __future__ import annotations

from datetime import date
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Portions
from forecasting.remarks import Remark

FAR_DAYS = 3 * 366
"""Dates with no other one for so long after or before them are far from all others."""
FAR_FROM_DENSE_DAYS, TIMES_OTHER_GAPS = 2 * 365, 10
"""So are dates after a shorter gap that is so many times the longest other gap: a table that has no such holes."""
MOST_ROWS, MOST_SHARE = 3, 0.001
"""So few rows at most (or this share of all) are far from all others; more are a part of the history."""
FEWEST_DATES = 10
"""Fewer dates do not tell which of them are usual."""


def mark_far_dates(rows: Portions, config: Config) -> tuple[Portions, tuple[Remark, ...]]:
    """The rows with far sales marked, and a remark for those before and those after all others.

    With limits.dates in the config nothing is marked: then that says what is plausible. Rows ahead without sales are
    not marked either: plans may reach far.
    """
    if "dates" in config.limits.model_fields_set:
        return rows, ()
    counts = rows.each(lambda part: part.group_by("ds").len()).whole().group_by("ds").agg(pl.col("len").sum())
    days = counts["ds"].drop_nulls().sort()
    days = days.filter(days.is_between(*config.limits.dates))
    gaps = _far_gaps(days)
    if not len(gaps) or len(days) < FEWEST_DATES:
        return rows, ()
    most = max(MOST_ROWS, MOST_SHARE * float(counts["len"].sum()))
    early = [days[i] for i in gaps if counts.filter(pl.col("ds") < days[i])["len"].sum() <= most]
    late = [days[i] for i in gaps if counts.filter(pl.col("ds") >= days[i])["len"].sum() <= most]
    remarks = []
    if late:
        far = pl.col("ds") >= late[0]
        remarks.append(_remark(_those(rows, far), days, "after"))
        # sales after today are a fault of their own, by the contract of a load
        rows = _marked(rows, far & pl.col("y").is_not_null() & (pl.col("ds") <= date.today()))
    if early:
        far = pl.col("ds").is_between(days[0], early[-1], closed="left") & pl.col("fault").is_null()
        remarks.append(_remark(_those(rows, far), days, "before"))
        rows = _marked(rows, far)
    return rows, tuple(remarks)


def _those(rows: Portions, far: pl.Expr) -> pl.DataFrame:
    """The rows that are `far`, in the order of their files and lines."""
    return rows.each(lambda part: part.filter(far)).whole().sort("file", "line", maintain_order=True)


def _far_gaps(days: pl.Series) -> pl.Series:
    """The places in the sorted, unique days that come after a gap which no table of sales has by itself."""
    gaps = days.diff().dt.total_days()
    longest = gaps.sort(descending=True, nulls_last=True)
    usual = longest[1] if len(longest) > 2 else None
    far = gaps > FAR_DAYS
    if usual is not None:
        far |= (gaps >= FAR_FROM_DENSE_DAYS) & (gaps >= TIMES_OTHER_GAPS * usual)
    return far.arg_true()


def _marked(rows: Portions, far: pl.Expr) -> Portions:
    """The rows, those that are `far` and have no fault yet with the fault `implausible_date`."""
    new = far & pl.col("fault").is_null()
    value = pl.format("ds={}", pl.col("ds").cast(pl.String))
    fault = pl.when(new).then(pl.lit("implausible_date")).otherwise("fault")
    marks = {"fault": fault, "fault_value": pl.when(new).then(value).otherwise("fault_value")}
    return rows.each(lambda part: part.with_columns(**marks))


def _remark(rows: pl.DataFrame, days: pl.Series, side: str) -> Remark:
    """What to say of rows that are far before or after all others."""
    row = rows.sort("ds", maintain_order=True).row(0, named=True)
    others = days.filter(~days.is_in(rows["ds"].implode()))
    nearest = cast(date, others.min() if side == "before" else others.max())
    years = abs((row["ds"] - nearest).days) // 365
    more = f" (and {rows.height - 1} more)" if rows.height > 1 else ""
    total = f"{rows['y'].sum():,.10g} in all"
    end = (
        f"such rows are left out ({total}); mend the date, or if it is right give limits.dates, for example "
        f"[{min(row['ds'], others.min())}, 2100-01-01]"
    )
    if row["ds"] > date.today():
        end = f"sales in the future ({total}) are set aside; mend the date"
    message = (
        f"{row['file']}, line {row['line']}{more}: {row['unique_id']} is dated {row['ds']}, {years} years {side} all "
        f"other dates: {end}"
    )
    return Remark("dates", message, "numbers")
