"""Columns of the tables that hold one row per period."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboard.components import number_column, text_column
from dashboard.labels import unit
from forecasting.config import Config


def day_column(config: Config) -> dict[str, Any]:
    """The period, which stays in sight when the table is scrolled sideways."""
    return text_column("ds", config.frequency.unit.title(), pinned="left", maxWidth=130)


def period_columns(config: Config, rows: pl.DataFrame, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The period, the values in `names` that `rows` hold, and the bounds of its intervals, with their unit."""
    bounds = {c: f"{'Low' if c[:2] == 'lo' else 'High'} {c[3:]} %" for c in rows.columns if c[:3] in ("lo-", "hi-")}
    told = {c: label for c, label in ({**names, **bounds}).items() if c in rows.columns}
    return [day_column(config), *(number_column(c, f"{label} ({unit(config)})") for c, label in told.items())]
