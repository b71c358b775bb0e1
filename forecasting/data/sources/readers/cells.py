"""Numbers out of text, and columns of files brought to the few types that the panel knows."""

from __future__ import annotations

import polars as pl

NULLS = ["", "NA", "N/A", "null", "NULL", "None"]
YES_NO = {"true": "1", "false": "0", "yes": "1", "no": "0"}
THOUSANDS = r"^\s*[-+]?[1-9]\d{0,2}(\.\d{3})+\s*$"
DECIMAL_COMMA = r"^\s*[-+]?[\d.]*\d,\d+\s*$"


def said(text: pl.Expr) -> pl.Expr:
    """Text without the spaces around it; the usual words for nothing are null."""
    bare = text.str.strip_chars()
    return pl.when(~bare.is_in(NULLS)).then(bare)


def number(text: pl.Expr, decimal: str) -> pl.Expr:
    """Text as Float64: null where it says nothing or is no number; true / false and yes / no are 1 / 0."""
    bare = _pointed(said(text)) if decimal == "," else said(text)
    return bare.str.to_lowercase().replace(YES_NO).cast(pl.Float64, strict=False)


def _pointed(text: pl.Expr) -> pl.Expr:
    """1.234,5 as 1234.5; null where a point does not part thousands."""
    whole = text.str.replace_all(r"\.(\d{3})\b", "${1}")
    return pl.when(~whole.str.contains(".", literal=True)).then(whole.str.replace(",", ".", literal=True))


def numbers(cells: pl.Series, decimal: str) -> tuple[pl.Series, pl.Series]:
    """A column of any type as Float64, and a mask of cells that say something and are no number."""
    if cells.dtype != pl.String:
        return _cast(cells)
    frame = cells.to_frame("cell").select(number(pl.col("cell"), decimal).alias("read"), said(pl.col("cell")))
    return frame["read"].alias(cells.name), frame["read"].is_null() & frame["cell"].is_not_null()


def _cast(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    if not (cells.dtype.is_numeric() or cells.dtype in (pl.Boolean, pl.Null)):
        return pl.Series(cells.name, [None] * len(cells), dtype=pl.Float64), cells.is_not_null()
    return cells.cast(pl.Float64), pl.repeat(False, len(cells), eager=True)


def looks_numeric(cells: pl.Series, decimal: str) -> bool:
    """Whether a text column holds numbers: all cells, or nine in ten of at least ten different ones.

    Codes with leading zeros (007) are names. One bad cell among many numbers is a fault of its row, not of the column.
    """
    unique = cells.drop_nulls().unique()
    read, bad = numbers(unique, decimal)
    good, wrong = int(read.is_not_null().sum()), int(bad.sum())
    if not good or unique.str.contains(r"^\s*0\d").any():
        return False
    return not wrong or (good + wrong >= 10 and good >= 9 * wrong)


def narrowed(values: pl.Series) -> pl.Series:
    """Float64 as Int8 when it holds nothing but 0 and 1, as Int64 when it is whole, else as it is."""
    kept = values.drop_nulls()
    if not len(kept) or not kept.is_finite().all() or not (kept == kept.round()).all():
        return values.fill_nan(None)
    return values.cast(pl.Int8 if kept.is_between(0, 1).all() else pl.Int64)


def plain(column: pl.Series) -> pl.Series:
    """A typed column as String, Int8 (small or from Boolean), Int64 or Float64; not-a-number is null."""
    kind = column.dtype
    if kind in (pl.Boolean, pl.Int8):
        return column.cast(pl.Int8)
    if kind.is_integer():
        return column.cast(pl.Int64)
    if kind.is_numeric():
        return column.cast(pl.Float64).fill_nan(None)
    return column.cast(pl.String)
