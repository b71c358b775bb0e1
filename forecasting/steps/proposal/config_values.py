"""The config of a Draft: `values_of` returns its keys, nested, `comments_of` a comment for each by its dotted name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from forecasting.config.sections import AUTO
from forecasting.frequency import FREQS
from forecasting.steps.proposal.columns.country import country_of
from forecasting.steps.proposal.columns.vocabulary import meaning_of
from forecasting.steps.proposal.draft import Draft

LARGEST_LEVEL = 50
"""Groups are forecast as well where there are at most so many."""
MOST_LEVELS = 3
THINGS = ("product", "shop", "area", "group")


def values_of(draft: Draft) -> dict[str, Any]:
    """The keys of the config, in the order in which they are written."""
    periods, drivers, joins = draft.periods, draft.drivers, draft.joins
    values: dict[str, Any] = {"name": job_name(draft.found.name), "source": _source(draft)}
    values |= {"freq": periods.freq, "h": periods.h}
    values |= {"tables": dict(joins.tables)} if joins.tables else {}
    roles = {
        "known_ahead": (*drivers.known_ahead, *joins.known_ahead),
        "known_after": tuple(dict.fromkeys((*drivers.known_after, *joins.known_after, *_needed(draft)))),
        "static": (*drivers.static, *joins.static),
    }
    columns: dict[str, Any] = {role: list(names) for role, names in roles.items() if names}
    columns |= {**_joined_roles(draft), **drivers.roles}
    values |= {"columns": columns} if columns else {}
    values |= {"future": _future(draft)} if _future(draft) else {}
    levels = _levels(draft)
    values |= {"levels_of_aggregation": levels} if len(levels) > 1 else {}
    country = country_of(draft.found.sales.profiles)
    values |= {"calendar": {"country": country}} if country else {}
    values |= {"clean": clean} if (clean := _clean(draft)) else {}
    return values | {"models": AUTO}


def _joined_roles(draft: Draft) -> dict[str, str]:
    """price and promo -> the column of a joined table that holds it for coming days, too."""
    names = {str(meaning_of(c)): c for c in reversed(draft.joins.known_ahead)}
    return {role: names[role] for role in ("price", "promo") if role in names}


def _needed(draft: Draft) -> tuple[str, ...]:
    """Columns of a wide table that would be items if they were not named."""
    return draft.found.named.known_after if draft.found.named else ()


def job_name(text: str) -> str:
    """The text as the name of a job: letters, digits, - and _."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_").lower() or "sales"


def _source(draft: Draft) -> dict[str, Any]:
    source = dict(draft.found.source)
    kind = {"kind": "transactions"} if draft.keys.single_sales else {}
    columns: dict[str, Any] = {"unique_id": _one_or_list(draft.keys.columns)} if draft.keys.columns else {}
    columns |= {"ds": _one_or_list(draft.date.columns), "y": draft.sales.column}
    options = dict(source.pop("options", {}))
    if draft.keys.single_sales and FREQS[draft.periods.freq].days > 1:
        options["partial"] = "drop"
    options |= {"counts": "lines"} if draft.sales.lines else {}
    return {**kind, **source, "columns": columns, **({"options": options} if options else {})}


def _one_or_list(columns: tuple[str, ...]) -> str | list[str]:
    return columns[0] if len(columns) == 1 else list(columns)


def _future(draft: Draft) -> Mapping[str, Any]:
    """How known-ahead columns go on; weekdays only where periods are days."""
    rules = draft.drivers.future
    days = FREQS[draft.periods.freq].days == 1
    return {c: "last" if rule == "same_weekday" and not days else rule for c, rule in rules.items()}


def _levels(draft: Draft) -> list[list[str]]:
    """The total, and the columns of the series by which they make up some groups each."""
    profiles = draft.profiles
    keys = draft.keys.columns if len(draft.keys.columns) > 1 else ()
    names = [
        c for c in (*keys, *draft.drivers.static, *draft.joins.static) if 1 < profiles[c].different <= LARGEST_LEVEL
    ]
    texts = [c for c in names if c in keys or profiles[c].kind == "text" or meaning_of(c) in THINGS]
    return [[], *([name] for name in texts[:MOST_LEVELS])]


def _clean(draft: Draft) -> dict[str, Any]:
    return {"gaps": "zero"} if draft.periods.gaps == "zero" else {}
