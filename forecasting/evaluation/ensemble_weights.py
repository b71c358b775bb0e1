"""Weights of a combination, learned from earlier backtests: per segment, never negative, shrunk to the simple mean.

For errors e of the members the mean squared error of a combination with weights w is w'Sw, S being the mean of ee'. It
is made smallest over w >= 0 with sum 1, after S was shrunk twice: that of a segment towards that of all series (few
cells tell little), and both towards a multiple of the identity, for which the simple mean is best (Ledoit & Wolf 2004,
"A well-conditioned estimator for large-dimensional covariance matrices", applied to forecast errors as in Granger &
Ramanathan 1984). A member that is clearly worse than the best one is left out before. To S comes a share of the same
moments of the errors of the totals: what is ordered and staffed for many series together needs means that add up, and
members that lean to one side hardly show in the errors of single series.

These weights are for the mean. The median has weights of its own, for which the mean absolute error is smallest: least
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
"""So many cells (series and cutoffs) of all series count in a segment beside its own."""
DOUBT = 200.0
"""With so many cells the simple mean has as much say as the errors: the cells of a window are no independent ones."""
TOTALS = 0.1
"""So much the errors of the totals of all series count beside those of the series."""
ROUNDS, LEAST = 20, 0.05
"""Rounds of reweighting, and the size below which errors weigh alike, as a share of the median one."""
ROWS = 400_000
KEY = ("unique_id", "ds", "cutoff")
ALL = "all"


def fit_weights(past: pl.DataFrame, homes: pl.DataFrame, members: Sequence[str]) -> pl.DataFrame:
    """[segment, model, weight, middle]: weights of `members` for the mean and for the median, per segment, and for
    "all"; they add up to 1.

    `past` are backtest rows (unique_id, ds, cutoff, model, y, yhat, rmsse_scale) that were over when the weights are
    asked for; `homes` is [unique_id, segment]. Without rows that all members share: equal weights for "all".
    """
    wide = _errors(past, members)
    if wide.is_empty():
        same = np.full(len(members), 1 / len(members))
        return _framed(ALL, members, same, same)
    wide = wide.join(homes.select("unique_id", "segment"), on="unique_id", how="left")
    whole, cells, every = _moments(wide, members), _cells(wide), wide.select(members).to_numpy()
    kept, near = (_kept(size, cells) for size in (np.sqrt(np.diag(whole)), np.abs(every).mean(axis=0)))
    middle, totals = _median(every, near, cells), _totals(wide, members)
    parts = [_framed(ALL, members, _solved(_both(whole, totals, kept), kept, cells), middle)]
    for (segment,), rows in wide.drop_nulls("segment").group_by("segment", maintain_order=True):
        own, errors = _cells(rows), rows.select(members).to_numpy()
        mixed = (own * _moments(rows, members) + BORROWED * whole) / (own + BORROWED)
        between = (own * _median(errors, near, own) + BORROWED * middle) / (own + BORROWED)
        parts.append(_framed(str(segment), members, _solved(_both(mixed, totals, kept), kept, cells), between))
    return pl.concat(parts)


def _errors(past: pl.DataFrame, members: Sequence[str]) -> pl.DataFrame:
    """unique_id, ds, cutoff, unit and one column of errors in this unit per member: rows on which all of them forecast
    what was sold.

    An error counts by the root of its series' scale, between each series alike (RMSSE) and each unit alike (WAPE).
    """
    rows = past.filter(pl.col("model").is_in(list(members)), pl.col("y").is_not_null(), ~_closed(past))
    scale = pl.when(pl.col("rmsse_scale") > 0).then("rmsse_scale").otherwise(1.0).sqrt().sqrt()
    error = (pl.col("yhat") - pl.col("y")) / scale
    rows = rows.select(*KEY, "model", unit=scale, error=error).filter(pl.col("error").is_finite())
    every = -(-rows.height // (ROWS * len(members)))  # whole series, so that few tell for many
    rows = rows.filter(pl.col("unique_id").rank("dense") % max(every, 1) == 0)
    wide = rows.pivot("model", index=[*KEY, "unit"], values="error", aggregate_function="first")
    if any(m not in wide.columns for m in members):
        return pl.DataFrame()
    return wide.drop_nulls(list(members))


def _closed(past: pl.DataFrame) -> pl.Expr:
    return pl.col("closed").fill_null(value=False) if "closed" in past.columns else pl.lit(value=False)


def _cells(wide: pl.DataFrame) -> int:
    return wide.select("unique_id", "cutoff").n_unique()


def _moments(wide: pl.DataFrame, members: Sequence[str]) -> Floats:
    """The mean of ee' (k, k)."""
    e = wide.select(members).to_numpy()
    return np.asarray(e.T @ e / len(e))


def _totals(wide: pl.DataFrame, members: Sequence[str]) -> Floats:
    """The mean of ee' (k, k) of the errors of all series together, day by day."""
    added = wide.group_by("cutoff", "ds").agg((pl.col(m) * pl.col("unit")).sum() for m in members)
    return _moments(added, members)


def _both(moments: Floats, totals: Floats, kept: NDArray[np.bool_]) -> Floats:
    """The moments of series with those of totals, brought to their size, as far as these count."""
    own, of_totals = (np.diag(m)[kept].sum() for m in (moments, totals))
    return np.asarray(moments + TOTALS * own / max(of_totals, 1e-300) * totals)


def _kept(sizes: Floats, cells: int) -> NDArray[np.bool_]:
    """Which members are not clearly worse than the best one, by the sizes of their errors."""
    return np.asarray(sizes <= (1 + WORSE + NOISE / np.sqrt(cells)) * sizes.min() + 1e-12)


def _median(errors: Floats, kept: NDArray[np.bool_], cells: int) -> Floats:
    """The weights (k,) with the smallest mean absolute error among the kept members; the others get 0."""
    weights: Floats = kept / kept.sum()
    least = LEAST * float(np.median(np.abs(errors))) + 1e-12
    for _ in range(ROUNDS):
        sizes = np.maximum(np.abs(errors @ weights), least)
        weights = _solved((errors / sizes[:, None]).T @ errors / len(errors), kept, cells)
    return weights


def _solved(moments: Floats, kept: NDArray[np.bool_], cells: int) -> Floats:
    """The weights (k,) that minimise w'Sw over w >= 0 with sum 1 among the kept members; the others get 0."""
    from scipy.optimize import nnls

    some = moments[np.ix_(kept, kept)]
    size = np.trace(some) / len(some)
    doubt = DOUBT / (cells + DOUBT)
    shrunk = (1 - doubt) * some / max(size, 1e-300) + (doubt + 1e-6) * np.eye(len(some))
    root = np.linalg.cholesky(shrunk).T
    firm = 1e3 * np.ones((1, len(some)))  # the sum is 1: a row that outweighs all others
    found, _ = nnls(np.vstack([root, firm]), np.append(np.zeros(len(some)), firm[0, 0]))
    answer = np.zeros(len(moments))
    answer[kept] = found / found.sum()
    return answer


def _framed(segment: str, members: Sequence[str], mean: Floats, median: Floats) -> pl.DataFrame:
    return pl.DataFrame({"segment": segment, "model": list(members), "weight": mean, "middle": median})
