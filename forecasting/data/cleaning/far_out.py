"""Values far out: single sales that are many times all others of their series, as typing errors are.

`find_far_out` takes rows of the panel and returns those far out [unique_id, ds, y_raw, next_largest]; `treat_far_out`
returns all rows with the flag far_out, and another y, on them. They are judged by what came (y_raw), so that a value
stays far out however it is treated.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.cleaning.scale import to_scale

ID = "unique_id"
FACTOR = 20.0
"""A value is far out when it is at least this many times the next largest of its series, in size, which is that of
a promotion or a feast already: a lost decimal sign makes it 100 times the usual, and true sales reach a dozen times,"""
APART = 15.0
"""and lies this many standard deviations above it (see scale.to_scale), so that 12 sold after 1 is not far out."""
MOST = 3
"""At most so many values of a series are far out; more of them are how it sells."""
ENOUGH = 10
"""A series with fewer sales than this has no usual size yet."""
SUSPICIOUS = 5.0
"""The largest of ENOUGH values is more than this many times their mean, if it is FACTOR times the next largest."""


def largest_values(rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, highest, far_out]: the largest |value| of each series that has sold (in its units), and how many of
    the few largest are FACTOR times all others, whatever stands beside them.
    """
    sold, value = _sizes(rows.select(ID, "y_raw")), pl.col("y_raw")
    largest = sold.group_by(ID).agg(highest=value.max(), _mean=value.mean())
    suspicious = largest.filter(pl.col("highest") > SUSPICIOUS * pl.col("_mean")).select(ID)
    above = _above_a_gap(sold.join(suspicious, on=ID, how="semi")).group_by(ID).agg(far_out=pl.len().cast(pl.Int64))
    return largest.join(above, on=ID, how="left").select(ID, "highest", pl.col("far_out").fill_null(0))


def _sizes(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are not 0, without their sign: a slip is as large in what comes back as in what is sold."""
    return rows.filter(pl.col("y_raw") != 0).with_columns(pl.col("y_raw").abs())


def _above_a_gap(sold: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, y_raw, next_largest, n] of the values above the lowest gap among the MOST + 1 largest of a series."""
    value = pl.col("y_raw")
    top = sold.group_by(ID).agg(value.top_k(MOST + 1), n=pl.len()).explode("y_raw")
    top = top.sort(ID, "y_raw", descending=[False, True]).with_columns(_next=value.shift(-1).over(ID))
    below = pl.col("_next")
    gap = (value >= FACTOR * below) & (to_scale(value) - to_scale(below) >= APART)
    top = top.with_columns(next_largest=pl.when(gap).then(below).min().over(ID))
    return top.filter(value > pl.col("next_largest")).select(ID, "y_raw", "next_largest", "n")


def find_far_out(rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, y_raw, next_largest]: the values far out, with the largest ordinary size of their series.

    Values side by side are no slips but a season or an event.
    """
    counts = largest_values(rows).filter(pl.col("far_out") > 0)
    if counts.is_empty():
        return rows.clear().select(ID, "ds", "y_raw", next_largest="y_raw")
    some = rows.filter(pl.col(ID).is_in(counts[ID].implode())).sort(ID, "ds")
    above = _above_a_gap(_sizes(some)).filter(pl.col("n") >= ENOUGH)
    limits = above.group_by(ID).agg(pl.col("next_largest").first())
    judged = some.join(limits, on=ID, how="inner", maintain_order="left")
    odd = (pl.col("y_raw").abs() > pl.col("next_largest")).fill_null(value=False)
    beside = odd.shift(1, fill_value=False).over(ID) | odd.shift(-1, fill_value=False).over(ID)
    return judged.filter(odd & ~beside).select(ID, "ds", "y_raw", "next_largest")


def treat_far_out(rows: pl.DataFrame, action: str) -> pl.DataFrame:
    """The rows with the flag far_out on values far out; `action` is drop (y null, not observed), cap (y as the largest
    ordinary value) or keep.
    """
    found = find_far_out(rows).select(ID, "ds", _limit="next_largest")
    if found.is_empty():
        return rows
    marked = rows.join(found, on=[ID, "ds"], how="left", maintain_order="left")
    far = pl.col("_limit").is_not_null()
    replacement = {
        "drop": pl.lit(None, pl.Float64),
        "cap": pl.col("_limit") * pl.col("y_raw").sign(),
        "keep": pl.col("y"),
    }[action]
    return marked.with_columns(
        y=pl.when(far).then(replacement).otherwise("y"),
        flag=pl.when(far).then(pl.lit("far_out")).otherwise("flag"),
    ).select(rows.columns)
