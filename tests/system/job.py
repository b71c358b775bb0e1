"""The job of the system test: a small chain that sells bread and tea, its config, and what it sells by day number."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

DAYS, NIGHT, H, BUCKETS = 480, 7, 14, 3
"""Days before the first night, days that each night brings, the horizon, and the buckets of the store."""
START = date(2023, 1, 1)
CUTOFFS = [START + timedelta(DAYS - 1 + NIGHT * n) for n in range(3)]
"""The last day before the first night, of the first, and of the second."""
SERIES = [(f"S{store}", item) for store in (1, 2) for item in ("bread", "milk", "rolls", "tea")]
RECEIVERS = ("mail/planning", "custom-webhook/pager")
OWNER = "planning@example.com"
NIGHTLY = ("ingest", "predict", "monitor")
JOB: dict[str, Any] = {
    "name": "shop",
    "source": {"columns": {"unique_id": ["store", "item"], "ds": "ds", "y": "y"}},
    "freq": "1d",
    "h": H,
    "columns": {"known_ahead": ["price"], "price": "price"},
    "levels_of_aggregation": [[]],
    "future": {"price": "last"},
    "backtest": {"windows": 2, "step": H, "calibration": 1},
    "models": ["ladder"],
    "alerts": {"receivers": [*RECEIVERS], "owner": OWNER},
}


def schedules(night: datetime) -> dict[str, Any]:
    """The nightly steps at this time of the day (UTC), a second apart: the worker does one after the other."""
    due = {step: night + timedelta(seconds=n) for n, step in enumerate(NIGHTLY)}
    # the sixth field of a cron is the second
    cron = {step: f"{at.minute} {at.hour} * * * {at.second}" for step, at in due.items()}
    return {"cron": cron | dict.fromkeys(["backtest", "train", "shadow", "maintain"])}


def sales(first: int, days: int, **planted: float) -> pl.DataFrame:
    """The sales of so many days from day number `first` on; planted factors multiply a column."""
    rng, parts = np.random.default_rng(first), []
    t = np.arange(first, first + days)
    for number, (store, item) in enumerate(SERIES):
        week = 1 + 0.4 * np.sin(2 * np.pi * (t % 7) / 7)
        y = rng.poisson((20 + 5 * number) * week * planted.get("y", 1))
        price = np.full(days, (2.0 + number) * planted.get("price", 1))
        dates = [START + timedelta(int(day)) for day in t]
        parts.append(pl.DataFrame({"store": store, "item": item, "ds": dates, "y": y, "price": price}))
    return pl.concat(parts)
