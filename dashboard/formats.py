"""Numbers as text: `format_number`, `format_percent` (of a share) and `format_metric` (by the metric's name).

Each takes a float or None and returns a str; None becomes a dash.
"""

from forecasting.evaluation.metrics import format_spec


def format_number(value: float | None, digits: int = 0) -> str:
    """12,345 with `digits` decimals, or a dash for None."""
    return "–" if value is None else f"{value:,.{digits}f}"


def format_percent(share: float | None, digits: int = 1, sign: str = "") -> str:
    """A share like 0.123 as "12.3 %", or a dash for None; sign "+" also marks positive values."""
    return "–" if share is None else f"{share * 100:{sign}.{digits}f} %"


def format_metric(name: str, value: float | None, sign: str = "") -> str:
    """A score in the format of its metric: a share as "12.3 %", other values with three decimals; a dash for None."""
    if format_spec(name).endswith("%}"):
        return format_percent(value, sign=sign)
    return "–" if value is None else f"{value:{sign},.3f}"
