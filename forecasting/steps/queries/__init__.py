"""The questions that the command line, the API and the pages ask of a job's tables; nothing here writes.

Forecasts are read through published vintages only, so a reader never sees a half-written one.
"""

from forecasting.steps.queries.lines import (
    Line,
    find_series,
    forecast,
    groups,
    history,
    line,
    models,
    series_count,
    vintages,
)
from forecasting.steps.queries.overview import CONTEXT, Change, Kpis, kpis, recent, top_series
from forecasting.steps.queries.planning import days_ahead, edit_of, outside, promotions_ahead, seen, spelled, what_if
from forecasting.steps.queries.status import Status, drift, facts, report, status

__all__ = [
    "CONTEXT",
    "Change",
    "Kpis",
    "Line",
    "Status",
    "days_ahead",
    "drift",
    "edit_of",
    "facts",
    "find_series",
    "forecast",
    "groups",
    "history",
    "kpis",
    "line",
    "models",
    "outside",
    "promotions_ahead",
    "recent",
    "report",
    "seen",
    "series_count",
    "spelled",
    "status",
    "top_series",
    "vintages",
    "what_if",
]
