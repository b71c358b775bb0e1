"""The number of the store's format, kept in the table `meta`; a store without one has format 1.

`check_store_format` takes the table `meta` as a mapping and raises UserError when a newer program wrote the store.
Format 2 adds the column `cold_start` to forecasts and backtests, and the table `actions`. A store of format 1 is read
as it is: a column that it lacks is null, which means that nothing is known about it there; a table that it lacks is
empty. The next load writes the current number.
"""

from __future__ import annotations

from collections.abc import Mapping

from forecasting.config.formats import refuse_newer

STORE_FORMAT = 2
"""Raise it when an older program would misread what is written, and describe the step above."""

FORMAT_KEY = "format"
"""The key in the table `meta`."""


def check_store_format(meta: Mapping[str, str], root: str) -> None:
    """Raise UserError when a newer program has written the tables below `root`; `meta` is that table by key."""
    refuse_newer(f"the store {root}", int(meta.get(FORMAT_KEY, 1)), STORE_FORMAT)
