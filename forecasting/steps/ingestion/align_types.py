"""Types of loaded rows: `normalize_driver_types`, then `cast_to_stored_types`, return them in those of earlier loads.

`check_compatible` raises UserError when the rows do not belong to the stored tables. All take good rows [unique_id, ds,
y, drivers ...]; nothing is written.
"""

from __future__ import annotations

import json

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Portions
from forecasting.data.panel import KEY
from forecasting.data.sources import DELETED
from forecasting.data.sources.names import folded
from forecasting.features.groups import group_label
from forecasting.features.joined_names import join_names
from forecasting.services.store import Store
from forecasting.steps.session import check_freq, read_meta

NOT_DRIVERS = (*KEY, "y", "file", DELETED)
"""Columns that are no drivers."""


def normalize_driver_types(good: Portions, config: Config) -> Portions:
    """Drivers as text or Float64, so that a later load with decimals fits; static columns of aggregates as text."""
    named = {c for level in config.levels_of_aggregation for c in level}
    plain = ((c, kind) for c, kind in good.schema.items() if c not in NOT_DRIVERS)
    numbers = [c for c, kind in plain if kind.is_numeric() or kind == pl.Boolean]
    texts = [pl.col(c).cast(pl.String) for c in numbers if c in named]
    floats = [pl.col(c).cast(pl.Float64) for c in numbers if c not in named]
    return good.each(lambda rows: rows.with_columns(*texts, *floats))


def cast_to_stored_types(good: Portions, store: Store, config: Config) -> Portions:
    """Drivers in the types of earlier loads: numbers among texts are texts (7.0 is 7); UserError for the reverse.

    A small load may hold only the numbers of a column of texts, or none of a column of numbers.
    """
    stored = store.tables["panel"].schema
    changed = [c for c, kind in good.schema.items() if c in stored and c not in NOT_DRIVERS and stored[c] != kind]
    for column in (c for c in changed if stored[c] != pl.String):
        _refuse_words(good, column, config)
    casts = [_as_text(c) if stored[c] == pl.String else _as_number(c) for c in changed]
    return good.each(lambda rows: rows.with_columns(casts))


def _as_text(column: str) -> pl.Expr:
    value = pl.col(column)
    whole = value.cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(value == value.round()).then(whole).otherwise(value.cast(pl.String)).alias(column)


def _as_number(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Float64, strict=False)


def _refuse_words(good: Portions, column: str, config: Config) -> None:
    """Raise UserError for a column that was one of numbers and holds words, or now groups series."""
    words = good.each(
        lambda rows: rows.filter(_as_number(column).is_null()).select(column).drop_nulls().head(1)
    ).whole()
    grouping = any(column in level for level in config.levels_of_aggregation)
    if grouping or words.height:
        now = "groups series, which a text does" if grouping else f"holds the text {words[column][0]!r}"
        raise config.fault(
            "columns",
            f"{column} was loaded as a number before and now {now}: mend the column in the source, "
            "or set store.root to a new folder and ingest again",
        )


def check_compatible(store: Store, good: Portions, config: Config) -> None:
    """Raise UserError when the load has other series than the stored tables, or a series is named like an aggregate."""
    meta = read_meta(store)
    check_freq(config, store, meta)
    stored = set(store.scan("series").select("unique_id").collect()["unique_id"])
    ids = good.each(lambda rows: rows.select(pl.col("unique_id").unique())).whole()["unique_id"]
    named = json.dumps(config.id_names)
    renamed = meta.get("unique_id", named) != named
    if renamed and stored and not stored & set(ids):
        raise config.fault(
            "source.columns.unique_id",
            f"the store holds series such as {min(stored)!r} and no series of this load, such as {ids.min()!r}: "
            "name the columns of the loads before, or set another name or store.root",
        )
    _check_joined_names(store, config)
    for clash in ids.filter(ids.is_in(_labels(good, config).implode())):
        raise config.fault(
            "levels_of_aggregation",
            f"a series is called {clash!r}, which is the name of an aggregate: rename the series in the source",
        )


def _labels(good: Portions, config: Config) -> pl.Series:
    """The names of all aggregates of these rows."""
    columns = list(dict.fromkeys(c for level in config.levels_of_aggregation for c in level))
    groups = good.each(lambda rows: rows.select(columns).unique()).whole().unique() if columns else pl.DataFrame()
    labels = [groups.select(group_label(level)).to_series() for level in config.levels_of_aggregation]
    return pl.concat(labels).unique()


def _check_joined_names(store: Store, config: Config) -> None:
    """Raise UserError for stored series whose names were joined when a slash within one was taken for a separator."""
    parts = config.id_columns
    if config.source.ids == "folded":
        _check_folded_names(store, config)
    if not parts or not set(parts) <= set(store.tables["series"].schema):
        return
    stored = store.scan("series").select("unique_id", *parts).collect()
    ambiguous = pl.concat_str(parts, separator="/") == pl.col("unique_id")
    for name in stored.filter(ambiguous & (join_names(parts) != pl.col("unique_id")))["unique_id"].head(1):
        raise config.fault(
            "source.columns.unique_id",
            f"the stored series {name!r} was named by an earlier version, in which names with a slash could meet: "
            "set store.root to a new folder and ingest again",
        )


def _check_folded_names(store: Store, config: Config) -> None:
    """Raise UserError for stored series whose names are not in their one spelling."""
    names = [c for c in config.id_columns or ("unique_id",) if c in store.tables["series"].schema]
    stored = store.scan("series").select(names).collect()
    for name in (stored.filter(folded(pl.col(c)) != pl.col(c))[c] for c in names):
        if name.len():
            raise config.fault(
                "source.ids",
                f"the stored series are named as they were written, such as {name[0]!r}: set store.root to a new "
                "folder and ingest again",
            )
