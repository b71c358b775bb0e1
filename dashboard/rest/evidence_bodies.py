"""Bodies of the routes of evidence: what is behind forecasts, how sales respond to levers, and what past events did.

`explanation_body`, `change_body`, `inputs_body` and `events_body` fill them from what the core has found.
"""

from datetime import date
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from forecasting.planning.explain import ANSWERS, CHANGES, COMPONENTS, WORDS
from forecasting.steps.explaining import Change, Explanation, PastEvents

EXAMPLE = {
    "unique_id": "S1/tea",
    "ds": "2024-05-20",
    "mean": 23.6,
    "components": {"level": 25.1, "trend": -1.2, "season": 2.0, "holiday": 0.0, "price": -3.1, "rest": 0.8},
    "model_price": -2.7,
    "model_promotion": 0.0,
    "first_price": 1.49,
}


class ExplainedRow(BaseModel):
    """The forecast of one series in one period and what it is made of, in units of the target."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    unique_id: str
    ds: date
    mean: float
    components: dict[str, float] = Field(description=f"They add up to the mean. {', '.join(WORDS)}.")
    model_price: float | None = Field(description="What the forecast has from its price, by the model's own answer.")
    model_promotion: float | None = Field(description="The same of the planned promotion.")
    first_price: float | None = Field(description="The price with which `price` compares: that of the beginning.")


class Explanations(BaseModel):
    """What is behind published forecasts."""

    sentence: str = Field(description="What is behind all rows together.")
    warnings: list[str]
    rows: list[ExplainedRow]


class ChangedRow(BaseModel):
    """The forecast of one series in one period in two vintages, and the steps that lead from one to the other."""

    unique_id: str
    ds: date
    before: float
    steps: dict[str, float] = Field(description=f"They add up to after less before. {', '.join(CHANGES)}.")
    after: float


class Changes(BaseModel):
    """Why forecasts are others than in the vintage before."""

    sentence: str
    warnings: list[str]
    rows: list[ChangedRow]


class InputRow(BaseModel):
    """What one input of the trees of a model adds to the forecast of one series in one period."""

    unique_id: str
    ds: date
    model: str
    input: str
    units: float
    what: str = Field(description="The input in words.")


class Inputs(BaseModel):
    """What the inputs of the trees behind published forecasts add, the largest of each row first."""

    rows: list[InputRow]


class PastEvent(BaseModel):
    """One past promotion or change of price: what was sold against what was to be expected without it."""

    unique_id: str
    kind: str = Field(description="promotion, or price: a change of price without a promotion.")
    start: date
    end: date = Field(description="The last day; of a change of price at most four seasons later.")
    periods: int = Field(description="Days of it on which sales were observed.")
    price_before: float | None
    price: float | None
    sold: float
    baseline: float | None = Field(description="Units to be expected without it.")
    uplift: float | None
    low: float | None = Field(description="Lower end of the 90 % interval of the uplift.")
    high: float | None
    share: float | None = Field(description="Uplift over baseline.")
    dip: float | None = Field(description="Units sold in the season after it above what was to be expected.")
    halo: float | None = Field(description="The same of other series of the market during it.")
    others: int | None = Field(description="Other events of the market on the same days: they share the halo.")
    net: float | None = Field(description="Uplift and dip together.")
    revenue: float | None
    margin: float | None = Field(description="null where no cost is known.")


class Events(BaseModel):
    """What past promotions and changes of price are associated with, by series and day."""

    sentence: str
    warnings: list[str]
    items: list[PastEvent]


def explanation_body(found: Explanation) -> Explanations:
    """An explanation as a body."""
    other = ("unique_id", "ds", *ANSWERS, "first_price")
    rows = [
        ExplainedRow.model_construct(
            **{name: row[name] for name in other}, mean=row["yhat"], components={c: row[c] for c in COMPONENTS}
        )
        for row in _rows(found.rows)
    ]
    return Explanations.model_construct(sentence=found.sentence, warnings=[*found.warnings], rows=rows)


def change_body(change: Change) -> Changes:
    """A bridge between two vintages as a body."""
    ends = ("unique_id", "ds", "before", "after")
    rows = [
        ChangedRow.model_construct(**{name: row[name] for name in ends}, steps={c: row[c] for c in CHANGES})
        for row in _rows(change.rows)
    ]
    return Changes.model_construct(sentence=change.sentence, warnings=[*change.warnings], rows=rows)


def inputs_body(rows: pl.DataFrame) -> Inputs:
    """What inputs add, as a body."""
    return Inputs.model_construct(rows=[InputRow.model_construct(**row) for row in _rows(rows)])


def events_body(found: PastEvents) -> Events:
    """Past events as a body."""
    rows = found.rows.rename({"lo-90": "low", "hi-90": "high"}).select(list(PastEvent.model_fields))
    items = [PastEvent.model_construct(**row) for row in _rows(rows)]
    return Events.model_construct(sentence=found.sentence, warnings=[*found.warnings], items=items)


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows; what is no number is null."""
    floats = pl.selectors.float()
    return frame.with_columns(pl.when(floats.is_finite()).then(floats)).to_dicts()
