"""Public holidays of a place (country, region): `holidays_of` takes the codes and returns Holidays, with names by date.

Codes are those of the holidays package, years 1950 to 2100. `check_places` raises UserError for codes that it lacks,
`places_of_rows` returns [country, region] per row of a frame. A place without a country has no holidays.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import polars as pl

from forecasting.config import Config

FIRST, LAST = 1950, 2100
"""The first and the last year of the calendar."""
APART = timedelta(days=7)
"""Days of one name that lie no farther apart are one feast: its first day is when it takes place."""
MOVED = re.compile(r"\((observed|substitut|in lieu)")
REMARK = re.compile(r"\s*\([^)]*\)")
Place = tuple[str | None, str | None]
"""Country and region."""
Further = tuple[tuple[date, str], ...]
"""Day and name of holidays that the calendar of a country lacks."""
SEASON = 7
"""A feast by a rule such as "the fourth Thursday" moves by up to so many days from year to year."""


@dataclass(frozen=True)
class Holidays:
    """The holidays of a place: the names of each day (separated by "; "), and the days of its weekend (Monday is 0)."""

    names: dict[date, str]
    weekend: frozenset[int]

    @cached_property
    def feasts(self) -> dict[str, list[date]]:
        """When each holiday takes place, by its plain name; Easter Sunday is among them everywhere.

        A day off in place of a holiday on a weekend is not one; of several days in a row the first counts.
        """
        found: dict[str, list[date]] = {"Easter": [easter(year) for year in range(FIRST, LAST + 1)]}
        last: dict[str, date] = {}
        for day, names in self.names.items():
            for name in (without_remarks(n) for n in names.split("; ") if not MOVED.search(n)):
                if name not in last or day - last[name] > APART:
                    found.setdefault(name, []).append(day)
                last[name] = day
        return found

    @cached_property
    def lunar(self) -> list[date]:
        """First days of the feasts that move through the months by another rule than Easter's: Eid, Lunar New Year."""
        return sorted({day for days in self.feasts.values() if _wanders(days) for day in days})


def without_remarks(name: str) -> str:
    """The name without remarks in brackets: the "Eid al-Fitr (estimated)" of coming years is an Eid al-Fitr."""
    return REMARK.sub("", name)


def event_code(name: str) -> int:
    """A number for an event that is the same in every place, process and load; exact as Float32."""
    return zlib.crc32(name.encode()) % 2**20 + 1


def holiday_code(names: str) -> int:
    """The code of a day's holiday: of the first when there are more."""
    return event_code(without_remarks(names.split("; ")[0]))


def _wanders(days: list[date]) -> bool:
    """Whether a feast follows neither Easter nor a weekday's rule, by the median change of its day of the year."""
    if len({(day - easter(day.year)).days for day in days}) == 1:
        return False
    moved = sorted(abs(b.timetuple().tm_yday - a.timetuple().tm_yday) for a, b in pairwise(days))
    return len(moved) > 1 and moved[len(moved) // 2] > SEASON


@lru_cache(maxsize=256)
def holidays_of(country: str | None, region: str | None, further: Further = ()) -> Holidays:
    """The holidays of FIRST to LAST, in order, with the `further` ones; none without a country. Raises
    NotImplementedError for unknown codes.
    """
    if not country:
        return Holidays({}, frozenset({5, 6}))
    found = _package().country_holidays(country, subdiv=region, years=range(FIRST, LAST + 1), language="en_US")
    names = dict(found.items())
    for day, name in further:  # in front: the first name of a day is the one that models see
        names[day] = "; ".join(dict.fromkeys([name, *names.get(day, name).split("; ")]))
    return Holidays(dict(sorted(names.items())), frozenset(found.weekend))


def _package() -> Any:
    import holidays  # 0.3 s

    return holidays


def check_places(config: Config, places: pl.DataFrame | None = None) -> None:
    """Raises UserError for a country or region that the holidays package lacks, in the config or among `places` (rows
    of a panel, or their calendar.place_columns).
    """
    calendar = config.calendar
    check_place(config, (calendar.country, calendar.region))
    if places is not None and calendar.place_columns:
        for country, region in places_of_rows(config, places).unique().sort(pl.all()).iter_rows():
            check_place(config, (country, region))


def check_place(config: Config, place: Place) -> None:
    """Raises UserError for a place that the holidays package lacks, at the key that it comes from."""
    country, region = place
    if not country or (reason := _why_unknown(country, region)) is None:
        return
    calendar = config.calendar
    column = calendar.country_column if country != calendar.country else None
    if region not in (None, calendar.region):
        column = calendar.region_column
    key = "country" if column is None else "country_column" if column == calendar.country_column else "region_column"
    place_name = f"{country} {region or ''}".strip() + (f" (from the column {column})" if column else "")
    raise config.fault(f"calendar.{key}", f"{place_name}: {reason}; use ISO codes such as DE and BY (of DE-BY)")


@lru_cache(maxsize=256)
def _why_unknown(country: str, region: str | None) -> str | None:
    """Why the holidays package does not know a place; None where it does."""
    try:
        _package().country_holidays(country, subdiv=region)
    except NotImplementedError as error:
        return str(error)
    return None


def places_of_rows(config: Config, frame: pl.DataFrame) -> pl.DataFrame:
    """[country, region] of every row of `frame`; those of the config where the row has none.

    The region of the config belongs to its country: a row of another country has its own region, or none.
    """
    calendar = config.calendar
    country, region = (
        pl.col(c) if c and c in frame.columns else pl.lit(None, pl.String)
        for c in (calendar.country_column, calendar.region_column)
    )
    home = pl.lit(calendar.country, pl.String)
    there = pl.coalesce(country, home)
    default = pl.when(there == home).then(pl.lit(calendar.region, pl.String))
    return frame.select(country=there, region=pl.coalesce(region, default))


def easter(year: int) -> date:
    """Easter Sunday of a Gregorian year (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * weekday) // 433
    month = (h + weekday - 7 * m + 90) // 25
    return date(year, month, (h + weekday - 7 * m + 33 * month + 19) % 32)
