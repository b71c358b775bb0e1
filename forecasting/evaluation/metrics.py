"""Scores of forecasts. A metric is one Polars expression over the columns of `backtests`.

`ROWS` are pooled over all rows of a group; `SERIES` are taken per series and cutoff and then averaged, so that every
series weighs the same. Rows without an observation (y null) are not scored. `yhat` is the conditional mean and `q50`
the median, therefore bias and squared errors are judged on yhat, absolute errors on q50 where it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

SERIES_KEY = ("unique_id", "cutoff")

Y = pl.col("y")
E = pl.col("yhat") - Y
AE = (pl.col("q50") - Y).abs()


def ratio(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """`above / below`, null where `below` is 0 or null: an undefined score is no score."""
    return pl.when(below != 0).then(above / below)


def pinball(quantile: pl.Expr, probability: float) -> pl.Expr:
    """Pinball (quantile) loss per row, in units of y."""
    under = Y - quantile
    return pl.max_horizontal(probability * under, (probability - 1) * under)


def interval_score(lo: pl.Expr, hi: pl.Expr, level: int) -> pl.Expr:
    """Winkler score per row, in units of y: width plus 2 / alpha for every unit outside (Gneiting & Raftery 2007)."""
    return hi - lo + 200 / (100 - level) * ((lo - Y).clip(0) + (Y - hi).clip(0))


ROWS: dict[str, pl.Expr] = {
    "n": pl.len().cast(pl.Float64),
    "mae": AE.mean(),
    "rmse": (E**2).mean().sqrt(),
    "r2": 1 - ratio((E**2).sum(), ((Y - Y.mean()) ** 2).sum()),
    "wape": ratio(AE.sum(), Y.abs().sum()),
    "bias": ratio(E.sum(), Y.sum()),
    "smape": 200 * ratio(AE, Y.abs() + pl.col("q50").abs()).fill_null(0.0).mean(),
}
SERIES: dict[str, pl.Expr] = {
    "mase": ratio(AE.mean(), pl.col("mase_scale").first()),
    "rmsse": ratio((E**2).mean(), pl.col("rmsse_scale").first()).sqrt(),
}


def levels_of(columns: Iterable[str]) -> list[int]:
    """The interval levels in percent whose lo- and hi- columns are both there, ascending."""
    there = set(columns)
    lows = {int(c.removeprefix("lo-")) for c in there if c.startswith("lo-")}
    return sorted(level for level in lows if f"hi-{level}" in there)


def bound_probabilities(levels: Iterable[int]) -> dict[str, float]:
    """Probability of every bound: {"lo-80": 0.1, "hi-80": 0.9, ...}."""
    sides = [(level, sign) for level in levels for sign in (-1, 1)]
    return {f"{'lo' if sign < 0 else 'hi'}-{level}": 0.5 + sign * level / 200 for level, sign in sides}


def interval_rows(levels: Sequence[int]) -> dict[str, pl.Expr]:
    """Pooled metrics of the bounds: coverage (share), mean width, pinball per quantile, weighted quantile loss."""
    bounds = bound_probabilities(levels)
    losses = {name: pinball(pl.col(name), p) for name, p in bounds.items()}
    cover = {f"coverage-{n}": Y.is_between(pl.col(f"lo-{n}"), pl.col(f"hi-{n}")).mean() for n in levels}
    width = {f"width-{n}": (pl.col(f"hi-{n}") - pl.col(f"lo-{n}")).mean() for n in levels}
    each = {f"pinball-{name}": loss.mean() for name, loss in losses.items()}
    return cover | width | each | ({"wql": wql(list(losses.values()))} if losses else {})


def wql(losses: Sequence[pl.Expr]) -> pl.Expr:
    """Twice the mean pinball loss over the quantiles divided by the mean |y|, on the rows that have all bounds."""
    total = pl.sum_horizontal(losses, ignore_nulls=False)
    return ratio(2 / len(losses) * total.sum(), Y.abs().filter(total.is_not_null()).sum())


def interval_series(levels: Sequence[int]) -> dict[str, pl.Expr]:
    """Scaled interval score per series and cutoff: the mean Winkler score in units of the seasonal naive error."""
    scores = {n: interval_score(pl.col(f"lo-{n}"), pl.col(f"hi-{n}"), n) for n in levels}
    return {f"sis-{n}": ratio(score.mean(), pl.col("mase_scale").first()) for n, score in scores.items()}


def scored_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with an observation; q50 is yhat where it is not given.

    Raises ValueError when such a row has no finite forecast: leaving it out would flatter the model.
    """
    if "q50" not in frame.columns:
        frame = frame.with_columns(q50=pl.col("yhat"))
    rows = frame.filter(Y.is_not_null()).with_columns(pl.col("q50").fill_null(pl.col("yhat")))
    lost = rows.filter(~pl.col("yhat").is_finite().fill_null(value=False))
    if lost.height:
        example = lost.select("unique_id", "cutoff", "ds").row(0)
        raise ValueError(f"{lost.height} of {rows.height} rows with a sale have no forecast, for example {example}")
    return rows


