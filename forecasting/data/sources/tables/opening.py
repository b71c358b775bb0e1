"""From a file to its tables: `open_file` takes a file and returns a table, or those of a workbook or an archive.

What a file is follows from its content, since names lie: a workbook may be called .csv, and a text .xls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from forecasting.columns import column_name
from forecasting.config import Config
from forecasting.config.sections import Source
from forecasting.data.sources.readers.header import NotATableError, Wanted
from forecasting.data.sources.readers.parquet import is_parquet, open_parquet
from forecasting.data.sources.readers.raw_bytes import ZIP, Part, Readable, members, read_bytes, unpacked
from forecasting.data.sources.readers.text.large_text import open_large_text
from forecasting.data.sources.readers.text.text_table import parse_text
from forecasting.data.sources.readers.workbook import is_workbook, open_workbook
from forecasting.data.sources.source_files import TABLES, is_table_file
from forecasting.data.sources.tables.spelling import RawTable, set_apart, wanted_names
from forecasting.data.sources.tables.wide import wide_columns
from forecasting.errors import UserError
from forecasting.io.storage import File
from forecasting.remarks import Remark

NAMED = 5
"""So many files of an archive that are left out are named, and the others counted."""


def open_file(file: File, config: Config, columns: Sequence[str] = ()) -> list[RawTable]:
    """The tables of a file: one, or those of a workbook or an archive; raises UserError when there is none.

    `columns` are names by which a header is known, see `open_tables`.
    """
    if is_parquet(file):
        return [set_apart(open_parquet(file))]
    wanted = wanted_names(config, columns or _key_columns(config))
    large = open_large_text(file, wanted, config.source.encoding)
    tables = [large] if large else _open_content(file, read_bytes(file), wanted, config.source)
    return [set_apart(table) for table in tables]


def _open_content(file: Readable, content: bytes, wanted: Wanted, source: Source) -> list[RawTable]:
    """The tables of a file by its content, whatever its name ends with."""
    if content.startswith(b"PAR1") and isinstance(file, Part):
        raise UserError(f"{file}: is a Parquet file in an archive: unpack the archive")
    if is_workbook(file, content):
        return [*open_workbook(file, content, wanted, source.sheets)]
    return (
        _open_archive(file, content, wanted, source)
        if content.startswith(ZIP)
        else [parse_text(file, content, wanted, source.encoding)]
    )


def _open_archive(file: Readable, content: bytes, wanted: Wanted, source: Source) -> list[RawTable]:
    """The tables of the files in a zip archive; a remark names files that are none."""
    parts = [Part(file, name) for name in members(file, content)]
    chosen = [part for part in parts if is_table_file(part)]
    if not chosen:
        raise UserError(f"{file}: holds no {', '.join(TABLES)} file: pack the tables into it")
    tables: list[RawTable] = []
    notes: dict[str, NotATableError] = {}
    for part in chosen:
        try:
            tables += _open_content(part, unpacked(part, content), wanted, source)
        except NotATableError as error:
            notes[part.inner] = error
    if not tables:
        raise next(iter(notes.values()))
    others = [*(part.inner for part in parts if part not in chosen), *notes]
    if others:
        more = f" and {len(others) - NAMED:,} more" if len(others) > NAMED else ""
        message = f"its archive also holds {', '.join(others[:NAMED])}{more}, which are no tables and left out"
        tables[0] = replace(tables[0], remarks=(*tables[0].remarks, Remark("files", message, "none")))
    return tables


def _key_columns(config: Config) -> list[str]:
    """The columns of unique_id, ds and y that files have, or the names by which they are found."""
    columns, missing = config.source.columns or {key: (column_name(key),) for key in ("ds", "y")}, wide_columns(config)
    return [n for key, names in columns.items() if key != "deleted" for n in names if n not in missing]
