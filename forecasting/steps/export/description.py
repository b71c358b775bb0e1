"""Description of exported rows: `describe_rows` returns [key, value] for the sheet `about` of an Excel file."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import EXPORTS

DEFAULT_ROW = "one row per {}"
"""What a row stands for in files that hold no registered export, like a scenario; `{}` is the unit of the frequency."""


def describe_rows(config: Config, table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """[key, value]: one row per fact about the exported rows, all as text.

    The facts are job, table, number of rows, cutoffs, models, frequency, units, the meaning of forecast columns, and
    the time of writing (UTC).
    """
    cutoffs = rows["cutoff"].drop_nulls().unique().sort() if "cutoff" in rows.columns else pl.Series([], dtype=pl.Date)
    models = rows["model"].unique().sort() if "model" in rows.columns else pl.Series([], dtype=pl.String)
    row = EXPORTS[table].row if table in EXPORTS else DEFAULT_ROW
    facts = {
        "job": config.name,
        "table": table,
        "rows": f"{rows.height:,}",
        "cutoffs": ", ".join(map(str, cutoffs)),
        "models": ", ".join(models),
        "frequency": row.format(config.frequency.unit),
        "units": "y, yhat, q50, lo-* and hi-* are in units of the source's target per period",
        "yhat, q50": "conditional mean (sum this one) and median",
        "lo-80, hi-80": "bounds of the central 80 % interval, other levels likewise; they do not add up over rows",
        "written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }
    return pl.DataFrame({"key": list(facts), "value": list(facts.values())})
