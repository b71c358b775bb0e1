"""How a job speaks on charts: units, titles and the command that fills a page."""

from datetime import date

from dashboard.figures import Labels
from dashboard.theme import palette
from forecasting.config import Config
from forecasting.steps.queries import Selection

TITLE_LIMIT = 44
NO_INTERVAL = (
    "Shown without an interval: quantiles cannot be added, and these forecasts hold no row for this sum. "
    "Name the level under levels_of_aggregation in the config to get one."
)


def labels(config: Config, title: str, scheme: str | None, through: date | None = None, note: str = "") -> Labels:
    """The labels of a chart of this job; a title too long for a phone is cut."""
    short = title if len(title) <= TITLE_LIMIT else f"{title[: TITLE_LIMIT - 1]}…"
    return Labels(short, config.frequency, unit(config), through, note, palette(scheme))


def unit(config: Config) -> str:
    """What y counts: the target's name in the source, else units."""
    names = (config.source.columns or {}).get("y", ())
    return names[0] if names else "units"


def periods(config: Config, n: int) -> str:
    """42 days, 1 week, 24 months."""
    return f"{n} {config.frequency.unit}{'s' if n != 1 else ''}"


def line_name(of: Selection) -> str:
    """A line's name for people."""
    return group_name(of.name) if of.kind == "group" else of.name


def group_name(name: str) -> str:
    """An aggregate's name for people: "All series", "store_type: a"."""
    return "All series" if name == "total" else name.replace("=", ": ").replace("/", ", ")


def command(config: Config, step: str = "run") -> str:
    """The command that runs a step of this job."""
    return f"demandcast {step} {config.file}"
