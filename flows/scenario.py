"""The scenario command: the question in, a table or a file out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from forecasting.config import Config
from forecasting.errors import UserError

SHOWN = 40  # rows on a screen


def days(span: str) -> tuple[date, date]:
    """`2016-05-23:2016-05-29` as two days; raises UserError."""
    try:
        start, end = (date.fromisoformat(day) for day in span.split(":"))
    except ValueError:
        raise UserError(f"--dates {span}: must be first and last day, for example 2016-05-23:2016-05-29") from None
    if end < start:
        raise UserError(f"--dates {span}: the last day lies before the first")
    return start, end


def answer(config: Config, where: str | None, changes: list[str], span: tuple[date, date], out: Path | None) -> str:
    """Run the scenario; write it to `out` or show it on stdout. Returns one sentence with the sums."""
    from forecasting.steps.export import write_file
    from forecasting.steps.scenario import run_scenario

    found = run_scenario(config, where, changes, *span)
    if out:
        write_file(config, "scenario", found, out)
    else:
        _show(found)
    before, after = (float(found[column].sum()) for column in ("baseline", "yhat"))
    series = found["unique_id"].n_unique()
    where = f"; written to {out}" if out else ""
    return f"{series:,} series: {before:,.1f} as planned, {after:,.1f} with the change ({after - before:+,.1f}){where}"


def _show(rows: pl.DataFrame) -> None:
    from forecasting.services import console

    left = f", the first {SHOWN} of {rows.height:,} rows (--out writes all)" if rows.height > SHOWN else ""
    console.table(rows.head(SHOWN), f"Scenario{left}")
