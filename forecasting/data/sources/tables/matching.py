"""Which tables of a source belong together: `match_tables` takes the open tables and returns those that have its columns.

A file without one of them is another table. It is left out with a remark, or the load is refused where the file looks
as if it held sales under other names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from forecasting.config import Config
from forecasting.data.sources.readers.header import kind_of
from forecasting.data.sources.readers.text.text_table import TextTable
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.data.sources.tables.spelling import spell
from forecasting.errors import UserError
from forecasting.remarks import Remark

RawTable = TextTable | TypedTable
SAMPLE = 100
"""Rows of a file by which the kinds of its columns are told."""
LEFT_OUT = 0.1
"""The largest share of lines in files that look like sales under other names and are left out."""
SHOWN = 3
"""How many files a remark names."""


def spelled(config: Config, tables: Sequence[RawTable], columns: Sequence[str]) -> list[RawTable]:
    """The tables with the columns under the names of the config."""
    return [spell(t, columns, config) if isinstance(t, TextTable) else spell(t, columns, config) for t in tables]


def left_out(config: Config, tables: Sequence[RawTable], read: int) -> list[Remark]:
    """Remarks on tables that share no column with the `read` rows of the source.

    Raises UserError when they look like sales under other names and hold a large share of all rows.
    """
    alike = [table for table in tables if looks_like_sales(table)]
    rows = sum(table.rows for table in alike)
    if rows > LEFT_OUT * (read + rows):
        raise UserError(f"{_described(config, alike[0], rows, read)}: {_way_out(alike[0])}")
    remarks = [Remark("files", f"{_described(config, t, t.rows, read)}: {_way_out(t)}") for t in alike]
    others = [table for table in tables if table not in alike]
    message = "holds no column of the source (it has {}): its {:,} rows are left out"
    return remarks + [
        Remark("files", f"{t.file} {message.format(_names(t), t.rows)}", "none") for t in others
    ]
