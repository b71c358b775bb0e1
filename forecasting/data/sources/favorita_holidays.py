"""The grocery layout's holidays: national, regional and local ones, moved ones on the day to which they were moved."""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.readers.dates import dates
from forecasting.data.sources.readers.text import Text
from forecasting.data.sources.reference_tables import side
from forecasting.errors import UserError

COLUMNS = ("date", "type", "locale", "locale_name", "description", "transferred")
OFF = ("Holiday", "Transfer", "Additional", "Bridge")
"""Types of days off; Event is a day that people mark, Work Day one on which they make up for a bridge."""
PLACES = {"National": None, "Regional": "state", "Local": "city"}
MOVED = "Traslado "
"""How the descriptions of days begin to which a holiday was moved."""


def feasts(text: Text, stores: pl.DataFrame, config: Config) -> pl.DataFrame:
    """store, ds, holiday, holiday_type, event (names, joined by + where a store has two, or null), work_day (0 or 1).

    One row per store and day on which something is; `stores` holds store, city, state. Raises UserError for a date or
    a locale that cannot be read.
    """
    days = side(text, COLUMNS)
    days = days.with_columns(dates(days["date"], config).alias("ds"))
    _is_readable(days)
    days = days.filter(pl.col("transferred").str.to_lowercase() != "true")
    here = pl.concat([_at(days.filter(pl.col("locale") == locale), stores, place) for locale, place in PLACES.items()])
    kind, name = pl.col("type"), pl.col("description").str.strip_prefix(MOVED)
    off = kind.is_in(OFF)
    return here.group_by("store", "ds").agg(
        holiday=_joined(name.filter(off)),
        holiday_type=_joined(kind.replace("Transfer", "Holiday").filter(off)),
        event=_joined(name.filter(kind == "Event")),
        work_day=(kind == "Work Day").any().cast(pl.Int8),
    )


def _joined(names: pl.Expr) -> pl.Expr:
    text = names.drop_nulls().unique().sort().str.join("+")
    return pl.when(text != "").then(text)


def _at(days: pl.DataFrame, stores: pl.DataFrame, place: str | None) -> pl.DataFrame:
    """The days of the stores that they hold for: all, or those of the state or the city."""
    if place is None:
        return days.join(stores.select("store"), how="cross").select("store", "ds", "type", "description")
    found = days.join(stores, left_on="locale_name", right_on=place)
    return found.select("store", "ds", "type", "description")


def _is_readable(days: pl.DataFrame) -> None:
    for column, bad in {"date": pl.col("ds").is_null(), "locale": ~pl.col("locale").is_in(list(PLACES))}.items():
        wrong = days.filter(bad.fill_null(value=True))
        if wrong.height:
            row = wrong.row(0, named=True)
            meant = "a date" if column == "date" else f"one of {', '.join(PLACES)}"
            raise UserError(
                f"{row['file']}, line {row['line']}: {column} is {row[column]!r}, not {meant}: mend the cell"
            )
