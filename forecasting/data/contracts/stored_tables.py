"""The contract of a stored table: its columns and types, unique keys, steps from 1, interval bounds in order.

`validate_table` takes a frame and its Table and returns the frame unchanged, or raises ValueError; it stores nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from forecasting.io.table import Table
from forecasting.sorted_rows import is_sorted

if TYPE_CHECKING:
    import pandera.polars as pa


def table_schema(table: Table) -> pa.DataFrameSchema:
    """The Pandera schema of a table: its columns and types, keys without nulls, steps from 1, bounds in order."""
    import pandera.polars as pa

    columns = {
        name: pa.Column(kind, nullable=name not in table.key or name in table.optional)
        for name, kind in table.schema.items()
    }
    if table.schema.get("step") == pl.Int32:
        columns["step"] = pa.Column(pl.Int32, pa.Check.ge(1, error="step_below_1"), nullable=True)
    ordered = [pa.Check(_is_ordered(name), error="bounds_crossed") for name in table.schema if name.startswith("lo-")]
    return pa.DataFrameSchema(columns, checks=ordered, strict=True)


def _is_ordered(low: str) -> Any:
    high = low.replace("lo-", "hi-")
    return lambda data: data.lazyframe.select((pl.col(low) <= pl.col(high)).fill_null(True))


def validate_table(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame unchanged. Raises ValueError, as for a mistake of the program, when it breaks the table's contract."""
    import pandera.errors

    try:
        table_schema(table).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as e:
        raise ValueError(f"table {table.name}: {e.failure_cases.head(5).to_dicts()}") from None
    is_unique = not table.optional and is_sorted(frame, table.key)
    if not is_unique and frame.select(table.key).is_duplicated().any():
        raise ValueError(f"table {table.name}: the key {', '.join(table.key)} is not unique")
    return frame
