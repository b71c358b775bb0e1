"""Which columns are unique_id, ds and y: `resolve_layout` takes a config and a header and returns a ColumnLayout.

They are named in source.columns, or inferred from a header with ds and y or of two columns. No cell is read. A
ColumnSelection names the further columns that are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from forecasting.columns import KEYS, column_name
from forecasting.config import Config
from forecasting.data.sources.readers.header import kind_of
from forecasting.data.sources.readers.numbers import NumberFormat
from forecasting.data.sources.readers.raw_bytes import Readable
from forecasting.errors import UserError

NUMBER = r"^[-+]?\d+([.,]\d+)?$"


@dataclass(frozen=True)
class ColumnLayout:
    """The columns of a table by their meaning, and those that hold numbers.

    `ids` are the columns whose values make up unique_id, separated by slashes; `ds` holds the date and `y` the sales.
    `ds_parts` are the columns that hold its parts (a year and a week, say), none when it stands in the column `ds`.
    `numbers` are the columns that hold numbers, with their formats. `carried` are further columns to keep;
    None means the drivers that the source provides.
    """

    ids: tuple[str, ...]
    ds: str
    y: str
    numbers: Mapping[str, NumberFormat] = field(default_factory=dict)
    carried: tuple[str, ...] | None = None
    ds_parts: tuple[str, ...] = ()

    @property
    def ds_columns(self) -> tuple[str, ...]:
        """The columns of the date."""
        return self.ds_parts or (self.ds,)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of unique_id, ds and y."""
        return (*self.ids, *self.ds_columns, self.y)


@dataclass(frozen=True)
class ColumnSelection:
    """The columns that are read of each row besides unique_id, ds and y.

    `columns` maps each to the config key that names it. `numbers` must be numbers; `texts` are names even where they
    look like numbers. `prepare` changes the raw cells before they are parsed.
    """

    columns: Mapping[str, str]
    numbers: frozenset[str]
    texts: frozenset[str] = frozenset()
    prepare: Callable[[pl.DataFrame, ColumnLayout], pl.DataFrame] = lambda raw, _: raw


def resolve_layout(config: Config, file: Readable | str, header: Sequence[str]) -> ColumnLayout:
    """The columns named in config.source.columns, else those inferred from the header of the first file.

    Raises UserError when ds or y is not exactly one column, or when the header leaves a choice.
    """
    columns = config.source.columns
    return _infer_layout(config, file, header) if columns is None else _configured_layout(config, dict(columns))


def require_header(file: Readable, header: Sequence[str]) -> None:
    """Raise UserError when the first line of a text file holds data and not names."""
    date = next((c for c in header if kind_of(c) == "date"), None)
    if date or all(re.search(NUMBER, c) for c in header):
        raise UserError(
            f"{file}: its first line holds data ({(date or header[0])!r}), not names: "
            "put a header such as `date,sales` above it; where every period is a column, name the date column in "
            "source.wide"
        )


def _configured_layout(config: Config, columns: dict[str, tuple[str, ...]]) -> ColumnLayout:
    ds = columns.get("ds", ())
    if len(columns.get("y", ())) != 1:
        raise config.fault("source.columns.y", f"must name one column of the file (it is {columns.get('y')})")
    if not ds:
        raise config.fault("source.columns.ds", "must name the column of the date, or the columns of its parts")
    parts = ds if len(ds) > 1 else ()
    return ColumnLayout(columns.get("unique_id", ()), " ".join(ds), columns["y"][0], ds_parts=parts)


def _infer_layout(config: Config, file: Readable | str, header: Sequence[str]) -> ColumnLayout:
    unique_id, ds, y = map(column_name, KEYS)
    if {ds, y} <= set(header):
        return ColumnLayout((unique_id,) if unique_id in header else (), ds, y)
    if len(header) == 2:
        return ColumnLayout((), header[0], header[1])
    raise config.fault(
        "source.columns",
        f"{file} has the columns {', '.join(header)}: name which is which, "
        "for example columns: {unique_id: [store, item], ds: date, y: units}",
    )
