"""Predict: the champion bundle's forecasts for every series and aggregate, published as one vintage."""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data import contracts
from forecasting.data.cut import Cut
from forecasting.services import log
from forecasting.services.store import Store
from forecasting.services.store.vintages import publish_vintage
from forecasting.steps import Outcome, bundles, calibration, identity, produce, run_log, session


def predict(config: Config, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Forecast h periods after `cutoff` (default: the last observed day) and publish them.

    Rows of every model of the bundle go to `forecasts`; the row in `vintages`, written last, makes them visible and
    names the champion. The same data and version are not forecast again without `force`.
    """
    store = session.open_store(config)
    at = session.cutoff_of(session.open_panel(config, store), cutoff)
    version, data = bundles.version_for(config, at), identity.data_version(store)
    key = f"{at} {version} {identity.data_key(store)} {sorted(config.level)} {config.levels_of_aggregation}"
    known = None if force else run_log.last_facts(store, "predict", key)
    if known:
        return Outcome("predict", known, reused=True)
    bundle = bundles.fetch(config, version)
    own = bundles.served(config, bundle, version)
    origin = produce.origin(Cut(session.open_panel(own, store), at, own.h))
    with log.step("forecast", cutoff=str(at), version=version):
        parts = pl.concat(produce.forecasts(bundle.trained, origin), how="diagonal")
        rows = calibration.calibrated(parts, bundle.quantiles, own).with_columns(version=pl.lit(version, pl.Int64))
    _write(store, rows, at, version)
    vintage = {"cutoff": at, "version": version, "champion": bundle.champion, "recipe": bundle.facts["recipe"]}
    publish_vintage(store, vintage | {"data_version": data, "rows": rows.height})
    told = {"key": key, "cutoff": str(at), "version": version, "champion": bundle.champion, "rows": rows.height}
    single = rows.filter(pl.col("grain") == "series")["unique_id"].n_unique()
    told |= {"series": single, "first": str(rows["ds"].min()), "last": str(rows["ds"].max())}
    ended = store.scan("series").select(pl.len()).collect().item() - single
    return Outcome("predict", told | {"ended": ended, "unknown_ahead": _unknown(origin.cut)})


def _unknown(cut: Cut) -> list[str]:
    """Known-ahead columns of which nothing is known for the coming days: no rows, and no rule in `future`."""
    names = cut.config.columns.known_ahead
    parts = [cut.frame(b).filter(pl.col("ds") > cut.cutoff).select(names) for b in cut.panel.buckets]
    known = pl.concat(parts).select(pl.all().count())
    return [c for c in names if known[c].item() == 0]


def _write(store: Store, rows: pl.DataFrame, at: date, version: int) -> None:
    """One commit for the whole vintage, so that a published one is never half replaced."""
    table = store.tables["forecasts"]
    held = contracts.validate_table(rows.select(table.schema.names()), table)
    store.replace("forecasts", held, cutoff=at, version=version)
