"""Rows in the order of their key: `sort_rows` returns a frame sorted by it, `is_sorted` whether it is already.

Rows come sorted from most tables, and to see that takes a tenth of the time of a sort. Of such rows `number_series`
puts numbers in the place of ids; `lag` is an expression over them: the value of an earlier one of the same series.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

SHORTEST_RUNS = 4
"""Rows in a run, on average, from which on it is quicker to put runs in order than rows."""


def sort_rows(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The frame sorted by these columns, which are never null, and marked so: groups of the first are found in a fifth
    of the time.
    """
    if not is_sorted(frame, key):
        frame = _sort_any(_sort_runs(frame.rechunk(), key), key)
    return frame.with_columns(pl.col(key[0]).set_sorted())


def _sort_runs(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The frame with its runs in order: rows of one series (all but the last column of the key) whose days rise, as
    they come from a few sorted files. Where runs overlap, or there are many, it is not sorted yet.
    """
    *names, day = map(pl.col, key)
    begins = pl.any_horizontal(*(name != name.shift() for name in names), day <= day.shift()).fill_null(value=True)
    first = frame.select(begins.arg_true()).to_series()
    if SHORTEST_RUNS * first.len() > frame.height:
        return frame
    order = frame.select(key)[first].select(pl.arg_sort_by(key)).to_series().to_numpy()
    begin = first.to_numpy().astype(np.int64)
    length = np.diff(begin, append=frame.height)[order]
    before = begin[order] - (np.cumsum(length) - length)
    return frame[np.repeat(before, length) + np.arange(frame.height)]


def _sort_any(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The frame sorted, whatever the order of its rows."""
    if is_sorted(frame, key):
        return frame
    return frame.sort(_as_number(frame, *key) if _is_text_and_day(frame, key) else key)


def _is_text_and_day(frame: pl.DataFrame, key: Sequence[str]) -> bool:
    return [frame.schema[column] for column in key] == [pl.String, pl.Date]


def _as_number(frame: pl.DataFrame, text: str, day: str) -> pl.Expr:
    """Text and day as one whole number in the same order, by which rows are sorted in a third of the time: the place of
    the text among all, and in its lower 32 bits the day. Rows with the same text often lie together.
    """
    place = frame[text].rle().struct.field("value").rank("dense").cast(pl.Int64)
    return pl.lit(place).gather(pl.col(text).rle_id()) * 2**32 + pl.col(day).to_physical()


def is_sorted(frame: pl.DataFrame, key: Sequence[str]) -> bool:
    """Whether every key, never null, is greater than the one before: rows are sorted, and no key occurs twice.

    >>> is_sorted(pl.DataFrame({"a": [1, 1, 2], "b": [1, 2, 1]}), ["a", "b"])
    True
    """
    greater = pl.lit(False)
    for column in map(pl.col, reversed(key)):
        before = column.shift()
        greater = (column > before) | ((column == before) & greater)
    return bool(frame.select(greater.slice(1).all()).item())


def number_series(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The rows, sorted by unique_id, with a number in place of each unique_id, from 0, and the ids by their number.

    To group by sorted numbers takes a tenth of the time that texts take.

    >>> rows, ids = number_series(pl.DataFrame({"unique_id": ["a", "a", "b"]}))
    >>> rows["unique_id"].to_list(), ids.to_list()
    ([0, 0, 1], ['a', 'b'])
    """
    number = pl.col("unique_id").rle_id()
    return rows.with_columns(number), rows["unique_id"].rle().struct.field("value").rename("unique_id")


def place_in_series(rows: pl.DataFrame) -> pl.Series:
    """The number of each row in its series, from 0 (Int32), of rows in which those of a series lie together.

    >>> place_in_series(pl.DataFrame({"unique_id": ["a", "a", "b"]})).to_list()
    [0, 1, 0]
    """
    lengths = rows["unique_id"].rle().struct.field("len")
    begin = (lengths.cum_sum() - lengths).cast(pl.Int32)
    number = rows.select(pl.col("unique_id").rle_id()).to_series()
    return pl.int_range(rows.height, dtype=pl.Int32, eager=True) - begin.gather(number)


def lag(value: pl.Expr, periods: int) -> pl.Expr:
    """The value `periods` rows before in the same series (ahead when negative), of rows sorted by unique_id; null where
    there is none. It takes a tenth of the time of `shift` over the series.

    >>> frame = pl.DataFrame({"unique_id": ["a", "a", "b"], "y": [1, 2, 3]})
    >>> frame.select(lag(pl.col("y"), 1), next=lag(pl.col("y"), -1)).rows()
    [(None, 2), (1, None), (None, None)]
    """
    series = pl.col("unique_id")
    return pl.when(series == series.shift(periods)).then(value.shift(periods))
