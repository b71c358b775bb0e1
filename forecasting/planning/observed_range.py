"""Values that known-ahead columns had in the history, and warnings where a scenario leaves them.

`observed_values` takes a history (LazyFrame) and names of columns and returns {column: (least, greatest) or its texts};
`warn_outside` takes the future rows of a scenario and these values and returns sentences, one per column. It stops
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import polars as pl

from forecasting.columns import user_name

Observed: TypeAlias = tuple[float, float] | list[str]
"""Least and greatest value of a numeric column, or the values of a text column."""
LISTED_TEXTS, NAMED_TEXTS, NAMED_NUMBERS = 200, 8, 4
"""Texts of a column that are kept; texts and numbers that a warning names."""


def observed_values(history: pl.LazyFrame, columns: Iterable[str]) -> dict[str, Observed]:
    """What each of `columns` held in `history`; columns that are not there or without a number are left out.

    >>> observed_values(pl.LazyFrame({"price": [2.0, 3.5], "event": ["fair", None]}), ["price", "event", "promo"])
    {'price': (2.0, 3.5), 'event': ['fair']}
    """
    schema = history.collect_schema()
    there = [c for c in columns if c in schema]
    if not there:
        return {}
    texts = [c for c in there if schema[c] == pl.String]
    numbers = [c for c in there if c not in texts]
    ends = [e for c in numbers for e in (pl.col(c).min().alias(f"_{c}<"), pl.col(c).max().alias(f"_{c}>"))]
    lists = [pl.col(c).drop_nulls().unique().sort().head(LISTED_TEXTS).implode() for c in texts]
    row = history.select(*ends, *lists).collect().row(0, named=True)
    spans: dict[str, Observed] = {
        c: (float(row[f"_{c}<"]), float(row[f"_{c}>"])) for c in numbers if row[f"_{c}<"] is not None
    }
    return spans | {c: list(row[c]) for c in texts}


def warn_outside(future: pl.DataFrame, observed: Mapping[str, Observed], columns: Iterable[str]) -> list[str]:
    """One sentence for each of `columns` that holds a value in `future` that training has not seen.

    A forecast for such a value extrapolates: it deserves less trust.

    >>> warn_outside(pl.DataFrame({"price": [3.0, 99.0]}), {"price": (2.0, 6.0)}, ["price"])
    ['price: training saw 2 to 6, the scenario holds 99.']
    """
    changed = [c for c in dict.fromkeys(columns) if c in future.columns and c in observed]
    return [s for c in changed if (s := _warning(user_name(c), future[c].drop_nulls(), observed[c]))]


def _warning(column: str, values: pl.Series, observed: Observed) -> str | None:
    if isinstance(observed, list):
        new = sorted(set(values.cast(pl.String)) - set(observed))
        seen = ", ".join(observed[:NAMED_TEXTS])
        return f"{column}: training never saw {', '.join(new)}; it saw {seen}." if new else None
    low, high = observed
    far = values.filter((values < low) | (values > high)).unique().sort()
    if far.is_empty():
        return None
    named = ", ".join(f"{v:g}" for v in far[:NAMED_NUMBERS])
    return f"{column}: training saw {low:g} to {high:g}, the scenario holds {named}."
