"""The task rossmann_1D of the leaderboard fev-bench: its windows, its values, and its seasonal naive.

`panel` reads the values from the competition's file by itself, so that nothing the pipeline cleans is scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

NAME = "rossmann_1D"
CONFIG = "rossmann"
H, WINDOWS, SEASON = 48, 10, 7
LEVEL = (20, 40, 60, 80)
QUANTILES = (*(f"lo-{level}" for level in reversed(LEVEL)), "q50", *(f"hi-{level}" for level in LEVEL))
"""The nine that are scored, .1 to .9."""
NAIVE = "Seasonal naive of the task"


def keys(windows: int) -> dict[str, Any]:
    """The keys that the task says in the place of the config."""
    return {"h": H, "level": list(LEVEL), "backtest.windows": windows, "backtest.step": H}


def panel(folder: Path) -> pl.DataFrame:
    """[unique_id, ds, y] of every store on every day, null where the file has no row."""
    schema = {"Store": pl.String, "Date": pl.Date, "Sales": pl.Float64}
    rows = pl.read_csv(folder / "train.csv.gz", columns=list(schema), schema_overrides=schema)
    rows = rows.select(unique_id="Store", ds="Date", y="Sales")
    days = rows.select(ds=pl.date_range(pl.col("ds").min(), pl.col("ds").max()))
    grid = rows.select("unique_id").unique().join(days, how="cross")
    return grid.join(rows, on=["unique_id", "ds"], how="left").sort("unique_id", "ds")


def cutoffs(values: pl.DataFrame, windows: int) -> list[date]:
    """The last known days, oldest first; the last window ends with the values."""
    last = values["ds"].max()
    return [last - timedelta(H * k) for k in range(windows, 0, -1)]


def naive(values: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """What the same weekday sold last before each cutoff, gaps being filled with what came before them."""
    weekday, found = pl.col("ds").dt.weekday().alias("weekday"), []
    for cutoff in days:
        known = values.filter(pl.col("ds") <= cutoff).with_columns(pl.col("y").forward_fill().over("unique_id"))
        week = known.filter(pl.col("ds") > cutoff - timedelta(SEASON)).select("unique_id", weekday, "y")
        rows = _window(values, cutoff).select("unique_id", "ds", weekday).join(week, on=["unique_id", "weekday"])
        found.append(
            rows.select("unique_id", "ds", pl.lit(cutoff).alias("cutoff"), *(pl.col("y").alias(q) for q in QUANTILES))
        )
    return pl.concat(found)


def not_forecast(forecasts: pl.DataFrame, values: pl.DataFrame, days: Sequence[date]) -> int:
    """How many values of the windows have no forecast. The scorer passes over series without any in a window."""
    given, found = forecasts.drop_nulls("q50"), 0
    for cutoff in days:
        mine = given.filter(pl.col("cutoff") == cutoff)
        found += _window(values, cutoff).drop_nulls("y").join(mine, on=["unique_id", "ds"], how="anti").height
    return found


def _window(values: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    return values.filter(pl.col("ds").is_between(cutoff, cutoff + timedelta(H), closed="right"))
