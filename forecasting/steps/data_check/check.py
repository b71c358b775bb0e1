"""The data check: `check_data` reads the source of a Session's job, and returns a DataCheck; nothing is written.

A DataCheck holds one Finding (ok, warning or failed) per contract, and one row per series with statistics and verdict.
A broken contract is a failed finding, not an error.
"""

from __future__ import annotations

from datetime import date
from functools import partial

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning, contracts, quality, sources
from forecasting.data.aggregates import group_sums
from forecasting.data.contracts import CheckedLoad, limits
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.data.side_tables import load_with_side_tables
from forecasting.errors import UserError
from forecasting.steps.data_check.findings import FAILED, OK, DataCheck, Finding, check_limit
from forecasting.steps.data_check.load_findings import check_contents, check_panel, check_rows
from forecasting.steps.ingestion import align_types, load_state, series_statistics
from forecasting.steps.session import Session


def check_data(session: Session, today: date | None = None) -> DataCheck:
    """Read the source and check it against its contracts, as of `today` (default: the current day).

    Nothing is written, and a broken contract is a failed finding, not an error: the findings are one per contract,
    `series` is one row per series with its statistics (y in units of the source) and its verdict.
    """
    config = session.config.with_stored_formats(load_state.known_formats(session.config, session.meta))
    try:
        loaded = load_with_side_tables(config)
    except UserError as error:
        return DataCheck((Finding("schema", FAILED, str(error)),), {}, pl.DataFrame())
    rows = loaded.long
    span = f"{rows['ds'].min()!s} to {rows['ds'].max()!s}"
    findings: tuple[Finding, ...] = (
        Finding("schema", OK, f"{loaded.lines:,} lines; all columns of the config are there"),
        check_limit("dates", span, partial(limits.check_dates, rows, config)),
        check_limit("rhythm", f"freq {config.frequency.every} fits", partial(limits.check_frequency, rows, config)),
    )
    if any(finding.verdict == FAILED for finding in findings):
        return DataCheck(findings, {}, pl.DataFrame())
    try:
        checked = contracts.check_load(loaded, _without_limits(config), today)
    except UserError as error:
        return DataCheck((*findings, Finding("sales", FAILED, _refusal(loaded, config, error))), {}, pl.DataFrame())
    contents = check_contents(session, checked, today or date.today())
    panel = panel_rows(checked, config)
    findings = (*findings, *check_rows(checked, config), *contents, *check_panel(panel, config))
    return DataCheck(findings, dict(checked.account), _series_quality(panel, config))


def _refusal(loaded: sources.RawData, config: Config, error: UserError) -> str:
    """What a load of rows of which none is good is refused with: the rule that all of them break tells more than that
    nothing is left (`error`).
    """
    try:
        contracts.check_load(loaded, config)
    except UserError as refusal:
        return str(refusal)
    return str(error)


def _without_limits(config: Config) -> Config:
    """The config without the limits that are findings here, so that the first broken one does not end the check."""
    lenient = config.limits.model_copy(update={"quarantined": 1.0, "repeated": 1.0, "unmatched": 1.0, "max_age": None})
    return sources.reading_only(config.model_copy(update={"limits": lenient}), ())


def panel_rows(checked: CheckedLoad, config: Config) -> pl.DataFrame:
    """The panel that these rows alone would make, complete and cleaned."""
    rows = align_types.normalize_driver_types(checked.rows, config).whole()
    if sources.DELETED in rows.columns:
        rows = rows.filter(~pl.col(sources.DELETED))
    rows = cleaning.apply_row_rules(fill_gaps(flag_observations(rows, config), config, _last_sale(rows)), config)
    if config.clean.closed == "infer":
        closed = cleaning.infer_closings(group_sums(rows, config, cleaning.closing_levels(config)), config)
        rows = cleaning.mark_closings(rows, closed, config)
    return cleaning.apply_neighbour_rules(rows, config)


def _last_sale(rows: pl.DataFrame, y: str = "y") -> date:
    last = rows.filter(pl.col(y).is_not_null())["ds"].max()
    assert isinstance(last, date), "a load without a sale has been refused"
    return last


def _series_quality(panel: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Statistics and verdicts of a panel, one row per series, by unique_id."""
    statistics = series_statistics.series_statistics(panel, config)
    return quality.add_verdicts(statistics, config, _last_sale(panel, "y_raw")).sort("unique_id")
