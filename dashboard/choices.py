"""Options of the select boxes: `selection_options` (series and aggregates), `vintage_options`, `model_options`.

They take a Session, and the search text and what is selected where it matters, and return what Mantine's selects take.
A vintage is a published forecast, "<cutoff>@<version>", or a backtest window, "<cutoff>@backtest".
"""

from datetime import date
from typing import Any

from dashboard.labels import aggregate_label
from dashboard.url_state import iso_date
from forecasting.steps import queries
from forecasting.steps.session import Session

MAX_FOUND = 50
"""Series that a search lists; further words narrow it."""


def parse_vintage(text: str) -> str:
    """A vintage like "2015-06-19@3" or "2015-06-19@backtest" from a link; raises ValueError for any other text."""
    cutoff, _, version = text.partition("@")
    return f"{iso_date(cutoff)}@{version if version == 'backtest' else int(version)}"


def split_vintage(name: str) -> tuple[date, int | None]:
    """Cutoff and version of a vintage; a backtest window has no version."""
    cutoff, _, version = name.partition("@")
    return date.fromisoformat(cutoff), None if version == "backtest" else int(version)


def vintage_options(session: Session) -> list[dict[str, str]]:
    """Published vintages and backtest windows."""
    return [
        {"value": f"{cutoff}@{version}", "label": f"{cutoff} · version {version}"}
        if kind == "published"
        else {"value": f"{cutoff}@backtest", "label": f"{cutoff} · backtest"}
        for cutoff, version, kind in queries.list_vintages(session).iter_rows()
    ]


def model_options(session: Session, vintage: str | None, names: list[str]) -> list[str]:
    """Models that forecast the selected series or aggregate in a vintage, the champion first."""
    if not vintage:
        return []
    return queries.list_models(session, *split_vintage(vintage), queries.resolve_selection(session, names))


def series_options(session: Session, text: str, selected: str | None) -> list[str]:
    """The selected series and those that match the search."""
    return list(dict.fromkeys([*([selected] if selected else []), *queries.find_series(session, text, MAX_FOUND)]))


def selection_options(session: Session, text: str, selected: list[str]) -> list[Any]:
    """Aggregates and series that match the search, and those already selected, which need their labels."""
    words = text.lower().split()
    aggregates = [{"value": f"group:{a}", "label": aggregate_label(a)} for a in queries.list_aggregates(session)]
    matching = [a for a in aggregates if a["value"] in selected or all(w in a["label"].lower() for w in words)]
    found = queries.find_series(session, text, MAX_FOUND)
    kept = [name.removeprefix("series:") for name in selected if name.startswith("series:")]
    series = [{"value": f"series:{s}", "label": s} for s in dict.fromkeys([*kept, *found])]
    count = queries.count_series(session)
    head = f"Series ({len(found)} of {count:,}: type to narrow)" if count > len(found) else f"Series ({count:,})"
    groups = ({"group": "Aggregates", "items": matching[: 2 * MAX_FOUND]}, {"group": head, "items": series})
    return [group for group in groups if group["items"]]


def keep_last_kind(names: list[str]) -> list[str]:
    """The names that can be shown together: one aggregate, or several series; the name selected last decides."""
    if names and names[-1].startswith("group:"):
        return names[-1:]
    return [n for n in names if not n.startswith("group:")]
