"""Questions that the command line, the API and the pages put to the tables of a job; nothing here writes.

Published forecasts are read through their vintages only, so a reader never sees a half-written one.
"""

from forecasting.steps.queries.drift import read_drift, read_drift_report, read_open_alerts, read_verdicts
from forecasting.steps.queries.forecasts import list_models, list_vintages, read_forecast
from forecasting.steps.queries.history import read_history
from forecasting.steps.queries.kpis import Kpis, YearOnYear, read_kpis
from forecasting.steps.queries.largest_series import read_largest_series
from forecasting.steps.queries.planning import read_plan, read_planned_promotions
from forecasting.steps.queries.recent_sales import RECENT_SPANS, read_recent_sales
from forecasting.steps.queries.selection import (
    TOTAL,
    Selection,
    count_series,
    find_series,
    list_aggregates,
    read_series_page,
    resolve_selection,
)
from forecasting.steps.queries.status import Status, read_run_facts, read_status

__all__ = [
    "RECENT_SPANS",
    "TOTAL",
    "Kpis",
    "Selection",
    "Status",
    "YearOnYear",
    "count_series",
    "find_series",
    "list_aggregates",
    "list_models",
    "list_vintages",
    "read_drift",
    "read_drift_report",
    "read_forecast",
    "read_history",
    "read_kpis",
    "read_largest_series",
    "read_open_alerts",
    "read_plan",
    "read_planned_promotions",
    "read_recent_sales",
    "read_run_facts",
    "read_series_page",
    "read_status",
    "read_verdicts",
    "resolve_selection",
]
