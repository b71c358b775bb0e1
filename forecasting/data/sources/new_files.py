"""Landing folders: `landing_files` lists a config's files, `reading_only` returns a config that reads some of them.

`concat` makes one RawData of several loads. Which files are new is not decided here, and nothing is moved or written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Portions
from forecasting.data.sources.column_layout import ColumnLayout
from forecasting.data.sources.layouts import kinds_that_read_new_files, new_files_rule
from forecasting.data.sources.raw_data import RawData, merge_formats
from forecasting.data.sources.readers.delta_table import is_delta
from forecasting.data.sources.source_files import find_files
from forecasting.data.sources.tables.left_out import describe_left_out
from forecasting.data.sources.tables.opening import open_file
from forecasting.data.sources.tables.spelling import spell
from forecasting.data.sources.tables.wide import wide_columns
from forecasting.io.storage import File
from forecasting.remarks import Remark


def landing_files(config: Config) -> list[File]:
    """The files of the landing folder, sorted by name; raises UserError when there are none, or when the source cannot
    be read file by file.
    """
    if new_files_rule(config) is None:
        *others, last = kinds_that_read_new_files()
        allowed = f"{', '.join(others)} and {last}"
        raise config.fault("source.reads", f"new_files is for the sources {allowed}, not for {config.source.kind}")
    if is_delta(config.source.path or ""):
        raise config.fault(
            "source.reads", f"new_files is for folders of files, and {config.source.path} is a Delta table"
        )
    without_options = config.source.model_copy(update={"options": {}})  # they are checked when a file is read
    return find_files(config.model_copy(update={"source": without_options}))


def files_add_up(config: Config) -> bool:
    """Whether several new files may hold lines of the same row, whose sums make the row."""
    return config.source.reads == "new_files" and new_files_rule(config) == "add"


def is_source_file(config: Config, file: File) -> bool:
    """Whether the file has the date and sales columns of the source; other files of a landing folder are skipped."""
    wanted = _date_and_sales(config)
    headers = [spell(table, wanted, config).names for table in open_file(file, config)]
    return any(set(wanted) <= set(names) or (config.source.columns is None and len(names) == 2) for names in headers)


def skipped_files(config: Config, files: Sequence[File]) -> tuple[Remark, ...]:
    """Remarks on files of a landing folder that are no source files, with their rows and headers."""
    tables = [table for file in files for table in open_file(file, config)]
    columns = config.source.columns or {}
    layout = ColumnLayout((), columns.get("ds", ("ds",))[0], columns.get("y", ("y",))[0])
    return describe_left_out(layout, tables)


def _date_and_sales(config: Config) -> tuple[str, ...]:
    columns, missing = config.named_columns, wide_columns(config)
    return tuple(c for c in (*columns.get("ds", ()), *columns.get("y", ())) if c not in missing)


def reading_only(config: Config, files: Sequence[str]) -> Config:
    """The config whose source reads only these files (none given: all that source.path means).

    Where files add up, a file's part of a row may be negative, so `clean.y_min` is lifted.
    """
    source = config.source.model_copy()
    source._only = tuple(files)
    clean = config.clean.model_copy(update={"y_min": None} if files_add_up(config) else {})
    return config.model_copy(update={"source": source, "clean": clean})


def concat(loads: Sequence[RawData]) -> RawData:
    """Several loads as one: their rows in order, and the sums of their counts."""
    if len(loads) == 1:
        return loads[0]
    frames = [raw.long for raw in loads]
    load_of_file = {file: raw for raw, long in zip(loads, frames, strict=True) for file in long["file"].unique()}
    rules = dict.fromkeys(rule for raw in loads for rule in raw.dropped)

    def reread(keys: pl.DataFrame) -> pl.DataFrame:
        parts = keys.group_by("file", maintain_order=True)
        return pl.concat([load_of_file[str(file)].reread(part) for (file,), part in parts])

    rows = Portions.of(pl.concat(frames, how="diagonal_relaxed"))
    dropped = {rule: sum(raw.dropped.get(rule, 0) for raw in loads) for rule in rules}
    lines, merged = sum(raw.lines for raw in loads), sum(raw.merged_lines for raw in loads)
    remarks = tuple(remark for raw in loads for remark in raw.remarks)
    joined = replace(loads[-1], rows=rows, reread=reread, remarks=remarks)
    joined = replace(joined, formats=merge_formats(*(raw.formats for raw in loads)))
    return replace(joined, dropped=dropped, lines=lines, merged_lines=merged)
