"""Tables whose columns have types (Parquet, Delta, SQL results): `open_typed` makes a TypedTable of a lazy frame.

Its `cells` takes column names and returns a frame with file and line; `rows_by_line` returns {line: whole row}.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from forecasting.columns import user_name
from forecasting.data.sources.readers.raw_bytes import Readable
from forecasting.errors import UserError
from forecasting.remarks import Remark


@dataclass(frozen=True)
class TypedTable:
    """A lazily read table with types; the line of a row is its 1-based number, or that of its row in a sheet (`lines`).

    `text_columns` hold text that may mean numbers: names of folders above the file (key=value), cells of a sheet whose
    column holds more than one type. `empty` counts rows of a sheet without content, which are no rows. `format` names
    the kind of table in messages, as in "cannot be read as a Parquet file". `remarks` (without the name of the file)
    tell how it was understood. `above` is the number of rows above the first one of a part. `original` returns
    rows as they are in the file, where a row is a part of one there.
    """

    file: Readable | str
    names: tuple[str, ...]
    rows: int
    frame: pl.LazyFrame
    format: str
    text_columns: frozenset[str] = frozenset()
    lines: pl.Series | None = None
    empty: int = 0
    remarks: tuple[Remark, ...] = ()
    original: Callable[[Sequence[int]], list[str]] | None = None
    above: int = 0

    def part(self, start: int, rows: int) -> TypedTable:
        """So many rows from a 0-based one on, with the lines that they have in the whole."""
        lines = None if self.lines is None else self.lines.slice(start, rows)
        return replace(self, rows=rows, frame=self.frame.slice(start, rows), lines=lines, above=self.above + start)

    def with_names(self, names: tuple[str, ...]) -> TypedTable:
        """The same rows under other names of their columns."""
        renamed = {old: new for old, new in zip(self.names, names, strict=True) if old != new}
        texts = frozenset(renamed.get(c, c) for c in self.text_columns)
        return replace(self, names=names, frame=self.frame.rename(renamed), text_columns=texts) if renamed else self

    def cells(self, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns as they are typed, with `file` and `line` (Int64); raises UserError when damaged."""
        frame = self._collect(self.frame.select(list(dict.fromkeys(columns))))
        first = self.above + 1
        lines = (
            pl.int_range(first, first + frame.height, dtype=pl.Int64, eager=True) if self.lines is None else self.lines
        )
        return frame.with_columns(pl.lit(str(self.file)).alias("file"), lines.alias("line"))

    def head(self, rows: int, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns of the first rows, as text; raises UserError when damaged."""
        return self._collect(self.frame.select(pl.col(columns).cast(pl.String, strict=False)).head(rows))

    def rows_by_line(self, lines: Sequence[int]) -> dict[int, dict[str, object]]:
        """Line -> all columns of that row; raises UserError when the file is damaged."""
        row = pl.int_range(1, pl.len() + 1, dtype=pl.Int64) if self.lines is None else pl.lit(self.lines)
        chosen = self.frame.with_columns(row.alias("_row")).filter(pl.col("_row").is_in(list(lines)))
        return {row.pop("_row"): row for row in self._collect(chosen).iter_rows(named=True)}

    def read_again(self, lines: Sequence[int]) -> list[str]:
        """The rows of these lines as they are in the file, as JSON where it has types."""
        if self.original:
            return self.original(lines)
        rows = self.rows_by_line(lines)
        return [to_json(rows[n]) for n in lines]

    def _collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        try:
            return frame.collect()
        except (pl.exceptions.PolarsError, OSError) as e:
            raise unreadable(self.file, self.format, e) from None


def open_typed(
    file: Readable, table_format: str, frame: pl.LazyFrame, text_columns: frozenset[str] = frozenset()
) -> TypedTable:
    """The table of a lazy frame, whose schema and row count are read; raises UserError when damaged or empty."""
    try:
        names = tuple(frame.collect_schema())
        rows = int(frame.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as e:
        raise unreadable(file, table_format, e) from None
    if not rows:
        raise UserError(f"{file}: holds no rows: export it again with its rows")
    return TypedTable(file, names, rows, frame, table_format, text_columns)


def unreadable(file: Readable | str, table_format: str, error: Exception) -> UserError:
    """The error for a table that is damaged or of another format."""
    reason = " ".join(str(error).split())[:120]
    return UserError(f"{file}: cannot be read as {table_format} ({reason}): write or copy it again")


def to_json(row: dict[str, object]) -> str:
    """A row as one line of JSON, by the names that a user knows; dates in ISO form."""
    return json.dumps({user_name(column): value for column, value in row.items()}, default=str, ensure_ascii=False)
