"""A column of cells before its format is known: `open_column` takes it with its role and returns a Column.

A Column holds what its cells tell, and its formats by the config and by earlier loads. `cells_of` takes raw rows and
returns the Cells of their columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.readers.numbers import Evidence, NumberFormat, evidence_of, format_like, holds_flags

Role = Literal["number", "flag", "driver", "static"]
"""What a column holds: numbers; numbers or yes and no; what its cells look like; names unless all cells are plain."""
Cells = pl.DataFrame
"""[cell, file, line]: the texts of a column with their places; with [times], how often each of them stands there."""
TEXT_FORMAT = "text"
"""The format of a column that holds names, whatever they look like."""


@dataclass(frozen=True)
class Column:
    """A text column, its role, its cells and what they tell; `given` is its format by the config, `before` the one by
    which earlier loads were read.
    """

    name: str
    role: Role
    cells: Cells = field(repr=False, compare=False)
    evidence: Evidence
    given: NumberFormat | None = None
    before: NumberFormat | None = None

    @property
    def holds_numbers(self) -> bool:
        """Whether the column is read as numbers, as far as the cells tell."""
        if self.role in ("number", "flag") or (self.before and self.role == "driver"):
            return True
        if self.role == "static":
            return self.evidence.looks_numeric and self.evidence.is_plain
        return self.evidence.looks_numeric or holds_flags(self.evidence)

    def stays_number(self, decimal: str) -> bool:
        """Whether the column is one of numbers, once their decimal sign is known: a static one with commas between
        thousands holds names.
        """
        return self.role != "static" or self.evidence.doubtful_thousands(decimal) != ","


def cells_of(raw: pl.DataFrame, columns: Iterable[str]) -> dict[str, Cells]:
    """The cells of these columns of raw rows with `file` and `line`."""
    return {column: raw.select("file", "line", cell=column) for column in columns}


def open_column(config: Config, name: str, cells: Cells, role: Role) -> Column | None:
    """A column with what is known about it; None where the config says that it holds names.

    Raises UserError for a format in the config that is none.
    """
    formats = config.source.format or {}
    given = formats if isinstance(formats, str) else formats.get(name)
    before = config.stored_formats.get(name)
    if TEXT_FORMAT in (given, None if given or role in ("number", "flag") else before):
        return None
    earlier = None if before in (None, TEXT_FORMAT) else format_like(before)
    if given and not isinstance(formats, str):
        role = "number" if role == "number" else "flag"
    times = cells["times"] if "times" in cells.columns else None
    return Column(name, role, cells, evidence_of(cells["cell"], times), _given(config, name, given), earlier)


def _given(config: Config, name: str, example: str | None) -> NumberFormat | None:
    if example is None:
        return None
    try:
        return format_like(example)
    except ValueError as error:
        key = "source.format" if isinstance(config.source.format, str) else f"source.format.{name}"
        raise config.fault(key, str(error)) from None
