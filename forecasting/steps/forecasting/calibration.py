"""Calibrated bounds: `learn_quantiles` makes a quantile table of backtest rows, `calibrate` adds bounds by it.

`calibrate` takes forecast rows and returns them with q50 and lo-L, hi-L of every level L of the config; yhat stays.
Quantiles are of windows that were over by the cutoff. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, partial

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import interval_columns
from forecasting.data.windows import comparable_from
from forecasting.evaluation import intervals
from forecasting.models.base import Fitted
from forecasting.steps.forecasting.ensembles import replay
from forecasting.steps.forecasting.origin import Origin, memberships

ORDER = ("model", "grain", "block", "floor")

AT_ONCE = 50_000
"""Models with fewer rows together are calibrated at once: a small table takes nearly as long as a larger one."""


def calibrate(rows: pl.DataFrame, quantiles: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows with q50, the bounds of every level and `interval` (what they rest on), in place of a model's own.

    `quantiles` is a table of `learn_quantiles`; levels that it does not hold fall back to the model's own bounds.
    """
    bounds = interval_columns(config.level)
    kept = rows.select(c for c in rows.columns if not c.startswith(("lo-", "hi-")) or c in bounds)
    missing = [c for c in bounds if c not in quantiles.columns]  # levels that were added since the training
    complete = quantiles.with_columns(pl.lit(None, pl.Float64).alias(c) for c in missing)
    return intervals.add_bounds(kept, complete, config.level, config.clean.y_min)


def learn_quantiles(backtests: pl.LazyFrame, fitted: Mapping[str, Fitted], at: Origin) -> pl.DataFrame:
    """The quantile table for an origin (see evaluation.intervals.fit_quantiles), learned from backtest rows that are
    read model by model, those of ensembles as the `fitted` ones would forecast them (see `replay`).

    The median stays at yhat where no window had models that are comparable with those that are fitted now.
    """
    config, cutoff, groups = at.config, at.cut.cutoff, cache(partial(memberships, at))
    since = comparable_from(at.cut.panel, cutoff)

    def read(name: str) -> pl.DataFrame:
        newest = _newest_errors(backtests.filter(pl.col("model") == name), cutoff, config.calibration)
        return replay(newest, backtests, fitted.get(name), groups)

    names = backtests.select(pl.col("model").unique().sort()).collect()["model"]
    parts = map(read, names) if len(names) else iter([backtests.collect()])
    tables = []
    for rows in _together(parts):
        table = quantiles_of_windows(rows, config.level, config.clean.y_min)
        newest = rows.group_by("model", "grain").agg(newest=pl.col("cutoff").max())
        tables.append(_without_odd_skew(table.join(newest, on=["model", "grain"], how="left"), since))
    return pl.concat(tables).sort(ORDER)


def _without_odd_skew(table: pl.DataFrame, since: date) -> pl.DataFrame:
    """The quantile table less its column `newest`, the skew 0 where this is not a cutoff from `since` on."""
    skew = pl.when(pl.col("newest") >= since).then("skew").otherwise(pl.col("skew") * 0)
    return table.with_columns(skew=skew).drop("newest")


def _together(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The parts in their order, as many in one frame as have `AT_ONCE` rows."""
    waiting: list[pl.DataFrame] = []
    for part in parts:
        waiting.append(part)
        if sum(frame.height for frame in waiting) >= AT_ONCE:
            yield pl.concat(waiting, how="diagonal")
            waiting = []
    if waiting:
        yield pl.concat(waiting, how="diagonal")


def _newest_errors(mine: pl.LazyFrame, cutoff: date, windows: int) -> pl.DataFrame:
    """The rows of the newest windows, of as many series as are enough, which are found from counts of rows."""
    cells = ("model", "grain", "cutoff", "unique_id")
    counts = mine.group_by(cells).agg(pl.col("ds").max(), rows=pl.len()).collect()
    newest = intervals.newest_windows(counts, cutoff, windows)
    used = intervals.enough_series(newest, size=pl.col("rows").sum()).select(cells)
    return mine.join(used.lazy(), on=cells, how="semi", maintain_order="left").collect()


def quantiles_of_windows(rows: pl.DataFrame, levels: Sequence[int], y_min: float | None = None) -> pl.DataFrame:
    """The quantile table of one model, from its rows of the windows that bounds rest on; the bounds that they were
    given do not count. A look back finds the same windows, and so the bounds of that night.
    """
    given = ("q50", "interval")
    bare = rows.select(c for c in rows.columns if not c.startswith(("lo-", "hi-")) and c not in given)
    return intervals.fit_adapted_quantiles(bare, levels, y_min)
