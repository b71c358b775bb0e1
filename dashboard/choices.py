"""What can be chosen on a page: series and aggregates, vintages, models; and how a choice is written."""

from datetime import date
from typing import Any

from dashboard.labels import group_name
from dashboard.state import iso
from forecasting.config import Config
from forecasting.steps import queries

FOUND = 50
"""Series that a search brings: the rest is for more words."""


def vintage_name(text: str) -> str:
    """A reader of "2015-06-19@3" or "2015-06-19@backtest"."""
    cutoff, _, version = text.partition("@")
    return f"{iso(cutoff)}@{version if version == 'backtest' else int(version)}"


def vintage_of(name: str) -> tuple[date, int | None]:
    """Cutoff and version; a backtest window has none."""
    cutoff, _, version = name.partition("@")
    return date.fromisoformat(cutoff), None if version == "backtest" else int(version)


def vintages(config: Config) -> list[dict[str, str]]:
    """Published vintages and backtest windows as options."""
    return [
        {"value": f"{cutoff}@{version}", "label": f"{cutoff} · version {version}"}
        if kind == "published"
        else {"value": f"{cutoff}@backtest", "label": f"{cutoff} · backtest"}
        for cutoff, version, kind in queries.list_vintages(config).iter_rows()
    ]


def models(config: Config, vintage: str | None, names: list[str]) -> list[str]:
    """The models that answered what is chosen at a vintage."""
    return (
        queries.list_models(config, *vintage_of(vintage), queries.resolve_selection(config, names)) if vintage else []
    )


def series(config: Config, text: str, chosen: str | None) -> list[str]:
    """The chosen series and those that fit the search."""
    return list(dict.fromkeys([*([chosen] if chosen else []), *queries.find_series(config, text, FOUND)]))


def lines(config: Config, text: str, chosen: list[str]) -> list[Any]:
    """Aggregates and series that fit the search, and those already chosen: their pills need their words."""
    words = text.lower().split()
    aggregates = [{"value": f"group:{g}", "label": group_name(g)} for g in queries.list_aggregates(config)]
    fitting = [a for a in aggregates if a["value"] in chosen or all(w in a["label"].lower() for w in words)]
    found = queries.find_series(config, text, FOUND)
    kept = [c.removeprefix("series:") for c in chosen if c.startswith("series:")]
    below = [{"value": f"series:{s}", "label": s} for s in dict.fromkeys([*kept, *found])]
    count = queries.count_series(config)
    head = f"Series ({len(found)} of {count:,}: type to narrow)" if count > len(found) else f"Series ({count:,})"
    both = ({"group": "Aggregates", "items": fitting[: 2 * FOUND]}, {"group": head, "items": below})
    return [group for group in both if group["items"]]


def last_kind(names: list[str]) -> list[str]:
    """What a choice comes to: an aggregate stands alone, series add up, and the one chosen last says which."""
    if names and names[-1].startswith("group:"):
        return names[-1:]
    return [n for n in names if not n.startswith("group:")]
