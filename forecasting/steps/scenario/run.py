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
from forecasting.errors import UserError
from forecasting.planning.column_names import condition_over_panel, edit_over_panel
from forecasting.planning.edit_reach import check_days
from forecasting.planning.response.doubts import no_doubts
from forecasting.planning.scenario import both_conditions, check_condition, check_edits, compare_forecasts
from forecasting.planning.worth import warn_of_worth
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.scenario.peers import tell_peers, with_peers
from forecasting.steps.scenario.selection import ALL, SeriesFilter, find_series
from forecasting.steps.scenario.worth import with_worth
from forecasting.steps.serving.held import served_for
from forecasting.steps.serving.online import forecast_edited
from forecasting.steps.serving.plans import plan_with_edits
from forecasting.steps.serving.served import Served, buckets_of, rows_of
from forecasting.steps.session import Session


@dataclass(frozen=True)
class Scenario:
    """What a scenario gives.

    `rows` [unique_id, ds, changed, baseline, yhat, difference, lo-L, hi-L ..., prices, costs, revenue, margin, doubts]:
    one row per series and period of the horizon, in units of y, revenue and margin in those of the price; the bounds
    are those of the changed forecast, `changed` says whether a value of the row is edited, `doubts` why the answer for
    a series rests on little. `warnings` sum these up, name edited values that training has not seen, and say where
    edits change nothing. `edited` are the columns that are edited, `doubts` those doubts by series and lever.
    """

    rows: pl.DataFrame
    warnings: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    doubts: pl.DataFrame = field(default_factory=no_doubts)


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
    config = served.job.config
    edits = [edit_over_panel(edit, config) for edit in edits]
    ids, where = chosen_series(served, series)
    return compare_series(served, ids, [replace(edit, where=both_conditions(edit.where, where)) for edit in edits])


def chosen_series(served: Served, series: SeriesFilter) -> tuple[pl.Series, str | None]:
    """The ids of the series, sorted, and their condition over the panel; raises UserError where there is none."""
    over_panel = replace(series, where=condition_over_panel(series.where, served.job.config))
    check_condition(over_panel.where, served.job.panel.schema)
    return find_series(served, over_panel), over_panel.where


def compare_series(served: Served, ids: pl.Series, edits: Sequence[Edit]) -> Scenario:
    """The same for series by their ids; the edits are over the panel, and not yet checked."""
    config = served.job.config
    notes = check_days(config, served.cutoff, edits)
    checked = check_edits(edits, config, served.job.panel.schema)
    plan, warnings = plan_with_edits(served, ids, checked)
    every, plan = with_peers(served, ids, plan)
    baseline = rows_of(served.published(buckets_of(served, every)), every)
    both = compare_forecasts(baseline, pl.concat(list(forecast_edited(served, every, plan)), how="diagonal"))
    rows = with_worth(served, plan, both)
    more = [*tell_peers(ids, rows), *warn_of_worth(rows)]
    if rows["changed"].any() and not (rows["difference"] != 0).any():
        more.append(_explain_no_move(served.bundle, checked, rows))
    edited = tuple(dict.fromkeys(edit.column for edit in checked))
    return Scenario(rows, (*notes, *warnings, *map(as_users_write, more)), edited, plan.doubts)


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
