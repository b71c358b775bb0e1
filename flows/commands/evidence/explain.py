"""`demandcast explain CONFIG`: what is behind published forecasts, or behind their change since the vintage before.

Takes the job's file, a condition on the series and days; prints a table and a sentence, and writes all rows to --out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.arguments import Cutoff, File, Sets, load_config, print_line
from forecasting.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from forecasting.steps.session import Session

SHOWN = 20
"""Inputs of trees on a screen."""
Where = Annotated[str | None, Parameter(help="Which series, like \"unique_id = 'S1/I01'\"; all of them if left out.")]
Days = Annotated[
    str | None, Parameter(name="--date", help="A day, or the first and the last, like 2026-01-05:2026-01-11.")
]
Changes = Annotated[bool, Parameter(name="--change", help="Why the forecast is another than in the vintage before.")]
Inputs = Annotated[bool, Parameter(name="--inputs", help="What each input of the trees adds to their forecast.")]
Out = Annotated[
    Path | None, Parameter(help="Write a row per series and day to this .parquet, .csv or .xlsx file, too.")
]


@Parameter(name="*")
@dataclass(frozen=True)
class Question:
    """What is to be explained: of which series, on which days, of which vintage; the forecast, or one of the others."""

    where: Where = None
    days: Days = None
    changes: Changes = False
    inputs: Inputs = False
    cutoff: Cutoff = None


def explain(config: File, /, *, question: Question = Question(), out: Out = None, set_: Sets = ()) -> None:
    """What is behind a forecast: level, trend, season, holidays, price, promotions, in units that add up to it."""
    span = _span(question.days) if question.days else None
    if question.changes and (span or question.cutoff or question.inputs):
        raise UserError("--change compares the newest two forecasts on all their common days: leave other options out")
    job = load_config(config, set_)
    from forecasting.steps.export import write_file
    from forecasting.steps.session import open_session

    rows, lines = _answer(open_session(job), question, span)
    if out:
        write_file(job, "explain", rows, out)
        lines.append(f"written to {out}")
    print_line("\n".join(lines))


def _answer(session: Session, question: Question, span: tuple[date, date] | None) -> tuple[pl.DataFrame, list[str]]:
    """Print a table; the rows behind it, and sentences about it."""
    from forecasting.steps.explaining import explain as explain_forecast
    from forecasting.steps.explaining import explain_change, explain_inputs
    from forecasting.steps.scenario import SeriesFilter

    series = SeriesFilter(question.where)
    if question.inputs:
        rows = explain_inputs(session, series, span, question.cutoff)
        _print_inputs(rows)
        return rows, []
    if question.changes:
        change = explain_change(session, series)
        _print_steps(change.rows)
        return change.rows, [*change.warnings, change.sentence]
    found = explain_forecast(session, series, span, question.cutoff)
    _print_components(found.rows)
    return found.rows, [*found.warnings, found.sentence]


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


def _print_inputs(rows: pl.DataFrame) -> None:
    import polars as pl

    from forecasting.services import console

    sums = rows.group_by("model", "input", "what").agg(pl.col("units").sum())
    largest = sums.sort(pl.col("units").abs(), "input", descending=[True, False]).select(
        "model", "input", "units", "what"
    )
    title = f"The {SHOWN} largest of {largest.height} inputs of the trees"
    console.print_table(largest.head(SHOWN), title, {"units": "{:+,.2f}"})
