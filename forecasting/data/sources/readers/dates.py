"""Dates out of text: a given format, or the only one of a short list that can be meant."""

from __future__ import annotations

import re

import polars as pl

from forecasting.config import Config

SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
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
"""How a date may look, and what it may mean then. Two meanings are told apart by the values or not at all."""

TIME_OF_DAY = r"^(\S+?)(?:[ T]\d{1,2}:\d{2}.*)?$"


def dates(text: pl.Series, config: Config) -> pl.Series:
    """The cells as Date (null where one is no date); raises UserError when the format cannot be told."""
    unique = text.unique().drop_nulls()
    parsed = _parsed(unique.str.strip_chars(), config, text.name)
    good = parsed.is_not_null()
    return text.replace_strict(unique.filter(good), parsed.filter(good), default=None, return_dtype=pl.Date)


def _parsed(values: pl.Series, config: Config, column: str) -> pl.Series:
    given = config.source.ds_format
    if given:
        return _by(values, given)
    days = values.str.extract(TIME_OF_DAY, 1).fill_null(values)
    return _by(days, _meant(days, config, column))


def _by(values: pl.Series, fmt: str) -> pl.Series:
    """Parsed by one format; a format without a day means the first of the month."""
    if re.search(r"%[djeDFxcs]", fmt):
        return values.str.to_date(fmt, strict=False)
    return (values + " 01").str.to_date(f"{fmt} %d", strict=False)


def _meant(values: pl.Series, config: Config, column: str) -> str:
    """The one format of SHAPES that most values have."""
    hits = {shape: int(values.str.contains(shape).sum()) for shape, _ in SHAPES}
    shape = max(hits, key=lambda s: hits[s])
    if not hits[shape]:
        example = values[0] if len(values) else ""
        raise config.fault(
            "source.ds_format",
            f"no date is to be seen in the column {column!r} (it holds {example!r}): "
            "give the format, for example source.ds_format: '%d.%m.%Y', or name another column in source.columns.ds",
        )
    return _told_apart(values, dict(SHAPES)[shape], config, column)


def _told_apart(values: pl.Series, formats: tuple[str, ...], config: Config, column: str) -> str:
    read = {f: int(_by(values, f).is_not_null().sum()) for f in formats}
    best = max(formats, key=lambda f: read[f])
    rivals = [f for f in formats if f != best and read[f] == read[best]]
    if rivals and not _by(values, best).equals(_by(values, rivals[0])):
        raise config.fault(
            "source.ds_format",
            f"dates like {values[0]!r} in the column {column!r} can mean day/month or month/day: "
            f"say which by source.ds_format: '{best}' or '{rivals[0]}'",
        )
    return best
