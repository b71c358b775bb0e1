"""What is said of a series that has never been observed: what like series sell, phase by phase of the season."""

from __future__ import annotations

import polars as pl

from forecasting.data.panel import Cut
from forecasting.features.groups import Level, group_label

LIKE = "like "
NOTHING = "nothing known"
FEW = 3
"""So many series must have been observed for a group to speak for a new one."""
SEASONS = 4


def like(cut: Cut, rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, yhat, source] for future rows (unique_id, ds, _phase and static columns) of new series.

    The mean per series and period of the narrowest group of the table `groups` that holds at least three observed
    series (the same item in other stores, the category, the store, ..., all series) over the last four seasons, in the
    phase of the day; `source` names the group: "like category=food". Without such a group there is no row.
    """
    levels = tuple(dict.fromkeys([*cut.config.levels_of_aggregation, *((c,) for c in cut.config.static_columns), ()]))
    usable = [level for level in levels if all(c in rows.columns for c in level)]
    spoken = _phases(cut)
    asked = [_asked(rows, level).join(spoken, on=["group", "_phase"]) for level in usable]
    if not asked or spoken.is_empty():
        return rows.select("unique_id", "ds", yhat=pl.lit(None, pl.Float64), source=pl.lit(None, pl.String)).clear()
    found = pl.concat(asked).sort("unique_id", "ds", "size", "group")
    narrow = found.group_by("unique_id", "ds", maintain_order=True).first()
    return narrow.select("unique_id", "ds", "yhat", source=pl.lit(LIKE) + pl.col("group"))


def _asked(rows: pl.DataFrame, level: Level) -> pl.DataFrame:
    """unique_id, ds, _phase and group; a series whose static value is not known belongs to no group of the level."""
    known = rows.drop_nulls(list(level)) if level else rows
    return known.select("unique_id", "ds", "_phase", group=group_label(level))


def _phases(cut: Cut) -> pl.DataFrame:
    """[group, _phase, yhat, size]: the last seasons of every group that is large enough, up to the cutoff."""
    season = cut.config.season
    steps = cut.config.frequency.steps(pl.lit(cut.cutoff), pl.col("ds"))
    since = cut.config.frequency.shift(cut.cutoff, -SEASONS * season)
    recent = cut.panel.groups.filter(pl.col("ds").is_between(since, cut.cutoff, closed="right"))
    told = recent.with_columns(_phase=(steps % season + season) % season, size=pl.col("y_count").max().over("group"))
    mean = pl.col("y_sum").sum() / pl.col("y_count").sum()
    return told.filter(pl.col("size") >= FEW).group_by("group", "_phase").agg(yhat=mean, size=pl.col("size").first())
