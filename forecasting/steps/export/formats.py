"""File formats of exports: `writer_for` takes a path and returns the Writer of its ending (.parquet, .csv, .xlsx).

`escape_formulas` returns rows whose texts no spreadsheet runs, `csv_text` rows as CSV text. Only Excel files hold the
description of the rows, on a sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from forecasting.errors import Option, UserError

SHEET_ROWS = 1_048_575
"""Rows of an Excel sheet below its header."""
FORMULA = r"^[=+\-@\t\r]"
"""Texts that a spreadsheet runs as a formula."""
Writer = Callable[[pl.DataFrame, Path, pl.DataFrame], None]
"""Writes rows to a file; the third argument is the description [key, value] of the rows."""


def writer_for(out: Path) -> Writer:
    """The writer for the file's ending: .parquet, .csv or .xlsx.

    Raises UserError for another ending. The Excel writer raises UserError when the rows do not fit on one sheet.
    """
    write = WRITERS.get(out.suffix.lower())
    if write is None:
        raise UserError(f"the ending decides the format; use one of {', '.join(WRITERS)}", where=Option("out", out))
    return write


def escape_formulas(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows and columns; texts that a spreadsheet would run as a formula get a leading apostrophe.

    Columns of numbers and dates stay as they are, and so do nulls.
    """
    text = pl.col(pl.String)
    return rows.with_columns(pl.when(text.str.contains(FORMULA)).then("'" + text).otherwise(text).name.keep())


def csv_text(rows: pl.DataFrame) -> str:
    """The rows as CSV text with a header line, formulas escaped."""
    return escape_formulas(rows).write_csv()


def _write_parquet(rows: pl.DataFrame, out: Path, _: pl.DataFrame) -> None:
    rows.write_parquet(out)


def _write_csv(rows: pl.DataFrame, out: Path, _: pl.DataFrame) -> None:
    escape_formulas(rows).write_csv(out)


def _write_excel(rows: pl.DataFrame, out: Path, description: pl.DataFrame) -> None:
    if rows.height > SHEET_ROWS:
        problem = f"{rows.height:,} rows do not fit on a sheet of {SHEET_ROWS:,}"
        raise UserError(problem, where=Option("out", out), mend="use .parquet or .csv")
    from xlsxwriter import Workbook

    # texts stay texts, whatever their first character is
    options = {"strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "yyyy-mm-dd"}
    with Workbook(out, {**options, "remove_timezone": True}) as book:
        description.write_excel(book, "about", autofit=True)
        rows.write_excel(book, "data", autofit=rows.height < 10_000, freeze_panes=(1, 0))


WRITERS: dict[str, Writer] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".xlsx": _write_excel,
}
"""Writers by the ending of the file."""
