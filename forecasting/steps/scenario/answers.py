"""The whole answer to a what-if: `answer` takes a Session, Edits and a SeriesFilter and returns an Answer.

Command line, pages and API ask here. The baseline is a published vintage (the newest one, or that of a cutoff), which
stays as it is: nothing is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.data.edits import Edit
from forecasting.errors import Option, UserError
from forecasting.steps.scenario.measure import measure
from forecasting.steps.scenario.run import Scenario, compare_plans
from forecasting.steps.scenario.selection import ALL, SeriesFilter
from forecasting.steps.serving.held import served_for
from forecasting.steps.serving.served import Served
from forecasting.steps.session import Session


@dataclass(frozen=True)
class Answer:
    """`scenario`, row by row; its `sums` (see scenario/measure); cutoff and version of its vintage."""

    scenario: Scenario
    sums: pl.DataFrame
    cutoff: date
    version: int


def answer(session: Session, edits: Sequence[Edit], series: SeriesFilter = ALL, cutoff: date | None = None) -> Answer:
    """The forecasts of `series` as planned and with the edits, and what these add; see `compare_plans`."""
    return answer_from(vintage_at(session, cutoff), edits, series)


def answer_from(served: Served, edits: Sequence[Edit], series: SeriesFilter = ALL) -> Answer:
    """The same for what a process serves already."""
    scenario = compare_plans(served, edits, series)
    return Answer(scenario, measure(served, scenario), served.cutoff, served.version)


def vintage_at(session: Session, cutoff: date | None = None) -> Served:
    """The newest published vintage, or the newest one of a cutoff; raises UserError where there is none."""
    if session.vintages.is_empty():
        raise UserError("there is no forecast to compare with", where=session.config.name, needs="predict")
    if cutoff is None:
        return served_for(session)
    found = session.vintages.filter(pl.col("cutoff") == cutoff)
    if found.is_empty():
        known = ", ".join(map(str, session.vintages["cutoff"].unique().sort(descending=True).head(3)))
        raise UserError(
            f"no forecast from this day is published; there are those from {known}", where=Option("cutoff", cutoff)
        )
    return Served(session, found.row(0, named=True))
