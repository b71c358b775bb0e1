"""Dates in several columns (a year and a week, a date and a time): `join_date_columns` returns them as one of text.

It takes raw cells, the names of the columns and the config; UserError when it is unclear what a column holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.readers.dates.names import MONTHS

YEAR = r"^(?:19|20)\d{2}$"
CLOCK = r"^\d{1,2}(?::\d{2}){1,2}"
NAMES = {
    "week": r"week|wk|woche|kw|semaine|semana|settimana",
    "month": r"month|monat|mois|mes|mês|mese|maand",
    "quarter": r"quarter|qtr|quartal|trim|kwartaal",
    "day": r"day|tag|jour|d[ií]a|giorno|dag",
    "hour": r"hour|hr|stunde|heure|hora|ora|uur|time|zeit|uhr",
}
"""What a column holds -> a regular expression of its name."""
WRITTEN = {"week": "{}-W{}", "month": "{}-{}", "quarter": "{}-Q{}"}
HIGHEST = {"quarter": 4, "month": 12, "week": 53}


def join_date_columns(raw: pl.DataFrame, columns: Sequence[str], config: Config) -> pl.Series:
    """The cells of several columns as one text per row, null where one of them is empty.

    Columns are a year and a week, month or quarter; year, month and day; or a date and a time. Raises UserError when
    this is not clear from their names, their values and freq.
    """
    texts = {c: raw[c].cast(pl.String).str.strip_chars().str.replace(r"^(\d+)\.0$", "$1") for c in columns}
    frame = pl.DataFrame([text.alias(c) for c, text in texts.items()])
    return frame.select(_joined(texts, config).alias(" ".join(columns))).to_series()


def _joined(texts: dict[str, pl.Series], config: Config) -> pl.Expr:
    years = [c for c, text in texts.items() if _all(text, YEAR)]
    others = [c for c in texts if c not in years]
    if not years and len(texts) == 2:
        date, time = others
        kind = _kind(time, texts[time], config)
        if _all(texts[time], CLOCK):
            return pl.format("{} {}", pl.col(date), pl.col(time))
        if kind == "hour":
            return pl.format("{} {}:00", pl.col(date), pl.col(time).str.zfill(2))
    if len(years) == 1 and len(others) == 1:
        kind = _kind(others[0], texts[others[0]], config)
        if kind in WRITTEN:
            number = pl.col(others[0]).str.extract(r"(\d+|\pL{3,})")
            return pl.format(WRITTEN[kind], pl.col(years[0]), number)
    if len(years) == 1 and len(others) == 2:
        kinds = {_kind(c, texts[c], config): c for c in others}
        if set(kinds) == {"month", "day"}:
            return pl.format("{}-{}-{}", *(pl.col(c) for c in (years[0], kinds["month"], kinds["day"])))
    raise config.fault(
        "source.columns.ds",
        f"it is not clear what the columns {', '.join(texts)} hold: they must be a year and a week, month or quarter, "
        "a year, month and day, or a date and a time; call them so (year, week), or name one column with all of it",
    )


def _kind(name: str, values: pl.Series, config: Config) -> str:
    """What a column holds: by its name, else by freq where the values allow it, else by its values."""
    for kind, words in NAMES.items():
        if re.search(words, name.lower()):
            return kind
    if values.drop_nulls().str.to_lowercase().str.strip_chars(".").is_in(list(MONTHS)).all():
        return "month"
    highest = values.str.extract(r"(\d+)$").cast(pl.Int32, strict=False).max()
    possible = [kind for kind, most in HIGHEST.items() if isinstance(highest, int) and highest <= most]
    if config.frequency.unit in possible:
        return config.frequency.unit
    return possible[0] if len(possible) == 1 else "unclear"


def _all(text: pl.Series, pattern: str) -> bool:
    filled = text.drop_nulls()
    return bool(len(filled)) and bool(filled.str.contains(pattern).all())
