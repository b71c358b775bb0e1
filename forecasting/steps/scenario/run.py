"""Scenario: `run_scenario` forecasts as planned and with Edits of the coming days, side by side.

It takes a Session, Edits and a SeriesFilter, forecasts by the champion of the newest vintage (a published forecast),
and returns a Scenario: rows [unique_id, ds, baseline, yhat, difference, bounds] and warnings. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from forecasting.columns import as_users_write
from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.data.panel import Panel, part_of_panel
from forecasting.errors import UserError
from forecasting.planning.column_names import condition_over_panel, edit_over_panel
from forecasting.planning.edit_reach import check_reach
from forecasting.planning.observed_range import observed_values, warn_outside
from forecasting.planning.response.doubts import warn_of_response
from forecasting.planning.scenario import (
    both_conditions,
    check_condition,
    check_edits,
    compare_forecasts,
    condition,
    sql_text,
)
from forecasting.services.store import Store
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.scenario.edited import answer_levers, predict_cut, split_edits
from forecasting.steps.session import Session


@dataclass(frozen=True)
class SeriesFilter:
    """The series of a scenario: those of which any row meets the SQL condition `where`, or the one `unique_id`.

    Without either: all series.
    """

    where: str | None = None
    unique_id: str | None = None

    @property
    def condition(self) -> str | None:
        """The filter as one SQL condition; None for all series."""
        one = None if self.unique_id is None else f"unique_id = {sql_text(self.unique_id)}"
        return both_conditions(self.where, one)


@dataclass(frozen=True)
class Scenario:
    """What a scenario gives.

    `rows` [unique_id, ds, baseline, yhat, difference, lo-L, hi-L ...]: one row per series and period of the horizon, in
    units of y; the bounds are those of the changed forecast. `warnings` name edited values that training has not seen,
    and say where edits change nothing.
    """

    rows: pl.DataFrame
    warnings: tuple[str, ...] = ()


def run_scenario(session: Session, edits: Sequence[Edit], series: SeriesFilter = SeriesFilter()) -> Scenario:
    """Forecast `series` with the champion of the newest published vintage, as planned and with `edits`.

    The edits hold for these series only: the plans of all others stay. Raises UserError without a published forecast,
    without such a series, for edits outside of the horizon, for edits that their columns cannot take and for those that
    would change a value of which none is known.
    """
    vintage = session.vintages.head(1)
    if vintage.is_empty():
        raise UserError("there is no forecast to compare with", where=session.config.name, needs="predict")
    cutoff, version = vintage["cutoff"].item(), vintage["version"].item()
    bundle = bundles.fetch(session.registry, version)
    served = bundles.served_by(session, bundle, version)
    config, panel = served.config, served.panel
    edits = [edit_over_panel(edit, config) for edit in edits]
    series = replace(series, where=condition_over_panel(series.where, config))
    check_condition(series.where, panel_schema(panel))
    check_days(Cut(panel, cutoff, config.h), edits)
    scoped = [replace(edit, where=both_conditions(edit.where, series.condition)) for edit in edits]
    checked = check_edits(scoped, config, panel_schema(panel))
    selected = select_series(panel, session.store, series)
    as_planned, edited = (Cut(selected, cutoff, config.h, changes) for changes in ((), checked))
    plans, changed = (cut.frame(0).filter(pl.col("ds") > cutoff) for cut in (as_planned, edited))
    answered, others = split_edits(bundle, checked)
    warnings = [*check_reach(checked, plans), *warn_unseen(panel, changed, others)]
    warnings += warn_of_response(plans, changed, bundle.levers) if answered and bundle.levers is not None else []
    baseline = predict_cut(bundle, as_planned)
    scenario = predict_cut(bundle, replace(as_planned, edits=others)) if others else baseline
    if answered:
        scenario = answer_levers(bundle, scenario, plans, changed)
    rows = compare_forecasts(baseline, scenario)
    if not plans.equals(changed) and not (rows["difference"] != 0).any():
        warnings.append(_explain_no_move(bundle, checked, rows))
    return Scenario(rows, tuple(map(as_users_write, warnings)))


def panel_schema(panel: Panel) -> dict[str, pl.DataType]:
    """The columns of a panel and their types, without its bucket."""
    schema = panel.scan(panel.buckets[0]).collect_schema()
    return {column: kind for column, kind in schema.items() if column != "bucket"}


def check_days(cut: Cut, edits: Sequence[Edit]) -> None:
    """Raise UserError for an edit of which no day lies in the horizon."""
    first = cut.config.frequency.shift(cut.cutoff, 1)
    for edit in edits:
        if edit.end < first or edit.start > cut.end or edit.end < edit.start:
            raise UserError(
                f"dates {edit.start} to {edit.end}: the forecast covers {first} to {cut.end}; choose days within"
            )


def select_series(panel: Panel, store: Store, series: SeriesFilter) -> Panel:
    """The panel of the chosen series, in one bucket 0; the priors of their groups stay those of all series.

    Raises UserError when there is no such series.
    """
    chosen = condition(series.where).any().over("unique_id")
    buckets = panel.buckets
    if series.unique_id is not None:
        chosen = chosen & (pl.col("unique_id") == series.unique_id)
        found = store.scan("series").filter(pl.col("unique_id") == series.unique_id).select("bucket").collect()
        buckets = tuple(found["bucket"])
    parts = [panel.scan(bucket).filter(chosen) for bucket in buckets]
    rows = pl.concat(pl.collect_all(parts)) if parts else pl.DataFrame()
    if rows.is_empty():
        if series.unique_id is not None:
            raise UserError(f"{panel.config.name}: there is no series {series.unique_id}")
        raise UserError(f"where {series.where!r}: no series meets this condition")
    return part_of_panel(panel, rows)


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


def warn_unseen(panel: Panel, future: pl.DataFrame, edits: Sequence[Edit]) -> tuple[str, ...]:
    """One sentence for each edited column that holds a value in the rows of `future` that no series ever had."""
    columns = tuple(dict.fromkeys(edit.column for edit in edits))
    if not columns:
        return ()
    history = pl.concat([panel.scan(bucket) for bucket in panel.buckets]).filter(pl.col("flag") != "ahead")
    return tuple(warn_outside(future, observed_values(history, columns), columns))
