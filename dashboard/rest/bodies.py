"""The forms that several resources answer in: `Interval`, `ForecastRow`, and the functions that make them of frames."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl
from pydantic import BaseModel, Field

EXAMPLE_ROW = {
    "unique_id": "S1/tea",
    "ds": "2024-05-20",
    "mean": 23.6,
    "median": 23.1,
    "bounds": [{"level": 80, "lo": 13.7, "hi": 33.5}],
    "source": "Combination",
    "fallback": False,
    "price": 1.69,
    "revenue": 39.9,
}


class Interval(BaseModel):
    """Bounds between which a value lies with a probability of `level` percent."""

    level: int
    lo: float | None
    hi: float | None


class ForecastRow(BaseModel):
    """The forecast of one series in one period, in units of the target."""

    model_config = {"json_schema_extra": {"examples": [EXAMPLE_ROW]}}

    unique_id: str
    ds: date = Field(description="First day of the period.")
    mean: float = Field(description="The expected value: means of rows add up.")
    median: float | None = Field(description="As likely exceeded as not.")
    bounds: list[Interval] = Field(description="Prediction intervals of this one row; they do not add up.")
    source: str = Field(description="What the row comes from: a model, similar series, `closed`, or a fallback.")
    fallback: bool = Field(description="Whether a naive forecast stands in for the model.")
    price: float | None = Field(description="The price that the row is for, where the job has prices.")
    revenue: float | None = Field(description="mean times price.")


class Origin(BaseModel):
    """What a forecast was made by, and what it knew."""

    cutoff: date = Field(description="The last day that the forecast knows.")
    version: int = Field(description="Version of the models.")
    model: str = Field(description="The champion: the model that is served.")


def row_values(row: dict[str, Any], levels: Iterable[int]) -> dict[str, Any]:
    """A row of a frame with yhat, q50, lo-L and hi-L in the names of a ForecastRow."""
    bounds = [Interval.model_construct(level=n, lo=row[f"lo-{n}"], hi=row[f"hi-{n}"]) for n in levels]
    kept = {name: row[name] for name in ("unique_id", "ds", "source", "fallback", "price", "revenue")}
    return {"mean": row["yhat"], "median": row["q50"], "bounds": bounds, **kept}


def forecast_rows(rows: pl.DataFrame, levels: Iterable[int]) -> list[ForecastRow]:
    """The rows of a frame as bodies."""
    levels = list(levels)
    return [ForecastRow.model_construct(**row_values(row, levels)) for row in rows.iter_rows(named=True)]
