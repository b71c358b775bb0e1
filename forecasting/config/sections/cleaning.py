"""Sections about cleaning: Clean (gaps, small and fractional values, closed days, stock-outs) and Outliers.

Declarations of what shall happen to sales that are odd or missing; the cleaning itself is in data/cleaning.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from forecasting.config.declarations import Section
from forecasting.config.value_types import KeyList, StrictFloat, StrictInt


class Outliers(Section):
    """How outliers are found, and what is done with them."""

    rule: Literal["none", "far_out", "iqr", "hampel", "level_shift"] = Field(
        default="far_out",
        description="The test: single values 20 times all others of their series (far_out, typing errors), quartile "
        "range, Hampel filter, Hampel filter that accepts level shifts, or none.",
    )
    action: Literal["keep", "cap", "drop"] | None = Field(
        default=None,
        description="What happens to an outlier: flagged only, capped at the bound, or treated as not observed; null: "
        "drop for far_out, cap for the others.",
    )
    threshold: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="Bound in quartile ranges (iqr) or scaled median deviations (the others); null: by rule.",
    )
    window: Annotated[StrictInt, Field(ge=3)] | None = Field(
        default=None, description="Periods that an observation is compared with; null: by frequency."
    )

    @property
    def treatment(self) -> Literal["keep", "cap", "drop"]:
        """The action, by rule where none is given."""
        return self.action or ("drop" if self.rule == "far_out" else "cap")


class Clean(Section):
    """What happens to gaps, small values, fractions, leading zeros, closed days, stock-outs and outliers."""

    gaps: Literal["missing", "zero"] = Field(
        default="missing", description="A period without a row is not observed, or nothing was sold."
    )
    y_min: StrictFloat | None = Field(
        default=None,
        description="Least plausible y, which also bounds forecasts from below; null: every number counts, and no "
        "forecast of a series is below 0 that never was (0 where only `below` is given).",
    )
    below: Literal["quarantine", "zero", "missing"] = Field(
        default="quarantine", description="What happens to a y below y_min."
    )
    fractions: Literal["keep", "round", "quarantine"] = Field(
        default="keep", description="What happens to a y that is not a whole number."
    )
    leading_zeros: Literal["keep", "drop"] = Field(
        default="keep", description="Zeros before a series' first sale count as observed, or not."
    )
    closed: Literal["as_told", "rhythm", "infer"] = Field(
        default="rhythm",
        description="Closed periods: as columns.open and calendar.closed tell them; also by a rhythm of missing rows "
        "(weekdays, months, every second week without any); or also inferred from common zeros.",
    )
    closed_by: KeyList = Field(
        default=(),
        description="Static columns whose series close together; by default the levels of aggregation and the total.",
    )
    ended: Literal["auto", "never"] | Annotated[StrictInt, Field(ge=1)] = Field(
        default="auto",
        description="When a series of which no row comes any more has ended, and is forecast as 0: after a silence "
        "that its own gaps make improbable, a quarter at least, while others go on; never; or after so many periods.",
    )
    stock_outs: Literal["as_told", "infer"] = Field(
        default="as_told", description="Stock-outs: as columns.stock marks them, or also inferred from runs of zeros."
    )
    outliers: Outliers = Field(default=Outliers(), description="How outliers are found, and what is done with them.")

    @model_validator(mode="before")
    @classmethod
    def _nothing_below_0(cls, given: Any) -> Any:
        """Who says what happens to a y below y_min means that there is one: 0."""
        return {"y_min": 0.0, **given} if isinstance(given, dict) and "below" in given else given
