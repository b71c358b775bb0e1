"""Dates parsed from text: by a given format, or by the only one of a short list that fits."""

from __future__ import annotations

import re

import polars as pl

from forecasting.config import Config

PATTERNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"^\d{4}-\d{1,2}-\d{1,2}$", ("%Y-%m-%d",)),
    (r"^\d{4}-\d{1,2}$", ("%Y-%m",)),
    (r"^\d{4}/\d{1,2}/\d{1,2}$", ("%Y/%m/%d",)),
    (r"^\d{4}/\d{1,2}$", ("%Y/%m",)),
    (r"^\d{8}$", ("%Y%m%d",)),
    (r"^\d{1,2}\.\d{1,2}\.\d{4}$", ("%d.%m.%Y",)),
    (r"^\d{1,2}\.\d{1,2}\.\d{2}$", ("%d.%m.%y",)),
    (r"^\d{1,2}/\d{1,2}/\d{4}$", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"^\d{1,2}/\d{1,2}/\d{2}$", ("%d/%m/%y", "%m/%d/%y")),
    (r"^\d{1,2}-\d{1,2}-\d{4}$", ("%d-%m-%Y", "%m-%d-%Y")),
)
"""Pattern of a date and the formats it may have. Where there are two, the values must decide between them."""

TIME_OF_DAY = r"^(\S+?)(?:[ T]\d{1,2}:\d{2}.*)?$"


def parse_dates(text: pl.Series, config: Config) -> pl.Series:
    """The cells as Date, null where one is no date; raises UserError when the format is ambiguous or not recognised.

    source.ds_format is used where it is given; else the format is inferred from all cells, and times are ignored.
    """
    unique = text.unique().drop_nulls()
    parsed = _parse(unique.str.strip_chars(), config, text.name)
    valid = parsed.is_not_null()
    return text.replace_strict(unique.filter(valid), parsed.filter(valid), default=None, return_dtype=pl.Date)


def _parse(values: pl.Series, config: Config, column: str) -> pl.Series:
    ds_format = config.source.ds_format
    if ds_format:
        return _parse_by_format(values, ds_format)
    days = values.str.extract(TIME_OF_DAY, 1).fill_null(values)
    return _parse_by_format(days, _infer_format(days, config, column))


def _parse_by_format(values: pl.Series, ds_format: str) -> pl.Series:
    """Dates in one format; a format without a day means the first of the month."""
    if re.search(r"%[djeDFxcs]", ds_format):
        return values.str.to_date(ds_format, strict=False)
    return (values + " 01").str.to_date(f"{ds_format} %d", strict=False)


def _infer_format(values: pl.Series, config: Config, column: str) -> str:
    """The format of the pattern that most values match."""
    matches = {pattern: int(values.str.contains(pattern).sum()) for pattern, _ in PATTERNS}
    pattern = max(matches, key=lambda p: matches[p])
    if not matches[pattern]:
        example = values[0] if len(values) else ""
        raise config.fault(
            "source.ds_format",
            f"no date is recognised in the column {column!r} (it holds {example!r}): "
            "give the format, for example source.ds_format: '%d.%m.%Y', or name another column in source.columns.ds",
        )
    return _choose_format(values, dict(PATTERNS)[pattern], config, column)


def _choose_format(values: pl.Series, formats: tuple[str, ...], config: Config, column: str) -> str:
    """The format that parses most values; raises UserError when two parse equally many to different dates."""
    parsed = {f: int(_parse_by_format(values, f).is_not_null().sum()) for f in formats}
    best = max(formats, key=lambda f: parsed[f])
    rivals = [f for f in formats if f != best and parsed[f] == parsed[best]]
    if rivals and not _parse_by_format(values, best).equals(_parse_by_format(values, rivals[0])):
        raise config.fault(
            "source.ds_format",
            f"dates like {values[0]!r} in the column {column!r} can mean day/month or month/day: "
            f"give the format, source.ds_format: '{best}' or '{rivals[0]}'",
        )
    return best
