"""Predict: the champion bundle's forecasts for every series and aggregate, published as one vintage."""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.data import contracts
from forecasting.data.cut import Cut
from forecasting.services import log
from forecasting.services.store import Store
from forecasting.services.store.vintages import publish_vintage
from forecasting.steps import identity, run_log
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.calibration import calibrate
from forecasting.steps.forecasting.forecast import forecast
from forecasting.steps.forecasting.origin import origin_of
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.session import Session, resolve_cutoff


def predict(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Forecast h periods after `cutoff` (default: the last observed day) and publish them.

    Rows of every model of the bundle go to `forecasts`; the row in `vintages`, written last, makes them visible and
    names the champion. The same data and version are not forecast again without `force`.
    """
    config, store = session.config, session.store
    at = resolve_cutoff(session.panel, cutoff)
    version, data = bundles.version_at(session, at), identity.data_version(store)
    key = f"{at} {version} {identity.data_key(store)} {sorted(config.level)} {config.levels_of_aggregation}"
    before = None if force else run_log.last_facts(store, "predict", key)
    if before:
        return Outcome("predict", before, reused=True)
    bundle = bundles.fetch(session.registry, version)
    served = bundles.served_by(session, bundle, version)
    origin = origin_of(Cut(served.panel, at, served.config.h))
    with log.step("forecast", cutoff=str(at), version=version):
        parts = pl.concat(forecast(bundle.trained, origin), how="diagonal")
        rows = calibrate(parts, bundle.quantiles, served.config).with_columns(version=pl.lit(version, pl.Int64))
    _write(store, rows, at, version)
    vintage = {"cutoff": at, "version": version, "champion": bundle.champion, "recipe": bundle.facts["recipe"]}
    publish_vintage(store, vintage | {"data_version": data, "rows": rows.height})
    facts = {"key": key, "cutoff": str(at), "version": version, "champion": bundle.champion, "rows": rows.height}
    single = rows.filter(pl.col("grain") == "series")["unique_id"].n_unique()
    facts |= {"series": single, "first": str(rows["ds"].min()), "last": str(rows["ds"].max())}
    ended = store.scan("series").select(pl.len()).collect().item() - single
    return Outcome("predict", facts | {"ended": ended, "unknown_ahead": _unknown_ahead(origin.cut)})


def _unknown_ahead(cut: Cut) -> list[str]:
    """Known-ahead columns without any value in the horizon: no rows, and no rule in `future`."""
    names = cut.config.columns.known_ahead
    parts = [cut.frame(b).filter(pl.col("ds") > cut.cutoff).select(names) for b in cut.panel.buckets]
    counts = pl.concat(parts).select(pl.all().count())
    return [c for c in names if counts[c].item() == 0]


def _write(store: Store, rows: pl.DataFrame, at: date, version: int) -> None:
    """One commit for the whole vintage, so that a published one is never half replaced."""
    table = store.tables["forecasts"]
    held = contracts.validate_table(rows.select(table.schema.names()), table)
    store.replace("forecasts", held, cutoff=at, version=version)


def summarize(facts: Facts) -> list[Section]:
    """The summary of the forecasts: how many, of which days, by which model, and which drivers are missing."""
    f, missing = facts, facts["unknown_ahead"]
    lines = [
        f"{f['rows']:,} rows for {f['series']:,} series, {f['first']} to {f['last']}",
        f"made on {f['cutoff']} by {f['champion']}, version {f['version']}",
    ]
    if missing:
        lines.append(
            f"no values of {', '.join(missing)} are given for the coming days, but the backtests used them: add rows "
            "for these days, or rules under `future`; until then expect larger errors than scored"
        )
    return [Section("Forecasts", tuple(lines))]
