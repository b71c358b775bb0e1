"""Ingest: raw files to the validated, calendar-complete panel, its series and its groups."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import contracts, sources
from forecasting.data.aggregate import sums
from forecasting.data.panel import KEY, bucket_count, bucket_of, fill_gaps, observe
from forecasting.evaluation.segments import segments
from forecasting.features.groups import group_label
from forecasting.services import log
from forecasting.services.console import track
from forecasting.services.store import Store
from forecasting.steps import Outcome
from forecasting.steps.context import bucket_number, data_version, open_store, same_freq, store_with


def ingest(config: Config, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Load what the config names and merge it into the tables; the newer load wins over an older one.

    Loading the same once more writes nothing. All that came is loaded whatever the `cutoff`: later steps look no
    further than that, and what is known ahead lies behind it. Raises UserError when the load breaks its limits.
    """
    with log.step("read"):
        checked = contracts.check(sources.load(config), config)
    good = _as_before(_typed(checked.good, config), config)
    _is_of_one_kind(open_store(config), good, config)
    store = _store_for(config, good)
    before = _versions(store)
    _keep_quarantine(store, checked.quarantine)
    facts = _write_panel(config, store, good)
    rules = checked.quarantine.group_by("rule").len().rows()
    facts |= dict(checked.account) | {"quarantined_by_rule": dict(rules), "data_version": data_version(store)}
    return Outcome("ingest", facts, reused=before == _versions(store))


def _versions(store: Store) -> list[int | None]:
    """Versions of the tables that a load writes."""
    return [store.version(table) for table in ("panel", "series", "groups", "quarantine", "meta")]


