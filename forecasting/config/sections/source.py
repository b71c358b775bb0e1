"""Sections about raw rows: Source (where they come from), SideTable (a table joined to them), Columns (roles), Limits.

Declarations only: no file or database is opened here. Limits say when a load is refused as a whole; Columns tell which
columns are known for coming days, known only afterwards, or the same on all days of a series.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field, PrivateAttr

from forecasting.config.declarations import Section
from forecasting.config.value_types import (
    ColumnName,
    Encoding,
    Example,
    KeyMap,
    NameList,
    NameMap,
    Span,
    StrictFloat,
    StrictInt,
    Zone,
)


class Source(Section):
    """Where the raw rows come from."""

    kind: str = Field(
        default="table",
        description="Layout of the source: table, transactions, sql, rossmann, m5, favorita or synthetic.",
    )
    path: str | None = Field(
        default=None, description="File, folder or glob, local or s3://...; for kind sql the address of the database."
    )
    columns: dict[str, NameList] | None = Field(
        default=None,
        description="The source's columns for unique_id (several are joined with a slash), ds (or those of its parts, "
        "such as [year, week]), y and deleted (marks rows to take out). Left out: found by their names; without "
        "unique_id the one series has the job's name.",
    )
    ds_format: str | None = Field(
        default=None,
        description='How dates are written, such as "%d.%m.%Y", "%G-W%V", excel or unix; null: it is inferred.',
    )
    aliases: dict[ColumnName, NameList] = Field(
        default={},
        description="Other names that columns have in some files, such as {date: [Datum, Fecha]}; upper and lower case "
        "and spaces around never matter.",
    )
    wide: ColumnName | None = Field(
        default=None,
        description="The one of `columns` that the header of the file stands for: the id column where every item is a "
        "column, the date column where every period is one.",
    )
    sheets: NameList = Field(
        default=(), description="Sheets of a workbook (.xlsx, .xls, .ods) that are read; left out: all with a table."
    )
    encoding: Encoding | None = Field(
        default=None,
        description="Encoding of text files, such as cp1251 or shift_jis; null: UTF-8, UTF-16 or Windows-1252.",
    )
    time_zone: Zone | None = Field(
        default=None,
        description="The shop's time zone, such as Europe/Berlin: times with a zone or an offset count to the day on "
        "its clock; null: to the day as written.",
    )
    day_starts: str = Field(
        default="00:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Time at which the shop's day begins, such as 04:00: earlier sales are of the day before.",
    )
    format: Example | dict[ColumnName, Example] | None = Field(
        default=None,
        description='How numbers are written, by an example: "1.234,5" for all columns, or {units: "1.234,5"} by '
        "column (text: it holds names); null: found from the cells, and refused where they leave a doubt.",
    )
    ids: Literal["as_written", "folded"] = Field(
        default="as_written",
        description="Names of series: as they are written, or in one spelling: lower case, single spaces, no leading "
        "zeros, so that 00123 and 123 are one.",
    )
    reads: Literal["everything", "new_files"] = Field(
        default="everything",
        description="What a load reads: everything, or only the files that no load has read yet (a landing folder).",
    )
    options: dict[str, Any] = Field(default={}, description="Options of this kind of source, which checks them itself.")
    _only: tuple[str, ...] = PrivateAttr(default=())

    @property
    def only(self) -> tuple[str, ...]:
        """The files of a landing folder that one load reads; empty: all that `path` matches."""
        return self._only


class SideTable(Section):
    """A further table (stores, items, prices, promotions, stock) that is joined to the rows of the source."""

    path: str = Field(description="File, folder or glob, local or s3://...")
    on: KeyMap = Field(
        default_factory=dict,
        description="Columns of the panel by which it is joined, and their names in the file; a list if alike.",
    )
    ds: ColumnName | None = Field(default=None, description="Column of the day that a row is about.")
    start: ColumnName | None = Field(default=None, description="Column of the first day that a row is about.")
    end: ColumnName | None = Field(
        default=None,
        description="Column of the last day that a row is about; without it a row holds until the next start.",
    )
    ds_format: str | None = Field(default=None, description="How its dates are written; see source.ds_format.")
    format: Example | dict[ColumnName, Example] | None = Field(
        default=None, description="How its numbers are written; see source.format."
    )
    columns: NameMap = Field(
        description="Columns that are taken, by their names in the panel; `=1` or `=text` in the place of a file's "
        "column is that value on all rows."
    )
    missing: dict[ColumnName, float | str] = Field(
        default_factory=dict, description="Value of a column on rows without a match; without one they are null."
    )

    @property
    def dated(self) -> bool:
        """Whether a row of the table is about a day or a range of days."""
        return bool(self.ds or self.start)


class Columns(Section):
    """Roles of the columns other than unique_id, ds and y."""

    known_ahead: NameList = Field(default=(), description="Columns whose values are known for coming days, too.")
    known_after: NameList = Field(default=(), description="Columns whose values come only with the sales.")
    static: NameList = Field(default=(), description="Columns that are the same on all days of a series.")
    price: ColumnName | None = Field(default=None, description="The column that holds the price; one of known_ahead.")
    cost: ColumnName | None = Field(
        default=None, description="The column that holds the cost of a unit; by default one of known_after."
    )
    promo: ColumnName | None = Field(default=None, description="The column that marks promotions; one of known_ahead.")
    open: ColumnName | None = Field(
        default=None, description="The column that marks open days, one of known_ahead: on a closed day y is 0."
    )
    stock: ColumnName | None = Field(
        default=None, description="The column of the stock, by default one of known_after: at 0, y is not observed."
    )


class Limits(Section):
    """When a load is refused as a whole."""

    quarantined: StrictFloat = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Largest share of rows that break a rule; one row may, unless the share is 0.",
    )
    repeated: StrictFloat = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Largest share of rows that repeat an earlier row of their file, which count once; one may, unless "
        "the share is 0.",
    )
    unmatched: StrictFloat = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Largest share of rows without a match in a further table that has no `missing`.",
    )
    volume: tuple[StrictFloat, StrictFloat] | None = Field(
        default=None, description="Least and largest number of lines, as shares of the last load's."
    )
    max_age: StrictInt | None = Field(default=None, ge=0, description="Largest age of the newest sale, in days.")
    dates: Span = Field(
        default=(date(1900, 1, 1), date(2100, 1, 1)),
        description="First and last plausible date of a row; without it, sales years from all others are none.",
    )
