"""Dates far from all others, mistyped mostly: `mark_far_dates` takes a long frame and the config.

It returns the frame, in which rows years before all others have the fault `implausible_date` so that they do not make
years of gaps, and remarks that name such rows, those years ahead too.
"""

from __future__ import annotations

from datetime import date
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.remarks import Remark

FAR_DAYS = 3 * 366
"""Dates with no other one for so long after or before them are far from all others."""
MOST_ROWS, MOST_SHARE = 3, 0.001
"""So few rows at most (or this share of all) are far from all others; more are a part of the history."""
FEWEST_DATES = 10
"""Fewer dates do not tell which of them are usual."""


def mark_far_dates(long: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, tuple[Remark, ...]]:
    """The rows with those in the far past marked, and a remark for the past and the coming years.

    With limits.dates in the config nothing is marked: then that says what is plausible. Future rows are not marked
    either, as sales after today go to the quarantine anyway.
    """
    if "dates" in config.limits.model_fields_set:
        return long, ()
    days = long["ds"].drop_nulls().unique().sort()
    days = days.filter(days.is_between(*config.limits.dates))
    gaps = (days.diff().dt.total_days() > FAR_DAYS).arg_true()
    if not len(gaps) or len(days) < FEWEST_DATES:
        return long, ()
    most = max(MOST_ROWS, MOST_SHARE * long.height)
    early = [days[i] for i in gaps if long.filter(pl.col("ds") < days[i]).height <= most]
    late = [days[i] for i in gaps if long.filter(pl.col("ds") >= days[i]).height <= most]
    remarks = []
    if late:
        remarks.append(_remark(long.filter(pl.col("ds") >= late[0]), days, "after"))
    if early:
        new = pl.col("ds").is_between(days[0], early[-1], closed="left") & pl.col("fault").is_null()
        remarks.append(_remark(long.filter(new), days, "before"))
        value = pl.format("ds={}", pl.col("ds").cast(pl.String))
        long = long.with_columns(
            fault=pl.when(new).then(pl.lit("implausible_date")).otherwise("fault"),
            fault_value=pl.when(new).then(value).otherwise("fault_value"),
        )
    return long, tuple(remarks)


def _remark(rows: pl.DataFrame, days: pl.Series, side: str) -> Remark:
    """What to say of rows that are far before or after all others."""
    row = rows.sort("ds").row(0, named=True)
    others = days.filter(~days.is_in(rows["ds"].implode()))
    nearest = cast(date, others.min() if side == "before" else others.max())
    years = abs((row["ds"] - nearest).days) // 365
    more = f" (and {rows.height - 1} more)" if rows.height > 1 else ""
    total = f"{rows['y'].sum():,.10g} in all"
    ends = {
        "before": f"such rows are left out ({total}); mend the date, or if it is right give limits.dates, for example "
        f"[{row['ds']}, 2100-01-01]",
        "after": f"sales in the future ({total}) are set aside; mend the date",
    }
    message = (
        f"{row['file']}, line {row['line']}{more}: {row['unique_id']} is dated {row['ds']}, {years} years {side} all "
        f"other dates: {ends[side]}"
    )
    return Remark("dates", message, "numbers")
