"""Published forecasts (vintages): a row in `vintages`, written last, makes the rows of its cutoff and version visible.

`publish_vintage` takes a Store and such a row and writes it, no forecasts; `scan_published` returns the visible rows of
`forecasts`, lazily; `published_vintages` the table `vintages`, newest first. The row names the version of the table
`forecasts` that readers get, so that they see nothing of rows that are being written again for a visible cutoff.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from forecasting.io.delta import conditions, snapshots
from forecasting.services.store.store import Store


def publish_vintage(store: Store, row: Mapping[str, Any], /) -> None:
    """Make the forecasts of a cutoff and version visible: call it after they are written.

    `forecasts_version` in the row is the version of the table `forecasts` that readers get from now on; without it they
    get the newest, also while it is being written. Publishing again changes the row if any other value differs;
    `published_at` (default: now) alone changes nothing.
    """
    defaults = {"published_at": datetime.now(UTC), "forecasts_version": None}
    frame = pl.DataFrame([defaults | dict(row)], schema_overrides={"forecasts_version": pl.Int64})
    store.merge("vintages", frame, ignore=("published_at",))


def published_vintages(store: Store) -> pl.DataFrame:
    """One row per vintage, newest cutoff first, within one cutoff the last published first."""
    order = ["cutoff", "published_at", "version"]
    return store.scan("vintages").collect().sort(order, descending=True)


def scan_published(store: Store, name: str = "forecasts", /, **equals: Any) -> pl.LazyFrame:
    """The rows of a table with cutoff and version whose vintage is published; `equals` as in `Store.scan`."""
    published = published_vintages(store)
    vintages = published.select("cutoff", "version")
    version: int | None = published["forecasts_version"].max() if name == "forecasts" else None  # type: ignore[assignment]
    rows = snapshots.scan(store.snapshot(name, version), store.tables[name].schema)
    rows = rows.filter(*conditions.expressions({"cutoff": vintages["cutoff"].unique().to_list()} | equals))
    return rows.join(vintages.lazy(), on=["cutoff", "version"], how="semi")
