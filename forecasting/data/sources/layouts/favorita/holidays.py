"""Holidays of the Favorita layout: `holidays_by_store` takes holidays_events.csv and the stores, one row per store-day.

It returns [store, ds, holiday, holiday_type, event, work_day], only for days with one: national, regional and local
ones, moved ones on their new day.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.periods.source_dates import parse_source_dates
from forecasting.data.sources.readers.text.text_table import TextTable
from forecasting.data.sources.reference_tables import read_columns
from forecasting.errors import UserError

COLUMNS = ("date", "type", "locale", "locale_name", "description", "transferred")
DAYS_OFF = ("Holiday", "Transfer", "Additional", "Bridge")
"""Types of days off. Of the others, Event is a day of note, and Work Day one that makes up for a bridge day."""
LOCALES = {"National": None, "Regional": "state", "Local": "city"}
"""Locale of a holiday -> the column of the stores with which its locale_name is compared."""
MOVED = "Traslado "
"""The start of the description of a day to which a holiday was moved."""


def holidays_by_store(text: TextTable, stores: pl.DataFrame, config: Config) -> pl.DataFrame:
    """[store, ds, holiday, holiday_type, event, work_day]: one row per store and day with a holiday or an event.

    holiday, holiday_type and event are names, joined by "+" where a store has two, or null; work_day is 0 or 1.
    `stores` holds store, city and state. Raises UserError for a date or a locale that cannot be read.
    """
    days = read_columns(text, COLUMNS)
    days = days.with_columns(parse_source_dates(days["date"], config).alias("ds"))
    _require_readable(days)
    days = days.filter(pl.col("transferred").str.to_lowercase() != "true")
    by_locale = (_days_of_stores(days.filter(pl.col("locale") == name), stores, key) for name, key in LOCALES.items())
    kind, name = pl.col("type"), pl.col("description").str.strip_prefix(MOVED)
    is_off = kind.is_in(DAYS_OFF)
    return (
        pl.concat(list(by_locale))
        .group_by("store", "ds")
        .agg(
            holiday=_joined_names(name.filter(is_off)),
            holiday_type=_joined_names(kind.replace("Transfer", "Holiday").filter(is_off)),
            event=_joined_names(name.filter(kind == "Event")),
            work_day=(kind == "Work Day").any().cast(pl.Int8),
        )
    )


def _joined_names(names: pl.Expr) -> pl.Expr:
    text = names.drop_nulls().unique().sort().str.join("+")
    return pl.when(text != "").then(text)


def _days_of_stores(days: pl.DataFrame, stores: pl.DataFrame, key: str | None) -> pl.DataFrame:
    """[store, ds, type, description]: the days of all stores, or of those whose state or city is the locale."""
    if key is None:
        return days.join(stores.select("store"), how="cross").select("store", "ds", "type", "description")
    matched = days.join(stores, left_on="locale_name", right_on=key)
    return matched.select("store", "ds", "type", "description")


def _require_readable(days: pl.DataFrame) -> None:
    """Raise UserError with file and line for a date or a locale that is not understood."""
    for column, bad in {"date": pl.col("ds").is_null(), "locale": ~pl.col("locale").is_in(list(LOCALES))}.items():
        wrong = days.filter(bad.fill_null(value=True))
        if wrong.height:
            row = wrong.row(0, named=True)
            expected = "a date" if column == "date" else f"one of {', '.join(LOCALES)}"
            raise UserError(
                f"{row['file']}, line {row['line']}: {column} is {row[column]!r}, not {expected}: mend the cell"
            )
