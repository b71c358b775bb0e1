"""What other series of a market sold during an event: `market_days` sums them up by day, `add_halo` compares.

A market is what customers choose from: the series with the same values in some static columns (a category of a store).
Only series without a promotion count, against what was expected of them, corrected by how the market sold on the days
around the event.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from forecasting.features.groups import group_label
from forecasting.planning.events.history import History, within

MARKET = "market"
FAR = 10**7
"""More days than any calendar has: days of different markets never meet."""


def market_days(keys: pl.DataFrame, history: History) -> pl.DataFrame:
    """[market, ds, sold, expected, variance]: sums over the quiet rows of `keys` [unique_id, ds, market], in units."""
    amounts = {"sold": history.sold, "expected": history.expected, "variance": history.noise.variance(history.expected)}
    rows = keys.select(MARKET, "ds").with_columns(pl.Series(name, value) for name, value in amounts.items())
    return rows.filter(pl.Series(history.quiet)).group_by(MARKET, "ds").agg(pl.col(*amounts).sum())


def market_label(columns: Sequence[str]) -> pl.Expr:
    """The market of each row: the values of these columns."""
    return group_label(tuple(columns)).alias(MARKET)


def add_halo(events: pl.DataFrame, days: pl.DataFrame, near: int) -> pl.DataFrame:
    """The events [unique_id, start, end, market ...] with [halo, halo_se, others]: what quiet series of the market sold
    above what was expected, in units, and how many other events of the market share these days, and so the halo.

    `days` are rows of `market_days`, of all parts of the market; `near` is how many of its days before and after the
    event tell its level. Null without such series.

    >>> sold = {"sold": [4.0, 4.0, 6.0, 4.0, 4.0], "expected": 4.0, "variance": 1.0}
    >>> days = pl.DataFrame({"market": "m", "ds": range(5), **sold})
    >>> event = pl.DataFrame({"unique_id": ["a"], "market": ["m"], "start": [2], "end": [2]})
    >>> add_halo(event, days, 2).select("halo", "others").row(0)
    (2.0, 0)
    """
    names = ["sold", "expected", "variance"]
    ordered = days.group_by(MARKET, "ds").agg(pl.col(names).sum()).sort(MARKET, "ds").with_row_index("_row")
    edges = ordered.group_by(MARKET).agg(
        _begin=pl.col("_row").min().cast(pl.Int64), _end=pl.col("_row").max().cast(pl.Int64)
    )
    found = events.with_row_index("_event").join(edges, on=MARKET, how="left")
    place = ordered.select(MARKET, "ds", pl.col("_row").cast(pl.Int64)).sort("ds")
    first = found.sort("start").join_asof(
        place, left_on="start", right_on="ds", by=MARKET, strategy="forward", check_sortedness=False
    )
    last = found.sort("end").join_asof(
        place, left_on="end", right_on="ds", by=MARKET, strategy="backward", check_sortedness=False
    )
    both = first.rename({"_row": "_first"}).join(last.select("_event", _last="_row"), on="_event").sort("_event")
    known = both.filter(pl.col("_last") >= pl.col("_first"))
    halo, error = _excess([ordered[n].to_numpy() for n in names], known, near)
    measured = known.select("_event").with_columns(halo=pl.Series(halo), halo_se=pl.Series(error))
    rows = found.drop("_begin", "_end").join(measured, on="_event", how="left", maintain_order="left")
    return rows.with_columns(others=_others(rows)).drop("_event")


def _excess(amounts: list[np.ndarray], events: pl.DataFrame, near: int) -> tuple[np.ndarray, np.ndarray]:
    """What was sold in the windows above what was expected at the level of the days around, and its standard error."""
    first, last, begin, end = (events[c].to_numpy().astype(np.int64) for c in ("_first", "_last", "_begin", "_end"))
    here = [within(values, first, last) for values in amounts]
    around = [
        within(values, np.maximum(first - near, begin), first - 1)
        + within(values, last + 1, np.minimum(last + near, end))
        for values in amounts
    ]
    (sold, expected, variance), (sold_near, expected_near, variance_near) = here, around
    known = expected_near > 0
    level = np.where(known, sold_near / np.where(known, expected_near, 1.0), 1.0)
    doubt = np.where(known, variance_near / np.where(known, expected_near, 1.0) ** 2, 0.0)
    return sold - level * expected, np.sqrt(variance + expected**2 * doubt)


def _others(events: pl.DataFrame) -> pl.Series:
    """How many other events of its market share days with each event: those begun by its end less those over before."""
    market = events[MARKET].rank("dense").cast(pl.Int64).to_numpy() * FAR
    start, end = (market + events[c].to_physical().cast(pl.Int64).to_numpy() for c in ("start", "end"))
    begun, over = np.searchsorted(np.sort(start), end, "right"), np.searchsorted(np.sort(end), start, "left")
    return pl.Series("others", begun - over - 1, dtype=pl.Int32)
