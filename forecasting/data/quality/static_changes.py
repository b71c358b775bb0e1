"""Static columns that are not static: `static_changes` takes dated rows and the config, and returns Remarks.

The newest value of a series counts for all of its past, so the past totals of groups move; a remark says since when.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from forecasting.config import Config
from forecasting.remarks import Remark

ID = "unique_id"


def static_changes(rows: pl.DataFrame, config: Config) -> Iterator[Remark]:
    """One remark for each of columns.static that holds several values within a series of `rows` [unique_id, ds, ...].

    Parts of unique_id cannot change within a series.
    """
    for column in (c for c in config.columns.static if c in rows.columns and c not in config.id_columns):
        known = rows.select(ID, "ds", value=column).drop_nulls("value")
        several = known.select(ID, "value").unique().group_by(ID).len().filter(pl.col("len") > 1)
        if several.height:
            yield Remark("statics", _sentence(known, several, column, rows[ID].n_unique()))


def _sentence(known: pl.DataFrame, several: pl.DataFrame, column: str, n_series: int) -> str:
    """How many series change, with the newest change of the first of them."""
    name = several[ID].sort()[0]
    values = known.filter(pl.col(ID) == name).sort("ds")
    last = values["value"][-1]
    since = values.filter(pl.col("value") != last)["ds"].max()
    before = values.filter(pl.col("ds") == since)["value"][0]
    example = f"{name}: {before!s} until {since!s}, then {last!s}"
    return (
        f"{column} changes within {several.height:,} of {n_series:,} series ({example}): the newest value counts for "
        "the whole past, and what the groups sold moves with it; where the past matters, name the column in "
        "columns.known_ahead"
    )
