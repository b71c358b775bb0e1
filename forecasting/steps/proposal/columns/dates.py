"""Which columns hold the date of a row: `find_date` takes profiles by name and returns a DateChoice or None.

`named_date` makes one of columns that a person has named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.periods.several_columns import join_date_columns
from forecasting.data.sources.readers.dates import DateFormatError, read_dates
from forecasting.errors import UserError
from forecasting.steps.proposal.columns.profiles import Profile
from forecasting.steps.proposal.columns.vocabulary import date_rank, words_of

PARTS = (("week", "1w"), ("month", "1mo"), ("quarter", "1q"))
"""Parts of a year in columns of their own, with the frequency that follows."""
PART_NAMES = {
    "year": r"^(year|jahr|ann[eé]e|a[nñ]o|anno|jaar|yr|(iso|fiscal|calendar|order|sales) ?year)$",
    "week": r"^((iso|calendar|sales)? ?(week|woche|semaine|semana)( ?(of year|number|no|nr))?|kw|wk)$",
    "month": r"^(month|monat|mois|mes|m[eê]s|mese|maand|month ?(name|no|number)?)$",
    "quarter": r"^(quarter|quartal|trimest\w*|qtr|kwartaal)$",
    "day": r"^(day|tag|jour|d[ií]a|giorno|dag|day ?of ?month)$",
}
YEARS = (1900, 2100)
FEW = 0.5
"""A column with dates in less than this share of the rows of another one is not the date of a row."""


@dataclass(frozen=True)
class DateChoice:
    """The columns of the date, the day of each row (Date, null where there is none), and other columns of dates.

    `freq` follows from the parts of the date (a year and a week), "" where it does not.
    """

    columns: tuple[str, ...]
    days: pl.Series
    others: tuple[str, ...] = ()
    freq: str = ""


def find_date(profiles: Mapping[str, Profile], config: Config) -> DateChoice | None:
    """The column of the date, or the columns of its parts; None when there is none."""
    dates = [p for p in profiles.values() if p.kind == "date" and not is_year(p)]
    if dates:
        most = max(p.filled for p in dates)
        dates = [p for p in dates if p.filled >= FEW * most]
        best = min(dates, key=lambda p: (date_rank(p.name), -p.different))
        others = tuple(p.name for p in dates if p is not best)
        return DateChoice((best.name,), best.values.alias("ds"), others)
    return _of_parts(profiles, config) or _of_years(profiles)


def named_date(profiles: Mapping[str, Profile], columns: tuple[str, ...], config: Config) -> DateChoice:
    """The choice of these columns, which a person made; raises UserError when one is missing or holds no dates."""
    missing = [c for c in columns if c not in profiles]
    if missing:
        raise config.fault("source.columns.ds", f"there is no column {missing[0]!r}: there are {', '.join(profiles)}")
    if len(columns) > 1:
        return DateChoice(columns, _joined(profiles, columns, config))
    only = profiles[columns[0]]
    if only.kind != "date":
        raise config.fault("source.columns.ds", f"the column {only.name!r} holds no dates: name another one")
    return DateChoice(columns, only.values.alias("ds"))


def is_year(found: Profile) -> bool:
    """Whether a column holds nothing but years."""
    return bool(re.search(PART_NAMES["year"], words_of(found.name))) or not bool(
        found.cells.cast(pl.String, strict=False).drop_nulls().str.contains(r"^\s*\d{4}\s*$").not_().any()
    )


def _of_years(profiles: Mapping[str, Profile]) -> DateChoice | None:
    years = [p for p in profiles.values() if p.kind == "date" and is_year(p)]
    return DateChoice((years[0].name,), years[0].values.alias("ds"), freq="1y") if years else None


def _of_parts(profiles: Mapping[str, Profile], config: Config) -> DateChoice | None:
    """A year with a week, month or quarter (and a day) in columns of their own."""
    parts = {
        part: next((n for n in profiles if re.search(pattern, words_of(n))), None)
        for part, pattern in PART_NAMES.items()
    }
    year = parts["year"]
    if not year:
        return None
    if parts["month"] and parts["day"]:
        return _chosen(profiles, (year, parts["month"], parts["day"]), "", config)
    for part, freq in PARTS:
        if name := parts[part]:
            return _chosen(profiles, (year, name), freq, config)
    return None


def _chosen(profiles: Mapping[str, Profile], columns: tuple[str, ...], freq: str, config: Config) -> DateChoice | None:
    try:
        days = _joined(profiles, columns, config.model_copy(update={"freq": freq or "1d"}))
    except (UserError, DateFormatError):
        return None
    return DateChoice(columns, days, freq=freq) if days.count() else None


def _joined(profiles: Mapping[str, Profile], columns: tuple[str, ...], config: Config) -> pl.Series:
    text = join_date_columns(pl.DataFrame([profiles[c].cells for c in columns]), columns, config)
    return read_dates(text, None, config.frequency).dates.alias("ds")
