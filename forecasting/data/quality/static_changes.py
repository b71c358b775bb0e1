"""Static columns that are not static: `static_changes` takes dated rows and the config, and returns Remarks.

The newest value of a series counts for all of its past, so the past totals of groups move; a remark says since when.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from forecasting.config import Config
from forecasting.remarks import Remark

ID = "unique_id"


def changed_statics(rows: pl.DataFrame, config: Config) -> dict[str, pl.DataFrame]:
    """Column of columns.static -> [unique_id, value, ds]: the values of series of `rows` [unique_id, ds, ...] that have
    several, each with its newest day. Parts of unique_id cannot change within a series.
    """
    columns = [c for c in config.columns.static if c in rows.columns and c not in config.id_columns]
    newest = {c: rows.group_by(ID, value=c).agg(pl.col("ds").max()).drop_nulls("value") for c in columns}
    return {c: values.filter(pl.len().over(ID) > 1) for c, values in newest.items()}


def static_changes(rows: pl.DataFrame, config: Config) -> Iterator[Remark]:
    """One remark for each of columns.static with several values within a series of `rows` [unique_id, ds, ...]."""
    return static_remarks(changed_statics(rows, config), rows[ID].n_unique())


def static_remarks(changes: Mapping[str, pl.DataFrame], n_series: int) -> Iterator[Remark]:
    """One remark for each column with series that have several values, of `n_series` in all."""
    return (Remark("statics", _sentence(values, c, n_series)) for c, values in changes.items() if values.height)


def _sentence(values: pl.DataFrame, column: str, n_series: int) -> str:
    """How many series change, with the newest change of the first of them."""
    name = str(values[ID].min())
    now, before = values.filter(pl.col(ID) == name).sort("ds", "value", descending=True).head(2).iter_rows(named=True)
    example = f"{name}: {before['value']!s} until {before['ds']}, then {now['value']!s}"
    changed = f"{values[ID].n_unique():,} of {n_series:,} series ({example})"
    return (
        f"{column} changes within {changed}: the newest value counts for the whole past, and what the groups sold "
        "moves with it; where the past matters, name the column in columns.known_ahead"
    )