def score(frame: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """Scores of the forecasts in `frame` as a long frame [*by, metric, value].

    `frame` has unique_id, ds, cutoff, y, yhat, mase_scale, rmsse_scale and may have q50 and lo- / hi- columns.
    Errors are in units of y, wape, bias, coverage and r2 are shares, smape is 0 to 200, mase, rmsse and sis are
    multiples of the in-sample error. An undefined score has no row; `mase_excluded` and `rmsse_excluded` count the
    series and cutoffs whose scale is undefined. Raises ValueError when a row with an observation has no forecast.
    """
    rows, levels = scored_rows(frame), levels_of(frame.columns)
    wide = pool_metrics(rows, by, ROWS | interval_rows(levels))
    means = average_over_series(rows, by, SERIES | interval_series(levels))
    return pl.concat([to_long(wide, by), to_long(means, by)]).sort(*by, "metric", nulls_last=False)


def pool_metrics(rows: pl.DataFrame, by: Sequence[str], metrics: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """One row per group of `by` with one column per metric."""
    return aggregate(rows, by, [expr.alias(name) for name, expr in metrics.items()])


def average_over_series(rows: pl.DataFrame, by: Sequence[str], metrics: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Metrics per series and cutoff and their mean per group of `by`, with counts of the undefined ones."""
    each = pool_metrics(rows, list(dict.fromkeys([*by, *SERIES_KEY])), metrics)
    means = [pl.col(name).mean() for name in metrics]
    counts = [pl.col(n).null_count().cast(pl.Float64).alias(f"{n}_excluded") for n in SERIES]
    return aggregate(each, by, means + counts)


def aggregate(frame: pl.DataFrame, by: Sequence[str], exprs: list[pl.Expr]) -> pl.DataFrame:
    """Aggregates per group; without groups one row, and none of an empty frame."""
    if by:  # in order, or the last digit of a mean over groups would change from run to run
        return frame.group_by(by, maintain_order=True).agg(exprs)
    return frame.select(exprs).head(min(frame.height, 1))


def to_long(wide: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Long frame [*by, metric, value] without the undefined scores."""
    long = wide.unpivot(index=list(by), variable_name="metric", value_name="value")
    return long.with_columns(pl.col("value").cast(pl.Float64)).drop_nulls("value")


def naive_error_scales(history: pl.DataFrame, season_length: int) -> pl.DataFrame:
    """In-sample naive errors [unique_id, mase_scale, rmsse_scale, mean] of a history [unique_id, ds, y].

    mase_scale is the mean |y_t - y_(t-m)| in units of y, rmsse_scale the mean (y_t - y_(t-1))^2 in units of y squared,
    both over the pairs where both are observed (Hyndman & Koehler 2006; M5); mean is that of the observed y.
    The history has a row for every period, y null where nothing was observed, as the panel has; a series without a
    pair gets null.
    """
    ordered = history.sort("unique_id", "ds")
    gaps = ordered.select(
        "unique_id",
        "y",
        season=(Y - Y.shift(season_length).over("unique_id")).abs(),
        step=(Y - Y.shift(1).over("unique_id")) ** 2,
    )
    return gaps.group_by("unique_id", maintain_order=True).agg(
        mase_scale=pl.col("season").mean(), rmsse_scale=pl.col("step").mean(), mean=Y.mean()
    )
