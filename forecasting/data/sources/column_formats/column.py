"""A column of cells before its format is known: `open_column` takes it with its role and returns a Column.

A Column holds what its cells tell, and its formats by the config and by earlier loads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.readers.numbers import Evidence, NumberFormat, evidence_of, format_like, holds_flags

Role = Literal["number", "flag", "driver", "static"]
"""What a column holds: numbers; numbers or yes and no; what its cells look like; names unless all cells are plain."""
TEXT_FORMAT = "text"
"""The format of a column that holds names, whatever they look like."""


@dataclass(frozen=True)
class Column:
    """A text column, its role and what its cells tell; `given` is its format by the config, `before` the one by which
    earlier loads were read.
    """

    name: str
    role: Role
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


def open_column(config: Config, cells: pl.Series, role: Role) -> Column | None:
    """A column with what is known about it; None where it is said to hold names.

    Raises UserError for a format in the config that is none.
    """
    formats = config.source.format or {}
    given = formats if isinstance(formats, str) else formats.get(cells.name)
    before = config.stored_formats.get(cells.name)
    if TEXT_FORMAT in (given, None if given or role in ("number", "flag") else before):
        return None
    earlier = None if before in (None, TEXT_FORMAT) else format_like(before)
    if given and not isinstance(formats, str):
        role = "number" if role == "number" else "flag"
    return Column(cells.name, role, evidence_of(cells), _given(config, cells.name, given), earlier)


def _given(config: Config, name: str, example: str | None) -> NumberFormat | None:
    if example is None:
        return None
    try:
        return format_like(example)
    except ValueError as error:
        key = "source.format" if isinstance(config.source.format, str) else f"source.format.{name}"
        raise config.fault(key, str(error)) from None
