"""Sections about dates that matter: Calendar (whose public holidays count, paydays) and Events (own tables).

Declarations only: the table of an Events section is read elsewhere, the features are made in features/calendar.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from forecasting.config.declarations import Section
from forecasting.config.value_types import ColumnName, DayNames, NameList, StrictInt


class Events(Section):
    """An own table of events (campaigns, fairs, school holidays, matches)."""

    path: str = Field(description="File, folder or glob, local or s3://...")
    ds: ColumnName | None = Field(default=None, description="Column of the day of an event.")
    start: ColumnName | None = Field(default=None, description="Column of the first day of an event.")
    end: ColumnName | None = Field(default=None, description="Column of the last day of an event, included.")
    ds_format: str | None = Field(default=None, description="How its dates are written; see source.ds_format.")
    name: ColumnName | None = Field(
        default=None, description="Column that names the event; without it all rows are the same event."
    )
    on: NameList = Field(
        default=(),
        description="Static columns, which the file holds, too: an event counts for series with its value, and for all "
        "where the cell is empty.",
    )


class Calendar(Section):
    """Whose public holidays count, own events, and paydays."""

    country: str | None = Field(
        default=None, description="ISO code of the country whose public holidays count, such as DE."
    )
    region: str | None = Field(default=None, description="Code of the region within the country, such as BY.")
    country_column: ColumnName | None = Field(
        default=None, description="Static column that holds the country of a series; empty cells take `country`."
    )
    region_column: ColumnName | None = Field(
        default=None, description="Static column that holds the region of a series; empty cells take `region`."
    )
    holidays: dict[date, Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]] = Field(
        default_factory=dict,
        description="Further holidays, which the calendar of the country lacks, by day, such as 2026-06-19: Jubilee.",
    )
    events: dict[str, Events] = Field(default_factory=dict, description="Own tables of events by name.")
    closed: DayNames = Field(
        default=None,
        description="Weekdays (mon, tue, ...) and months (jan, feb, ...) in which all series are closed; null: as "
        "clean.closed finds them; []: none.",
    )
    paydays: tuple[StrictInt, ...] = Field(
        default=(), description="Days of the month on which wages are paid; -1 is the last."
    )
    paydays_move: Literal["before", "never"] = Field(
        default="before", description="Where a payday on a day off moves: to the working day before, or nowhere."
    )

    @property
    def further(self) -> tuple[tuple[date, str], ...]:
        """Day and name of the further holidays, the oldest first."""
        return tuple(sorted(self.holidays.items()))

    @property
    def place_columns(self) -> tuple[str, ...]:
        """The static columns that hold the place of a series."""
        return tuple(c for c in (self.country_column, self.region_column) if c)
