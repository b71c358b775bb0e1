"""The rows that a load reads: `read_rows` takes a Load and returns LoadedRows (good rows, quarantine, account).

They are all rows of the source, or those of new and corrected files of a landing folder. `log_files` enters the files
in the table `files`; nothing else is written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import contracts, sources
from forecasting.data.panel import KEY
from forecasting.data.side_tables import load_with_side_tables
from forecasting.errors import UserError
from forecasting.remarks import remark_facts
from forecasting.steps.ingestion import align_types
from forecasting.steps.ingestion.landing_folder import changed_files, list_folder
from forecasting.steps.ingestion.load_state import Load
from forecasting.steps.session import check_freq, read_meta


@dataclass(frozen=True)
class LoadedRows:
    """What a load has read: checked rows in the types of the stored ones, the keys of deleted rows, the quarantine, the
    account of every line, how columns were found to be written, the names of the files (empty unless the source reads
    new files only), and their rows for the table `files`.
    """

    good: pl.DataFrame
    deleted: pl.DataFrame
    quarantine: pl.DataFrame
    account: Mapping[str, Any]
    formats: sources.Formats = field(default_factory=dict)
    files: Sequence[str] = ()
    file_log: pl.DataFrame | None = None


def empty_account() -> dict[str, Any]:
    """The account of a load that reads no line."""
    none: dict[str, Any] = dict.fromkeys(("lines", "aggregated", "quarantined", "duplicates", "deleted"), 0)
    return none | {"dropped": {}, "quarantined_by_rule": {}, "remarks": []}


def read_rows(load: Load, *, force: bool) -> LoadedRows:
    """The rows of this load, checked; raises UserError when it breaks its limits."""
    config = load.config
    check_freq(config, load.store, read_meta(load.store))
    if config.source.reads == "everything":
        return _check_rows(load, load_with_side_tables(config))
    paths, foreign = list_folder(load)
    skipped = sources.skipped_files(config, list(foreign.values()))
    if load.last is None and skipped and not paths:
        raise config.fault("source.path", f"no file of the folder has the columns of the source: {skipped[0].message}")
    file_log = changed_files(load, paths, force=force)
    account = {
        "files_already_loaded": file_log.filter(pl.col("same_as").is_not_null())["file"].to_list(),
        "files_without_columns": list(foreign),
        "remarks": remark_facts(skipped),
    }
    new = file_log.filter(pl.col("same_as").is_null())["file"].to_list()
    if not new:
        return LoadedRows(*_no_rows(load), empty_account() | account | {"files_read": []}, file_log=file_log)
    names = {str(paths[name]): name for name in new}
    rows = _check_rows(load, _read_files(config, list(names)))
    good, deleted = (_rename_files(frame, names) for frame in (rows.good, rows.deleted))
    account["remarks"] = [*account["remarks"], *rows.account["remarks"]]
    account = dict(rows.account) | account | {"files_read": new}
    return replace(rows, good=good, deleted=deleted, account=account, files=new, file_log=file_log)


def keep_last_file(rows: LoadedRows) -> LoadedRows:
    """Of several files with rows of one key the last one by name counts, as if they had been loaded one by one."""
    if "file" not in rows.good.columns:
        return rows
    both = pl.concat([rows.good.with_columns(_deleted=False), rows.deleted.with_columns(_deleted=True)], how="diagonal")
    last = both.sort("file").unique(KEY, keep="last", maintain_order=True)
    lost = both.filter(~pl.col("_deleted")).height - last.filter(~pl.col("_deleted")).height
    account = dict(rows.account)
    if lost:
        account |= {"aggregated": account["aggregated"] - lost, "dropped": account["dropped"] | {"superseded": lost}}
    good = last.filter(~pl.col("_deleted")).select(c for c in rows.good.columns if c != "file")
    return replace(rows, good=good, deleted=last.filter("_deleted").select(KEY), account=account)


def _read_files(config: Config, paths: Sequence[str]) -> sources.RawData:
    """The raw rows of these files; read one by one where the values of one key add up over files.

    What one file tells about the writing of its columns reads the others: one that leaves a doubt waits for them.
    """
    waiting = [[path] for path in paths] if sources.files_add_up(config) else [list(paths)]
    loads: dict[str, sources.RawData] = {}
    while waiting:
        doubtful: dict[str, UserError] = {}
        for group in waiting:
            try:
                loads[group[0]] = load_with_side_tables(sources.reading_only(config, group))
                config = config.with_stored_formats(loads[group[0]].formats)
            except UserError as error:
                doubtful[group[0]] = error
        if len(doubtful) == len(waiting):
            raise next(iter(doubtful.values()))
        waiting = [group for group in waiting if group[0] in doubtful]
    return sources.concat([loads[path] for path in paths if path in loads])


def _no_rows(load: Load) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    kinds = load.store.tables["panel"].schema.items()
    empty = pl.DataFrame(schema={c: k for c, k in kinds if c not in ("bucket", "y_raw", "flag")} | {"file": pl.String})
    return empty, empty.select(*KEY, "file"), pl.DataFrame(schema=contracts.QUARANTINE_SCHEMA)


def _rename_files(frame: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """The frame with `file` as the name within the landing folder; parts of a file bear the name of the whole."""
    found = frame["file"].unique() if "file" in frame.columns else ()
    files = {
        part: name for part in found for path, name in names.items() if part == path or part.startswith(f"{path}/")
    }
    return frame.with_columns(pl.col("file").replace(files))


def _check_rows(load: Load, loaded: sources.RawData) -> LoadedRows:
    config = load.config
    checked = contracts.check_load(
        loaded, sources.reading_only(config, ()), last_loaded=load.last, series=_series(load)
    )
    good = align_types.cast_to_stored_types(
        align_types.normalize_driver_types(checked.good, config), load.store, config
    )
    rules = dict(checked.quarantine.group_by("rule").len().rows())
    account = dict(checked.account) | {"quarantined_by_rule": rules, "deleted": 0}
    deleted = good.select(c for c in (*KEY, "file") if c in good.columns).clear()
    if sources.DELETED in good.columns:
        deleted = good.filter(sources.DELETED).select(deleted.columns)
        good = good.filter(~pl.col(sources.DELETED)).drop(sources.DELETED)
        account |= {"deleted": deleted.height, "aggregated": account["aggregated"] - deleted.height}
        account |= {
            "dropped": account["dropped"] | {"deletion": deleted.height} if deleted.height else account["dropped"]
        }
    align_types.check_compatible(load.store, good, config)
    return LoadedRows(good, deleted, checked.quarantine, account, loaded.formats)


def _series(load: Load) -> pl.DataFrame | None:
    """The series of earlier loads; None before the first one."""
    return None if load.last is None else load.store.scan("series").collect()


def log_files(load: Load, rows: LoadedRows) -> None:
    """Enter in the table `files` which files were read, or found to be copies of others."""
    if rows.file_log is not None and rows.file_log.height:
        stamps = {
            "load": pl.lit(load.number, pl.Int64),
            "loaded_at": pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC")),
        }
        load.store.merge("files", rows.file_log.with_columns(**stamps))
