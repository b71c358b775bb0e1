"""RawData, which every source returns: a long frame of raw rows with tags, and counts of the lines that were read.

KEYS, TAGS and DELETED are names of its columns. The rows are not cleaned yet: faulty ones are in it, marked.
`RawData.original_rows` takes [file, line] and returns [file, line, row] as it was in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from forecasting.columns import KEYS as KEY_TYPES
from forecasting.columns import TAGS as TAG_TYPES
from forecasting.data.buckets import Portions
from forecasting.remarks import Remark

Formats = Mapping[str, Mapping[str, str]]
"""How columns are written, {key of the source in the config: {column of the file: format}}: a strftime pattern for
dates, an example such as 1.234,5 for numbers."""
KEYS = tuple(KEY_TYPES)
TAGS = tuple(TAG_TYPES)
"""Columns with the origin of a row and what is wrong with it; they are dropped once the contracts are checked."""
DELETED = "_deleted"
"""Boolean column of sources whose config names a `deleted` column: true removes the row's key from the panel."""


@dataclass(frozen=True)
class RawData:
    """One load of raw rows, with what is needed to account for every line that was read.

    `rows` has one row per series and period, in one portion or several: unique_id (String), ds (Date), y
    (Float64), every driver of the config that no side table provides, and the tags: file, line (1-based line of the
    text file or row of the table), fault (the rule that the row broke while it was read, else null) and fault_value.
    Rows after the last sale with y null are future rows. `long` is all of them in one frame.

    `lines` counts all lines that were read: lines = rows - generated_rows + merged_lines + sum(dropped).
    `dropped` counts lines that hold no data, by named rule; `merged_lines` counts lines that were added to the row of
    another line; `generated_rows` counts `rows` that have no line.

    `remarks` are what the user should know about the reading: files left out, cells that were read in a certain way.
    `formats` is what was concluded about how columns are written; it reads later loads.

    `reread` reads the given [file, line] pairs again and returns [file, line, row]. Simulated data also come with
    `true_effects` [unique_id, effect, value] and `injected_errors` [unique_id, ds, kind, y without the error].
    """

    rows: Portions
    lines: int
    reread: Callable[[pl.DataFrame], pl.DataFrame]
    dropped: Mapping[str, int]
    true_effects: pl.DataFrame | None = None
    merged_lines: int = 0
    generated_rows: int = 0
    injected_errors: pl.DataFrame | None = None
    remarks: tuple[Remark, ...] = ()
    formats: Formats = field(default_factory=dict)

    @property
    def long(self) -> pl.DataFrame:
        """All rows in one frame."""
        return self.rows.whole()

    def original_rows(self, keys: pl.DataFrame) -> pl.DataFrame:
        """The rows with these keys as they were read: [file, line, row], where row is the line of text or JSON."""
        return self.reread(keys.select("file", "line").unique(maintain_order=True))


def merge_formats(*formats: Formats) -> dict[str, dict[str, str]]:
    """All formats by source and column; of several for one column the last."""
    merged: dict[str, dict[str, str]] = {}
    for part in formats:
        for source, columns in ((source, columns) for source, columns in part.items() if columns):
            merged[source] = merged.get(source, {}) | dict(columns)
    return merged
