"""Calendar features: seasons, holidays, paydays, the job's events, and sales on the comparable day of earlier years.

`features` returns them as Features; `add_calendar_columns` takes rows of the panel and returns them with the columns
that these read, looked up by day and place (see `days`, `paydays`, `aligned`). Columns event_* must be there already: a
cut (what was known on a cutoff) adds them when it builds its frame.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.features.base import Context, Feature, Lead, Unit
from forecasting.features.calendar import aligned, events
from forecasting.features.calendar.days import all_feature_names, days
from forecasting.features.calendar.events import add_recurrence_lag
from forecasting.features.calendar.paydays import MONTH, with_paydays
from forecasting.features.calendar.places import (
    Place,
    check_place,
    check_places,
    easter,
    holidays_of,
    places_of_rows,
)
from forecasting.frequency import Frequency

__all__ = ["add_calendar_columns", "add_recurrence_lag", "check_places", "easter", "features"]

PLACE = ("_country", "_region")
ALIGNED_LAGS = ("_like_1", "_like_2")
"""Columns of `add_calendar_columns`: periods back to the comparable day one year and two years ago."""


def features(context: Context, lead: Lead, unit: Unit) -> list[Feature]:
    """The calendar features of the config's frequency; those of past sales are on the scale `unit`."""
    config = context.config
    dates = [Feature(f"cal_{name}", pl.col(f"cal_{name}")) for name in _names(config)]
    return [*dates, *_aligned_sales(config, lead, unit), *events.features(config, unit, lead)]


def _aligned_sales(config: Config, lead: Lead, unit: Unit) -> list[Feature]:
    """Sales on the comparable day of last year (as far from the same holiday), and their mean over two years."""
    if not _aligns(config.frequency):
        return []
    sold = [unit.of(lead.lag_by(pl.col("y"), pl.col(lag))) for lag in ALIGNED_LAGS]
    lookback = [max(year + aligned.REACH // config.frequency.days, unit.lookback) for year in _years(config, lead.most)]
    mean = pl.mean_horizontal(sold)
    return [Feature("like_year_ago", sold[0], lookback[0]), Feature("like_years_ago", mean, lookback[1])]


def _aligns(frequency: Frequency) -> bool:
    """Whether periods are short enough to align with holidays: a month contains the days around a holiday itself."""
    return frequency.days < aligned.FIXED


def _years(config: Config, most: int) -> tuple[int, int]:
    """Periods back to the same phase one and two years ago, far enough that all days within REACH are known."""
    f = config.frequency
    first = f.year * -(-(most + aligned.REACH // f.days) // f.year)
    return first, first + f.year


def _names(config: Config) -> list[str]:
    """Names of the frequency's date features that exist at the config's places; all of them with a country column."""
    calendar = config.calendar
    home = _date_features(pl.Series("ds", [], pl.Date), (calendar.country, calendar.region), config)
    have = {*home.columns, *(f"cal_{n}" for n in all_feature_names() if calendar.country_column)}
    return [name for name in config.frequency.calendar if f"cal_{name}" in have]


def add_calendar_columns(frame: pl.DataFrame, config: Config, most: int) -> pl.DataFrame:
    """The rows in their order with a column cal_* per date feature, and ALIGNED_LAGS, at least `most` periods back."""
    if config.calendar.place_columns:
        frame = frame.with_columns(places_of_rows(config, frame).select(pl.all().name.prefix("_")).get_columns())
        by_place = frame.select("ds", *PLACE).unique().partition_by(*PLACE, as_dict=True, include_key=False)
        places = {(place[0], place[1]): rows["ds"] for place, rows in by_place.items()}
    if not config.calendar.place_columns or frame.is_empty():
        places = {(config.calendar.country, config.calendar.region): frame["ds"].unique()}
    on = ["ds", *(PLACE if config.calendar.place_columns else ())]
    dated = pl.concat([_days_at(place, ds, config, most) for place, ds in places.items()], how="diagonal")
    named = dated.select(*on, "^(cal|_like)_.*$")
    frame = frame.join(named, on=on, how="left", nulls_equal=True, maintain_order="left")
    return frame.drop(PLACE, strict=False)


def _days_at(place: Place, ds: pl.Series, config: Config, most: int) -> pl.DataFrame:
    """[ds, cal_*, PLACE, ALIGNED_LAGS]: one row per day of `ds` (unique) with the date features of the place."""
    dated = _date_features(ds, place, config).with_columns(
        pl.lit(p, pl.String).alias(n) for n, p in zip(PLACE, place, strict=True)
    )
    if not _aligns(config.frequency):
        return dated
    holidays = holidays_of(*place, config.calendar.further)
    years = [aligned.aligned_lags(dated["ds"], holidays, config.frequency, year) for year in _years(config, most)]
    return dated.with_columns(lags.alias(name) for name, lags in zip(ALIGNED_LAGS, years, strict=True))


def _date_features(ds: pl.Series, place: Place, config: Config) -> pl.DataFrame:
    """[ds, cal_*]: one row per day of `ds` (unique) with the date features of the place."""
    check_place(config, place)
    margin = pl.duration(days=2 * MONTH)  # contains the paydays before the first and after the last day
    near = pl.col("ds").is_between(pl.lit(ds.min(), pl.Date) - margin, pl.lit(ds.max(), pl.Date) + margin)
    features = with_paydays(days(*place, config.calendar.further).filter(near), config.calendar).drop("working")
    return ds.to_frame("ds").join(features.select("ds", pl.exclude("ds").name.prefix("cal_")), on="ds", how="left")
