"""Tables whose columns have types: Parquet files, Delta tables, results of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from forecasting.errors import UserError
from forecasting.io.storage import File


@dataclass(frozen=True)
class Typed:
    """A table with types; the line of a row is its 1-based number.

    `told` are columns that come as text from the names of the folders above a file; `what` says what kind of table it
    is, after "cannot be read as".
    """

    file: File | str
    names: tuple[str, ...]
    rows: int
    frame: pl.LazyFrame
    what: str
    told: frozenset[str] = frozenset()

    def cells(self, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns as they are typed, with `file` and `line` (Int64); raises UserError when damaged."""
        frame = self._collect(self.frame.select(list(dict.fromkeys(columns))))
        lines = pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True).alias("line")
        return frame.with_columns(pl.lit(str(self.file)).alias("file"), lines)

    def picked(self, lines: Sequence[int]) -> dict[int, dict[str, object]]:
        """Whole rows by their numbers."""
        chosen = self.frame.with_row_index("_row", 1).filter(pl.col("_row").is_in(list(lines)))
        return {row.pop("_row"): row for row in self._collect(chosen).iter_rows(named=True)}

    def _collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        try:
            return frame.collect()
        except (pl.exceptions.PolarsError, OSError) as e:
            raise unreadable(self.file, self.what, e) from None


def typed(file: File, what: str, frame: pl.LazyFrame, told: frozenset[str] = frozenset()) -> Typed:
    """Look at the head of a table; raises UserError when it cannot be read or holds no rows."""
    try:
        names = tuple(frame.collect_schema())
        rows = int(frame.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as e:
        raise unreadable(file, what, e) from None
    if not rows:
        raise UserError(f"{file}: holds no rows: export it again with its rows")
    return Typed(file, names, rows, frame, what, told)


def unreadable(file: File | str, what: str, error: Exception) -> UserError:
    """The sentence for a table that is damaged or no such table."""
    reason = " ".join(str(error).split())[:120]
    return UserError(f"{file}: cannot be read as {what} ({reason}): write or copy it again")
