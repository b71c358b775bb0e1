"""Which column of a table is what: named in the config, or told by a header that leaves no choice."""

from __future__ import annotations

import re
from collections.abc import Sequence

from forecasting.config import Config
from forecasting.data.sources.long_frame import Layout
from forecasting.data.sources.readers.dates import SHAPES
from forecasting.errors import UserError
from forecasting.io.storage import File

NUMBER = r"^[-+]?\d+([.,]\d+)?$"


def layout(config: Config, file: File | str, header: Sequence[str]) -> Layout:
    """The columns of config.source.columns, else those that the header of the first file tells."""
    named = config.source.columns
    return _guessed(config, file, header) if named is None else _named(config, dict(named))


def is_header(file: File, header: Sequence[str]) -> None:
    """Raise UserError when the first line of a text file is data."""
    date = next((c for c in header if any(re.search(shape, c) for shape, _ in SHAPES)), None)
    if date or all(re.search(NUMBER, c) for c in header):
        raise UserError(
            f"{file}: its first line holds data ({(date or header[0])!r}), not names: "
            "put a header such as `date,sales` above it; dates must stand in one column, not in the header"
        )


def _named(config: Config, named: dict[str, tuple[str, ...]]) -> Layout:
    for key in ("ds", "y"):
        if len(named.get(key, ())) != 1:
            raise config.fault(f"source.columns.{key}", f"must name one column of the file (it is {named.get(key)})")
    return Layout(named.get("unique_id", ()), named["ds"][0], named["y"][0])


def _guessed(config: Config, file: File | str, header: Sequence[str]) -> Layout:
    if {"ds", "y"} <= set(header):
        return Layout(("unique_id",) if "unique_id" in header else (), "ds", "y")
    if len(header) == 2:
        return Layout((), header[0], header[1])
    raise config.fault(
        "source.columns",
        f"{file} has the columns {', '.join(header)}: say which is which, "
        "for example columns: {unique_id: [store, item], ds: date, y: units}",
    )
