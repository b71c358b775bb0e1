"""Scenario: `run_scenario` forecasts as planned and with Edits of the coming days, side by side.

It takes a Session, Edits and a SeriesFilter, and returns a Scenario: rows [unique_id, ds, baseline, yhat, difference,
bounds] and warnings. The baseline is the newest vintage (a published forecast), as it was published; `compare_plans`
does the same for what a process serves already. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from forecasting.columns import as_users_write
from forecasting.data.edits import Edit
from forecasting.errors import UserError
from forecasting.planning.column_names import condition_over_panel, edit_over_panel
from forecasting.planning.edit_reach import check_days
from forecasting.planning.scenario import both_conditions, check_condition, check_edits, compare_forecasts
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.scenario.selection import ALL, SeriesFilter, find_series
from forecasting.steps.serving.held import served_for
from forecasting.steps.serving.online import forecast_edited
from forecasting.steps.serving.plans import plan_with_edits
from forecasting.steps.serving.served import Served, buckets_of
from forecasting.steps.session import Session


@dataclass(frozen=True)
class Scenario:
    """What a scenario gives.

    `rows` [unique_id, ds, baseline, yhat, difference, lo-L, hi-L ...]: one row per series and period of the horizon, in
    units of y; the bounds are those of the changed forecast. `warnings` name edited values that training has not seen,
    and say where edits change nothing.
    """

    rows: pl.DataFrame
    warnings: tuple[str, ...] = ()


def run_scenario(session: Session, edits: Sequence[Edit], series: SeriesFilter = ALL) -> Scenario:
    """`compare_plans` for the newest published vintage of a session; raises UserError where there is none."""
    if session.vintages.is_empty():
        raise UserError("there is no forecast to compare with", where=session.config.name, needs="predict")
    return compare_plans(served_for(session), edits, series)


def compare_plans(served: Served, edits: Sequence[Edit], series: SeriesFilter = ALL) -> Scenario:
    """The published forecast of `series`, and that with `edits`, by the same model.

    The edits hold for these series only: the plans of all others stay. Raises UserError without such a series, for
    edits outside of the horizon, for edits that their columns cannot take and for those that would change a value of
    which none is known.
    """
    config = served.job.config
    edits = [edit_over_panel(edit, config) for edit in edits]
    series = replace(series, where=condition_over_panel(series.where, config))
    check_condition(series.where, served.job.panel.schema)
    check_days(config, served.cutoff, edits)
    scoped = [replace(edit, where=both_conditions(edit.where, series.where)) for edit in edits]
    checked = check_edits(scoped, config, served.job.panel.schema)
    ids = find_series(served, series)
    plan, warnings = plan_with_edits(served, ids, checked)
    baseline = served.published(buckets_of(served, ids)).filter(pl.col("unique_id").is_in(ids.implode()))
    rows = compare_forecasts(baseline, pl.concat(list(forecast_edited(served, ids, plan))))
    if not plan.planned.equals(plan.edited) and not (rows["difference"] != 0).any():
        warnings += (as_users_write(_explain_no_move(served.bundle, checked, rows)),)
    return Scenario(rows, warnings)


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
