"""Segments of series: the class of demand, the class of volume, how steady demand is, and the stage of life.

`demand_segments` takes a history [unique_id, ds, y] in parts and returns [unique_id, segment, adi, cv2, volume],
`segment` being smooth, intermittent, erratic, lumpy or none. `planning_classes` takes rows of the table `series` and
returns [unique_id, volume, xyz, lifecycle], volume being A, B or C. The limits are constants, not config.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

ADI_CUT = 1.32
CV2_CUT = 0.49
"""From these on demand is rare (periods per sale) or unsteady (squared variation coefficient of the sales)."""
A_CUT = 0.80
B_CUT = 0.95
"""Shares of all sales up to which a series is of class A or B."""
X_CUT = 0.5
Y_CUT = 1.0
"""Variation coefficients without the season up to which a series is of class X or Y."""
DECLINE = 0.5
"""A running series whose trend is below this is declining."""

Y = pl.col("y")


def demand_segments(history: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """[unique_id, segment, adi, cv2, volume]: one row per series of a history [unique_id, ds, y].

    It comes in one part or several, each with all rows of its series, of which one is in memory at a time. `segment` as
    in `demand_classes`, `volume` as in `volume_classes`. Rows without an observation do not count.
    """
    facts = [(demand_classes(part), part.group_by("unique_id").agg(Y.abs().sum())) for part in history]
    classes, totals = pl.concat(kind for kind, _ in facts), pl.concat(total for _, total in facts)
    return classes.join(volume_classes(totals), on="unique_id").sort("unique_id")


def demand_classes(history: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, adi, cv2, segment]: one row per series of a history [unique_id, ds, y].

    adi is the periods per sale, cv2 the squared population variation coefficient of the sizes of sales. `segment` is
    the class of Syntetos, Boylan & Croston (2005): smooth, intermittent, erratic or lumpy, and "none" where nothing was
    ever sold.

    >>> history = pl.DataFrame({"unique_id": ["a"] * 4, "ds": range(4), "y": [5.0, 0.0, 0.0, 5.0]})
    >>> demand_classes(history).row(0)
    ('a', 2.0, 0.0, 'intermittent')
    """
    # sales are filtered once for all series: within each group it takes four times as long
    sales = history.filter(Y != 0).group_by("unique_id").agg(n=pl.len(), cv2=(Y.std(ddof=0) / Y.mean()) ** 2)
    periods = history.group_by("unique_id").agg(periods=Y.count())
    facts = periods.join(sales, on="unique_id", how="left").with_columns(
        adi=pl.col("periods") / pl.col("n").fill_null(0)
    )
    rare, unsteady = pl.col("adi") >= ADI_CUT, pl.col("cv2") >= CV2_CUT
    kind = (
        pl.when(pl.col("cv2").is_null()).then(pl.lit("none"))
        .when(rare & unsteady).then(pl.lit("lumpy"))
        .when(rare).then(pl.lit("intermittent"))
        .when(unsteady).then(pl.lit("erratic"))
        .otherwise(pl.lit("smooth"))
    )  # fmt: skip
    return facts.select("unique_id", "adi", "cv2", segment=kind)


def volume_classes(history: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, volume]: A up to 80 % of all sales, B up to 95 %, C the rest; one row per series, the largest first.
    Returns count by their size.

    `history` is [unique_id, ds, y]. The series that crosses a cut belongs to the class after it, except that the
    largest one is always A; equal ones go by name.

    >>> sales = pl.DataFrame({"unique_id": ["a", "b", "c"], "y": [70.0, 20.0, 10.0]})
    >>> volume_classes(sales).rows()
    [('a', 'A'), ('b', 'B'), ('c', 'C')]
    """
    totals = history.group_by("unique_id").agg(total=Y.abs().sum()).sort("total", "unique_id", descending=[True, False])
    share = pl.col("total").cum_sum() / pl.col("total").sum()
    first = pl.int_range(pl.len()) == 0
    # a hair of slack: 0.5 + 0.3 is not exactly 0.8 in binary
    is_a, is_b = first | (share <= A_CUT + 1e-9), share <= B_CUT + 1e-9
    named = pl.when(is_a).then(pl.lit("A")).when(is_b).then(pl.lit("B")).otherwise(pl.lit("C"))
    return totals.select("unique_id", volume=named)


def variation_without_season(history: pl.DataFrame, phase: pl.Expr) -> pl.DataFrame:
    """[unique_id, cv]: the variation coefficient of demand without its season, one row per series [unique_id, ds, y],
    whose rows lie together.

    `phase` numbers the phases of the season from 0; the mean of each phase is subtracted, and the degrees of freedom
    that this costs are paid for. A series with fewer than two observations per phase keeps its season; cv is null where
    there is no spread or nothing was sold.

    >>> history = pl.DataFrame({"unique_id": ["a"] * 4, "ds": range(4), "y": [1.0, 9.0, 1.0, 9.0]})
    >>> variation_without_season(history, pl.col("ds") % 2).row(0)
    ('a', 0.0)
    """
    number = pl.col("unique_id").rle_id()
    rows = history.filter(Y.is_not_null()).select(
        "unique_id", Y.cast(float), phase=phase.cast(int), series=number.cast(int)
    )
    y, phases, series = (rows[c].to_numpy() for c in ("y", "phase", "series"))
    ids = rows["unique_id"].rle().struct.field("value")
    shape = len(ids), int(phases.max(initial=0)) + 1
    cell = series * shape[1] + phases  # in numpy: sums over two keys take Polars several times as long
    n, sums = (np.bincount(cell, weights, shape[0] * shape[1]).reshape(shape) for weights in (None, y))
    observed, used = n.sum(axis=1), (n > 0).sum(axis=1)
    mean, seasonal = sums.sum(axis=1) / observed, observed >= 2 * used
    centre = np.where(seasonal[:, None], sums / np.maximum(n, 1), mean[:, None])
    squares = np.bincount(series, (y - centre.ravel()[cell]) ** 2, len(ids))
    freedom = pl.Series(observed - np.where(seasonal, used, 1))
    known = pl.DataFrame({"unique_id": ids, "mean": abs(mean), "n": observed, "spread": pl.Series(squares) / freedom})
    cv = pl.when(pl.col("mean") > 0, pl.col("n") > 1).then(pl.col("spread").sqrt() / pl.col("mean"))
    return known.select("unique_id", cv=cv)


def planning_classes(series: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, volume, xyz, lifecycle]: one row per series, from rows of the table `series` with `life`.

    `life` comes from data/quality. `xyz`: X up to a variation coefficient of 0.5 without the season, Y up to 1, Z above
    or unknown. `lifecycle` is that life, where a running series is mature, or declining when its last quarter sold less
    than half of the same quarter a year ago.
    """
    totals = series.select("unique_id", y=pl.col("n") * pl.col("mean").fill_null(0.0))
    cv, life = pl.col("cv"), pl.col("life")
    xyz = pl.when(cv <= X_CUT).then(pl.lit("X")).when(cv <= Y_CUT).then(pl.lit("Y")).otherwise(pl.lit("Z"))
    running = pl.when(pl.col("trend") < DECLINE).then(pl.lit("declining")).otherwise(pl.lit("mature"))
    lifecycle = pl.when(life == "running").then(running).otherwise(life)
    return (
        volume_classes(totals)
        .join(series.select("unique_id", xyz=xyz, lifecycle=lifecycle), on="unique_id")
        .sort("unique_id")
    )
