"""Words of the pages: each function takes a Config, a Selection or a name, and returns the text to show.

`chart_labels` makes the ChartLabels of a figure; `aggregate_label`, `metric_label`, `interval_label`, ... name things.
"""

from datetime import date

from dashboard.figures import ChartLabels
from dashboard.theme import palette
from forecasting.columns import user_name
from forecasting.config import Config
from forecasting.evaluation.intervals import labels as intervals
from forecasting.evaluation.metrics import label
from forecasting.features.joined_names import split_label
from forecasting.steps.queries import Selection

MAX_TITLE = 44
"""Characters of a chart title that fit on a phone."""
NO_INTERVAL = (
    "Shown without an interval: the quantiles of several series cannot be added, and these forecasts have no row for "
    "this sum. To get an interval, name the level under levels_of_aggregation in the config."
)
NEW_SERIES = "A new series without enough sales for a model: its forecast and interval are those of similar series."
INTERVAL_LABELS = {
    intervals.COLD_START: "forecasts of similar series as if they were new",
    intervals.HORIZON_BLOCK: "backtest errors at the same horizon",
    intervals.ALL_HORIZONS: "backtest errors at all horizons",
    intervals.MODEL: "the model itself, without backtest errors",
}
"""The texts of the column `interval` as they complete "intervals from ..."."""


def chart_labels(
    config: Config, title: str, scheme: str | None, through: date | None = None, note: str = ""
) -> ChartLabels:
    """The labels of a chart in the colours of `scheme` (light or dark); a title too long for a phone is cut."""
    short = title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"
    return ChartLabels(short, config.frequency, unit_name(config), through, note, palette(scheme))


def unit_name(config: Config) -> str:
    """What y counts: the name of the target column in the source, else units."""
    names = (config.source.columns or {}).get("y", ())
    return user_name(names[0]) if names else "units"


def count_periods(config: Config, n: int) -> str:
    """`n` periods in words: 42 days, 1 week, 24 months."""
    return f"{n} {config.frequency.unit}{'s' if n != 1 else ''}"


def selection_label(selection: Selection) -> str:
    """The name of what is shown: "S1/tea", "store: S1", "3 series"."""
    return aggregate_label(selection.name) if selection.kind == "group" else selection.name


def aggregate_label(name: str) -> str:
    """The name of an aggregate: "total" as "All series", "store=S1/item=tea" as "store: S1, item: tea"."""
    if name == "total":
        return "All series"
    return ", ".join(f"{column}: {value}" for column, value in split_label(name))


def run_command(config: Config, step: str = "run") -> str:
    """The command that runs a step of this job."""
    return f"demandcast {step} {config.file}"


def metric_label(name: str) -> str:
    """The label of a metric at the beginning of a line: "WAPE", "Bias"."""
    text = label(name)
    return text[:1].upper() + text[1:]


def source_label(source: str) -> str:
    """What a row was forecast by: a model, or its fallback as in "similar series (store: S1) with launch curve"."""
    return source.replace("=", ": ")


def interval_label(interval: str) -> str:
    """The errors from which the bounds of a row were taken, in words; texts of older versions stay as they are."""
    return INTERVAL_LABELS.get(interval, interval)
