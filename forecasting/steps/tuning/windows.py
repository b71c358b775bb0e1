"""The data that tuning may look at: some series, and nothing of the days on which scores are reported."""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import InMemory, Panel

ROWS = 100_000
"""Rows of all series together that trials are made on: whole series, small and large ones."""
MEMORY = 1_000_000_000
"""Bytes of what is made of the cuts that is kept from trial to trial."""


def cutoffs(config: Config, reported: date, first: date, number: int) -> list[date]:
    """The newest cutoffs whose horizons are over when the first reported window begins, the newest first.

    `first` is the oldest cutoff that leaves enough history. Raises UserError when there is none.
    """
    at = [config.frequency.shift(reported, -config.h - config.step * i) for i in range(number)]
    found = [day for day in at if day >= first]
    if not found:
        raise config.fault(
            "backtest.windows",
            f"tuning looks at windows before the reported ones, of which the first begins after {reported}, and there "
            f"is no history for a window before it (needed: {config.h} periods more): lower h or backtest.windows",
        )
    return found


def seen(panel: Panel, last: date) -> Panel:
    """The panel up to `last`, of so many series that its rows stay within the budget."""
    rows = pl.concat([panel.scan(b) for b in panel.buckets]).filter(pl.col("ds") <= last)
    volume = rows.group_by("unique_id").agg(pl.len().alias("n"), pl.col("y").sum()).sort("y", "unique_id").collect()
    share = min(1.0, ROWS / max(1, volume["n"].sum()))
    place = pl.int_range(pl.len())
    some = volume.filter(((place + 1) * share).ceil() > (place * share).ceil())
    held = rows.filter(pl.col("unique_id").is_in(some["unique_id"].implode())).collect()
    return Panel(
        panel.config,
        InMemory(held),
        (0,),
        InMemory(panel.groups().filter(pl.col("ds") <= last).collect()),
        events=panel.events,
    )
