"""Files of exports: `write_file` writes a frame to a path, as Parquet, CSV or Excel by its ending; returns nothing."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from forecasting.config import Config
from forecasting.errors import Option, UserError
from forecasting.steps.export.description import describe_rows
from forecasting.steps.export.formats import writer_for


def write_file(config: Config, table: str, rows: pl.DataFrame, out: Path) -> None:
    """Write all rows to `out`, in the format of its ending; missing folders are made.

    `table` names the rows in the description of an Excel file. Raises UserError for an ending without a format, for
    rows that do not fit the format, and for a path that cannot be written.
    """
    write = writer_for(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(rows, out, describe_rows(config, table, rows))
    except OSError as error:
        raise UserError(
            f"cannot be written ({error.strerror or error})", where=Option("out", out), mend="choose another place"
        ) from None
