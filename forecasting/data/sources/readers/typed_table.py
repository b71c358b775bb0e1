"""Tables whose columns have types (Parquet, Delta, SQL results): `open_typed` makes a TypedTable of a lazy frame.

Its `cells` takes column names and returns a frame with file and line; `rows_by_line` returns {line: whole row}.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from forecasting.errors import UserError
from forecasting.io.storage import File
from forecasting.remarks import Remark


@dataclass(frozen=True)
class TypedTable:
    """A lazily read table with types; the line of a row is its 1-based number.

    `path_columns` are text columns that come from the names of the folders above the file (key=value); `format` names
    the kind of table in messages, as in "cannot be read as a Parquet file". `remarks` (without the name of the file)
    tell how it was understood.
    """

    file: File | str
    names: tuple[str, ...]
    rows: int
    frame: pl.LazyFrame
    format: str
    path_columns: frozenset[str] = frozenset()
    remarks: tuple[Remark, ...] = ()

    def cells(self, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns as they are typed, with `file` and `line` (Int64); raises UserError when damaged."""
        frame = self._collect(self.frame.select(list(dict.fromkeys(columns))))
        lines = pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True).alias("line")
        return frame.with_columns(pl.lit(str(self.file)).alias("file"), lines)

    def head(self, rows: int, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns of the first rows, as text; raises UserError when damaged."""
        return self._collect(self.frame.select(pl.col(columns).cast(pl.String, strict=False)).head(rows))

    def rows_by_line(self, lines: Sequence[int]) -> dict[int, dict[str, object]]:
        """Line -> all columns of that row; raises UserError when the file is damaged."""
        chosen = self.frame.with_row_index("_row", 1).filter(pl.col("_row").is_in(list(lines)))
        return {row.pop("_row"): row for row in self._collect(chosen).iter_rows(named=True)}

    def _collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        try:
            return frame.collect()
        except (pl.exceptions.PolarsError, OSError) as e:
            raise unreadable(self.file, self.format, e) from None


def open_typed(
    file: File, table_format: str, frame: pl.LazyFrame, path_columns: frozenset[str] = frozenset()
) -> TypedTable:
    """The table of a lazy frame, whose schema and row count are read; raises UserError when damaged or empty."""
    try:
        names = tuple(frame.collect_schema())
        rows = int(frame.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as e:
        raise unreadable(file, table_format, e) from None
    if not rows:
        raise UserError(f"{file}: holds no rows: export it again with its rows")
    return TypedTable(file, names, rows, frame, table_format, path_columns)


def unreadable(file: File | str, table_format: str, error: Exception) -> UserError:
    """The error for a table that is damaged or of another format."""
    reason = " ".join(str(error).split())[:120]
    return UserError(f"{file}: cannot be read as {table_format} ({reason}): write or copy it again")
