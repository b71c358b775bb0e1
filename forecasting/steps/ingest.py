"""Ingest: raw files to the validated, calendar-complete panel, its series and its groups."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import polars as pl

from forecasting.config import Config
from forecasting.data import events
from forecasting.data.buckets import bucket_count
from forecasting.errors import UserError
from forecasting.features import calendar
from forecasting.services import log
from forecasting.services.store.draft import Overtaken, exclusive_load
from forecasting.services.store.formats import FORMAT_KEY, STORE_FORMAT
from forecasting.steps.identity import data_version
from forecasting.steps.ingestion import (
    align_types,
    contributions,
    incremental,
    landing,
    load_state,
    rebuild,
    series_statistics,
    volume,
)
from forecasting.steps.ingestion.landing import Rows
from forecasting.steps.ingestion.load_state import Load
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.reports.load_summary import summarize_load
from forecasting.steps.session import DRIVER_TYPES, Session

TRIES = 60
"""How often a load that another one has overtaken starts again: on an object store, after some seconds each."""


def ingest(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Load what the config names and merge it into the tables; the newer load wins over an older one.

    All becomes visible at once, when the load is published. Loading the same once more writes nothing. All that came
    is loaded whatever the `cutoff`: later steps look no further than that, and what is known ahead lies behind it.
    With data_version nothing is loaded. `force` reads all files of a landing folder again and makes all of the panel
    anew. Raises UserError when the load breaks its limits.
    """
    config, store = session.config, session.store
    if config.data_version is not None:
        told = landing.nothing() | {"rows_written": 0, "data_version": data_version(store)}
        return Outcome("ingest", told | series_statistics.told(store, config), reused=True)
    for _ in range(TRIES):
        with exclusive_load(load_state.root_of(config)):
            try:
                return _load(config, force=force)
            except Overtaken:
                log.event("another load is at work: starting again from what it publishes")
        time.sleep(random.uniform(1, 5))
    raise UserError(f"{config.name}: another load is at work all the time: wait for its end, and start again")


def _load(config: Config, *, force: bool) -> Outcome:
    load = load_state.begin(config)
    with log.step("read"):
        rows = landing.read(load, force=force)
    volume.is_usual(rows.told, config, load.store)
    load = _fixed(load, rows)
    _write_events(load, rows)
    rows = contributions.summed(load, rows)
    _keep_quarantine(load, rows.quarantine)
    new = rebuild.news(load, rows.good, rows.gone)
    written = _merge(load, new, force=force)
    landing.remember(load, rows)
    published = load_state.publish(load, new.last, written, rows.files)
    known = {"rows_written": written, "data_version": load.number if published else load.before["load"]}
    return Outcome("ingest", dict(rows.told) | known | series_statistics.told(load.store, config), reused=not published)


def _fixed(load: Load, rows: Rows) -> Load:
    """The load with the drivers of these rows in its tables; the number of buckets is fixed by the first one."""
    config = load.config
    drivers = {c: str(kind) for c, kind in rows.good.schema.items() if c not in align_types.OWN}
    buckets = load.buckets
    if not buckets:
        buckets = bucket_count(rows.good.height) if config.store.buckets == "auto" else config.store.buckets
    meta = {"buckets": str(buckets), "drivers": json.dumps(drivers, sort_keys=True), "freq": config.frequency.every}
    meta[FORMAT_KEY] = str(STORE_FORMAT)
    meta["unique_id"] = json.dumps((config.source.columns or {}).get("unique_id"))
    load.store.merge("meta", pl.DataFrame({"key": list(meta), "value": list(meta.values())}))
    return load_state.with_drivers(load, {c: DRIVER_TYPES[kind] for c, kind in drivers.items()})


def _write_events(load: Load, rows: Rows) -> None:
    """Own events, told by day; before that, the places of the rows are looked up in the calendar."""
    calendar.check_places(load.config, rows.good)
    if load.config.calendar.events:
        load.store.replace("events", events.load_events(load.config))


def _keep_quarantine(load: Load, bad: pl.DataFrame) -> None:
    store = load.store
    seen = {"loaded": pl.lit(date.today()), "first_seen": pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC"))}
    rows = bad.with_columns(pl.col("line").cast(pl.Int64), **seen)
    known = store.scan("quarantine").select("file", "line", "rule", "row").collect()
    new = rows.join(known, on=["file", "line", "rule", "row"], how="anti", nulls_equal=True)
    store.merge("quarantine", new.select(store.tables["quarantine"].schema.names()))


def _merge(load: Load, new: rebuild.News, *, force: bool) -> int:
    """Merge the news into the panel, and tell the series and the groups; returns the rows of the panel written."""
    if rebuild.is_small(load, new) and not force:
        change = incremental.narrow(load, new)
        series_statistics.update(load, change)
        return change.written
    written: list[int] = []
    series_statistics.anew(load, _counted(rebuild.whole(load, new), written))
    return sum(written)


def _counted(made: Iterator[tuple[pl.DataFrame, int]], written: list[int]) -> Iterator[pl.DataFrame]:
    for rows, n in made:
        written.append(n)
        yield rows


def summarize(facts: Facts) -> list[Section]:
    """The summary of a load: what became of every line, and what the panel holds now."""
    return summarize_load(facts)
