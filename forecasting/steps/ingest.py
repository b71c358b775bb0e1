"""The step ingest: `ingest` merges the source of a Session's config into its tables, and returns an Outcome.

It writes the calendar-complete panel, its series and its groups, and puts refused rows into `quarantine`; all rows are
loaded, whatever the cutoff. The facts of the Outcome count what became of every line.
"""

from __future__ import annotations

import json
import logging
import random
import time
from datetime import UTC, date, datetime

import polars as pl

from forecasting.config import Config
from forecasting.data import events, sources
from forecasting.data.buckets import buckets_for
from forecasting.errors import UserError
from forecasting.features import calendar
from forecasting.remarks import remark_facts
from forecasting.services import log
from forecasting.services.console import track_rows
from forecasting.services.store.draft import Overtaken, exclusive_load
from forecasting.services.store.formats import FORMAT_KEY, STORE_FORMAT
from forecasting.services.store.unfinished import forget_work
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
from forecasting.steps.ingestion.closed_periods import NONE_CLOSED, ClosedPeriods, stored_closed_periods
from forecasting.steps.ingestion.landing import LoadedRows
from forecasting.steps.ingestion.load_state import Load
from forecasting.steps.ingestion.panel_remarks import load_remarks, panel_facts, panel_remarks
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.reports.load_summary import summarize_load
from forecasting.steps.session import DRIVER_TYPES, Session, read_meta, stored_formats

TRIES = 60
"""How often a load that another one has overtaken starts again: on an object store, after some seconds each."""


def ingest(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Load the source and merge it into the tables; a newer load wins over an older one.

    Everything becomes visible at once, when the load is published. Loading the same data again writes nothing. All
    rows are loaded whatever the `cutoff`: later steps look no further, and known-ahead columns lie behind it. With
    data_version nothing is loaded. `force` reads all files of a landing folder again and rebuilds the panel. Raises
    UserError when the load breaks its limits.
    """
    config, store = session.config, session.store
    if config.data_version is not None:
        facts = landing.empty_account() | {"rows_written": 0, "data_version": data_version(store)}
        return Outcome("ingest", facts | panel_facts(store, config), reused=True)
    if force:
        forget_work(store, "ingest")
    for _ in range(TRIES):
        with exclusive_load(load_state.tables_root(config)):
            try:
                return _load(config, force=force)
            except Overtaken:
                log.event("another load is at work: starting again from what it publishes")
        time.sleep(random.uniform(1, 5))
    raise UserError(f"{config.name}: another load is at work all the time: wait for its end, and start again")


def _load(config: Config, *, force: bool) -> Outcome:
    load = load_state.begin_load(config)
    with load_state.open_shelf(load) as shelf:
        with log.step("read"):
            rows = landing.read_rows(load, shelf, force=force)
        return _take_in(load, rows, force=force)


def _take_in(load: Load, rows: LoadedRows, *, force: bool) -> Outcome:
    """Merge the rows that were read into the tables, and publish these."""
    config = load.config
    volume.check_volume(rows.account, config, load.store)
    load = _fix_schema(load, rows)
    _write_events(load, rows)
    rows = contributions.sum_over_files(load, rows)
    _store_quarantine(load, rows.quarantine)
    found = load_remarks(load.store, rows.good, config)
    new = rebuild.assign_buckets(load, rows.good, rows.deleted)
    load, written, closed = _merge(load, new, force=force)
    found += panel_remarks(load.store, config)
    landing.log_files(load, rows)
    published = load_state.publish_load(load, new.last, written, rows.files)
    facts = dict(rows.account) | {"rows_written": written}
    facts["data_version"] = load.number if published else load.before["load"]
    facts |= panel_facts(load.store, config)
    if not facts["filled"]:
        closed = NONE_CLOSED
    closed = closed or stored_closed_periods(load.store, config, load.buckets)
    remarks = remark_facts([*found, *closed.remarks])
    facts |= {"filled_closed": closed.filled, "remarks": [*facts["remarks"], *remarks]}
    return Outcome("ingest", facts, reused=not published)


def _fix_schema(load: Load, rows: LoadedRows) -> Load:
    """The load with the drivers of these rows in its tables; the number of buckets is fixed by the first one."""
    config = load.config
    drivers = {c: str(kind) for c, kind in rows.good.schema.items() if c not in align_types.NOT_DRIVERS}
    buckets = load.buckets
    if not buckets:
        buckets = buckets_for(rows.good) if config.store.buckets == "auto" else config.store.buckets
    meta = {"buckets": str(buckets), "drivers": json.dumps(drivers, sort_keys=True), "freq": config.frequency.every}
    meta[FORMAT_KEY] = str(STORE_FORMAT)
    if formats := sources.merge_formats(stored_formats(read_meta(load.store)), rows.formats):
        meta["formats"] = json.dumps(formats, sort_keys=True)
    meta["unique_id"] = json.dumps(config.id_names)
    load.store.merge("meta", pl.DataFrame({"key": list(meta), "value": list(meta.values())}))
    return load_state.with_drivers(load, {c: DRIVER_TYPES[kind] for c, kind in drivers.items()})


def _write_events(load: Load, rows: LoadedRows) -> None:
    """Write the events of the config, one row per day; raises UserError for a place that the calendar does not know."""
    places = [c for c in load.config.calendar.place_columns if c in rows.good.schema]
    of_rows = rows.good.each(lambda part: part.select(places).unique()).whole().unique() if places else None
    calendar.check_places(load.config, of_rows)
    if load.config.calendar.events:
        load.store.replace("events", events.load_events(load.config))


def _store_quarantine(load: Load, bad: pl.DataFrame) -> None:
    store = load.store
    seen = {"loaded": pl.lit(date.today()), "first_seen": pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC"))}
    rows = bad.with_columns(pl.col("line").cast(pl.Int64), **seen)
    stored = store.scan("quarantine").select("file", "line", "rule", "row").collect()
    new = rows.join(stored, on=["file", "line", "rule", "row"], how="anti", nulls_equal=True)
    store.merge("quarantine", new.select(store.tables["quarantine"].schema.names()))


def _merge(load: Load, new: rebuild.Incoming, *, force: bool) -> tuple[Load, int, ClosedPeriods | None]:
    """Merge the new rows into the panel, update series and groups; the load after it, how many rows were written, and
    the closed periods, where they were found on the way.

    A rebuild goes on at the bucket where a killed one of the same rows has stopped, and is none where the published
    load is one of these rows.
    """
    if rebuild.can_update_incrementally(load, new) and not force:
        load = load_state.with_published_panel(load)
        change = incremental.update_panel(load, new)
        if change.written:
            load_state.note_rebuilt(load, None)
        closed = series_statistics.update_tables(load, change)
        return load, change.written, closed
    if load_state.was_rebuilt(load, new.identity) and not force:
        return load_state.with_published_panel(load), 0, None
    with load_state.rebuilding(load, new.identity) as (load, progress):
        left = [bucket for bucket in range(load.buckets) if progress.facts(f"bucket-{bucket}") is None]
        panels = rebuild.rebuild_panel(load, new, left)
        tracked = track_rows(panels, "panel", load.buckets, lambda part: part[1].height, left, level=logging.INFO)
        written = series_statistics.rebuild_tables(load, tracked, progress)
    load_state.note_rebuilt(load, new.identity)
    return load, written, None


def summarize(facts: Facts) -> list[Section]:
    """The summary of a load: what became of every line, and what the panel holds now."""
    return summarize_load(facts)
