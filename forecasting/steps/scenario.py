"""Scenario: the champion's forecasts as planned and with edited coming days, side by side."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, InProcess, Panel
from forecasting.errors import UserError
from forecasting.planning.scenario import compared, condition, edits_of
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bucket_forecasts import forecast_bucket
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.calibration import calibrate
from forecasting.steps.forecasting.forecast import forecast
from forecasting.steps.forecasting.origin import origin_of
from forecasting.steps.forecasting.reconciliation import reconcilers
from forecasting.steps.forecasting.training import Trained
from forecasting.steps.session import open_session


def run_scenario(config: Config, where: str | None, changes: list[str], start: date, end: date) -> pl.DataFrame:
    """Forecast the series that meet `where` (SQL over the panel's columns; None: all) with `changes` on start..end.

    Returns unique_id, ds, baseline, yhat, difference and the bounds of the changed forecast: one row per series and
    day of the horizon, in units of y. Nothing is stored. Raises UserError for a question that makes no sense.
    """
    session = open_session(config)
    vintage = session.vintages.head(1)
    if vintage.is_empty():
        raise UserError(
            f"{config.name}: there is no forecast to compare with; run `demandcast run` with this config first"
        )
    at, version = vintage["cutoff"].item(), vintage["version"].item()
    bundle = bundles.fetch(session.registry, version)
    served = bundles.served_by(session, bundle, version)
    own, panel = served.config, served.panel
    _check_days(Cut(panel, at, own.h), start, end)
    schema = panel.scan(panel.buckets[0]).collect_schema()
    edits = edits_of(own, changes, (start, end), where, {c: k for c, k in schema.items() if c != "bucket"})
    chosen = _only(panel, where)
    planned, changed = (answers(bundle, Cut(chosen, at, own.h, e)) for e in ((), edits))
    return compared(planned, changed)


def _check_days(cut: Cut, start: date, end: date) -> None:
    first = cut.config.frequency.shift(cut.cutoff, 1)
    if end < first or start > cut.end or end < start:
        raise UserError(f"dates {start} to {end}: the forecast covers {first} to {cut.end}; choose days within")


def _only(panel: Panel, where: str | None) -> Panel:
    """The panel of the series of which any row meets the condition; their groups' priors stay those of all series."""
    parts = [panel.scan(b).filter(condition(where).any().over("unique_id")) for b in panel.buckets]
    rows = pl.concat(pl.collect_all(parts))
    if rows.is_empty():
        raise UserError(f"where {where!r}: no series meets this condition")
    return replace(panel, scan=InMemory(rows), buckets=(0,), engine=InProcess(), whole=panel)


def answers(bundle: Bundle, cut: Cut) -> pl.DataFrame:
    """The champion's rows, with bounds, for all series of a cut whose panel has the one bucket 0."""
    trained = bundle.trained.only(bundle.champion)
    rows = _among_all(trained, cut) if reconcilers(trained) else forecast_bucket(trained, cut, 0)
    rows = rows.filter(pl.col("model") == bundle.champion)  # the members of an ensemble answer, too
    return calibrate(rows.with_columns(grain=pl.lit("series")), bundle.quantiles, cut.config)


def _among_all(trained: Trained, cut: Cut) -> pl.DataFrame:
    """What is said of the series of a cut when all are forecast, those beside it as planned: sums need them all."""
    ids = cut.panel.scan(0).select("unique_id").unique().collect()
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in ids["unique_id"].sort())
    edits = (replace(e, where=f"({e.where or 'true'}) AND unique_id IN ({listed})") for e in cut.edits)
    every = replace(cut, panel=cut.panel.whole or cut.panel, edits=tuple(edits))
    rows = pl.concat(forecast(trained, origin_of(every)), how="diagonal")
    return rows.filter(pl.col("grain") == "series").join(ids, on="unique_id", how="semi")
