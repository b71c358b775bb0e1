"""Weights of an ensemble: `fit_weights` fits them to earlier backtests, per segment of series, never negative.

It takes rows of `backtests`, segments [unique_id, segment] and the names of the members, and returns [segment, model,
weight, middle]: one row per segment and member, `weight` for the mean and `middle` for the median, each with sum 1 and
shrunk to the simple mean. The rows must be of windows that were finished at the time, which is not checked.

For errors e of the members the mean squared error of a combination with weights w is w'Sw, S being the mean of ee'. It
is made smallest over w >= 0 with sum 1, after S was shrunk twice: that of a segment towards that of all series (few
cells hold little information), and both towards a multiple of the identity, for which the simple mean is best (Ledoit &
Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", applied to forecast errors as in
Granger & Ramanathan 1984). A member that is clearly worse than the best one is left out before. To S comes a share of
the same moments of the errors of the totals: what is ordered and staffed for many series together needs means that add
up, and members that lean to one side hardly show in the errors of single series.

These weights are for the mean. The median has other weights, for which the mean absolute error is smallest: least
squares, each error weighing the inverse of its last size (Schlossmacher 1973, "An iterative technique for absolute
deviations curve fitting").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WORSE, NOISE = 0.1, 0.5
"""A member whose error is larger than the best one's by more than this share, and by the noise of few cells, is left
out: errors of another kind help even where they are somewhat larger."""
BORROWED = 60.0
"""This many cells (series and cutoffs) of all series count in a segment in addition to its cells."""
DOUBT = 200.0
"""With this many cells the simple mean weighs as much as the errors: the cells of a window are no independent ones."""
TOTALS = 0.1
"""This much the errors of the totals of all series count in addition to those of the series."""
ROUNDS, LEAST = 20, 0.05
"""Rounds of reweighting, and the size below which errors weigh alike, as a share of the median one."""
MAX_ROWS = 400_000
KEY = ("unique_id", "ds", "cutoff")
ALL = "all"


def fit_weights(backtests: pl.DataFrame | pl.LazyFrame, segments: pl.DataFrame, members: Sequence[str]) -> pl.DataFrame:
    """[segment, model, weight, middle]: one row per segment, and for "all", and member; weights add up to 1.

    `weight` is for the mean, `middle` for the median. `backtests` are rows (unique_id, ds, cutoff, model, y, yhat,
    rmsse_scale) of windows that were finished at the time; `segments` is [unique_id, segment]. Without rows that all
    members share: equal weights for "all".

    >>> empty = pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date, "cutoff": pl.Date, "model": pl.String,
    ...     "y": pl.Float64, "yhat": pl.Float64, "rmsse_scale": pl.Float64})
    >>> fit_weights(empty, empty.select("unique_id", segment="model"), ["A", "B"]).rows()
    [('all', 'A', 0.5, 0.5), ('all', 'B', 0.5, 0.5)]
    """
    wide = _errors(backtests, members)
    if wide.is_empty():
        equal = np.full(len(members), 1 / len(members))
        return _to_frame(ALL, members, equal, equal)
    wide = wide.join(segments.select("unique_id", "segment"), on="unique_id", how="left")
    of_all, cells, every = _moments(wide, members), _count_cells(wide), wide.select(members).to_numpy()
    kept, near = (_good_members(size, cells) for size in (np.sqrt(np.diag(of_all)), np.abs(every).mean(axis=0)))
    median, totals = _median_weights(every, near, cells), _total_moments(wide, members)
    parts = [_to_frame(ALL, members, _mean_weights(_add_totals(of_all, totals, kept), kept, cells), median)]
    for (segment,), rows in wide.drop_nulls("segment").group_by("segment", maintain_order=True):
        n, errors = _count_cells(rows), rows.select(members).to_numpy()
        shrunk = (n * _moments(rows, members) + BORROWED * of_all) / (n + BORROWED)
        between = (n * _median_weights(errors, near, n) + BORROWED * median) / (n + BORROWED)
        mean = _mean_weights(_add_totals(shrunk, totals, kept), kept, cells)
        parts.append(_to_frame(str(segment), members, mean, between))
    return pl.concat(parts)


def _errors(backtests: pl.DataFrame | pl.LazyFrame, members: Sequence[str]) -> pl.DataFrame:
    """[unique_id, ds, cutoff, unit, one column per member]: errors in `unit`, rows that all members forecast and that
    were observed.

    An error counts by the root of its series' scale, between each series alike (RMSSE) and each unit alike (WAPE).
    """
    lazy = backtests.lazy()
    rows = lazy.filter(pl.col("model").is_in(list(members)), pl.col("y").is_not_null(), ~_is_closed(lazy))
    scale = pl.when(pl.col("rmsse_scale") > 0).then("rmsse_scale").otherwise(1.0).sqrt().sqrt()
    error = (pl.col("yhat") - pl.col("y")) / scale
    rows = rows.select(*KEY, "model", unit=scale, error=error).filter(pl.col("error").is_finite())
    every = -(-int(rows.select(pl.len()).collect().item()) // (MAX_ROWS * len(members)))
    sample = (_sample_series(rows, every) if every > 1 else rows).collect()
    wide = sample.pivot("model", index=[*KEY, "unit"], values="error", aggregate_function="first")
    if any(m not in wide.columns for m in members):
        return pl.DataFrame()
    return wide.drop_nulls(list(members))


def _sample_series(rows: pl.LazyFrame, every: int) -> pl.LazyFrame:
    """Every so many of the series with all their rows: complete series are left out, the others stand for them."""
    ids = rows.select(pl.col("unique_id").unique().sort()).collect()["unique_id"]
    return rows.filter(pl.col("unique_id").is_in(ids[every - 1 :].gather_every(every).implode()))


def _is_closed(backtests: pl.LazyFrame) -> pl.Expr:
    has_closed = "closed" in backtests.collect_schema()
    return pl.col("closed").fill_null(value=False) if has_closed else pl.lit(value=False)


def _count_cells(wide: pl.DataFrame) -> int:
    return wide.select("unique_id", "cutoff").n_unique()


def _moments(wide: pl.DataFrame, members: Sequence[str]) -> Floats:
    """The mean of ee' (k, k)."""
    e = wide.select(members).to_numpy()
    return np.asarray(e.T @ e / len(e))


