"""Rows in the order of their key: `sort_rows` returns a frame sorted by it, `is_sorted` whether it is already.

Rows come sorted from most tables, and to see that takes a tenth of the time of a sort. Of such rows `number_series`
puts numbers in the place of ids; `lag` is an expression over them: the value of an earlier one of the same series.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray


def sort_rows(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The frame sorted by these columns, which are never null, and marked so: groups of the first are found in a fifth
    of the time.
    """
    if not is_sorted(frame, key):
        frame = _sorted_by(frame, key)
    return frame.with_columns(pl.col(key[0]).set_sorted())


def _sorted_by(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    first, further = key[:2], key[2:]
    if [frame.schema[column] for column in first] != [pl.String, pl.Date]:
        return frame.sort(key)
    # by the last columns first, as rows that are equal in the others stay in their order
    frame = frame.sort(further, maintain_order=True) if further else frame
    frame = frame.rechunk()
    return frame[_order(frame, *first)]


def _order(frame: pl.DataFrame, text: str, day: str) -> NDArray[np.int64]:
    """The numbers of the rows in the order of a text and a day, in a fraction of the time of a sort of both.

    Both are one whole number, in the same order: the place of the text among all, and in its lower 32 bits the day.
    Rows with the same text often lie together, and rows come from a few sorted files, which a merge sort finds.
    """
    runs = frame[text].rle()
    place = runs.struct.field("value").rank("dense").cast(pl.Int64).to_numpy() << 32
    number = np.repeat(place, runs.struct.field("len").to_numpy()) + frame[day].to_physical().to_numpy()
    return np.argsort(number, kind="stable")


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


def any_in_series(rows: pl.DataFrame, where: pl.Expr) -> pl.Series:
    """Per series of rows in which those of a series lie together, in their order: whether this holds for any row.

    >>> any_in_series(pl.DataFrame({"unique_id": ["a", "a", "b"], "y": [0, 1, 0]}), pl.col("y") > 0).to_list()
    [True, False]
    """
    number = rows.select(pl.col("unique_id").rle_id().filter(where)).to_series()
    found = pl.repeat(False, rows["unique_id"].rle().len(), dtype=pl.Boolean, eager=True)
    return found.scatter(number.unique(), True) if number.len() else found


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
