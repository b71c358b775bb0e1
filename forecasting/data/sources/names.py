"""Names and codes: `as_names` takes a column of cells and returns them as text, `folded` gives a name its one spelling.

Names are the parts of unique_id and whatever rows are joined by. `id_names` does both as the config wants it.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.errors import UserError

EXACT = 2**53
"""From here on a floating-point number does not hold every whole number: codes lose their last digits."""


def as_names(column: pl.Series) -> pl.Series:
    """A column of names or codes as String without surrounding spaces, null where it is empty; 7.0 is "7".

    Raises UserError for lists and structures, and for codes that were stored as numbers too large to be exact.
    """
    kind = column.dtype
    if kind.is_nested() or kind == pl.Object:
        raise UserError(f"the column {column.name} holds lists or structures, and a name is one text: write it as text")
    if kind.is_float():
        column = _plain_numbers(column)
    texts = column.cast(pl.String)
    if kind.is_decimal():
        texts = texts.str.replace(r"\.0+$|(\.\d*?)0+$", "${1}")
    stripped = texts.str.strip_chars().to_frame("name")
    return stripped.select(pl.when(pl.col("name") != "").then(pl.col("name")).alias(column.name)).to_series()


def _plain_numbers(column: pl.Series) -> pl.Series:
    """Numbers as text: whole ones without decimals, NaN null."""
    column = column.fill_nan(None)
    large = column.filter(column.abs() >= EXACT)
    if large.len():
        raise UserError(
            f"the column {column.name} holds codes as floating-point numbers such as {large[0]:.0f}, whose last digits "
            "are lost: write them as text or as whole numbers"
        )
    number, whole = pl.col("number"), pl.col("number").cast(pl.Int64, strict=False)
    text = pl.when(number == whole).then(whole.cast(pl.String)).otherwise(number.cast(pl.String))
    return column.to_frame("number").select(text.alias(column.name)).to_series()


def folded(name: pl.Expr) -> pl.Expr:
    """The one spelling of a name (String): lower case, single spaces, without leading zeros and `.0` of a number, and
    with letters and signs in their usual form (an accent is part of its letter).
    """
    plain = name.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    return plain.str.replace(r"^(\d+)\.0+$", "${1}").str.replace(r"^0+(\d+)$", "${1}")


def id_names(column: pl.Series, config: Config) -> pl.Series:
    """A column of unique_id as names, in their one spelling where the config says so."""
    names = as_names(column)
    return names if config.source.ids == "as_written" else names.to_frame().select(folded(pl.first())).to_series()
