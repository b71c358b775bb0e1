"""Metrics of forecasts: one entry per metric, the scores computed from them, and how they are labelled and shown.

METRICS is the registry, {name: Metric}. `score` takes rows of `backtests` and returns [*by, metric, value];
`naive_error_scales` takes a history and returns the scales of MASE and RMSSE; `format_value` returns a score as text.
"""

from forecasting.evaluation.metrics.display import format_spec, format_value, in_display_order, label, reported_metrics
from forecasting.evaluation.metrics.expressions import bound_probabilities, levels_of, ratio
from forecasting.evaluation.metrics.naive_errors import naive_error_scales
from forecasting.evaluation.metrics.registry import METRICS, Metric, expression
from forecasting.evaluation.metrics.scoring import pool_metrics, score, scored_rows

__all__ = [
    "METRICS",
    "Metric",
    "bound_probabilities",
    "expression",
    "format_spec",
    "format_value",
    "in_display_order",
    "label",
    "levels_of",
    "naive_error_scales",
    "pool_metrics",
    "ratio",
    "reported_metrics",
    "score",
    "scored_rows",
]
