"""Parquet tables, read by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from forecasting.errors import UserError


@dataclass(frozen=True)
class Parquet:
    """A Parquet table; the line of a row is its 1-based number."""

    file: Path
    names: tuple[str, ...]
    rows: int

    def cells(self, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns as they are typed, with `file` and `line` (Int64); raises UserError when damaged."""
        try:
            frame = pl.read_parquet(self.file, columns=list(dict.fromkeys(columns)))
        except (pl.exceptions.PolarsError, OSError) as e:
            raise _damaged(self.file, e) from None
        lines = pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True).alias("line")
        return frame.with_columns(pl.lit(str(self.file)).alias("file"), lines)


def read(file: Path) -> Parquet:
    """Look at the head of a Parquet file; raises UserError when it is none or holds no rows."""
    try:
        names = tuple(pl.read_parquet_schema(file))
        rows = int(pl.scan_parquet(file).select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as e:
        raise _damaged(file, e) from None
    if not rows:
        raise UserError(f"{file}: holds no rows: export it again with its rows")
    return Parquet(file, names, rows)


def _damaged(file: Path, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:120]
    return UserError(f"{file}: cannot be read as a Parquet file ({reason}): write or copy it again")
