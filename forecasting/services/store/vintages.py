"""Published forecasts (vintages): a row in `vintages`, written last, makes the rows of its cutoff and version visible.

`publish_vintage` takes a Store and such a row and writes it, no forecasts; `scan_published` returns the visible rows of
`forecasts`, lazily; `published_vintages` the table `vintages`, newest first. The row names the version of the table
`forecasts` that readers get, so that they see nothing of rows that are being written again for a visible cutoff.
`keep_shadow`, `shadow_vintages` and `scan_shadows` do the same for forecasts of challengers, which nobody else sees:
their rows stand in `shadows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from forecasting.io.delta import conditions, snapshots
from forecasting.services.store.store import Store

KEY = ["cutoff", "version"]


def publish_vintage(store: Store, row: Mapping[str, Any], /) -> None:
    """Make the forecasts of a cutoff and version visible: call it after they are written.

    `forecasts_version` in the row is the version of the table `forecasts` that readers get from now on; without it they
    get the newest, also while it is being written. Publishing again changes the row if any other value differs;
    `published_at` (default: now) alone changes nothing.
    """
    store.merge("vintages", _as_frame(row), ignore=("published_at",))


def publish_again(store: Store, row: Mapping[str, Any], /) -> None:
    """Make a published vintage the newest of its cutoff: the version that forecast it has come back."""
    store.upsert("vintages", _as_frame(dict(row) | {"published_at": datetime.now(UTC)}))


def keep_shadow(store: Store, row: Mapping[str, Any], /) -> None:
    """Note the written forecasts of a challenger; `row` as in `publish_vintage`."""
    store.merge("shadows", _as_frame(row), ignore=("published_at",))


def _as_frame(row: Mapping[str, Any]) -> pl.DataFrame:
    defaults = {"published_at": datetime.now(UTC), "forecasts_version": None}
    return pl.DataFrame([defaults | dict(row)], schema_overrides={"forecasts_version": pl.Int64})


def published_vintages(store: Store) -> pl.DataFrame:
    """One row per vintage, newest cutoff first, within one cutoff the last published first."""
    order = ["cutoff", "published_at", "version"]
    return store.scan("vintages").collect().sort(order, descending=True)


def shadow_vintages(store: Store) -> pl.DataFrame:
    """One row per forecast of a challenger, newest cutoff first, without those that were published after all."""
    shadows = store.scan("shadows").collect().join(published_vintages(store), on=KEY, how="anti")
    return shadows.sort(KEY, descending=True)


def forecasts_versions_in_use(store: Store) -> set[int]:
    """The versions of the table `forecasts` that readers of vintages and of the challengers' forecasts get."""
    newest = (store.scan(name).select(pl.col("forecasts_version").max()).collect() for name in ("vintages", "shadows"))
    return {version for part in newest if (version := part.item()) is not None}


def scan_published(store: Store, name: str = "forecasts", /, **equals: Any) -> pl.LazyFrame:
    """The rows of a table with cutoff and version whose vintage is published; `equals` as in `Store.scan`."""
    return _scan_of(published_vintages(store), store, name, equals)


def scan_shadows(store: Store, /, **equals: Any) -> pl.LazyFrame:
    """The rows of `forecasts` that challengers have made; `equals` as in `Store.scan`."""
    return _scan_of(shadow_vintages(store), store, "forecasts", equals)


def _scan_of(made: pl.DataFrame, store: Store, name: str, equals: Mapping[str, Any]) -> pl.LazyFrame:
    version: int | None = made["forecasts_version"].max() if name == "forecasts" else None  # type: ignore[assignment]
    rows = snapshots.scan(store.snapshot(name, version), store.tables[name].schema)
    rows = rows.filter(*conditions.expressions({"cutoff": made["cutoff"].unique().to_list()} | dict(equals)))
    return rows.join(made.select(KEY).lazy(), on=KEY, how="semi")
