"""A published forecast from its beginnings: `rebuild` fits the models again and forecasts with them, beside the store.

It takes a Session and a Run (a recorded forecast), reads data and backtests as they were, and returns Rebuilt: the
rows, and the files of the bundle that came out otherwise. A bundle is what a training has fitted, in one folder.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.errors import UserError
from forecasting.services.store import Store
from forecasting.services.store.unfinished import Progress
from forecasting.services.tracking.bundle_files import compute_checksums
from forecasting.steps import run_log
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.forecast import write_forecasts
from forecasting.steps.forecasting.origin import kept_origin, origin_of
from forecasting.steps.forecasting.stored_rows import Destination, in_fixed_order
from forecasting.steps.session import Session, open_session
from forecasting.steps.train.fit import Lesson, fit_bundle


@dataclass(frozen=True)
class Run:
    """A recorded forecast: its id, cutoff, version and load, and the facts of the run."""

    id: str
    cutoff: date
    version: int
    data_version: int
    facts: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Rebuilt:
    """The rows of `forecasts` made again; how many files the bundle has, and the names of those that differ; whether
    the backtests were read as the training had read them.
    """

    rows: pl.DataFrame
    files: int
    other_files: tuple[str, ...]
    same_backtests: bool


def rebuild(session: Session, run: Run) -> Rebuilt:
    """Train on the load of the training, forecast from the load of the forecast; nothing is written into the store.

    Raises UserError when one of the loads, or the files of the bundle, are not kept any more.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = session.registry.download_bundle(run.version, folder / "registered")
        kept = bundles.load(home)
        past, same = _past_rows(session, kept, run.version)
        again = _fit_again(session, kept, past)
        again.save(folder / "again")
        sums = [compute_checksums(place) for place in (home, folder / "again")]
        other = sorted(file for file in {*sums[0], *sums[1]} if sums[0].get(file) != sums[1].get(file))
        rows = _forecast_again(session, again, run, folder / "lake")
        return Rebuilt(rows, len(sums[0]), tuple(other), same)


def _fit_again(session: Session, kept: Bundle, past: pl.LazyFrame) -> Bundle:
    """The bundle fitted again, by its own config, on the load that it was trained on."""
    places = {name: getattr(session.config, name) for name in ("store", "tracking", "engine")}
    load = {"data_version": kept.facts["data_version"]}
    trained_on = open_session(kept.config.model_copy(update=places | load))
    origin = origin_of(
        Cut(trained_on.panel, date.fromisoformat(kept.facts["cutoff"]), kept.config.h), peers_after=date.min
    )
    fitted = fit_bundle(Lesson(origin, past, trained_on.store), kept.champion, kept.facts)
    return replace(fitted, champion=kept.champion, facts=kept.facts, config=kept.config)


def _past_rows(session: Session, kept: Bundle, version: int) -> tuple[pl.LazyFrame, bool]:
    """The rows of backtests that the training has learned from, and whether they are as it found them: where the
    version of the table is not kept any more, those of now are taken.
    """
    tags = dict(session.registry.versions().select("version", "tags").iter_rows())[version]
    scored = run_log.last_facts(session.store, "backtest", json.loads(tags)["identity"])
    if scored is None:
        raise UserError(f"the backtest before version {version} is not in the table of runs", where=session.config.name)
    cutoffs = [date.fromisoformat(text) for text in (*scored["calibration"], *scored["cutoffs"])]
    table: int | None = scored.get("tables", {}).get("backtests")
    same = table is not None and session.store.is_readable("backtests", table)
    rows = session.store.scan("backtests", version=table if same else None, cutoff=cutoffs)
    return in_fixed_order(rows.filter(pl.col("recipe") == kept.facts["recipe"])), same


def _forecast_again(session: Session, bundle: Bundle, run: Run, lake: Path) -> pl.DataFrame:
    """The rows of the forecast by this bundle, from the load and with the levels of that night."""
    published = run.facts.get("published", {})
    checked = Config.model_validate(bundle.config.model_dump(mode="json") | published)
    night = {name: getattr(checked, name) for name in published} | {"data_version": run.data_version}
    served = bundles.served_by(open_session(session.config.model_copy(update=night)), bundle, run.version)
    progress = Progress(str(lake / "progress"))
    origin = kept_origin(Cut(served.panel, run.cutoff, served.config.h), progress)
    aside = Store(str(lake), served.store.tables)
    to = Destination(aside, "forecasts", {"cutoff": run.cutoff, "version": run.version}, {"version": run.version})
    write_forecasts(bundle.trained, origin, bundle.quantiles, to, progress)
    return aside.scan("forecasts").collect()
