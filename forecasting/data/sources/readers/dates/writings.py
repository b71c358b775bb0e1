"""Ways to write a date: `writing_of` takes a format such as "%d/%m/%Y" and returns a Writing, or None.

`Writing.parse` takes plain text (see plain_text) and returns Date, null where a cell is written in another way. A
format means the order of its parts, whatever separates them; a week, month, quarter or year is its first day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import polars as pl

from forecasting.data.sources.readers.dates.names import FILLERS, QUARTER, WEEK

EXCEL, UNIX = "excel", "unix"
"""Names, in the place of a format, of days since the end of 1899 and of seconds (or fractions of them) since 1970."""
NUMBERS = {EXCEL: r"^\d{5}(?:\.\d+)?$", UNIX: r"^\d{10}(?:\d{3}|\d{6}|\d{9})?$"}
EXCEL_DAYS = (20_000, 73_050)
"""Days that a number may mean: from 1954 to 2099."""
UNIX_TIMES = (473_385_600, 4_102_444_800)
"""Seconds that a number may mean: from 1985 to 2099."""
DIRECTIVES = {
    "d": r"(?P<d>\d{1,2})",
    "e": r"(?P<d>\d{1,2})",
    "m": r"(?P<m>\d{1,2})",
    "b": r"~(?P<m>\d{2})~",
    "Y": r"(?P<Y>\d{4})",
    "y": r"'?(?P<y>\d{2})",
    "V": r"(?P<V>\d{1,2})",
    "u": r"(?P<u>[1-7])",
    "q": r"(?P<q>[1-4])",
    "j": r"(?P<j>\d{3})",
}
ALIKE = {"B": "b", "h": "b", "G": "Y", "g": "y", "e": "d"}
COMPACT = {"d": r"(?P<d>\d{2})", "m": r"(?P<m>\d{2})", "Y": r"(?P<Y>(?:1[89]|2[01])\d{2})", "V": r"(?P<V>\d{2})"}
"""The same where no sign stands between two numbers."""
SEPARATOR = r"[-/.,'\s_\\]"
CENTURY = 69
"""Years of two digits below this one are of the 2000s, the others of the 1900s."""


@dataclass(frozen=True)
class Writing:
    """One way to write a date: its `format` and the regular expression of a plain cell in it."""

    format: str
    pattern: str

    def parse(self, plain: pl.Series) -> pl.Series:
        """The cells as Date, null where one is not written so."""
        if self.format in NUMBERS:
            numbers = plain.to_frame("n").select(pl.when(pl.col("n").str.contains(self.pattern)).then("n")).to_series()
            return _days_of_excel(numbers) if self.format == EXCEL else _days_of_unix(numbers)
        parts = plain.to_frame("cell").select(pl.col("cell").str.extract_groups(self.pattern)).unnest("cell")
        return parts.select(_date_of(parts.columns)).to_series()


@cache
def writing_of(ds_format: str) -> Writing | None:
    """The writing of a format; None where it has parts that are no numbers of a day, week, month, quarter or year."""
    if ds_format in NUMBERS:
        return Writing(ds_format, NUMBERS[ds_format])
    parts = re.findall(r"%-?[a-zA-Z%]|[^%]+", _without_words(ds_format))
    if any(part.startswith("%") and _directive(part) not in DIRECTIVES for part in parts):
        return None
    pattern = "".join(_patterns(parts))
    names = re.findall(r"\?P<(\w)>", pattern)
    complete = {"Y", "y"} & set(names) and len(names) == len(set(names))
    return Writing(ds_format, f"^{pattern}$") if complete else None


def _without_words(ds_format: str) -> str:
    """The format without weekdays and filling words, which plain cells do not have either."""
    if "%d" in ds_format or "%e" in ds_format:
        ds_format = re.sub(r"^%[aA][.,]*\s*|[\s,(]+%[aA]\)?$", "", ds_format)
    return re.sub(rf"\b(?:{FILLERS})\b", " ", ds_format)


def _directive(part: str) -> str:
    letter = part.lstrip("%-")
    return ALIKE.get(letter, letter)


def _patterns(parts: list[str]) -> Iterator[str]:
    """The regular expression of each part: numbers, what stands between them, and words before weeks and quarters."""
    for i, part in enumerate(parts):
        before, after = (parts[k] if 0 <= k < len(parts) else "" for k in (i - 1, i + 1))
        if part.startswith("%"):
            beside_numbers = any(other.startswith("%") and _directive(other) != "b" for other in (before, after))
            compact = beside_numbers and _directive(part) != "b"
            yield (COMPACT if compact else {}).get(_directive(part), DIRECTIVES[_directive(part)])
        else:
            yield _literal(part, _directive(before), _directive(after))


def _literal(text: str, before: str, after: str) -> str:
    """What stands between two parts: the word of a week or quarter, or separators, which every sign can be."""
    word = {"V": WEEK, "q": QUARTER}.get(after) if re.search(r"[a-zA-Z]", text) else None
    if word:
        return rf"{SEPARATOR}*{word}{SEPARATOR}*"
    if before == "q" and re.search(r"[a-zA-Z]", text):
        return rf"{SEPARATOR}*{QUARTER}{SEPARATOR}*"
    if re.fullmatch(rf"{SEPARATOR}+", text):
        return f"{SEPARATOR}*" if "b" in (before, after) else f"{SEPARATOR}+"
    return re.escape(text.lower())


def _date_of(parts: list[str]) -> pl.Expr:
    """The date of the parts of a cell, which are texts by the letter of their directive."""
    number = {part: pl.col(part).cast(pl.Int32, strict=False) for part in parts}
    if "y" in parts:
        short = number["y"]
        number["Y"] = short + pl.when(short < CENTURY).then(2000).otherwise(1900)
    year = number["Y"].cast(pl.String).str.zfill(4)
    if "V" in parts:
        day = pl.col("u") if "u" in parts else pl.lit("1")
        week = pl.col("V").str.zfill(2)
        return pl.format("{}-W{}-{}", year, week, day).str.to_date("%G-W%V-%u", strict=False)
    if "j" in parts:
        return pl.format("{}-{}", year, pl.col("j")).str.to_date("%Y-%j", strict=False)
    month = 3 * number["q"] - 2 if "q" in parts else number.get("m", pl.lit(1))
    return pl.format("{}-{}-{}", year, month, number.get("d", pl.lit(1))).str.to_date("%Y-%m-%d", strict=False)


def _days_of_excel(numbers: pl.Series) -> pl.Series:
    """Days since 1899-12-30, which is how spreadsheets count from March 1900 on; a fraction is a time of day."""
    days = numbers.cast(pl.Float64).floor().cast(pl.Int64)
    date = pl.date(1899, 12, 30) + pl.duration(days=pl.col("n"))
    return days.to_frame("n").select(pl.when(pl.col("n").is_between(*EXCEL_DAYS)).then(date)).to_series()


def _days_of_unix(numbers: pl.Series) -> pl.Series:
    """The day in UTC of times since 1970 in seconds, or in milli-, micro- or nanoseconds."""
    frame = numbers.to_frame("n").with_columns(unit=pl.col("n").str.len_chars().cast(pl.Int64) - 10)
    seconds = pl.col("n").cast(pl.Int64) // pl.lit(10, pl.Int64).pow(pl.col("unit"))
    date = pl.from_epoch(seconds, time_unit="s").dt.date()
    return frame.select(pl.when(seconds.is_between(*UNIX_TIMES)).then(date)).to_series()
