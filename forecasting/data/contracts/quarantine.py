"""Rows in quarantine: unreadable cells, conflicting duplicates, and the lines of both as they came.

A bad row is [file, line, ds, rule, value]: a line of a wide file holds many rows, which `ds` tells apart.
`unreadable_rows` and `split_duplicates` find bad rows in raw ones; `quarantine_rows` returns them as rows of the table
`quarantine` [file, line, row, rule, value]. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from forecasting.data.sources import TAGS

QUARANTINE_SCHEMA = {"file": pl.String, "line": pl.Int64, "row": pl.String, "rule": pl.String, "value": pl.String}


def unreadable_rows(long: pl.DataFrame) -> pl.DataFrame:
    """The bad rows that a reader marked with a fault: a number, a date or an id that cannot be read."""
    return long.filter(pl.col("fault").is_not_null()).select("file", "line", "ds", rule="fault", value="fault_value")


def no_bad_rows(long: pl.DataFrame) -> pl.DataFrame:
    """The empty frame of bad rows, typed like `long`."""
    return long.clear().select("file", "line", "ds", rule=pl.lit(""), value=pl.lit(""))


def drop_bad_rows(long: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
    """`long` without the bad rows."""
    return long.join(bad, on=["file", "line", "ds"], how="anti", nulls_equal=True) if bad.height else long


def split_duplicates(
    long: pl.DataFrame, keys: list[str], value: pl.Expr
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Rows that are unique by `keys`, the bad rows, and the dropped repeats.

    Equal repeats of a key are dropped but for the first; repeats that differ are all bad rows, described by `value`.
    The dropped ones have the column `same_file`: whether an equal row stands before them in their own file.
    """
    is_repeated = long.select(keys).is_duplicated()
    if not is_repeated.any():
        return long, no_bad_rows(long), long.clear().with_columns(same_file=pl.lit(value=True))
    content = [c for c in long.columns if c not in TAGS or c in keys]
    in_file = list(dict.fromkeys([*content, "file"]))
    rows = long.filter(is_repeated).with_columns(
        _first=pl.struct(content).is_first_distinct(), same_file=~pl.struct(in_file).is_first_distinct()
    )
    repeated = rows.filter("_first")
    conflict = repeated.select(keys).is_duplicated()
    clashing = repeated.filter(conflict).select(keys).unique()
    conflicting = rows.join(clashing, on=keys, how="semi")
    bad = conflicting.select("file", "line", "ds", rule=pl.lit("conflicting_duplicate"), value=value)
    single = pl.concat([long.filter(~is_repeated), repeated.filter(~conflict).select(long.columns)])
    return single, bad, rows.filter(~pl.col("_first")).join(clashing, on=keys, how="anti").drop("_first")


def quarantine_rows(read_again: Callable[[pl.DataFrame], pl.DataFrame], bad: pl.DataFrame) -> pl.DataFrame:
    """The quarantine of bad rows: one row of QUARANTINE_SCHEMA per file, line and rule.

    Of several bad cells in a line the first is named and the others are counted. `read_again` returns the rows as they
    came for given (file, line).
    """
    more = pl.when(pl.len() > 1).then(pl.format("{} and {} more", pl.first("value"), pl.len() - 1))
    value = pl.coalesce(more, pl.first("value")).alias("value")
    single = bad.group_by("file", "line", "rule", maintain_order=True).agg(value)
    if not single.height:
        return pl.DataFrame(schema=QUARANTINE_SCHEMA)
    raw = read_again(single.select("file", "line").unique(maintain_order=True))
    return single.join(raw, on=["file", "line"], how="left", maintain_order="left").select(list(QUARANTINE_SCHEMA))
