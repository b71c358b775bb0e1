"""Cells to numbers: `parse_numbers` takes a column and its NumberFormat, and returns Float64 and a mask of bad cells.

`holds_nothing` tells which cells of a column mean no value.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.sources.readers.numbers.anatomy import (
    NO_NUMBER,
    ZERO,
    currency_code,
    dissect,
    number_value,
    same_currency,
)
from forecasting.data.sources.readers.numbers.notation import PLAIN, NumberFormat
from forecasting.data.sources.readers.numbers.words import ALWAYS_NUMBERS, NO, YES


def parse_numbers(cells: pl.Series, number_format: NumberFormat = PLAIN) -> tuple[pl.Series, pl.Series]:
    """A column of any type as Float64, and a Boolean mask of the cells that hold something but no number.

    Words for yes and no are 1 and 0. NaN means no value, as null does.
    """
    if cells.dtype != pl.String:
        return _cast(cells)
    if number_format.decimal != "," and number_format.unit != "%":
        numbers = cells.cast(pl.Float64, strict=False)
    else:
        numbers = pl.Series(cells.name, [None], dtype=pl.Float64).new_from_index(0, len(cells))
    bad = pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(cells))
    if numbers.null_count() > cells.null_count():
        unread = cells.set(numbers.is_not_null(), None)
        others, bad = _parse_texts(unread, number_format)
        numbers = numbers.zip_with(numbers.is_not_null(), others)
    numbers = numbers.fill_nan(None)
    return numbers.zip_with(numbers.is_not_null() | bad, _ZERO) if number_format.mark else numbers, bad


_ZERO = pl.Series([0.0])


def _cast(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    if not (cells.dtype.is_numeric() or cells.dtype in (pl.Boolean, pl.Null)):
        return pl.Series(cells.name, [None] * len(cells), dtype=pl.Float64), cells.is_not_null()
    return cells.cast(pl.Float64).fill_nan(None), pl.repeat(False, len(cells), eager=True)


def _parse_texts(cells: pl.Series, number_format: NumberFormat) -> tuple[pl.Series, pl.Series]:
    """The cells as numbers, and which of them are bad: each different text is parsed once."""
    rows = dissect(cells.unique().drop_nulls()).with_columns(_number(number_format).alias("number"))
    bad = rows.filter(pl.col("number").is_null(), pl.col("kind") != NO_NUMBER)["cell"]
    numbers = cells.replace_strict(rows["cell"], rows["number"], default=None, return_dtype=pl.Float64)
    return numbers, cells.is_in(bad.implode()).fill_null(False) if len(bad) else cells.is_null() & False


def _number(number_format: NumberFormat) -> pl.Expr:
    """The number of a dissected cell; null where it is none, or is in another unit than the column."""
    text, code, unit = pl.col("text").str.to_lowercase(), currency_code(), number_format.unit
    if unit == "%":
        fits = (code == "%") | pl.col("digits").str.contains(ZERO)
    elif unit:
        fits = code.is_in([same_currency(unit), ""])
    else:
        fits = code != "%"
    yes, no = (YES, NO) if number_format.flags else (YES & ALWAYS_NUMBERS, NO & ALWAYS_NUMBERS)
    word = pl.when(text.is_in(yes)).then(1.0).when(text.is_in(no)).then(0.0)
    return pl.coalesce(word, pl.when(fits).then(number_value(number_format.decimal)))


def holds_nothing(cells: pl.Series) -> pl.Series:
    """Whether each cell of a text column means no value."""
    if cells.dtype != pl.String:
        return cells.is_null()
    texts = cells.filter(cells.cast(pl.Float64, strict=False).is_null() & cells.is_not_null())
    nothing = dissect(texts.unique()).filter(pl.col("kind") == NO_NUMBER)["cell"]
    return cells.is_null() | cells.is_in(nothing.implode())
