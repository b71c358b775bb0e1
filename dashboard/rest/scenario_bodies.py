"""Bodies of the scenario routes: what a client sends and gets, and `scenario_body` and `scenario_result`, which fill
answers from saved scenarios and their Answers.
"""

from datetime import date, datetime
from typing import Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from forecasting.data.edits import format_edit
from forecasting.steps.actions import SavedScenario
from forecasting.steps.scenario import Answer

EXAMPLE = {
    "name": "Easter",
    "unique_id": "S1/tea",
    "changes": ["price*=0.9@2024-05-20:2024-05-22"],
    "reason": "asked for by the store",
}
MOST_ROWS = 20_000
"""Rows of days in one answer; of more series the sums alone are given, and a warning says so."""


class SeriesAsk(BaseModel):
    """The series that are asked about: one, or those that meet a condition."""

    model_config = ConfigDict(extra="forbid")

    unique_id: str | None = Field(default=None, max_length=1000)
    where: str | None = Field(default=None, max_length=2000, description="A condition, like store = 'S1'.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.unique_id is None) == (self.where is None):
            raise ValueError("give unique_id or where")
        return self


class ScenarioAsk(SeriesAsk):
    """A scenario to save."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    name: str = Field(min_length=1, max_length=100)
    changes: list[str] = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=1000)


class CopyAsk(BaseModel):
    """The name of a copy."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)


class SearchAsk(SeriesAsk):
    """Which value of a lever is best: of a price, times the present one."""

    column: str = Field(max_length=200, description="A column whose response is known, like price.")
    low: float
    high: float
    maximise: Literal["units", "revenue", "margin"] = "revenue"
    start: date | None = Field(default=None, description="The first day; without it the first of the forecast.")
    end: date | None = Field(default=None, description="The last day; without it the last of the forecast.")


class TriedValue(BaseModel):
    """One tried value: sums over the horizon of all series, and what it adds to the goal beside the plan."""

    tried: float
    units: float
    revenue: float | None = None
    margin: float | None = None
    gain: float
    low: float = Field(description="Lower end of the 90 % interval of the gain.")
    high: float
    outside: int = Field(description="Series for which the value lies outside of what was seen.")


class BestValue(BaseModel):
    """The best value of one series within what it has had."""

    unique_id: str
    tried: float
    gain: float
    low: float
    high: float
    changes: int = Field(description="How often the column was seen to change.")
    verdict: str


class SearchResult(BaseModel):
    """What a search found; `sentences` say what is best of one value for all, and what is unknown."""

    tried: list[TriedValue]
    best: list[BestValue]
    sentences: list[str]


class ScenarioBody(BaseModel):
    """A saved scenario in its newest version."""

    name: str
    unique_id: str | None
    where: str | None
    changes: list[str]
    author: str
    time: datetime
    reason: str
    version: int


class ScenarioRow(BaseModel):
    """One period of a series: the forecast as planned, with the changes, and the difference, in units of the target;
    revenue and margin are null where no price or cost is known.
    """

    unique_id: str
    ds: date
    changed: bool = Field(description="Whether a value of the plan is changed on this day.")
    baseline: float
    mean: float
    difference: float
    source: str | None = Field(description="The model behind the mean; of a new series the one that it is like.")
    price: float | None
    revenue_difference: float | None
    margin_difference: float | None


class ScenarioSum(BaseModel):
    """Units, revenue or margin over the changed days or the horizon, with the intervals of the difference."""

    unique_id: str = Field(description="A series, or all series where there are several.")
    over: str
    measure: str
    baseline: float
    scenario: float
    difference: float
    intervals: dict[str, float] = Field(description="Bounds of the difference, as lo-80 and hi-80.")


class ScenarioResult(ScenarioBody):
    """A saved scenario and what it would do."""

    rows: list[ScenarioRow] = Field(description="None where its days are no longer ahead: `warnings` says so.")
    sums: list[ScenarioSum]
    warnings: list[str]
    cutoff: date | None = Field(description="The day from which the forecast was made that it is compared with.")


def scenario_body(saved: SavedScenario) -> ScenarioBody:
    """A saved scenario as a body."""
    return ScenarioBody(**_fields(saved))


def scenario_result(saved: SavedScenario, answer: Answer | None, error: str = "") -> ScenarioResult:
    """A saved scenario with its answer; without one, `error` is the warning."""
    if answer is None:
        return ScenarioResult(**_fields(saved), rows=[], sums=[], warnings=[error], cutoff=None)
    rows, warnings = answer.scenario.rows, list(answer.scenario.warnings)
    if rows.height > MOST_ROWS:
        warnings.append(f"the {rows.height:,} rows of single days are left out: the sums hold each series")
        rows = rows.clear()
    return ScenarioResult(
        **_fields(saved),
        rows=[ScenarioRow(mean=row["yhat"], **_of(ScenarioRow, row)) for row in rows.iter_rows(named=True)],
        sums=sum_bodies(answer.sums),
        warnings=warnings,
        cutoff=answer.cutoff,
    )


def sum_bodies(sums: pl.DataFrame) -> list[ScenarioSum]:
    """The sums of an answer as bodies."""
    bounds = [c for c in sums.columns if c.startswith(("lo-", "hi-"))]
    return [
        ScenarioSum(intervals={c: row[c] for c in bounds}, **_of(ScenarioSum, row))
        for row in sums.iter_rows(named=True)
    ]


def _of(body: type[BaseModel], row: dict[str, object]) -> dict[str, object]:
    return {name: row[name] for name in body.model_fields if name in row}


def _fields(saved: SavedScenario) -> dict[str, object]:
    names = ("name", "unique_id", "where", "author", "time", "reason", "version")
    kept = {name: getattr(saved, name) for name in names}
    return kept | {"changes": [format_edit(edit) for edit in saved.edits]}
