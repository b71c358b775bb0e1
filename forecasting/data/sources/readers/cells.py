"""Types of cells: `downcast` gives numbers and `to_panel_type` typed columns one of the few types of the panel.

`strip_nulls` takes the texts that mean no value out of names; `check_single_values` refuses what is no cell.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from forecasting.columns import user_name
from forecasting.errors import UserError

NULLS = ["", "NA", "N/A", "null", "NULL", "None"]
"""Texts that mean no value among names."""


def strip_nulls(text: pl.Expr) -> pl.Expr:
    """Text without surrounding spaces; null where it is one of NULLS."""
    stripped = text.str.strip_chars()
    return pl.when(~stripped.is_in(NULLS)).then(stripped)


def downcast(values: pl.Series) -> pl.Series:
    """Float64 as Int8 when all values are 0 or 1, as Int64 when all are integers, else Float64; NaN is null."""
    present = values.drop_nulls()
    if not len(present) or not present.is_finite().all() or not (present == present.round()).all():
        return values.fill_nan(None)
    return values.cast(pl.Int8 if present.is_between(0, 1).all() else pl.Int64)


def check_single_values(kinds: Mapping[str, pl.DataType]) -> None:
    """Raise UserError when a column of a typed table holds anything but one name, number or date per cell."""
    for column, dtype in kinds.items():
        if dtype.is_nested() or dtype in (pl.Object, pl.Duration):
            kind = "lengths of time" if dtype == pl.Duration else "lists or structures"
            raise UserError(
                f"the column {user_name(column)} holds {kind}, and a cell must be one name, number or date: "
                "write it so, or leave the column out of the config"
            )


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
