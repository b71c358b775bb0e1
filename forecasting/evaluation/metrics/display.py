"""How metrics are called and shown: labels, formats and order, from the registry's entries.

`label` takes the name of a metric (as "coverage-80") and returns its heading, `format_value` takes name and value and
returns text, `in_display_order` takes names and returns those that are metrics, in the registry's order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from forecasting.evaluation.metrics.registry import METRICS, Metric

SPECS = {"percent": "{:.1%}", "signed": "{:+.4f}"}
MISSING = "-"
"""What is shown for a score that is not defined."""


def label(name: str) -> str:
    """The heading of a metric as in the scores table; a name without an entry stays as it is.

    >>> label("wape"), label("coverage-80"), label("mase_excluded")
    ('WAPE', 'in 80 %', 'mase_excluded')
    """
    metric, suffix = _find(name)
    return metric.label.format(suffix) if metric else name


def format_spec(name: str) -> str:
    """The Python format of a metric's values, "" for a plain number (see `format_value`).

    >>> format_spec("coverage-95"), format_spec("gain"), format_spec("mae")
    ('{:.1%}', '{:+.4f}', '')
    """
    metric, _ = _find(name)
    return SPECS.get(metric.format, "") if metric else ""


def format_value(name: str, value: float | str | None) -> str:
    """A metric's value as text: shares in percent, gains with their sign, other numbers with three digits.

    >>> format_value("wape", 0.1234), format_value("mae", 1234.5), format_value("rmsse", 0.7654)
    ('12.3%', '1,234', '0.765')
    >>> format_value("r2", None)
    '-'
    """
    if value is None:
        return MISSING
    if not isinstance(value, float):
        return str(value)
    spec = format_spec(name)
    if spec:
        return spec.format(value)
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def in_display_order(names: Iterable[str], least: Literal["scores", "facts", "summary"] = "scores") -> list[str]:
    """Those of `names` that are metrics carried at least as far as `least`, in the order of the registry.

    >>> in_display_order(["coverage-80", "model", "r2", "wape"], "summary")
    ['wape', 'coverage-80']
    """
    reach = ("scores", "facts", "summary")
    order = {name: i for i, name in enumerate(METRICS)}
    found = [(n, m) for n in names if (m := _find(n)[0]) and reach.index(m.shown) >= reach.index(least)]
    return [n for n, _ in sorted(found, key=lambda pair: (order[pair[0].split("-")[0]], pair[0]))]


def reported_metrics(names: Iterable[str]) -> list[str]:
    """Those of `names` that the facts of a run hold, in the order of the registry."""
    return in_display_order(names, "facts")


def _find(name: str) -> tuple[Metric | None, str]:
    """The entry of a metric, and the suffix by which a family tells its members apart ("80" in coverage-80)."""
    family, _, suffix = name.partition("-")
    return METRICS.get(family), suffix
