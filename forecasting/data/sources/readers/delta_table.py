"""Delta tables: `open_delta` takes a folder and a version (None: the newest) and returns a TypedTable, read lazily.

The rows are those of that version, never the loose files of the folder. `is_delta` tells whether it is such a table.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.sources.readers.typed_table import TypedTable, open_typed
from forecasting.io import storage


class DeltaReadError(Exception):
    """A Delta table or a version of it that cannot be opened; the message is the reason."""


def is_delta(folder: str) -> bool:
    """Whether the folder holds a Delta table."""
    return storage.path_kind(f"{folder.rstrip('/')}/_delta_log") == "folder"


def open_delta(folder: str, version: int | None) -> TypedTable:
    """The Delta table in the folder, at a version or the newest; raises DeltaReadError when it cannot be opened."""
    return open_typed(storage.file_at(folder), "a Delta table", _scan(folder, version))


def _scan(folder: str, version: int | None) -> pl.LazyFrame:
    from forecasting.io.delta.snapshots import DeltaError, Snapshot

    try:
        return pl.scan_delta(Snapshot(folder, version=version, storage_options=storage.storage_options(folder)))
    except (DeltaError, OSError) as error:
        raise DeltaReadError(" ".join(str(error).split())[:200]) from None
