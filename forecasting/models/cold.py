"""What is said of new series: what like series sell, phase by phase of the season, and how series begin."""

from __future__ import annotations

import polars as pl

from forecasting.data.launches import levels
from forecasting.data.panel import KEY, Cut
from forecasting.features.groups import group_label

LIKE = "like "
LAUNCH = ", launch"
NOTHING = "nothing known"
FEW = 3
"""So many series must have been observed for a group to speak for a new one."""
SEASONS = 4
OWN = 0.5
"""The like count for so many periods beside those that a young series has sold itself: sizes differ more from series to
series than from day to day."""


def new(cut: Cut, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows (`since`, the day of the first observation) of series that were never observed, and, where it is known
    how series begin, of those that were first observed in the last week of days, month of weeks or quarter of months.
    """
    few = cut.config.frequency.shift(cut.cutoff, -cut.config.frequency.windows[0])
    unseen, young = rows.filter(pl.col("since").is_null()), rows.filter(pl.col("since") > few)
    return unseen if young.is_empty() or cut.launches.is_empty() else pl.concat([unseen, young])


def like(cut: Cut, frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, yhat, source] for future rows (unique_id, ds) of new series of `frame`, a frame of the cut.

    The mean per series and period of the narrowest group of the table `groups` that holds at least three observed
    series (the same item in other stores, the category, the store, ..., all series) over the last four seasons, in the
    phase of the day; `source` names the group: "like category=food". Where it is known how series begin (see
    data/launches), times the factor of its age: "like category=food, launch". A young series that has been observed is
    answered so only where that is known, and in the measure of what it has sold.
    """
    known = pl.col("y").is_not_null() | (pl.col("ds") > cut.cutoff)
    days = frame.filter(known).join(rows, on="unique_id", how="semi").with_columns(_age(cut), _phase(cut))
    told = _narrowest(cut, days, _phases(cut), "_phase")
    begun = _narrowest(cut, days, cut.launches, "age").select(*KEY, "factor")
    told = told.join(begun, on=KEY, how="left").with_columns(yhat=pl.col("yhat") * pl.col("factor").fill_null(1.0))
    launched, seen = (pl.col(c).is_not_null().any().over("unique_id") for c in ("factor", "y"))
    said = told.with_columns(_own=_measure()).filter(launched | ~seen).filter(pl.col("ds") > cut.cutoff)
    label = pl.when(pl.col("factor").is_not_null()).then(pl.lit(LAUNCH)).otherwise(pl.lit(""))
    return said.select(*KEY, yhat=pl.col("yhat") * pl.col("_own"), source=pl.lit(LIKE) + pl.col("group") + label)


def _age(cut: Cut) -> pl.Expr:
    """Periods since the first row: the first observation, or the first planned day of a series that is announced."""
    return cut.config.frequency.steps(pl.col("ds").min().over("unique_id"), pl.col("ds")).alias("age")


def _phase(cut: Cut) -> pl.Expr:
    steps, season = cut.config.frequency.steps(pl.lit(cut.cutoff), pl.col("ds")), cut.config.season
    return ((steps % season + season) % season).alias("_phase")


def _measure() -> pl.Expr:
    """What a series has sold against what was due, which is 1 for one that has not been observed."""
    due = pl.when(pl.col("y").is_not_null()).then("yhat")
    doubt = OWN * due.mean()
    return ((pl.col("y").sum() + doubt) / (due.sum() + doubt)).over("unique_id").fill_nan(1.0).fill_null(1.0)


def _narrowest(cut: Cut, days: pl.DataFrame, told: pl.DataFrame, on: str) -> pl.DataFrame:
    """The rows of `days` with what the smallest group of `told` (group, `on`, size and values) says of them.

    A series whose static value is not known belongs to no group of that level.
    """
    usable = [level for level in levels(cut.config) if all(c in days.columns for c in level)]
    labelled = [days.drop_nulls(list(level)).with_columns(group=group_label(level)) for level in usable]
    found = pl.concat(labelled).join(told, on=["group", on]).sort(*KEY, "size", "group")
    return found.unique(KEY, keep="first", maintain_order=True)


def _phases(cut: Cut) -> pl.DataFrame:
    """[group, _phase, yhat, size]: the last seasons of every group that is large enough, up to the cutoff."""
    since = cut.config.frequency.shift(cut.cutoff, -SEASONS * cut.config.season)
    recent = cut.panel.groups.filter(pl.col("ds").is_between(since, cut.cutoff, closed="right"))
    told = recent.with_columns(_phase(cut), size=pl.col("y_count").max().over("group"))
    mean = pl.col("y_sum").sum() / pl.col("y_count").sum()
    return told.filter(pl.col("size") >= FEW).group_by("group", "_phase").agg(yhat=mean, size=pl.col("size").first())
