"""The step shadow: `shadow` forecasts with the challenger version what the champion forecasts, and publishes nothing.

It takes a Session and a cutoff, writes the rows of the challenger's own best model to `forecasts` and then a row to
`shadows`, by which monitor finds and scores them, and returns an Outcome. Without a challenger it does nothing.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.windows import resolve_cutoff
from forecasting.errors import UserError
from forecasting.services import log
from forecasting.services.store.unfinished import Progress, forget_work, unfinished_work
from forecasting.services.store.vintages import keep_shadow
from forecasting.steps import identity, run_log
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.forecast import write_forecasts
from forecasting.steps.forecasting.origin import kept_origin
from forecasting.steps.forecasting.stored_rows import Destination
from forecasting.steps.lifecycle.champions import challenger_of
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.session import Session


def shadow(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Forecast h periods after `cutoff` (default: the last observed day) with the challenger; nobody is shown them.

    A challenger that cannot forecast disturbs nobody either: the facts hold its `problem`. The same data and version
    are not forecast again without `force`. A version that is only an older training of the champion's recipe, or knows
    later days than `cutoff`, is no challenger here, and one whose forecasts of that day are published has them there.
    """
    store, at = session.store, resolve_cutoff(session.panel, cutoff)
    version = _version_to_score(session, at)
    if version is None:
        return Outcome("shadow", {"cutoff": str(at), "version": None}, reused=True)
    key = f"{at} {version} {identity.data_key(store)} {sorted(session.config.level)}"
    before = None if force else run_log.last_facts(store, "shadow", key)
    if before:
        return Outcome("shadow", before, reused=True)
    if force:
        forget_work(store, "shadow")
    with unfinished_work(store, "shadow", f"{key} {identity.code_of(identity.ALL_CODE)}") as progress:
        facts = {"key": key, "cutoff": str(at), "version": version}
        try:
            return Outcome("shadow", facts | _forecast(session, at, version, progress))
        except UserError as error:
            log.event("the challenger cannot forecast", version=version, problem=str(error))
            return Outcome("shadow", facts | {"problem": str(error)})


def _version_to_score(session: Session, at: date) -> int | None:
    """The challenger, where it is one to compare and its forecasts of this day are not published."""
    version = challenger_of(session.registry)
    published = session.vintages.filter(pl.col("cutoff") == at)["version"].to_list()
    if version is None or version in published:
        return None
    versions = session.registry.versions()
    tags = {number: json.loads(text) for number, text in versions.select("version", "tags").iter_rows()}
    mine, champion = tags[version], tags.get(session.registry.aliased_version("champion") or -1)
    if champion and mine["recipe"] == champion["recipe"] and mine["cutoff"] < champion["cutoff"]:
        return None
    return version if mine["cutoff"] <= str(at) else None


def _forecast(session: Session, at: date, version: int, progress: Progress) -> dict[str, Any]:
    """Forecast with the model that would serve, its members included, and note it; the facts of it."""
    bundle = bundles.fetch(session.registry, version)
    served = bundles.served_by(session, bundle, version)
    origin = kept_origin(Cut(served.panel, at, served.config.h), progress)
    to = Destination(session.store, "forecasts", {"cutoff": at, "version": version}, {"version": version})
    with log.step("shadow", cutoff=str(at), version=version):
        written = write_forecasts(bundle.trained.only(bundle.champion), origin, bundle.quantiles, to, progress)
    row = {"cutoff": at, "version": version, "champion": bundle.champion, "recipe": bundle.facts["recipe"]}
    row |= {"data_version": identity.data_version(session.store), "rows": written.rows}
    keep_shadow(session.store, row | {"forecasts_version": session.store.version("forecasts")})
    return {"champion": bundle.champion, "rows": written.rows, "series": written.series}


def summarize(facts: Facts) -> list[Section]:
    """The summary: what the challenger has forecast, or why it has not."""
    if facts["version"] is None:
        return [Section("Challenger", ("there is none",))]
    if "problem" in facts:
        return [Section("Challenger", (f"version {facts['version']} cannot forecast: {facts['problem']}",))]
    line = (
        f"version {facts['version']}, {facts['champion']}: {facts['rows']:,} rows beside the champion's, to be scored"
    )
    return [Section("Challenger", (line,))]
