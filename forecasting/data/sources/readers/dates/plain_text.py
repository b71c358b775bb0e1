"""Cells as plain dates: `plain_dates` takes text and returns it without times and weekdays, month names as `~03~`.

`minutes_of_day` takes text and returns the time of day that stands behind the date, in minutes after midnight. Both
work on each distinct value; nothing is parsed to dates here.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.sources.readers.dates.names import FILLERS, MONTHS, WEEKDAYS

TIME = (
    r"(?:t|[\s,]+)(?P<hour>\d{1,2})"
    r"(?::(?P<minute>\d{2})(?::\d{2}(?:[.,]\d+)?)?\s*(?:(?P<half>[ap])\.?\s?m\b)?.*"
    r"|\s*(?P<half_of_hour>[ap])\.?\s?m\.?|h(?P<minute_of_hour>\d{2})?|\s*uhr)$"
)
"""A time of day behind a date, in lower case: 9:05, 09:05:00.000+01:00, 9:05 pm, 9 pm, 9h05, 9 uhr."""
DIGITS_WITH_TIME = r"^((?:19|20)\d{6})(?:[01]\d|2[0-3])(?:[0-5]\d){1,2}$"
"""A date and a time without anything between them: 202401310905."""
LETTERS = r"[^\W\d_]{2,}"
DATE_WITHOUT_WEEKDAY = rf"{LETTERS}|\d\D+\d+\D+\d"
"""What is left of a cell when a word was a weekday: the name of a month, or three numbers."""


def plain_dates(values: pl.Series) -> pl.Series:
    """The cells in lower case without the time of day and the weekday, names of months as their number in tildes."""
    text = pl.col("text")
    frame = values.str.strip_chars().str.to_lowercase().to_frame("text")
    without_time = text.str.replace(TIME, "").str.replace(DIGITS_WITH_TIME, "$1")
    frame = frame.with_columns(without_time.str.replace(r"^(\d+)\.0$", "$1").str.strip_chars(" ,;"))
    named = text.str.contains(LETTERS)
    if frame.select(named.any()).item():
        frame = frame.with_columns(pl.when(named).then(_with_numbered_months(text)).otherwise(text).alias("text"))
    return frame["text"]


def _with_numbered_months(text: pl.Expr) -> pl.Expr:
    """15. märz 2024 as 15. ~03~ 2024, and without the weekday and the filling words around it."""
    text = text.str.normalize("NFKC")
    for weekday in (rf"^(?:{WEEKDAYS})\b[.,]*\s*", rf"[\s,(]+(?:{WEEKDAYS})\.?\)?$"):
        without = text.str.replace(weekday, "")
        text = pl.when(without.str.contains(DATE_WITHOUT_WEEKDAY)).then(without).otherwise(text)
    text = text.str.replace_all(rf"\b(?:{FILLERS})\b", " ")
    text = text.str.replace(r"\b(\d{1,2})(?:st|nd|rd|th|er|º|ª)\b", "$1")
    names = sorted(MONTHS, key=len, reverse=True)
    numbered = text.str.replace_many(names, [f"~{MONTHS[name]:02d}~" for name in names], leftmost=True)
    return numbered.str.replace(r"~\.", "~").str.strip_chars()


def minutes_of_day(values: pl.Series) -> pl.Series:
    """Minutes after midnight of the time behind each date (Int16), 0 where there is none."""
    parts = values.str.to_lowercase().to_frame("text").select(pl.col("text").str.extract_groups(TIME)).unnest("text")
    number = {name: pl.col(name).cast(pl.Int16, strict=False) for name in ("hour", "minute", "minute_of_hour")}
    half = pl.coalesce("half", "half_of_hour")
    hour = pl.when(half.is_null()).then(number["hour"]).otherwise(number["hour"] % 12 + 12 * (half == "p"))
    minute = pl.coalesce(number["minute"], number["minute_of_hour"], 0)
    return parts.select((60 * hour + minute).fill_null(0).cast(pl.Int16).alias(values.name)).to_series()
