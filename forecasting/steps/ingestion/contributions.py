"""Files with lines of the same day: `sum_over_files` stores what each file contributes, and returns the sums.

It takes a Load and its LoadedRows, writes `contributions`, and returns LoadedRows with the sums over all files, also
earlier ones. Where the source's files do not add up, the last file counts and nothing is written.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from forecasting.config import Config
from forecasting.data import contracts, sources
from forecasting.data.buckets import Portions
from forecasting.data.panel import KEY
from forecasting.steps.ingestion.landing import LoadedRows, keep_last_file
from forecasting.steps.ingestion.load_state import Load

ADDITIVE = ("revenue", "returned", "invoices", "lines")
"""Drivers that add up; a price is a mean, weighted by what was sold; of others the value of the last file counts."""


def sum_over_files(load: Load, rows: LoadedRows) -> LoadedRows:
    """The panel rows that these files change, as sums over all files, and the keys that no file holds any more."""
    if not sources.files_add_up(load.config) or rows.file_log is None:
        return keep_last_file(rows)
    read = rows.file_log["file"].to_list()
    before = load.store.scan("contributions", file=read).collect()
    table = load.store.tables["contributions"]
    good = rows.good.whole()
    load.store.replace("contributions", good.select(table.schema.names()), file=read)
    touched = pl.concat([before.select(KEY), good.select(KEY)]).unique()
    days = touched["ds"].unique().to_list()
    parts = load.store.scan("contributions", ds=days).collect().join(touched, on=KEY, how="semi")
    sums = _sum_contributions(parts, load.config).select(c for c in good.columns if c != "file")
    sums, below = _split_below_minimum(sums, load.config)
    deleted = touched.join(sums, on=KEY, how="anti")
    return replace(
        rows, good=Portions.of(sums), deleted=Portions.of(deleted), quarantine=pl.concat([rows.quarantine, below])
    )


def _sum_contributions(parts: pl.DataFrame, config: Config) -> pl.DataFrame:
    drivers = [c for c in parts.columns if c not in (*KEY, "y", "file")]
    sold = pl.col("y").clip(lower_bound=0)
    means = {"unit_price", config.columns.price}
    sums = [pl.col("y").sum()]
    for c in drivers:
        if c in means:
            weight = pl.when(pl.col(c).is_not_null()).then(sold)
            weighted = (pl.col(c) * weight).sum() / weight.sum()
            sums.append(pl.when(weight.sum() > 0).then(weighted).otherwise(pl.col(c).mean()).alias(c))
        else:
            sums.append(pl.col(c).sum() if c in ADDITIVE else pl.col(c).drop_nulls().last())
    return parts.sort("file", *KEY).group_by(KEY).agg(sums)


def _split_below_minimum(sums: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Without sums below clean.y_min where those belong to the quarantine, and these as rows for it."""
    clean = config.clean
    nothing = pl.DataFrame(schema=contracts.QUARANTINE_SCHEMA)
    if clean.y_min is None or clean.below != "quarantine":
        return sums, nothing
    low = pl.col("y") < clean.y_min
    text = pl.format("{} on {}: y={}", "unique_id", "ds", "y")
    texts = {"row": text, "rule": pl.lit("below_y_min"), "value": text}
    day = pl.col("ds").cast(pl.Int32).cast(pl.Int64)  # no line of a file, and one of its own for each sum
    bad = sums.filter(low).select(file=pl.format("all files, {}", "unique_id"), line=day, **texts)
    return sums.filter(~low.fill_null(value=False)), bad
