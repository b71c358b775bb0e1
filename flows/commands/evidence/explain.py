"""`demandcast explain CONFIG`: what is behind published forecasts, or behind their change since the vintage before.

Takes the job's file, a condition on the series and days; prints a table and a sentence, and writes all rows to --out.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.arguments import Cutoff, File, Sets, load_config, print_line
from forecasting.errors import UserError

if TYPE_CHECKING:
    import polars as pl

Where = Annotated[str | None, Parameter(help="Which series, like \"unique_id = 'S1/I01'\"; all of them if left out.")]
Days = Annotated[
    str | None, Parameter(name="--date", help="A day, or the first and the last, like 2026-01-05:2026-01-11.")
]
Changes = Annotated[bool, Parameter(name="--change", help="Why the forecast is another than in the vintage before.")]
Out = Annotated[
    Path | None, Parameter(help="Write a row per series and day to this .parquet, .csv or .xlsx file, too.")
]


def explain(
    config: File,
    /,
    *,
    where: Where = None,
    days: Days = None,
    changes: Changes = False,
    cutoff: Cutoff = None,
    out: Out = None,
    set_: Sets = (),
) -> None:
    """What is behind a forecast: level, trend, season, holidays, price, promotions, in units that add up to it."""
    span = _span(days) if days else None
    if changes and (span or cutoff):
        raise UserError(
            "--change compares the newest two forecasts on all their common days: leave --date and --cutoff out"
        )
    job = load_config(config, set_)
    from forecasting.steps.explaining import explain as explain_forecast
    from forecasting.steps.explaining import explain_change
    from forecasting.steps.export import write_file
    from forecasting.steps.scenario import SeriesFilter
    from forecasting.steps.session import open_session

    session, series = open_session(job), SeriesFilter(where)
    if changes:
        found = explain_change(session, series)
        _print_steps(found.rows)
    else:
        found = explain_forecast(session, series, span, cutoff)
        _print_components(found.rows)
    if out:
        write_file(job, "explain", found.rows, out)
    print_line("\n".join([*found.warnings, found.sentence, *([f"written to {out}"] if out else [])]))


def _span(text: str) -> tuple[date, date]:
    from flows.scenario import parse_dates

    return parse_dates(text if ":" in text else f"{text}:{text}", "--date")


def _print_components(rows: pl.DataFrame) -> None:
    import polars as pl

    from forecasting.planning.explain import COMPONENTS, WORDS
    from forecasting.services import console

    total = float(rows["yhat"].sum())
    units = [float(rows[c].sum()) for c in COMPONENTS]
    named = {"component": [*COMPONENTS, "forecast"], "units": [*units, total]}
    table = pl.DataFrame(named | {"what it is": [*WORDS.values(), "the published mean forecast"]})
    console.print_table(table, "What the forecast is made of", {"units": "{:+,.2f}"})


def _print_steps(rows: pl.DataFrame) -> None:
    import polars as pl

    from forecasting.planning.explain import CHANGES
    from forecasting.services import console

    ends = {"before": "the forecast of the vintage before", **CHANGES, "after": "the newest forecast"}
    table = pl.DataFrame(
        {"step": list(ends), "units": [float(rows[c].sum()) for c in ends], "what it is": list(ends.values())}
    )
    console.print_table(table, "From the forecast before to the newest", {"units": "{:+,.2f}"})
