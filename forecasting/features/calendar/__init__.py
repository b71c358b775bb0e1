"""Date features: seasons, holidays with the days before and after, paydays, own events, and the like day a year ago.

They depend on the date and on the place of a series, not on its sales: `joined` looks them up by day in tables that are
made once (`days`, `paydays`, `aligned`); own events come with the frame (`events`, joined by data/panel).
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.features.base import Context, Feature, ago
from forecasting.features.calendar import aligned, events
from forecasting.features.calendar.days import days, every_name
from forecasting.features.calendar.paydays import MONTH, with_paydays
from forecasting.features.calendar.places import Place, check, easter, known, of
from forecasting.frequency import Frequency

__all__ = ["check", "easter", "features", "joined"]

PLACE = ("_country", "_region")
LIKE = ("_like_1", "_like_2")
"""Columns of `joined`: periods back to the like day of a year ago, and of the year before."""


def features(context: Context, lead: int, unit: Feature) -> list[Feature]:
    """The date features that the frequency can tell apart; those of past sales are in units of `unit`."""
    config = context.config
    made = [Feature(f"cal_{name}", pl.col(f"cal_{name}")) for name in _names(config)]
    return [*made, *_alike(config, lead, unit), *events.features(config, unit, lead)]


def _alike(config: Config, lead: int, unit: Feature) -> list[Feature]:
    """What sold on the day of last year that is as far from the same holiday, and on average over two years."""
    if not _aligns(config.frequency):
        return []
    sold = [ago(pl.col("y"), pl.col(lag)) / unit.expr for lag in LIKE]
    far = [max(year + aligned.REACH // config.frequency.days, unit.lookback) for year in _years(config, lead)]
    return [Feature("like_year_ago", sold[0], far[0]), Feature("like_years_ago", pl.mean_horizontal(sold), far[1])]


def _aligns(frequency: Frequency) -> bool:
    """A month holds the days around a holiday itself."""
    return frequency.days < aligned.FIXED


def _years(config: Config, lead: int) -> tuple[int, int]:
    """Periods back to the same phase a year ago and in the year before, so that all days around are at least `lead`
    periods old.
    """
    f = config.frequency
    first = f.year * -(-(lead + aligned.REACH // f.days) // f.year)
    return first, first + f.year


def _names(config: Config) -> list[str]:
    """The names of the frequency's date features that the config's places have; with a column of countries, all."""
    calendar = config.calendar
    home = _told(pl.Series("ds", [], pl.Date), (calendar.country, calendar.region), config)
    have = {*home.columns, *(f"cal_{n}" for n in every_name() if calendar.country_column)}
    return [name for name in config.frequency.calendar if f"cal_{name}" in have]


def joined(frame: pl.DataFrame, config: Config, lead: int) -> pl.DataFrame:
    """The frame, in the same order, with a column cal_* for every date feature, LIKE, and again_lag of own events."""
    if config.calendar.place_columns:
        frame = frame.with_columns(of(config, frame).select(pl.all().name.prefix("_")).get_columns())
        asked = frame.select("ds", *PLACE).unique().partition_by(*PLACE, as_dict=True, include_key=False)
        places = {(place[0], place[1]): rows["ds"] for place, rows in asked.items()}
    if not config.calendar.place_columns or frame.is_empty():
        places = {(config.calendar.country, config.calendar.region): frame["ds"].unique()}
    on = ["ds", *(PLACE if config.calendar.place_columns else ())]
    told = pl.concat([_at(ds, place, config, lead) for place, ds in places.items()], how="diagonal")
    frame = frame.join(told.select(*on, "^(cal|_like)_.*$"), on=on, how="left", nulls_equal=True, maintain_order="left")
    return events.again(frame.drop(PLACE, strict=False), config, lead)


def _at(ds: pl.Series, place: Place, config: Config, lead: int) -> pl.DataFrame:
    """One row per day of `ds` (unique): the date features of the place, PLACE, and LIKE."""
    told = _told(ds, place, config).with_columns(
        pl.lit(p, pl.String).alias(n) for n, p in zip(PLACE, place, strict=True)
    )
    if not _aligns(config.frequency):
        return told
    years = zip(LIKE, _years(config, lead), strict=True)
    return told.with_columns(aligned.lags(told["ds"], place, config.frequency, year).alias(lag) for lag, year in years)


def _told(ds: pl.Series, place: Place, config: Config) -> pl.DataFrame:
    """One row per day of `ds` (unique): the date features of the place as cal_*."""
    known(config, place)
    around = pl.duration(days=2 * MONTH)  # the paydays of the first and the last day lie there
    near = pl.col("ds").is_between(pl.lit(ds.min(), pl.Date) - around, pl.lit(ds.max(), pl.Date) + around)
    made = with_paydays(days(*place).filter(near), config.calendar).drop("working")
    return ds.to_frame("ds").join(made.select("ds", pl.exclude("ds").name.prefix("cal_")), on="ds", how="left")
