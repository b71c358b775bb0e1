"""A Delta table as a source: its current rows or those of source.options.version, never its loose files."""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.readers.files import place
from forecasting.data.sources.readers.typed import Typed, typed
from forecasting.io import storage


def is_delta(folder: str) -> bool:
    """Whether a folder holds a Delta table."""
    return storage.path_kind(f"{folder.rstrip('/')}/_delta_log") == "folder"


def read(config: Config) -> Typed:
    """The table at source.path; raises UserError when it cannot be read, or the version is not (or no longer) there."""
    folder, version = place(config, "version"), config.source.options.get("version")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool) or version < 0):
        raise config.fault("source.options.version", f"must be a whole number, and it is {version!r}")
    return typed(storage.file_at(folder), "a Delta table", _scan(config, folder, version))


def _scan(config: Config, folder: str, version: int | None) -> pl.LazyFrame:
    from forecasting.io.delta.snapshots import DeltaError, Snapshot

    try:
        return pl.scan_delta(Snapshot(folder, version=version, storage_options=storage.storage_options(folder)))
    except (DeltaError, OSError) as error:
        key = "source.path" if version is None else "source.options.version"
        told = " ".join(str(error).split())[:200]
        which = "" if version is None else f" at version {version}"
        raise config.fault(key, f"the Delta table {folder} cannot be read{which} ({told})") from None