def _total_moments(wide: pl.DataFrame, members: Sequence[str]) -> Floats:
    """The mean of ee' (k, k) of the errors of all series together, day by day."""
    # in the order of the rows: another one would move the last bits of the moments
    totals = wide.group_by("cutoff", "ds", maintain_order=True).agg((pl.col(m) * pl.col("unit")).sum() for m in members)
    return _moments(totals, members)


def _add_totals(moments: Floats, totals: Floats, kept: NDArray[np.bool_]) -> Floats:
    """The moments of series (k, k) with those of totals, which are scaled to the same size and weighed by TOTALS."""
    of_series, of_totals = (np.diag(m)[kept].sum() for m in (moments, totals))
    return np.asarray(moments + TOTALS * of_series / max(of_totals, 1e-300) * totals)


def _good_members(sizes: Floats, cells: int) -> NDArray[np.bool_]:
    """Which members (k,) are not clearly worse than the best one, by the sizes of their errors."""
    return np.asarray(sizes <= (1 + WORSE + NOISE / np.sqrt(cells)) * sizes.min() + 1e-12)


def _median_weights(errors: Floats, kept: NDArray[np.bool_], cells: int) -> Floats:
    """The weights (k,) with the smallest mean absolute error among the kept members; the others get 0."""
    weights: Floats = kept / kept.sum()
    least = LEAST * float(np.median(np.abs(errors))) + 1e-12
    for _ in range(ROUNDS):
        sizes = np.maximum(np.abs(errors @ weights), least)
        weights = _mean_weights((errors / sizes[:, None]).T @ errors / len(errors), kept, cells)
    return weights


def _mean_weights(moments: Floats, kept: NDArray[np.bool_], cells: int) -> Floats:
    """The weights (k,) that minimise w'Sw over w >= 0 with sum 1 among the kept members; the others get 0."""
    from scipy.optimize import nnls

    some = moments[np.ix_(kept, kept)]
    size = np.trace(some) / len(some)
    doubt = DOUBT / (cells + DOUBT)
    shrunk = (1 - doubt) * some / max(size, 1e-300) + (doubt + 1e-6) * np.eye(len(some))
    root = np.linalg.cholesky(shrunk).T
    firm = 1e3 * np.ones((1, len(some)))  # the sum is 1: a row that outweighs all others
    found, _ = nnls(np.vstack([root, firm]), np.append(np.zeros(len(some)), firm[0, 0]))
    weights = np.zeros(len(moments))
    weights[kept] = found / found.sum()
    return weights


def _to_frame(segment: str, members: Sequence[str], mean: Floats, median: Floats) -> pl.DataFrame:
    return pl.DataFrame({"segment": segment, "model": list(members), "weight": mean, "middle": median})
