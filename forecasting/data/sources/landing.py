"""A landing folder: which of its files a source reads, some of them alone, and what several files say of one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.loaded import Loaded
from forecasting.data.sources.readers.delta_table import is_delta
from forecasting.data.sources.readers.files import find
from forecasting.data.sources.readers.parquet import is_parquet
from forecasting.data.sources.readers.parquet import read as read_parquet
from forecasting.data.sources.readers.text import read as read_text
from forecasting.io.storage import File

KINDS = {"table": "replace", "transactions": "add"}
"""Sources that read file by file: rows of a later file replace those of an earlier one, or add to them."""


def files(config: Config) -> list[File]:
    """The files of the folder; raises UserError when there are none, or the source does not read file by file."""
    if config.source.kind not in KINDS:
        known = " and ".join(KINDS)
        raise config.fault("source.reads", f"new_files is for the sources {known}, not for {config.source.kind}")
    if is_delta(config.source.path or ""):
        raise config.fault(
            "source.reads", f"new_files is for folders of files, and {config.source.path} is a Delta table"
        )
    plain = config.source.model_copy(update={"options": {}})  # they are checked when a file is read
    return find(config.model_copy(update={"source": plain}))


def adds(config: Config) -> bool:
    """Whether two files may hold lines of the same row: their sums are counted."""
    return config.source.reads == "new_files" and KINDS.get(config.source.kind) == "add"


def accepts(config: Config, file: File) -> bool:
    """Whether the file has the date and the sales that the source reads: other files are left alone."""
    names = read_parquet(file).names if is_parquet(file) else read_text(file).names
    named = config.source.columns
    if named is None:
        return {"ds", "y"} <= set(names) or len(names) == 2
    return {*named.get("ds", ()), *named.get("y", ())} <= set(names)


def only(config: Config, chosen: Sequence[str]) -> Config:
    """The config whose source reads these files and no others. Where files add up, a part of a row may be negative."""
    source = config.source.model_copy()
    source._only = tuple(chosen)
    clean = config.clean.model_copy(update={"y_min": None} if adds(config) else {})
    return config.model_copy(update={"source": source, "clean": clean})


def together(loads: Sequence[Loaded]) -> Loaded:
    """Several loads as one."""
    if len(loads) == 1:
        return loads[0]
    long = pl.concat([loaded.long for loaded in loads], how="diagonal_relaxed")
    home = {file: loaded for loaded in loads for file in loaded.long["file"].unique()}
    names = dict.fromkeys(rule for loaded in loads for rule in loaded.dropped)

    def rows(keys: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([home[str(file)].rows(part) for (file,), part in keys.group_by("file", maintain_order=True)])

    dropped = {rule: sum(loaded.dropped.get(rule, 0) for loaded in loads) for rule in names}
    lines, merged = sum(loaded.lines for loaded in loads), sum(loaded.merged for loaded in loads)
    return replace(loads[-1], long=long, rows=rows, dropped=dropped, lines=lines, merged=merged)
