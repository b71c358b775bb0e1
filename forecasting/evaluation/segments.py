"""Which kind of demand a series has, and how much of the whole it is."""

from __future__ import annotations

import polars as pl

ADI_CUT = 1.32
CV2_CUT = 0.49
A_CUT = 0.80
B_CUT = 0.95

Y = pl.col("y")


def segments(history: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, segment, volume, adi, cv2], one row per series of a history [unique_id, ds, y].

    `segment` is the class of Syntetos, Boylan & Croston (2005): smooth, intermittent, erratic or lumpy, and "none"
    where nothing was ever sold; `volume` is A, B or C. Rows that were not observed (y null) do not count.
    """
    return demand(history).join(volume(history), on="unique_id").sort("unique_id")


def demand(history: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, segment, adi, cv2]: adi = periods per sale, cv2 = squared population variation of their sizes."""
    sales = Y.filter(Y != 0)
    facts = history.group_by("unique_id").agg(adi=Y.count() / sales.len(), cv2=(sales.std(ddof=0) / sales.mean()) ** 2)
    rare, unsteady = pl.col("adi") >= ADI_CUT, pl.col("cv2") >= CV2_CUT
    kind = (
        pl.when(pl.col("cv2").is_null()).then(pl.lit("none"))
        .when(rare & unsteady).then(pl.lit("lumpy"))
        .when(rare).then(pl.lit("intermittent"))
        .when(unsteady).then(pl.lit("erratic"))
        .otherwise(pl.lit("smooth"))
    )  # fmt: skip
    return facts.select("unique_id", "adi", "cv2", segment=kind)


def volume(history: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, volume]: A up to 80 % of all sales, B up to 95 %, C the rest, the largest series first.

    The series that crosses a cut belongs to the class behind it, except that the largest one is always A; equal ones
    go by name.
    """
    totals = history.group_by("unique_id").agg(total=Y.sum()).sort("total", "unique_id", descending=[True, False])
    share = pl.col("total").cum_sum() / pl.col("total").sum()
    first = pl.int_range(pl.len()) == 0
    # a hair of slack: 0.5 + 0.3 is not exactly 0.8 in binary
    is_a, is_b = first | (share <= A_CUT + 1e-9), share <= B_CUT + 1e-9
    named = pl.when(is_a).then(pl.lit("A")).when(is_b).then(pl.lit("B")).otherwise(pl.lit("C"))
    return totals.select("unique_id", volume=named)
