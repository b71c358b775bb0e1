"""Dates of a source: `parse_source_dates` takes text cells and a config and returns them as Date, null for no date.

The format is source.ds_format, else inferred; where it is unclear, the UserError names source.ds_format.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.readers.dates import DateFormatError, parse_dates
from forecasting.errors import UserError


def parse_source_dates(cells: pl.Series, config: Config) -> pl.Series:
    """The text cells as Date, null where one is no date; raises UserError when their format is unclear."""
    with naming_ds_format(config):
        return parse_dates(cells, config.source.ds_format)


@contextmanager
def naming_ds_format(config: Config) -> Iterator[None]:
    """Raise the UserError for source.ds_format in place of a DateFormatError."""
    try:
        yield
    except DateFormatError as error:
        raise _unclear_format(config, error) from None


def _unclear_format(config: Config, error: DateFormatError) -> UserError:
    if not error.formats:
        return config.fault(
            "source.ds_format",
            f"no date is recognised in the column {error.column!r} (it holds {error.example!r}): "
            "give the format, for example source.ds_format: '%d.%m.%Y', or name another column in source.columns.ds",
        )
    first, second = error.formats
    return config.fault(
        "source.ds_format",
        f"dates like {error.example!r} in the column {error.column!r} can mean day/month or month/day: "
        f"give the format, source.ds_format: '{first}' or '{second}'",
    )
