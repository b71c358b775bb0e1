"""The scenario command: `report_scenario` runs a scenario, and shows its rows as a table or writes them to a file.

It takes a Config, an SQL condition on the series (None: all), changes like "price*=0.9", the span of days and a file or
None; it returns the text to print. `parse_dates` reads the span. Nothing is stored.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from forecasting.config import Config
from forecasting.errors import UserError

SHOWN = 40  # rows on a screen


def parse_dates(span: str, option: str = "--dates") -> tuple[date, date]:
    """`2016-05-23:2016-05-29` as two days; raises UserError that names the option."""
    try:
        start, end = (date.fromisoformat(day) for day in span.split(":"))
    except ValueError:
        raise UserError(f"{option} {span}: must be first and last day, for example 2016-05-23:2016-05-29") from None
    if end < start:
        raise UserError(f"{option} {span}: the last day lies before the first")
    return start, end


def report_scenario(
    config: Config, where: str | None, changes: list[str], span: tuple[date, date], out: Path | None
) -> str:
    """Run the scenario; write it to `out` or show it on stdout. Returns its warnings and one sentence with the sums."""
    from forecasting.planning.scenario import parse_changes
    from forecasting.steps.export import write_file
    from forecasting.steps.scenario import SeriesFilter, run_scenario
    from forecasting.steps.session import open_session

    found = run_scenario(open_session(config), parse_changes(changes, span), SeriesFilter(where))
    if out:
        write_file(config, "scenario", found.rows, out)
    else:
        _show(found.rows)
    before, after = (float(found.rows[column].sum()) for column in ("baseline", "yhat"))
    series = found.rows["unique_id"].n_unique()
    place = f"; written to {out}" if out else ""
    sums = f"{series:,} series: {before:,.1f} as planned, {after:,.1f} with the change ({after - before:+,.1f}){place}"
    return "\n".join([*found.warnings, sums])


def _show(rows: pl.DataFrame) -> None:
    from forecasting.services import console

    left = f", the first {SHOWN} of {rows.height:,} rows (--out writes all)" if rows.height > SHOWN else ""
    console.print_table(rows.head(SHOWN), f"Scenario{left}")
