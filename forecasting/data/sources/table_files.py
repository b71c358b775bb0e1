"""The tables of source.path: `open_tables` takes a config and returns a TextTable or TypedTable per file.

A Delta table is one table. Rows are parsed later (`table_rows`).
"""

from __future__ import annotations

from collections.abc import Sequence

from forecasting.config import Config
from forecasting.data.sources.readers.delta_table import DeltaReadError, is_delta, open_delta
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.data.sources.source_files import configured_path, find_files
from forecasting.data.sources.tables.opening import open_file
from forecasting.data.sources.tables.spelling import RawTable, set_apart


def open_tables(config: Config, columns: Sequence[str] = ()) -> list[RawTable]:
    """The tables of source.path, at least one per file; raises UserError when there are none or one cannot be read.

    `columns` are names by which a header is known (none given: those of unique_id, ds and y).
    """
    if config.source.path and is_delta(config.source.path):
        return [set_apart(_open_delta(config))]
    return [table for file in find_files(config) for table in open_file(file, config, columns)]


def _open_delta(config: Config) -> TypedTable:
    """The Delta table at source.path, at source.options.version where it is given."""
    folder, version = configured_path(config, "version"), config.source.options.get("version")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool) or version < 0):
        raise config.fault("source.options.version", f"must be a whole number, and it is {version!r}")
    try:
        return open_delta(folder, version)
    except DeltaReadError as error:
        key = "source.path" if version is None else "source.options.version"
        which = "" if version is None else f" at version {version}"
        raise config.fault(key, f"the Delta table {folder} cannot be read{which} ({error})") from None
