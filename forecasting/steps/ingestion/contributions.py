"""Files that may hold lines of the same day: what each of them adds to a row is kept, and the panel holds the sums."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from forecasting.config import Config
from forecasting.data import contracts, sources
from forecasting.data.panel import KEY
from forecasting.steps.ingestion.landing import Rows, settled
from forecasting.steps.ingestion.load_state import Load

ADDED = ("revenue", "returned", "invoices", "lines")
"""Drivers that add up; a price is a mean, weighted by what was sold; of others the value of the last file counts."""


def summed(load: Load, rows: Rows) -> Rows:
    """The rows of the panel that these files change, and the keys of which no file tells any more."""
    if not sources.files_add_up(load.config) or rows.seen is None:
        return settled(rows)
    read = rows.seen["file"].to_list()
    before = load.store.scan("contributions", file=read).collect()
    table = load.store.tables["contributions"]
    load.store.replace("contributions", rows.good.select(table.schema.names()), file=read)
    touched = pl.concat([before.select(KEY), rows.good.select(KEY)]).unique()
    days = touched["ds"].unique().to_list()
    parts = load.store.scan("contributions", ds=days).collect().join(touched, on=KEY, how="semi")
    sums = _added(parts, load.config).select(c for c in rows.good.columns if c != "file")
    sums, below = _allowed(sums, load.config)
    gone = touched.join(sums, on=KEY, how="anti")
    return replace(rows, good=sums, gone=gone, quarantine=pl.concat([rows.quarantine, below]))


def _added(parts: pl.DataFrame, config: Config) -> pl.DataFrame:
    drivers = [c for c in parts.columns if c not in (*KEY, "y", "file")]
    sold = pl.col("y").clip(lower_bound=0)
    means = {"unit_price", config.columns.price}
    together = [pl.col("y").sum()]
    for c in drivers:
        if c in means:
            weight = pl.when(pl.col(c).is_not_null()).then(sold)
            weighted = (pl.col(c) * weight).sum() / weight.sum()
            together.append(pl.when(weight.sum() > 0).then(weighted).otherwise(pl.col(c).mean()).alias(c))
        else:
            together.append(pl.col(c).sum() if c in ADDED else pl.col(c).drop_nulls().last())
    return parts.sort("file", *KEY).group_by(KEY).agg(together)


def _allowed(sums: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Without sums below clean.y_min where those belong to the quarantine, and these as rows for it."""
    clean = config.clean
    nothing = pl.DataFrame(schema=contracts.QUARANTINE_SCHEMA)
    if clean.y_min is None or clean.below != "quarantine":
        return sums, nothing
    low = pl.col("y") < clean.y_min
    said = pl.format("{} on {}: y={}", "unique_id", "ds", "y")
    told = {"row": said, "rule": pl.lit("below_y_min"), "value": said}
    day = pl.col("ds").cast(pl.Int32).cast(pl.Int64)  # no line of a file, and one of its own for each sum
    bad = sums.filter(low).select(file=pl.format("all files, {}", "unique_id"), line=day, **told)
    return sums.filter(~low.fill_null(value=False)), bad
