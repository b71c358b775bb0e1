"""The scenario command: `report_scenario` runs a scenario, `report_search` tries values of a lever; both show tables.

They take a Config and what is asked, write all rows to a file where one is given, and return the text to print.
`parse_dates` reads a span of days, `parse_between` a span of numbers. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from forecasting.config import Config
from forecasting.errors import UserError

if TYPE_CHECKING:
    from forecasting.steps.scenario.optimise import Question

SHOWN = 40  # rows on a screen
NUMBER, SIGNED = "{:,.1f}", "{:+,.1f}"


@dataclass(frozen=True)
class Files:
    """Where rows of days, and sums of series, are written; None: nowhere."""

    rows: Path | None = None
    sums: Path | None = None


def parse_dates(span: str, option: str = "--dates") -> tuple[date, date]:
    """`2016-05-23:2016-05-29` as two days; raises UserError that names the option."""
    try:
        start, end = (date.fromisoformat(day) for day in span.split(":"))
    except ValueError:
        raise UserError(f"{option} {span}: must be first and last day, for example 2016-05-23:2016-05-29") from None
    if end < start:
        raise UserError(f"{option} {span}: the last day lies before the first")
    return start, end


def parse_between(span: str, option: str = "--between") -> tuple[float, float]:
    """`0.7:1.1` as two numbers; raises UserError that names the option."""
    from forecasting.data.edits import parse_number

    numbers = [parse_number(text) for text in span.split(":")]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        raise UserError(f"{option} {span}: must be two numbers, for example 0.7:1.1")
    return numbers[0], numbers[1]


def report_scenario(
    config: Config,
    where: str | None,
    changes: Sequence[str],
    span: tuple[date, date] | None,
    files: Files = Files(),
    cutoff: date | None = None,
) -> str:
    """Run the scenario on the days of `span` (None: the horizon); write it to files, or show it on stdout.

    Returns its warnings and one sentence with the sums.
    """
    from forecasting.planning.scenario import parse_changes
    from forecasting.steps.export import write_file
    from forecasting.steps.scenario import SeriesFilter, answer_from, vintage_at
    from forecasting.steps.session import open_session

    served = vintage_at(open_session(config), cutoff)
    found = answer_from(served, parse_changes(changes, span or served.days), SeriesFilter(where))
    rows, sums = found.scenario.rows, found.sums
    if files.rows:
        write_file(config, "scenario", rows, files.rows)
    else:
        _show(_columns_shown(rows), "Scenario")
    if files.sums:
        write_file(config, "scenario sums", sums, files.sums)
    every = sums.filter(pl.col("unique_id") == sums["unique_id"].first())
    _show(every.drop("unique_id"), "What it adds, with the interval of the difference")
    before, after = (float(rows[column].sum()) for column in ("baseline", "yhat"))
    series = rows["unique_id"].n_unique()
    place = f"; written to {files.rows}" if files.rows else ""
    text = f"{series:,} series: {before:,.1f} as planned, {after:,.1f} with the change ({after - before:+,.1f}){place}"
    against = f"compared with the forecast from {found.cutoff}, version {found.version}"
    return "\n".join([*found.scenario.warnings, text, against])


def report_search(config: Config, where: str | None, question: Question, out: Path | None) -> str:
    """Try values of a lever; show them, and write those of each series.

    Returns what is best, and what is unknown.
    """
    from forecasting.steps.export import write_file
    from forecasting.steps.scenario import SeriesFilter, vintage_at
    from forecasting.steps.scenario.optimise import optimise
    from forecasting.steps.session import open_session

    found = optimise(vintage_at(open_session(config)), question, SeriesFilter(where))
    tried = {"tried": "{:g}", "gain": SIGNED}
    _show(
        found.tried,
        f"Tried values of {question.column} (gain: more {question.goal} than as planned; outside: series beyond their "
        "range)",
        tried,
    )
    if found.best.height > 1:
        _show(found.best.sort("gain", descending=True), "The best value of each series within its range", tried)
    if out:
        write_file(config, "scenario search", found.every, out)
    place = [f"every tried value of each series written to {out}"] if out else []
    return "\n".join([*found.sentences, *place])


def _columns_shown(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of which there is room on a screen, without those that hold nothing."""
    names = ["unique_id", "ds", "baseline", "yhat", "difference", "price", "revenue_difference", "margin_difference"]
    bounds = [c for c in rows.columns if c.startswith(("difference-lo-", "difference-hi-"))][:2]
    kept = [c for c in [*names[:5], *bounds, *names[5:]] if rows[c].count()]
    return rows.select(kept)


def _show(rows: pl.DataFrame, title: str, formats: Mapping[str, str] | None = None) -> None:
    from forecasting.services import console

    left = f", the first {SHOWN} of {rows.height:,} rows (--out writes all)" if rows.height > SHOWN else ""
    numbers = {c: NUMBER for c, kind in rows.schema.items() if kind == pl.Float64 and c != "price"}
    console.print_table(rows.head(SHOWN), f"{title}{left}", numbers | dict(formats or {}))
