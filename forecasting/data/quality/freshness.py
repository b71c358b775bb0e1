"""How old the newest sales are, and who has stopped reporting while others go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.features.groups import group_label

GAPS = 5
"""A series is silent when it is so for this many of its usual gaps between two observed periods, and a season at least
(see `least`)."""
SHOWN = 5
SHARE = 0.05
"""From this share of silent series on, or when a whole group is silent, it is worth a warning."""


def measure_freshness(series: pl.DataFrame, config: Config, today: date) -> dict[str, Any]:
    """Facts of the table `series`: the newest day observed and its age in days on `today`; of the series observed in
    the last quarter or so (`living`) how many are `silent`, the first names, and the groups of which all are.
    """
    newest = series["last"].max()
    if not isinstance(newest, date):
        return {}
    f = config.frequency
    usual = f.steps(pl.col("first"), pl.col("last")) / (pl.col("n") - 1).clip(lower_bound=1)
    quiet = f.steps(pl.col("last"), pl.lit(newest))
    least = f.first_blocks[1]
    known = series.filter(pl.col("last").is_not_null()).with_columns(
        _silent=quiet >= pl.max_horizontal(GAPS * usual, pl.lit(least))
    )
    living = known.filter(quiet < least + f.level_window)
    silent = living.filter("_silent").sort("unique_id")
    told = {"newest": str(newest), "age": (today - newest).days, "living": living.height, "silent": silent.height}
    return told | {"silent_series": silent["unique_id"].head(SHOWN).to_list(), "silent_groups": _groups(living, config)}


def _groups(living: pl.DataFrame, config: Config) -> list[str]:
    """Groups of several series of which none reports any more, while others do."""
    columns = [c for c in config.static_columns if c in living.columns and living.schema[c] == pl.String]
    named = [living.group_by(group_label((c,)).alias("group")).agg("_silent") for c in columns]
    all_silent = pl.col("_silent").list.all() & (pl.col("_silent").list.len() > 1)
    found = [name for frame in named for name in frame.filter(all_silent)["group"].sort()]
    return found[:SHOWN] if living.height and not living["_silent"].all() else []


def freshness_messages(told: Mapping[str, Any]) -> list[str]:
    """What a person should know of it: nothing but the age when all report."""
    if not told:
        return []
    lines = [f"newest sales: {told['newest']}, {told['age']:,} days old"]
    share = told["silent"] / max(told["living"], 1)
    if told["silent_groups"]:
        lines.append(f"nobody reports any more of {', '.join(told['silent_groups'])}: is a file missing?")
    if share >= SHARE:
        some = ", ".join(told["silent_series"])
        lines.append(f"{told['silent']:,} of {told['living']:,} living series have stopped reporting, such as {some}")
    return lines
