"""Queries of the routes of evidence: SeriesQuery names series, DatedQuery a day as well; `blaming` names the field of a
mistake in one.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, TypeVar

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field

from forecasting.errors import Option, UserError
from forecasting.steps.scenario import SeriesFilter

Made = TypeVar("Made")
Prefer = Annotated[str, Header(description="respond-async: as a job, however few series")]


class SeriesQuery(BaseModel):
    """The series of a query: one, those that meet a condition, or all."""

    model_config = ConfigDict(extra="forbid")

    unique_id: str | None = Field(default=None, max_length=1000, description="A series, as in GET /series.")
    where: str | None = Field(
        default=None, max_length=2000, description="A condition over the columns of the data, like store = 'S1'."
    )

    @property
    def filter(self) -> SeriesFilter:
        """The same for the core."""
        return SeriesFilter(self.where, self.unique_id)


class DatedQuery(SeriesQuery):
    """The series of a query, as of a day."""

    cutoff: date | None = Field(default=None, description="As of an earlier day; the newest one by default.")


def blaming(make: Callable[[], Made], field: str) -> Made:
    """What `make` returns; its mistakes are those of `field`, but of the series and of the condition where they are."""
    try:
        return make()
    except UserError as error:
        if error.needs or not isinstance(error.where, str):
            raise
        named = "where" if error.what.startswith("where ") else "unique_id" if "no series" in error.what else field
        raise UserError(error.what, where=Option(named)) from None
