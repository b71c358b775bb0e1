"""Why each key of a proposed config has its value: `comments_of` takes a Draft and returns comments by dotted key.

`doubts_of` returns what could be meant otherwise, each with the key that changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from forecasting.frequency import FREQS
from forecasting.steps.proposal.draft import Draft


def comments_of(draft: Draft) -> dict[str, str]:
    """Dotted key -> comment."""
    periods, drivers, keys = draft.periods, draft.drivers, draft.keys
    unit = FREQS[periods.freq].unit
    comments = {
        "source.kind": "several lines per series and day: single sales, which are added up",
        "source.columns": _columns(draft),
        "source.options": _options(draft),
        "freq": f"a period is one {unit}: 1d, 1w, 1mo, 1q or 1y",
        "h": f"{unit}s to forecast",
        "columns.known_ahead": "known for coming days, too" if not drivers.future else _assumed(drivers.future),
        "columns.known_after": "known only with the sales; if you know one for coming days, add rows for them and "
        "name it in known_ahead",
        "columns.static": "the same on all days of a series",
        "levels_of_aggregation": "forecast as well: [] is the total of all series",
        "calendar.country": "its public holidays count",
        "clean.gaps": periods.why_gaps,
        "models": "chosen from the data within a budget, the naive ones included; or a list of models",
    }
    if not keys.single_sales:
        comments.pop("source.kind")
    return comments


def _options(draft: Draft) -> str:
    lines = "each line counts as one that was sold" if draft.sales.lines else ""
    partial = "the first and last period are left out where the lines do not cover them"
    return "; ".join(filter(None, [lines, partial if FREQS[draft.periods.freq].days > 1 else ""]))


def _columns(draft: Draft) -> str:
    """What the columns of the series, date and sales are, and what else could be the sales."""
    others = ", ".join(draft.sales.others)
    return f"sales could also be {others}" if others else ""


def _assumed(future: Mapping[str, object]) -> str:
    how = {"last": "stays as it is", 0: "is none", "same_weekday": "is as on the same weekday"}
    rules = ", ".join(f"{column} {how.get(rule, rule)}" for column, rule in future.items())
    return f"nothing is known of coming days, so it is assumed that {rules}: add rows with what you plan"


def doubts_of(draft: Draft) -> Iterator[str]:
    """What could be meant otherwise, in words, with the key that says so."""
    if draft.sales.others:
        others = " or ".join(draft.sales.others)
        yield f"sales are {draft.sales.column}; they could also be {others} (source.columns.y)"
    for column, names in draft.found.source.get("aliases", {}).items():
        yield f"{', '.join(names)} of other files is taken for {column} (source.aliases)"
    if "wide" in draft.found.source:
        yield f"the header holds the {draft.found.source['wide']} of the sales (source.wide)"
    if draft.sales.lines:
        what = f"each line counts as one that was sold, and {draft.sales.column} numbers the receipts"
        yield f"no quantity: {what} (source.columns.y)"
    if draft.date.others:
        date, others = " ".join(draft.date.columns), ", ".join(draft.date.others)
        yield f"the date is {date}; there is also {others} (source.columns.ds)"
    if draft.keys.single_sales:
        series = " and ".join(draft.keys.columns)
        by = f"by {series}" if series else "into one series"
        unit = FREQS[draft.periods.freq].unit
        yield f"lines are single sales and are added up per {unit} {by} (source.columns.unique_id)"
    if draft.periods.gaps == "zero" and not draft.keys.single_sales:
        yield f"{draft.periods.why_gaps} (clean.gaps)"
    if draft.negative:
        yield f"sales below 0 make up {draft.negative:,.10g} and count: what is forecast is net (clean.below)"
    if draft.joins.left:
        yield f"not used, since they cannot be joined to the sales: {', '.join(draft.joins.left)} (tables)"
    if draft.drivers.future:
        yield f"{_assumed(draft.drivers.future)} (future)"


def unused_of(draft: Draft) -> str:
    """The columns that are not used, with the reason, for a comment at the top."""
    by_reason: dict[str, list[str]] = {}
    for column, reason in draft.drivers.unused.items():
        by_reason.setdefault(reason, []).append(column)
    return "; ".join(f"{', '.join(columns)} ({reason})" for reason, columns in by_reason.items())