def _typed(good: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Drivers as text or Float64, so that a later load with decimals fits; static columns of aggregates as text."""
    named = {c for level in config.levels_of_aggregation for c in level}
    numbers = [c for c, kind in good.schema.items() if kind.is_numeric() or kind == pl.Boolean]
    texts = [pl.col(c).cast(pl.String) for c in numbers if c in named]
    return good.with_columns(*texts, *(pl.col(c).cast(pl.Float64) for c in numbers if c not in named))


def _as_before(good: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Drivers in the types of earlier loads: numbers among texts are texts (7.0 is 7); UserError for the reverse.

    A small load may hold only the numbers of a column of texts, or none of a column of numbers.
    """
    known = open_store(config).tables["panel"].schema
    changed = [c for c, kind in good.schema.items() if c in known and c not in (*KEY, "y") and known[c] != kind]
    return good.with_columns(_as_text(c) if known[c] == pl.String else _as_number(good[c], config) for c in changed)


def _as_text(column: str) -> pl.Expr:
    value = pl.col(column)
    whole = value.cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(value == value.round()).then(whole).otherwise(value.cast(pl.String)).alias(column)


def _as_number(texts: pl.Series, config: Config) -> pl.Series:
    read = texts.cast(pl.Float64, strict=False)
    words = texts.filter(read.is_null() & texts.is_not_null())
    grouping = any(texts.name in level for level in config.levels_of_aggregation)
    if grouping or words.len():
        now = "groups series, which a text does" if grouping else f"holds the text {words[0]!r}"
        raise config.fault(
            "columns",
            f"{texts.name} was loaded as a number before and now {now}: mend the column in the source, "
            "or set store.root to a new folder and ingest again",
        )
    return read


def _is_of_one_kind(store: Store, good: pl.DataFrame, config: Config) -> None:
    """Raise UserError when the load cannot stand beside the stored one, or a series beside the aggregates."""
    meta = same_freq(config, store)
    known = set(store.scan("series").select("unique_id").collect()["unique_id"])
    ids = good["unique_id"].unique()
    columns = (config.source.columns or {}).get("unique_id")
    renamed = meta.get("unique_id", json.dumps(columns)) != json.dumps(columns)
    if renamed and known and not known & set(ids):
        raise config.fault(
            "source.columns.unique_id",
            f"the store holds series such as {min(known)!r} and no series of this load, such as {ids.min()!r}: "
            "name the columns of the loads before, or set another name or store.root",
        )
    labels = [good.select(group_label(level)).to_series().unique() for level in config.levels_of_aggregation]
    for clash in ids.filter(ids.is_in(pl.concat(labels).implode())):
        raise config.fault(
            "levels_of_aggregation",
            f"a series is called {clash!r}, which is the name of an aggregate: rename the series in the source",
        )


def _store_for(config: Config, good: pl.DataFrame) -> Store:
    """The store with the drivers of this load; the number of buckets is fixed by the first one."""
    store = open_store(config)
    drivers = {c: str(kind) for c, kind in good.schema.items() if c not in (*KEY, "y")}
    buckets = bucket_number(store)
    if not buckets:
        buckets = bucket_count(good.height) if config.store.buckets == "auto" else config.store.buckets
    meta = {"buckets": str(buckets), "drivers": json.dumps(drivers, sort_keys=True), "freq": config.frequency.every}
    meta["unique_id"] = json.dumps((config.source.columns or {}).get("unique_id"))
    store.merge("meta", pl.DataFrame({"key": list(meta), "value": list(meta.values())}))
    kinds: dict[str, pl.DataType] = {c: kind for c, kind in good.schema.items() if c in drivers}
    return store_with(config, kinds)


def _keep_quarantine(store: Store, bad: pl.DataFrame) -> None:
    seen = {"loaded": pl.lit(date.today()), "first_seen": pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC"))}
    rows = bad.with_columns(pl.col("line").cast(pl.Int64), **seen)
    known = store.scan("quarantine").select("file", "line", "rule", "row").collect()
    new = rows.join(known, on=["file", "line", "rule", "row"], how="anti", nulls_equal=True)
    store.merge("quarantine", new.select(store.tables["quarantine"].schema.names()))


def _write_panel(config: Config, store: Store, good: pl.DataFrame) -> dict[str, Any]:
    """Merge the good rows bucket by bucket with the rows that were there; then write the series and the groups.

    Every bucket is visited: the newest day of one series moves the end of all of them.
    """
    n, last = bucket_number(store), _last_sale(store, good)
    ids = good["unique_id"].unique()
    homes = pl.DataFrame({"unique_id": ids, "bucket": bucket_of(ids, n)})
    good = good.join(homes, on="unique_id")
    texts = [(c,) for c in config.static_columns if good.schema.get(c) == pl.String]
    levels = tuple(dict.fromkeys([(), *texts, *config.levels_of_aggregation]))
    written, flags, series, grouped = 0, [], [], []
    for bucket in track(range(n), "panel", n):
        rows = _with_stored(store, good.filter(pl.col("bucket") == bucket).drop("bucket"), bucket)
        panel = fill_gaps(observe(rows, config), config, last)
        written += store.merge("panel", panel.with_columns(bucket=pl.lit(bucket, pl.Int32)))
        flags.append(panel.select(filled=pl.col("flag") == "filled"))
        series.append(_facts(panel, config, bucket))
        grouped.append(sums(panel, config, levels))
    filled = pl.concat(flags)["filled"]
    made = {"rows_written": written, "keys": filled.len(), "filled": int(filled.sum())}
    stored = store.scan("panel").select(pl.len()).collect().item()
    if stored != made["keys"]:
        raise AssertionError(f"the panel holds {stored} rows, {made['keys']} were merged")
    return made | {"observed": made["keys"] - made["filled"]} | _write_facts(store, pl.concat(series), grouped)


def _with_stored(store: Store, rows: pl.DataFrame, bucket: int) -> pl.DataFrame:
    """The rows and those of earlier loads that they do not replace, as they came."""
    old = store.scan("panel", bucket=bucket).filter(pl.col("flag") != "filled").collect()
    old = old.with_columns(y=pl.col("y_raw")).select(rows.columns)
    return pl.concat([rows, old.join(rows, on=KEY, how="anti")])


def _last_sale(store: Store, good: pl.DataFrame) -> date:
    """The newest day for which anybody ever told a number: the panel does not shrink when that one is taken back."""
    stored = store.scan("panel").filter(pl.col("flag") != "ahead").select(pl.col("ds").max()).collect().item()
    new = good.filter(pl.col("y").is_not_null()).select(pl.col("ds").max()).item()
    found: date = max(day for day in (stored, new) if day is not None)
    return found


def _facts(panel: pl.DataFrame, config: Config, bucket: int) -> pl.DataFrame:
    """One row per series: static columns, first and last observed day, rows, mean, share of zeros, demand class."""
    statics = [c for c in config.static_columns if c in panel.columns]
    y = pl.col("y")
    seen = pl.col("ds").filter(y.is_not_null())
    facts = panel.group_by("unique_id").agg(
        *(pl.col(c).last() for c in statics),
        first=seen.min(),
        last=seen.max(),
        n=y.count().cast(pl.Int64),
        mean=y.mean(),
        zeros=(y == 0).mean(),
    )
    kinds = segments(panel.filter(pl.col("flag") != "ahead")).select("unique_id", demand_class="segment")
    return facts.join(kinds, on="unique_id", how="left").with_columns(bucket=pl.lit(bucket, pl.Int32))


def _write_facts(store: Store, series: pl.DataFrame, grouped: list[pl.DataFrame]) -> dict[str, Any]:
    store.replace("series", series.select(store.tables["series"].schema.names()).sort("unique_id"))
    priced = pl.col("y_count").filter(pl.col("price").is_not_null()).sum()
    price = pl.when(priced > 0).then((pl.col("price") * pl.col("y_count")).sum() / priced)
    groups = (
        pl.concat(grouped)
        .group_by("group", "ds")
        .agg(pl.col("y_sum").sum(), price=price, y_count=pl.col("y_count").sum())
    )
    store.replace("groups", groups.select(store.tables["groups"].schema.names()).sort("group", "ds"))
    return {"series": series.height, "first": str(series["first"].min()), "last": str(series["last"].max())}
