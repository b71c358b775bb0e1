"""Reference of all metrics: `metrics_reference` takes nothing and returns the registry's entries as a Markdown table.

It writes no file; its text is that of docs/METRICS.md:
python -c "from forecasting.evaluation.metrics import reference as r; print(r.metrics_reference(), end='')"
"""

from __future__ import annotations

from forecasting.evaluation.metrics.registry import METRICS, Metric

INTRODUCTION = """# Metrics

Every score that the table `scores`, the printed summary, the report and the pages show. The table is made from the
entries of `forecasting/evaluation/metrics/registry.py`. Rows without an observation are not scored. A metric over rows
counts every unit alike; one over series is computed for every series and cutoff and then averaged, so that every series
counts alike. Names with `-*` stand for one score per interval level, as `coverage-80`, or per bound.

| name | shown as | what it is | good values | over | source |
|---|---|---|---|---|---|
"""


def metrics_reference() -> str:
    """The reference as Markdown: one row per metric, in the order of the registry.

    >>> print(metrics_reference().splitlines()[0])
    # Metrics
    """
    return INTRODUCTION + "\n".join(_row(name, metric) for name, metric in METRICS.items()) + "\n"


def _row(name: str, metric: Metric) -> str:
    over = "rows" if metric.rows is not None else "series" if metric.series is not None else "other scores"
    family = "{}" in metric.label
    cells = [f"`{name}{'-*' if family else ''}`", metric.label.format("*"), metric.description, metric.better]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in [*cells, over, metric.source])} |"
