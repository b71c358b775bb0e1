"""Errors of an ensemble's members side by side: `read_errors` takes rows of `backtests` and returns Errors.

An error counts by the root of its series' scale, between each series alike (RMSSE) and each unit alike (WAPE).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHARED = 0.005
"""How alike the errors of two series of one window are, beyond what each series has of its own (the correlation within
a cluster): with n cells in a window, they know as much as n / (1 + (n - 1) SHARED) independent ones."""
MAX_ROWS = 400_000
KEY = ("unique_id", "ds", "cutoff")
CELL = ("unique_id", "cutoff")
MEAN, MEDIAN = "mean:", "median:"


@dataclass(frozen=True)
class Errors:
    """`frame` [unique_id, ds, cutoff, step, unit, mean:A, median:A ...]: one row per forecast that all members made and
    that was observed; errors of their means and of their medians in `unit`.
    """

    frame: pl.DataFrame
    members: tuple[str, ...]

    @property
    def of_means(self) -> Floats:
        """Errors of the members' means (n, k)."""
        return self.frame.select(MEAN + m for m in self.members).to_numpy()

    @property
    def of_medians(self) -> Floats:
        """Errors of the members' medians (n, k)."""
        return self.frame.select(MEDIAN + m for m in self.members).to_numpy()

    @property
    def with_means_for_medians(self) -> Errors:
        """The same errors with those of means in place of those of medians."""
        return Errors(self.frame.with_columns(pl.col(MEAN + m).alias(MEDIAN + m) for m in self.members), self.members)

    @property
    def of_totals(self) -> Floats:
        """Errors of the sums of the members' means over all series of a day (days, k), in units of y."""
        # in the order of the rows: another one would move the last bits
        sums = ((pl.col(MEAN + m) * pl.col("unit")).sum() for m in self.members)
        return self.frame.group_by("cutoff", "ds", maintain_order=True).agg(*sums).drop("cutoff", "ds").to_numpy()

    def where(self, rows: pl.Expr) -> Errors:
        """The errors of some of the rows."""
        return Errors(self.frame.filter(rows), self.members)

    def sizes(self, errors: Floats) -> Floats:
        """The mean over cells (series and cutoff) of the root of the mean square of the errors (n, k), as (k,).

        Roots of pooled squares would be those of the few largest series, and of a window that went wrong.
        """
        names = [f"{i}" for i in range(errors.shape[1])]
        cells = self.frame.select(CELL).hstack(pl.DataFrame(errors**2, schema=names)).lazy()
        roots = cells.group_by(CELL, maintain_order=True).agg(pl.col(names).mean().sqrt())
        return np.asarray(roots.select(pl.col(names).mean()).collect().to_numpy()[0])

    @property
    def windows(self) -> list[date]:
        """The cutoffs, the oldest first."""
        return self.frame["cutoff"].unique().sort().to_list()

    @property
    def cells(self) -> float:
        """How many independent cells know as much as these (series and cutoff), of which windows share a part."""
        return independent_cells(self.frame.select(CELL).n_unique(), len(self.windows))


def independent_cells(cells: int, windows: int) -> float:
    """The number of independent cells that know as much as `cells` in clusters of `windows` (Kish 1965).

    >>> independent_cells(1002, 2), independent_cells(2, 2)
    (286.2857142857143, 2.0)
    """
    return cells / (1 + (cells / max(windows, 1) - 1) * SHARED)


def read_errors(backtests: pl.DataFrame | pl.LazyFrame, members: Sequence[str]) -> Errors | None:
    """The errors of rows (unique_id, ds, cutoff, step, model, y, yhat, rmsse_scale, perhaps q50 and closed) that all
    members forecast and that were observed on open days; None where there are none.

    A member's median is its q50, and its mean where that is null. Of very many rows a sample of series is taken.
    """
    lazy = backtests.lazy()
    columns = lazy.collect_schema().names()
    closed = pl.col("closed").fill_null(value=False) if "closed" in columns else pl.lit(value=False)
    rows = lazy.filter(pl.col("model").is_in(list(members)), pl.col("y").is_not_null(), ~closed)
    unit = pl.when(pl.col("rmsse_scale") > 0).then("rmsse_scale").otherwise(1.0).sqrt().sqrt()
    median = pl.coalesce("q50", "yhat") if "q50" in columns else pl.col("yhat")
    errors = {MEAN: (pl.col("yhat") - pl.col("y")) / unit, MEDIAN: (median - pl.col("y")) / unit}
    finite = pl.all_horizontal(pl.col(MEAN, MEDIAN).is_finite())
    # rows older than the column `step` are counted by their days
    step = pl.coalesce("step", pl.col("ds").rank("dense").over("cutoff").cast(pl.Int32))
    rows = rows.select(*KEY, "model", step=step, unit=unit, **errors).filter(finite)
    every = -(-int(rows.select(pl.len()).collect().item()) // (MAX_ROWS * len(members)))
    sample = (_sample_series(rows, every) if every > 1 else rows).collect()
    if sample["model"].n_unique() < len(members):
        return None
    index = [*KEY, "step", "unit"]
    wide = sample.pivot("model", index=index, values=[MEAN, MEDIAN], aggregate_function="first", separator="")
    shared = wide.drop_nulls([kind + m for kind in errors for m in members])
    return Errors(shared, tuple(members)) if shared.height else None


def _sample_series(rows: pl.LazyFrame, every: int) -> pl.LazyFrame:
    """Every so many of the series with all their rows: complete series are left out, the others stand for them."""
    ids = rows.select(pl.col("unique_id").unique().sort()).collect()["unique_id"]
    return rows.filter(pl.col("unique_id").is_in(ids[every - 1 :].gather_every(every).implode()))
