"""Rows of files once more, as they came: only those that are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from forecasting.data.sources._files import PARQUET
from forecasting.data.sources._text import text_lines

SCHEMA = {"file": pl.String, "line": pl.Int64, "row": pl.String}


def from_files(keys: pl.DataFrame) -> pl.DataFrame:
    """file, line, row for the given (file, line): the text line, or the JSON of a Parquet row."""
    frames = [pl.DataFrame(schema=SCHEMA)]
    for (file,), part in keys.group_by("file", maintain_order=True):
        lines = part["line"].to_list()
        found = _parquet_rows(str(file), lines) if is_parquet(Path(str(file))) else text_lines(Path(str(file)), lines)
        frames.append(part.select("file", "line").with_columns(pl.Series("row", found, dtype=pl.String)))
    return pl.concat(frames)


def is_parquet(file: Path) -> bool:
    """Whether the name of a file says that it is a Parquet file."""
    return file.name.lower().endswith(PARQUET)


def _parquet_rows(file: str, lines: list[int]) -> list[str]:
    chosen = pl.scan_parquet(file).with_row_index("_row", 1).filter(pl.col("_row").is_in(lines)).collect()
    by_line = {row.pop("_row"): as_json(row) for row in chosen.iter_rows(named=True)}
    return [by_line[n] for n in lines]


def as_json(row: dict[str, object]) -> str:
    """A row in one line of JSON; dates in ISO form."""
    return json.dumps(row, default=str, ensure_ascii=False)
