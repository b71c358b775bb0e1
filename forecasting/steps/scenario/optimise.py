"""The best value of a lever: `optimise` takes a Served, a Question and a SeriesFilter and returns an Optimum.

Each tried value is a scenario of its own; nothing is stored. Values outside of what a series has had are shown, and do
not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.data.edits import Edit
from forecasting.errors import UserError
from forecasting.planning.paired import HORIZON, TOTAL
from forecasting.planning.response.levers import PRICE, SPILLS, Lever, levers_in
from forecasting.planning.search import FINER, LEVEL, Search, best_of, first_tries, judge, next_tries
from forecasting.planning.worth import MARGIN, MEASURES, NO_COST, NO_PRICE, REVENUE
from forecasting.steps.scenario.measure import measure
from forecasting.steps.scenario.run import chosen_series, compare_series
from forecasting.steps.scenario.selection import ALL, SeriesFilter
from forecasting.steps.serving.served import Served


@dataclass(frozen=True)
class Question:
    """Which column is searched, between which values (of a price: times the present one), on which days (None: the
    horizon), for the most units, revenue or margin.
    """

    column: str
    between: tuple[float, float]
    goal: str
    days: tuple[date, date] | None = None


@dataclass(frozen=True)
class Optimum:
    """`tried` [tried, units, revenue, margin, gain, lo-90, hi-90, outside]: one row per value, sums over the horizon of
    all series, `gain` what it adds to the goal and `outside` the series for which it lies outside of what was seen;
    `best` [unique_id, tried, gain, lo-90, hi-90, changes, verdict] is the best value of each series within what it has
    had, `every` [unique_id, tried, units ...] each value of each series; `sentences` say what is best of one value for
    all, and what is unknown.
    """

    tried: pl.DataFrame
    best: pl.DataFrame
    every: pl.DataFrame
    sentences: tuple[str, ...]


def optimise(served: Served, question: Question, series: SeriesFilter = ALL) -> Optimum:
    """Try values of a lever and say which is best.

    Raises UserError for a goal that is none or that is unknown, and for a column that is no lever.
    """
    search = Search(_lever(served, question.column), question.between, question.goal)
    if question.goal not in MEASURES:
        raise UserError(f"maximise {question.goal}: choose one of {', '.join(MEASURES)}")
    columns = served.job.config.columns
    missing = {REVENUE: NO_PRICE * (columns.price is None), MARGIN: NO_COST * (columns.cost is None)}
    if missing.get(question.goal):
        raise UserError(f"maximise {question.goal}: {missing[question.goal]}")
    ids, _ = chosen_series(served, series)
    rows = pl.DataFrame()
    tries = first_tries(search)
    for _ in range(1 + FINER):
        rows = pl.concat([rows, *(_try(served, search, question, ids, value) for value in tries)], how="diagonal")
        total = _total(rows)
        gains = dict(total.select("tried", pl.when(pl.col("outside") == 0).then("gain")).iter_rows())
        tries = next_tries(search, gains)
    every = _with_changes(served, search.lever, rows.filter(pl.col("unique_id").is_in(ids.implode())))
    best = best_of(search, every)
    return Optimum(total, best, every, tuple(judge(search, total, best["changes"].to_list())))


def _lever(served: Served, name: str) -> Lever:
    """The lever of a column."""
    column = served.job.config.panel_names.get(name, name)
    known = levers_in(served.bundle.levers) if served.bundle.levers is not None else ()
    found = [lever for lever in known if lever.column == column and lever.kind not in SPILLS]
    if not found:
        there = ", ".join(dict.fromkeys(lever.column for lever in known)) or "none"
        raise UserError(f"optimise {name}: the response to it is not known; levers of this forecast are {there}")
    return found[0]


def _try(served: Served, search: Search, question: Question, ids: pl.Series, value: float) -> pl.DataFrame:
    """[unique_id, tried, units, revenue, margin, gain, lo-90, hi-90, outside] of one value: all series, then each."""
    first, last = question.days or served.days
    edit = Edit(search.lever.column, "*=" if search.lever.kind == PRICE else "=", value, first, last)
    scenario = compare_series(served, ids, [edit])
    sums = measure(served, scenario, (LEVEL,)).filter(over=HORIZON)
    shown = sums.pivot("measure", index="unique_id", values="scenario")
    gain = sums.filter(measure=search.goal).select("unique_id", f"lo-{LEVEL}", f"hi-{LEVEL}", gain="difference")
    outside = scenario.doubts.filter(pl.col("doubt").is_in(["outside", "beyond"]))["unique_id"].unique()
    both = shown.join(gain, on="unique_id", maintain_order="left")
    if both.height == 1:  # of one series there is no sum
        both = pl.concat([both.with_columns(unique_id=pl.lit(TOTAL)), both])
    is_out = pl.col("unique_id").is_in(outside.implode()).cast(pl.Int64)
    counted = pl.when(pl.col("unique_id") == TOTAL).then(outside.len()).otherwise(is_out)
    return both.with_columns(tried=pl.lit(value), outside=counted)


def _total(rows: pl.DataFrame) -> pl.DataFrame:
    measures = [m for m in MEASURES if m in rows.columns]
    total = rows.filter(pl.col("unique_id") == TOTAL).sort("tried")
    return total.select("tried", *measures, "gain", f"lo-{LEVEL}", f"hi-{LEVEL}", "outside")


def _with_changes(served: Served, lever: Lever, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of series with `changes`, how often the lever of each was seen to change."""
    assert served.bundle.levers is not None, "without levers there is nothing to search"
    of = served.bundle.levers.filter(pl.col("grain") == "series", pl.col("lever") == lever.name)
    known = rows.sort("unique_id", "tried").join(of.select("unique_id", "changes"), on="unique_id", how="left")
    return known.with_columns(pl.col("changes").fill_null(0))
