"""Forecasts of many periods: `open_range` takes a RangeRequest and returns a RangeForecast, which yields the rows.

Some series, given by their ids or by a condition, from one day of the horizon to another, perhaps with edits of their
plan. `RangeForecast.parts` yields rows like those of `answers`; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.data.edits import format_change, parse_edit
from forecasting.data.panel import KEY
from forecasting.errors import Option, UserError
from forecasting.planning.column_names import condition_over_panel, edit_over_panel
from forecasting.planning.edit_reach import check_days
from forecasting.planning.new_series import split_new
from forecasting.planning.scenario import check_condition, check_edits, condition
from forecasting.steps.serving.answers import shape_answers
from forecasting.steps.serving.online import SERIES_AT_ONCE, forecast_plan
from forecasting.steps.serving.plans import EditedPlan, plan_with_edits
from forecasting.steps.serving.served import Served, buckets_of


@dataclass(frozen=True)
class RangeRequest:
    """Series by `unique_ids` or by a condition over the table `series` (neither: all), the days (default: the horizon;
    `h` periods from the first one on), and changes like `price*=0.9@2024-05-20:2024-05-26`.
    """

    unique_ids: Sequence[str] = ()
    where: str | None = None
    start: date | None = None
    end: date | None = None
    h: int | None = None
    changes: Sequence[str] = ()


@dataclass(frozen=True)
class RangeForecast:
    """What is to be forecast, checked; `warnings` say where changes reach no value, or one that was never observed."""

    served: Served
    ids: pl.Series
    days: tuple[date, date]
    changed: EditedPlan | None
    warnings: tuple[str, ...] = ()

    @property
    def part_count(self) -> int:
        """How many parts there are."""
        return -(-self.ids.len() // SERIES_AT_ONCE)

    def parts(self) -> Iterator[pl.DataFrame]:
        """[unique_id, ds, yhat, q50, bounds, source, model, fallback, price, revenue ...] of some series after the
        other, sorted by series and day.
        """
        served, ids, changed = self.served, self.ids, self.changed
        for rows in _published(served, ids) if changed is None else forecast_plan(served, ids, changed):
            yield shape_answers(served, rows.filter(pl.col("ds").is_between(*self.days)).sort(KEY))


def open_range(served: Served, requested: RangeRequest) -> RangeForecast:
    """The forecast that is requested; raises UserError, which names the field that is wrong."""
    ids, days = _ids(served, requested), _days(served, requested)
    if not requested.changes:
        return RangeForecast(served, ids, days, None)
    try:
        return RangeForecast(served, ids, days, *_changed_plan(served, ids, requested.changes))
    except (ValueError, UserError) as error:
        raise UserError(str(error), where=Option("changes")) from None


def _published(served: Served, ids: pl.Series) -> Iterator[pl.DataFrame]:
    for first in range(0, ids.len(), SERIES_AT_ONCE):
        part = ids.slice(first, SERIES_AT_ONCE)
        buckets, mine = buckets_of(served, part), pl.col("unique_id").is_in(part.implode())
        plans = served.plans(buckets).select(*KEY, *served.columns)
        yield served.published(buckets).filter(mine).join(plans, on=KEY, how="left")


def _changed_plan(served: Served, ids: pl.Series, changes: Sequence[str]) -> tuple[EditedPlan, tuple[str, ...]]:
    """The plan with the changes, and warnings.

    Raises ValueError or UserError for a change that is none, or that its column or these days cannot take.
    """
    config = served.job.config
    edits = [edit_over_panel(parse_edit(text), config) for text in changes]
    notes = check_days(config, served.cutoff, edits)
    checked = check_edits(edits, config, served.job.panel.schema)
    new, _ = split_new(checked, served.job.panel.schema)
    if new:
        raise UserError(f"change {format_change(new[0])!r}: only a scenario can list new series")
    plan, warnings = plan_with_edits(served, ids, checked)
    return plan, (*notes, *warnings)


def _ids(served: Served, requested: RangeRequest) -> pl.Series:
    """The ids of the series, sorted."""
    if requested.unique_ids and requested.where is not None:
        raise UserError("give unique_ids or a condition, not both", where=Option("where"))
    if requested.unique_ids:
        given = pl.Series("unique_id", sorted(set(requested.unique_ids)), pl.String)
        unknown = given.filter(~given.is_in(served.series["unique_id"].implode()))
        if unknown.len():
            raise UserError(f"there is no series {unknown[0]}", where=Option("unique_ids"))
        return given
    rows = served.session.store.scan("series")
    where = condition_over_panel(requested.where, served.job.config)
    try:
        check_condition(where, dict(rows.collect_schema()))
    except UserError as error:
        raise UserError(error.what, where=Option("where")) from None
    found = rows.filter(condition(where)).select("unique_id").collect()["unique_id"].sort()
    if found.is_empty():
        raise UserError(f"no series meets {requested.where!r}", where=Option("where"))
    return found


def _days(served: Served, requested: RangeRequest) -> tuple[date, date]:
    """The first and the last day."""
    first, last = served.days
    start, end = requested.start or first, requested.end or last
    for name, day in (("start", start), ("end", end)):
        if not first <= day <= last:
            raise UserError(f"the forecast covers {first} to {last}, and not {day}", where=Option(name))
    if end < start:
        raise UserError(f"it lies before the start, {start}", where=Option("end"))
    if requested.h is None:
        return start, end
    if requested.end is not None:
        raise UserError("give an end or a number of periods, not both", where=Option("h"))
    frequency, most = served.job.config.frequency, served.job.config.h
    if requested.h > most:
        raise UserError(f"the forecast covers {most} periods", where=Option("h"))
    return start, min(last, frequency.shift(start, requested.h - 1))
