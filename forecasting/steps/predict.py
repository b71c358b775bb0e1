"""The step predict: `predict` forecasts h periods by a bundle (fitted models + quantile table), as one vintage.

It takes a Session and a cutoff, writes the rows of every model, series and aggregate to `forecasts`, what pages ask of
all series to `rollups` and `totals`, and then a row to `vintages` (a vintage is a published forecast: cutoff +
version), and returns an Outcome. Nothing is fitted.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.closures.words import silent_remarks
from forecasting.data.cut import Cut
from forecasting.data.windows import resolve_cutoff
from forecasting.remarks import remark_facts
from forecasting.services import log
from forecasting.services.store.unfinished import Progress, forget_work, unfinished_work
from forecasting.services.store.vintages import forecasts_versions_in_use, publish_again, publish_vintage
from forecasting.steps import identity, run_log
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.forecast import write_forecasts
from forecasting.steps.forecasting.origin import kept_origin
from forecasting.steps.forecasting.stored_rows import Destination
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.reports.known_ahead import coming_remarks, known_counts
from forecasting.steps.rollups import write_rollups
from forecasting.steps.session import Session


def predict(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Forecast h periods after `cutoff` (default: the last observed day) and publish them.

    Rows of every model of the bundle go to `forecasts`, bucket by bucket; the row in `vintages`, written last, makes
    all of them visible and names the champion. The same data and version are not forecast again without `force`.
    """
    config, store = session.config, session.store
    at = resolve_cutoff(session.panel, cutoff)
    version = bundles.version_at(session, at)
    key = f"{at} {version} {identity.data_key(store)} {sorted(config.level)} {config.levels_of_aggregation}"
    before = None if force else run_log.last_facts(store, "predict", key)
    if before:
        return Outcome("predict", before, reused=not _shown_again(session, at, version))
    if force:
        forget_work(store, "predict")
    with unfinished_work(store, "predict", f"{key} {identity.code_of(identity.ALL_CODE)}") as progress:
        facts = {"key": key, "run": identity.run_id("predict", key)} | _predict(session, at, version, progress)
        return Outcome("predict", facts | _circumstances(session))


def _circumstances(session: Session) -> dict[str, Any]:
    """What the forecasts depend on beside the bundle, by which they can be made again."""
    published = session.config.model_dump(mode="json", include=set(Config.keys_that_change("published")))
    facts = {"data_version": identity.data_version(session.store), "code": identity.code_of()}
    return facts | {"environment": identity.environment(), "published": published}


def _shown_again(session: Session, at: date, version: int) -> bool:
    """Whether forecasts of the day had to be made the newest again: those of a champion that has come back."""
    of_day = session.vintages.filter(pl.col("cutoff") == at)
    hidden = of_day.tail(-1).filter(pl.col("version") == version)
    if hidden.height:
        publish_again(session.store, hidden.row(0, named=True))
    return hidden.height > 0


def _predict(session: Session, at: date, version: int, progress: Progress) -> dict[str, Any]:
    """Forecast the buckets that `progress` does not hold and publish the vintage; the facts of it."""
    store = session.store
    bundle = bundles.fetch(session.registry, version)
    served = bundles.served_by(session, bundle, version)
    origin = kept_origin(Cut(served.panel, at, served.config.h), progress)
    to = Destination(store, "forecasts", {"cutoff": at, "version": version}, {"version": version})
    with log.step("forecast", cutoff=str(at), version=version):
        written = write_forecasts(bundle.trained, origin, bundle.quantiles, to, progress)
    vintage = {"cutoff": at, "version": version, "champion": bundle.champion, "recipe": bundle.facts["recipe"]}
    vintage |= {"data_version": identity.data_version(store), "rows": written.rows}
    with log.step("rollups", cutoff=str(at), version=version):
        write_rollups(session.panel, store, vintage)
    publish_vintage(store, vintage | {"forecasts_version": _version_to_read(session, at, version)})
    facts: dict[str, Any] = {"cutoff": str(at), "version": version, "champion": bundle.champion, "rows": written.rows}
    facts |= {"series": written.series, "first": str(written.days[0]), "last": str(written.days[1])}
    ended = store.scan("series").select(pl.len()).collect().item() - written.series
    remarks = [
        *coming_remarks(served.panel, bundle.facts.get("known_ahead", {})),
        *silent_remarks(written.silent, written.series, _champion_total(session, facts), served.config.h),
    ]
    facts |= {"ended": ended, "known_ahead": known_counts(served.panel), "remarks": remark_facts(remarks)}
    return facts


def _champion_total(session: Session, facts: Facts) -> float:
    """The champion's forecast of all series over the horizon, in units of y."""
    rows = session.store.scan("forecasts", cutoff=date.fromisoformat(facts["cutoff"]))
    mine = rows.filter(version=facts["version"], model=facts["champion"], grain="series")
    return float(mine.select(pl.col("yhat").sum()).collect().item() or 0.0)


def _version_to_read(session: Session, at: date, version: int) -> int | None:
    """The version of the table `forecasts` that holds the vintage: as published before, where nothing has been written
    since, neither now nor by a run that was killed.
    """
    published = session.vintages.filter(pl.col("cutoff") == at, pl.col("version") == version)
    now = session.store.version("forecasts")
    if now not in forecasts_versions_in_use(session.store) or published.is_empty():
        return now
    same: int | None = published["forecasts_version"].item()
    return same


def summarize(facts: Facts) -> list[Section]:
    """The summary of the forecasts: how many, of which days, and by which model."""
    f = facts
    lines = (
        f"{f['rows']:,} rows for {f['series']:,} series, {f['first']} to {f['last']}",
        f"made on {f['cutoff']} by {f['champion']}, version {f['version']}",
        *([f"run {f['run']}"] if "run" in f else []),
    )
    return [Section("Forecasts", lines)]
