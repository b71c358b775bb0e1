"""Weeks that a year does not have: `in_missing_week` takes text cells that are no dates and returns which mean one.

A year has 52 or 53 ISO weeks; cells such as 2023-W53 have the form of a date and are none.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.sources.readers.dates.inference import FAMILIES
from forecasting.data.sources.readers.dates.plain_text import plain_dates
from forecasting.data.sources.readers.dates.writings import writing_of
from forecasting.frequency import Frequency

WEEKS = tuple(ds_format for family in FAMILIES for ds_format in family if "%V" in ds_format)
LAST = "53"
"""The number of the week that only some years have."""


def in_missing_week(cells: pl.Series, ds_format: str | None, frequency: Frequency) -> pl.Series:
    """Whether each cell that could not be read as a date is a week 53 (Boolean; null where it is empty).

    `ds_format` is the format of the cells where it is given. Without one, a number behind a year is a week only where
    periods are weeks, and a week with its weekday always.
    """
    formats = [ds_format] if ds_format else [f for f in WEEKS if "%u" in f or frequency.unit == "week"]
    patterns = [w.pattern for f in formats if "%V" in f and (w := writing_of(f))]
    plain = plain_dates(cells.cast(pl.String)).to_frame("cell")
    numbers = [pl.col("cell").str.extract_groups(pattern).struct.field("V") == LAST for pattern in patterns]
    return plain.select(pl.any_horizontal(pl.lit(value=False), *numbers).alias(cells.name)).to_series()
