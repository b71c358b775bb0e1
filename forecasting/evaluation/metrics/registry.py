"""The registry of metrics: one entry says how a metric is computed, called, formatted, read and where it comes from.

METRICS is {name: Metric}. `expression` takes a name and returns its Polars expression; `row_expressions` and
`series_expressions` take the interval levels of a frame and return {metric: expression}.

The scores table, MLflow, the printed summary, the report and the pages follow the entries and their order. `yhat` is
the conditional mean and `q50` the median: bias and squared errors are judged on yhat, absolute errors on q50.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import polars as pl

from forecasting.evaluation.metrics.expressions import (
    ABSOLUTE_ERROR,
    ERROR,
    Y,
    bound_probabilities,
    coverage,
    interval_width,
    pinball,
    ratio,
    scaled_interval_score,
    weighted_quantile_loss,
)

ByLevel: TypeAlias = Callable[[Sequence[int]], Mapping[str, pl.Expr]]
"""From the interval levels of a frame to the expression of each suffix: {"80": ..., "95": ...}; "" is no suffix."""


@dataclass(frozen=True)
class Metric:
    """One metric. `rows` is pooled over all rows of a group; `series` is taken per series and cutoff and then averaged,
    so that every series weighs the same; a metric with neither is derived from other scores (see scores, wrmsse).

    `label` is its heading ({} is the suffix of a family such as coverage-80), `better` says which values are good,
    `shown` how far it is carried: only into the scores table, also into the facts of a run, or into the summary.
    """

    label: str
    description: str
    better: Literal["lower", "higher", "near zero", "near level", "neutral"]
    format: Literal["percent", "number", "signed"] = "number"
    rows: pl.Expr | ByLevel | None = None
    series: pl.Expr | ByLevel | None = None
    source: str = ""
    shown: Literal["scores", "facts", "summary"] = "scores"


def per_level(loss: Callable[[int], pl.Expr]) -> ByLevel:
    """One expression for every interval level, as in coverage-80."""
    return lambda levels: {str(level): loss(level) for level in levels}


def _pinball_per_bound(levels: Sequence[int]) -> dict[str, pl.Expr]:
    return {name: pinball(pl.col(name), p).mean() for name, p in bound_probabilities(levels).items()}


def _all_levels(levels: Sequence[int]) -> dict[str, pl.Expr]:
    return {"": weighted_quantile_loss(levels)} if levels else {}


METRICS: dict[str, Metric] = {
    "wape": Metric(
        "WAPE", "sum of absolute errors over the sum of |y|, a share", "lower", "percent",
        rows=ratio(ABSOLUTE_ERROR.sum(), Y.abs().sum()),
        source="Kolassa & Schuetz 2007 (MAD/mean ratio)", shown="summary",
    ),
    "skill": Metric(
        "skill", "share of the best naive model's WAPE that is saved", "higher", "percent",
        source="Murphy 1988 (skill score)", shown="summary",
    ),
    "skill_seasonal_naive": Metric(
        "skill over SeasonalNaive", "share of the seasonal naive model's WAPE that is saved", "higher", "percent",
        source="Murphy 1988 (skill score)",
    ),
    "bias": Metric(
        "bias", "sum of errors over the sum of y: above 0 when too much is forecast", "near zero", "percent",
        rows=ratio(ERROR.sum(), Y.sum()), shown="summary",
    ),
    "tracking_signal": Metric(
        "tracking signal",
        "sum of the errors of each day over their mean size, of past forecasts: beyond 4 or -4 they are biased",
        "near zero", source="Brown 1959", shown="facts",
    ),
    "mae": Metric("MAE", "mean absolute error, in units of y", "lower", rows=ABSOLUTE_ERROR.mean(), shown="summary"),
    "rmse": Metric(
        "RMSE", "root of the mean squared error, in units of y", "lower",
        rows=(ERROR**2).mean().sqrt(), shown="summary",
    ),
    "r2": Metric(
        "R²", "share of the variance of y that is explained", "higher",
        rows=1 - ratio((ERROR**2).sum(), ((Y - Y.mean()) ** 2).sum()), shown="facts",
    ),
    "smape": Metric(
        "sMAPE", "mean of 200 |error| / (|y| + |q50|), from 0 to 200", "lower",
        rows=200 * ratio(ABSOLUTE_ERROR, Y.abs() + pl.col("q50").abs()).fill_null(0.0).mean(),
        source="Makridakis & Hibon 2000 (M3)",
    ),
    "mase": Metric(
        "MASE", "mean absolute error of a series over its in-sample seasonal naive error, averaged", "lower",
        series=ratio(ABSOLUTE_ERROR.mean(), pl.col("mase_scale").first()),
        source="Hyndman & Koehler 2006", shown="summary",
    ),
    "rmsse": Metric(
        "RMSSE", "root mean squared error of a series over its in-sample naive error, averaged", "lower",
        series=ratio((ERROR**2).mean(), pl.col("rmsse_scale").first()).sqrt(),
        source="Makridakis, Spiliotis & Assimakopoulos 2022 (M5)", shown="summary",
    ),
    "wrmsse": Metric(
        "WRMSSE", "RMSSE of every series and aggregate, weighted by what it sold lately", "lower",
        source="Makridakis, Spiliotis & Assimakopoulos 2022 (M5)", shown="summary",
    ),
    "wql": Metric(
        "WQL", "pinball loss of all bounds over the mean |y|", "lower", rows=_all_levels,
        source="Salinas et al. 2020 (DeepAR)", shown="facts",
    ),
    "coverage": Metric(
        "in {} %", "share of y within the interval", "near level", "percent", rows=per_level(coverage), shown="summary",
    ),
    "width": Metric("width {} %", "mean width of the interval, in units of y", "lower", rows=per_level(interval_width)),
    "pinball": Metric(
        "pinball {}", "mean quantile loss of a bound, in units of y", "lower", rows=_pinball_per_bound,
        source="Koenker & Bassett 1978",
    ),
    "sis": Metric(
        "SIS {} %", "Winkler score of a series over its in-sample seasonal naive error, averaged", "lower",
        series=per_level(scaled_interval_score), source="Gneiting & Raftery 2007; Makridakis et al. 2020 (M4, MSIS)",
    ),
    "gain": Metric("gain", "WAPE of the reference less that of the model", "higher", "signed"),
    "gain_lo": Metric("gain, lower", "lower end of the 95 % interval of the gain", "higher", "signed"),
    "gain_hi": Metric("gain, upper", "upper end of the 95 % interval of the gain", "higher", "signed"),
    "n": Metric("n", "rows with an observation", "neutral", rows=pl.len().cast(pl.Float64)),
}  # fmt: skip


def expression(name: str) -> pl.Expr:
    """The expression of a metric without levels; raises KeyError for a metric that has none.

    >>> pl.DataFrame({"y": [10.0], "q50": [8.0]}).select(expression("wape")).item()
    0.2
    """
    metric = METRICS[name]
    for found in (metric.rows, metric.series):
        if isinstance(found, pl.Expr):
            return found
    raise KeyError(f"{name} is no single expression")


def row_expressions(levels: Sequence[int]) -> dict[str, pl.Expr]:
    """{metric: expression} of all metrics that are pooled over rows, for a frame with these interval levels."""
    return {key: expr for name, m in METRICS.items() for key, expr in _named(name, m.rows, levels)}


def series_expressions(levels: Sequence[int]) -> dict[str, pl.Expr]:
    """{metric: expression} of all metrics that are taken per series and cutoff, for these interval levels."""
    return {key: expr for name, m in METRICS.items() for key, expr in _named(name, m.series, levels)}


def _named(name: str, found: pl.Expr | ByLevel | None, levels: Sequence[int]) -> list[tuple[str, pl.Expr]]:
    if found is None:
        return []
    by_suffix = {"": found} if isinstance(found, pl.Expr) else found(levels)
    return [(f"{name}-{suffix}" if suffix else name, expr) for suffix, expr in by_suffix.items()]
