"""Scenario: `run_scenario` forecasts as planned and with Edits of the coming days, side by side.

It takes a Session, Edits and a SeriesFilter, and returns a Scenario: rows [unique_id, ds, baseline, yhat, difference,
bounds] and warnings. The baseline is the newest vintage (a published forecast), as it was published; `compare_plans`
does the same for what a process serves already. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from forecasting.columns import as_users_write
from forecasting.data.edits import Edit
from forecasting.data.panel import KEY
from forecasting.errors import UserError
from forecasting.planning.column_names import condition_over_panel, edit_over_panel
from forecasting.planning.edit_reach import check_days
from forecasting.planning.new_series import split_new
from forecasting.planning.response.doubts import no_doubts
from forecasting.planning.scenario import both_conditions, check_condition, check_edits, compare_forecasts
from forecasting.planning.worth import warn_of_worth
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.scenario.new_series import Compared, Listed, forecast_new, list_series
from forecasting.steps.scenario.peers import tell_peers, with_peers
from forecasting.steps.scenario.selection import ALL, SeriesFilter, find_series
from forecasting.steps.scenario.worth import with_worth
from forecasting.steps.serving.held import served_for
from forecasting.steps.serving.online import forecast_edited
from forecasting.steps.serving.plans import EditedPlan, apply_edits, doubt_plan, planned_rows
from forecasting.steps.serving.served import Served, buckets_of, rows_of
from forecasting.steps.session import Session


@dataclass(frozen=True)
class Scenario:
    """What a scenario gives.

    `rows` [unique_id, ds, changed, baseline, yhat, difference, q50, lo-L ..., source, prices, costs, revenue ...]:
    one row per series and period of the horizon, in units of y, revenue and margin in those of the price; the bounds
    are those of the changed forecast, `changed` says whether a value of the row is edited, `doubts` why the answer for
    a series rests on little. `warnings` sum these up, name edited values that training has not seen, and say where
    edits change nothing. `edited` are the columns that are edited, `doubts` those doubts by series and lever, `new` the
    series that are not there yet.
    """

    rows: pl.DataFrame
    warnings: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    doubts: pl.DataFrame = field(default_factory=no_doubts)
    new: tuple[str, ...] = ()


def run_scenario(session: Session, edits: Sequence[Edit], series: SeriesFilter = ALL) -> Scenario:
    """`compare_plans` for the newest published vintage of a session; raises UserError where there is none."""
    if session.vintages.is_empty():
        raise UserError("there is no forecast to compare with", where=session.config.name, needs="predict")
    return compare_plans(served_for(session), edits, series)


def compare_plans(served: Served, edits: Sequence[Edit], series: SeriesFilter = ALL) -> Scenario:
    """The published forecast of `series`, and that with `edits`, by the same model.

    The edits hold for these series only: the plans of all others stay; where promotions are known to move other series
    of their market, these have rows, too. Raises UserError without such a series, for
    edits outside of the horizon, for edits that their columns cannot take and for those that would change a value of
    which none is known.
    """
    config, schema = served.job.config, served.job.panel.schema
    new, others = split_new([edit_over_panel(edit, config) for edit in edits], schema)
    notes = check_days(config, served.cutoff, new)
    listed = list_series(served, check_edits(new, config, schema))
    ids, where = chosen_series(served, series, listed)
    others = [replace(edit, where=both_conditions(edit.where, where)) for edit in others]
    found = compare_series(served, ids, others, listed)
    return replace(found, warnings=(*notes, *found.warnings))


def chosen_series(served: Served, series: SeriesFilter, listed: Sequence[Listed] = ()) -> tuple[pl.Series, str | None]:
    """The ids of the series, sorted, and their condition over the panel; raises UserError where neither one of them nor
    one that is `listed` meets it.
    """
    over_panel = replace(series, where=condition_over_panel(series.where, served.job.config))
    check_condition(over_panel.where, served.job.panel.schema)
    new = pl.concat([one.planned for one in listed]) if listed else None
    return find_series(served, over_panel, new), over_panel.where


def compare_series(served: Served, ids: pl.Series, edits: Sequence[Edit], listed: Sequence[Listed] = ()) -> Scenario:
    """The same for series by their ids, and for those that are `listed`; the edits are over the panel, and not yet
    checked.
    """
    config = served.job.config
    notes = check_days(config, served.cutoff, edits)
    checked = check_edits(edits, config, served.job.panel.schema)
    planned = pl.concat([planned_rows(served, ids), *(one.planned for one in listed)])
    plan, reached = apply_edits(planned, checked, config.columns.price)
    found = [] if ids.is_empty() else [_compare_known(served, ids, plan.of(ids), checked)]
    found += [forecast_new(served, one, plan, checked) for one in listed]
    rows = pl.concat([part.rows for part in found], how="diagonal_relaxed").sort(KEY)
    more = [*warn_of_worth(rows)]
    if rows["changed"].any() and not (rows["difference"] != 0).any():
        more.append(_explain_no_move(served.bundle, checked, rows))
    warnings = dict.fromkeys([*notes, *reached, *(text for part in found for text in part.warnings)])
    edited = tuple(dict.fromkeys(edit.column for edit in checked))
    doubts, new = pl.concat([part.doubts for part in found]), tuple(one.new.unique_id for one in listed)
    return Scenario(rows, (*warnings, *map(as_users_write, more)), edited, doubts, new)


def _compare_known(served: Served, ids: pl.Series, plan: EditedPlan, edits: Sequence[Edit]) -> Compared:
    """The rows of series that are there, and of those that they move."""
    plan, warnings = doubt_plan(served, plan, edits)
    every, plan = with_peers(served, ids, plan)
    baseline = rows_of(served.published(buckets_of(served, every)), every)
    both = compare_forecasts(baseline, pl.concat(list(forecast_edited(served, every, plan)), how="diagonal"))
    rows = with_worth(served, plan, both)
    return Compared(rows, plan.doubts, (*warnings, *map(as_users_write, tell_peers(ids, rows))))


def _explain_no_move(bundle: Bundle, edits: Sequence[Edit], rows: pl.DataFrame) -> str:
    """Why edits that change plans move no forecast."""
    if (rows["baseline"] == 0).all():
        return "no forecast moves: these series are forecast as 0, being closed, ended or without sales."
    columns = " and ".join(dict.fromkeys(edit.column for edit in edits))
    counts = bundle.facts.get("known_ahead", {})
    if any(counts.get(edit.column, [1])[0] == 0 for edit in edits):
        return (
            f"no forecast moves: {bundle.champion} was trained when {columns} was unknown for all coming days, and "
            f"does without. Give {columns} in rows for the coming days, or a rule under `future`, and train again."
        )
    return f"no forecast moves: {bundle.champion} does not respond to {columns} on these days."
