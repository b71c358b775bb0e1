"""Freshness: the age of the newest sales, and the series that stopped reporting while others go on.

`measure_freshness` takes the table `series`, the config and today, and returns a dict {newest, age, living, silent,
silent_series, silent_groups}; `freshness_messages` makes sentences of it. Neither raises nor logs anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.features.groups import group_label

USUAL_GAPS = 5
"""A series is silent when nothing was observed for this many of its usual gaps between two observed periods, and for 7
days, 2 weeks or 3 months (by frequency) at least."""
EXAMPLES = 5
WARNING_SHARE = 0.05
"""The share of silent series from which on there is a warning; a group of which all series are silent has its own."""


def measure_freshness(series: pl.DataFrame, config: Config, today: date) -> dict[str, Any]:
    """Freshness of the table `series` on `today`: newest (day observed), age (days), living, silent (series),
    silent_series (first names), silent_groups; empty when nothing was observed.

    A series is living when it was observed in the last 98 days, 28 weeks or 15 months (by frequency); a group is silent
    when all its series are.
    """
    newest = series["last"].max()
    if not isinstance(newest, date):
        return {}
    f = config.frequency
    usual_gap = f.steps(pl.col("first"), pl.col("last")) / (pl.col("n") - 1).clip(lower_bound=1)
    silence = f.steps(pl.col("last"), pl.lit(newest))
    season = f.first_blocks[1]
    observed = series.filter(pl.col("last").is_not_null()).with_columns(
        _silent=silence >= pl.max_horizontal(USUAL_GAPS * usual_gap, pl.lit(season))
    )
    living = observed.filter(silence < season + f.level_window)
    silent = living.filter("_silent").sort("unique_id")
    return {
        "newest": str(newest),
        "age": (today - newest).days,
        "living": living.height,
        "silent": silent.height,
        "silent_series": silent["unique_id"].head(EXAMPLES).to_list(),
        "silent_groups": _silent_groups(living, config),
    }


def _silent_groups(living: pl.DataFrame, config: Config) -> list[str]:
    """Labels of groups of several series that are all silent, while series of other groups are not."""
    schema = living.schema
    columns = [c for c in config.static_columns if schema.get(c) == pl.String]
    by_group = [living.group_by(group_label((c,)).alias("group")).agg("_silent") for c in columns]
    all_silent = pl.col("_silent").list.all() & (pl.col("_silent").list.len() > 1)
    found = [label for groups in by_group for label in groups.filter(all_silent)["group"].sort()]
    return found[:EXAMPLES] if living.height and not living["_silent"].all() else []


def freshness_messages(freshness: Mapping[str, Any]) -> list[str]:
    """One sentence per finding of `measure_freshness`: the age always, then warnings of silent groups and series."""
    if not freshness:
        return []
    lines = [f"newest sales: {freshness['newest']}, {freshness['age']:,} days old"]
    if freshness["silent_groups"]:
        lines.append(f"no sales reported any more for {', '.join(freshness['silent_groups'])}: is a file missing?")
    if freshness["silent"] / max(freshness["living"], 1) >= WARNING_SHARE:
        silent, living, examples = freshness["silent"], freshness["living"], ", ".join(freshness["silent_series"])
        lines.append(f"{silent:,} of {living:,} living series have stopped reporting, such as {examples}")
    return lines
