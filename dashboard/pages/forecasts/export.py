"""`export_csv(session, names, vintage, model)` returns the forecast that is shown as a CSV download for the browser.

A dict {content, filename, type}, or no update when nothing is chosen; no file is written on the server.
"""

from typing import Any

import polars as pl
from dash import no_update

from dashboard.choices import split_vintage
from dashboard.labels import selection_label
from forecasting.steps import export, queries
from forecasting.steps.session import Session


def export_csv(session: Session, names: list[str], vintage: str | None, model: str | None) -> Any:
    """The rows of `queries.read_forecast` as a CSV download, led by the columns line and vintage."""
    selection = queries.resolve_selection(session, names)
    if selection is None or vintage is None:
        return no_update
    rows = queries.read_forecast(session, selection, *split_vintage(vintage), model)
    rows = rows.select(pl.lit(selection_label(selection)).alias("line"), pl.lit(vintage).alias("vintage"), pl.all())
    name = f"{session.config.name}-forecast-{vintage.replace('@', '-')}.csv"
    return {"content": export.csv_text(rows), "filename": name, "type": "text/csv"}
