"""Numbers from text: `parse_numbers` takes a column and the decimal sign; it returns Float64 and a mask of bad cells.

`looks_numeric` decides whether a text column holds numbers; `downcast` and `to_panel_type` give a column one of the few
types of the panel.
"""

from __future__ import annotations

import polars as pl

NULLS = ["", "NA", "N/A", "null", "NULL", "None"]
"""Texts that mean no value."""
YES_NO = {"true": "1", "false": "0", "yes": "1", "no": "0"}
THOUSANDS = r"^\s*[-+]?[1-9]\d{0,2}(\.\d{3})+\s*$"
"""A number with points between thousands: 1.234.567."""
DECIMAL_COMMA = r"^\s*[-+]?[\d.]*\d,\d+\s*$"


def strip_nulls(text: pl.Expr) -> pl.Expr:
    """Text without surrounding spaces; null where it is one of NULLS."""
    stripped = text.str.strip_chars()
    return pl.when(~stripped.is_in(NULLS)).then(stripped)


def parse_number(text: pl.Expr, decimal: str) -> pl.Expr:
    """Text as Float64, null where it is empty or no number; true / false and yes / no are 1 / 0.

    `decimal` is the decimal sign: "." or ",", which allows points between thousands.
    """
    stripped = _with_decimal_point(strip_nulls(text)) if decimal == "," else strip_nulls(text)
    return stripped.str.to_lowercase().replace(YES_NO).cast(pl.Float64, strict=False)


def _with_decimal_point(text: pl.Expr) -> pl.Expr:
    """1.234,5 as 1234.5; null where a point is not between thousands."""
    without_points = text.str.replace_all(r"\.(\d{3})\b", "${1}")
    return pl.when(~without_points.str.contains(".", literal=True)).then(
        without_points.str.replace(",", ".", literal=True)
    )


def parse_numbers(cells: pl.Series, decimal: str) -> tuple[pl.Series, pl.Series]:
    """A column of any type as Float64, and a Boolean mask of the cells that hold something but no number."""
    if cells.dtype != pl.String:
        return _cast(cells)
    frame = cells.to_frame("cell").select(
        parse_number(pl.col("cell"), decimal).alias("number"), strip_nulls(pl.col("cell"))
    )
    return frame["number"].alias(cells.name), frame["number"].is_null() & frame["cell"].is_not_null()


def _cast(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    if not (cells.dtype.is_numeric() or cells.dtype in (pl.Boolean, pl.Null)):
        return pl.Series(cells.name, [None] * len(cells), dtype=pl.Float64), cells.is_not_null()
    return cells.cast(pl.Float64), pl.repeat(False, len(cells), eager=True)


def looks_numeric(cells: pl.Series, decimal: str) -> bool:
    """Whether a text column holds numbers: all cells, or nine in ten of at least ten different ones.

    Codes with leading zeros (007) are names. One bad cell among many numbers is a fault of its row, not of the column.
    """
    unique = cells.drop_nulls().unique()
    values, bad = parse_numbers(unique, decimal)
    n_numbers, n_bad = int(values.is_not_null().sum()), int(bad.sum())
    if not n_numbers or unique.str.contains(r"^\s*0\d").any():
        return False
    return not n_bad or (n_numbers + n_bad >= 10 and n_numbers >= 9 * n_bad)


def downcast(values: pl.Series) -> pl.Series:
    """Float64 as Int8 when all values are 0 or 1, as Int64 when all are integers, else Float64; NaN is null."""
    present = values.drop_nulls()
    if not len(present) or not present.is_finite().all() or not (present == present.round()).all():
        return values.fill_nan(None)
    return values.cast(pl.Int8 if present.is_between(0, 1).all() else pl.Int64)


def to_panel_type(column: pl.Series) -> pl.Series:
    """A typed column as String, Int8 (from Int8 or Boolean), Int64 or Float64; NaN is null."""
    dtype = column.dtype
    if dtype in (pl.Boolean, pl.Int8):
        return column.cast(pl.Int8)
    if dtype.is_integer():
        return column.cast(pl.Int64)
    if dtype.is_numeric():
        return column.cast(pl.Float64).fill_nan(None)
    return column.cast(pl.String)
