"""Explanations in words: `tell` and `tell_change` take sums of contributions and return a sentence each.

They say what goes with what ("associated with"), never that one thing causes another.
"""

from __future__ import annotations

from collections.abc import Mapping

from forecasting.planning.explain.bridge import CHANGES
from forecasting.planning.explain.components import COMPONENTS

SMALL = 0.02
"""Components of a smaller share of the largest one are not named."""
NAMED = {
    "trend": "its trend", "season": "the season", "holiday": "holidays and events", "price": "the price",
    "promotion": "promotions", "other": "other known columns", "rest": "what else the model has learned",
    "limits": "the limits of forecasts", "reconciliation": "the agreement with aggregates",
}  # fmt: skip


def tell(what: str, yhat: float, parts: Mapping[str, float]) -> str:
    """One sentence about a forecast of `yhat` units with these contributions.

    >>> print(tell("S1/tea on 2026-01-05", 12.0, {"level": 8.0, "season": -1.0, "promotion": 5.0}))
    S1/tea on 2026-01-05: 12 units. The level is 8; promotions are associated with 5 more, the season with 1 less.
    """
    level = parts.get("level", 0.0)
    others = {name: parts.get(name, 0.0) for name in COMPONENTS if name != "level"}
    least = SMALL * max(abs(level), *(abs(value) for value in others.values()))
    large = sorted(((n, v) for n, v in others.items() if abs(v) > least), key=lambda pair: -abs(pair[1]))
    if not any((yhat, level, *others.values())):
        return f"{what}: 0 units. Nothing can be sold, or nothing ever was."
    if not large:
        return f"{what}: {_number(yhat)} units, its level."
    texts = [
        f"{NAMED[n]} {_verb(n, i)}{_number(abs(v))} {'more' if v > 0 else 'less'}" for i, (n, v) in enumerate(large)
    ]
    return f"{what}: {_number(yhat)} units. The level is {_number(level)}; {', '.join(texts)}."


def _verb(name: str, place: int) -> str:
    if place:
        return "with "
    return f"{'are' if NAMED[name].endswith('s') else 'is'} associated with "


def tell_change(what: str, before: float, after: float, parts: Mapping[str, float]) -> str:
    """One sentence about a forecast that was `before` and is `after`, with the steps of the bridge between them.

    >>> print(tell_change("S1/tea", 100.0, 90.0, {"known ahead": -12.0, "data": 2.0}))
    S1/tea: 90 units, 10 less than before (100): known ahead -12, data +2.
    """
    if before == after:
        return f"{what}: {_number(after)} units, as before."
    texts = [f"{name} {value:+,.3g}" for name in CHANGES if (value := parts.get(name, 0.0))]
    sense = "more" if after > before else "less"
    moved = f"{_number(abs(after - before))} {sense} than before ({_number(before)})"
    return f"{what}: {_number(after)} units, {moved}: {', '.join(texts)}."


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
