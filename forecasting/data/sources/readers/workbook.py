"""Workbooks (.xlsx, .xls, .ods): `open_workbook` takes a file and its content and returns a TypedTable per sheet.

Cells have the types that the program stored. Titles may stand above the header of a sheet; sheets without a table are
left out with a remark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from forecasting.data.sources.readers.header import NotATableError, Wanted, clean_name, find_header, usual_width
from forecasting.data.sources.readers.raw_bytes import ZIP, Part, Readable, members
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.errors import UserError
from forecasting.remarks import Remark

if TYPE_CHECKING:
    from fastexcel import ExcelReader

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
"""Endings of file names."""
OLD = b"\xd0\xcf\x11\xe0"
"""First bytes of old workbooks, and of locked new ones."""
INSIDE = {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}
"""A workbook is an archive with one of these files."""
SAMPLE = 200
"""Rows by which the header of a sheet is found."""
MIDNIGHT = " 00:00:00"
"""The end of a date among names."""


def is_workbook(file: Readable, content: bytes) -> bool:
    """Whether the content is that of a workbook; raises UserError for a damaged archive."""
    return content.startswith(OLD) or (content.startswith(ZIP) and bool(INSIDE & set(members(file, content))))


def open_workbook(file: Readable, content: bytes, wanted: Wanted, sheets: Sequence[str]) -> list[TypedTable]:
    """The tables of a workbook: of the named sheets, or of all that hold one.

    Raises UserError when it is damaged or locked, lacks a named sheet, or holds no table.
    """
    reader = _reader(file, content)
    missing = [sheet for sheet in sheets if sheet not in reader.sheet_names]
    if missing:
        raise UserError(f"{file}: has no sheet {missing[0]!r}; it has: {', '.join(reader.sheet_names)}")
    names = sheets or reader.sheet_names
    found = {name: _open_sheet(file, reader, name, wanted) for name in names}
    tables = [table for table in found.values() if table]
    if not tables:
        raise NotATableError(
            f"{file}: none of its sheets holds a table: a header like `date, sales` with rows below it"
        )
    tables = [replace(table, file=file) for table in tables] if len(reader.sheet_names) == 1 else tables
    without = [repr(name) for name, table in found.items() if not table]
    if not without:
        return tables
    remark = Remark("files", f"the sheets {', '.join(without)} of its workbook hold no table and are left out", "none")
    return [replace(tables[0], remarks=(*tables[0].remarks, remark)), *tables[1:]]


def _reader(file: Readable, content: bytes) -> ExcelReader:
    import fastexcel

    try:
        return fastexcel.read_excel(content)
    except fastexcel.FastExcelError as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(
            f"{file}: cannot be read as a workbook ({reason}): open it, take away its password if it has one, and save "
            "it as .xlsx or CSV"
        ) from None


def _open_sheet(file: Readable, reader: ExcelReader, name: str, wanted: Wanted) -> TypedTable | None:
    """The table of a sheet; None when it holds none."""
    sample = reader.load_sheet(name, header_row=None, skip_rows=0, n_rows=SAMPLE, dtypes="string").to_polars()
    records = {i: [cell or "" for cell in row] for i, row in enumerate(sample.iter_rows()) if any(row)}
    if usual_width(list(records.values())) == 1 or len(records) < 2:
        return None
    place = list(records)[find_header(list(records.values()), wanted)]
    names = _unique([clean_name(cell).removesuffix(MIDNIGHT) for cell in records[place]])
    frame = reader.load_sheet(name, header_row=None, skip_rows=place + 1, schema_sample_rows=None).to_polars()
    if frame.width != len(names):
        raise UserError(f"{file}/{name}: row {place + 1} is no header of its {frame.width} columns: mend the sheet")
    frame.columns = names
    filled = frame.select(~pl.all_horizontal(pl.all().is_null())).to_series()
    lines = pl.int_range(place + 2, place + 2 + frame.height, dtype=pl.Int64, eager=True)
    frame, lines, empty = frame.filter(filled), lines.filter(filled), int((~filled).sum())
    if not frame.height:
        return None
    text = frozenset(c for c, kind in frame.schema.items() if kind == pl.String)
    remarks = _above_header([i + 1 for i in records if i < place], place + 1)
    part = Part(file, name)
    return TypedTable(part, tuple(names), frame.height, frame.lazy(), "a workbook", text, lines, empty, remarks)


def _unique(names: Sequence[str]) -> list[str]:
    """The names, of which empty and equal ones get the number of their column."""
    return [n if n and names.count(n) == 1 else f"{n} (column {i + 1})".strip() for i, n in enumerate(names)]


def _above_header(rows: Sequence[int], header: int) -> tuple[Remark, ...]:
    """A remark on rows above the header, if there are any."""
    if not rows:
        return ()
    which = f"row {rows[0]} is" if len(rows) == 1 else f"rows {rows[0]}-{rows[-1]} are"
    return (Remark("files", f"{which} no part of the table: the header is row {header}", "none"),)
