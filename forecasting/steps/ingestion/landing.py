"""The rows that a load reads: `read_rows` takes a Load and a Shelf and returns LoadedRows (rows, quarantine, account).

They are all rows of the source, or those of new and corrected files of a landing folder. `log_files` enters the files
in the table `files`; nothing else is written here but on the shelf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import contracts, sources
from forecasting.data.buckets import Portions, Shelf
from forecasting.data.panel import KEY
from forecasting.data.side_tables import load_with_side_tables
from forecasting.errors import UserError
from forecasting.remarks import Remark, remark_facts
from forecasting.steps.ingestion import align_types
from forecasting.steps.ingestion.landing_folder import changed_files, list_folder
from forecasting.steps.ingestion.load_state import Load
from forecasting.steps.session import check_freq, read_meta

MOST_IN_MEMORY = 20_000_000
"""More lines that were read at once give a remark."""


@dataclass(frozen=True)
class LoadedRows:
    """What a load has read: checked rows in the types of the stored ones and the keys of deleted rows, in as many
    portions, the quarantine, the account of every line, how columns were found to be written, the names of the files
    (empty unless the source reads new files only), and their rows for the table `files`.
    """

    good: Portions
    deleted: Portions
    quarantine: pl.DataFrame
    account: Mapping[str, Any]
    formats: sources.Formats = field(default_factory=dict)
    files: Sequence[str] = ()
    file_log: pl.DataFrame | None = None


def empty_account() -> dict[str, Any]:
    """The account of a load that reads no line."""
    none: dict[str, Any] = dict.fromkeys(("lines", "aggregated", "quarantined", "duplicates", "deleted"), 0)
    return none | {"dropped": {}, "quarantined_by_rule": {}, "remarks": []}


def read_rows(load: Load, shelf: Shelf, *, force: bool) -> LoadedRows:
    """The rows of this load, checked; those of large tables lie on the shelf. Raises UserError when the load breaks
    its limits.
    """
    config = load.config
    check_freq(config, load.store, read_meta(load.store))
    if config.source.reads == "everything":
        return _check_rows(load, load_with_side_tables(config, shelf), shelf)
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
    rows = _check_rows(load, _read_files(config, list(names), shelf), shelf)
    good, deleted = (_rename_files(frames, names) for frames in (rows.good, rows.deleted))
    account["remarks"] = [*account["remarks"], *rows.account["remarks"]]
    account = dict(rows.account) | account | {"files_read": new}
    return replace(rows, good=good, deleted=deleted, account=account, files=new, file_log=file_log)


def keep_last_file(rows: LoadedRows) -> LoadedRows:
    """Of several files with rows of one key the last one by name counts, as if they had been loaded one by one."""
    if "file" not in rows.good.schema:
        return rows
    both = zip(rows.good.frames, rows.deleted.frames, strict=True)
    last = Portions(tuple(_last_by_file(good, deleted) for good, deleted in both))
    columns = [c for c in rows.good.schema if c != "file"]
    good = last.each(lambda part: part.filter(~pl.col("_deleted")).select(columns))
    deleted = last.each(lambda part: part.filter("_deleted").select(KEY))
    lost = rows.good.height - good.height
    account = dict(rows.account)
    if lost:
        account |= {"aggregated": account["aggregated"] - lost, "dropped": account["dropped"] | {"superseded": lost}}
    return replace(rows, good=good, deleted=deleted, account=account)


def _last_by_file(good: pl.LazyFrame, deleted: pl.LazyFrame) -> pl.LazyFrame:
    """The rows and deletions of a portion, of each key that of the last file."""
    marked = [rows.with_columns(_deleted=pl.lit(mark)) for mark, rows in ((False, good), (True, deleted))]
    both = pl.concat(marked, how="diagonal")
    return both.sort("file", maintain_order=True).unique(KEY, keep="last", maintain_order=True)


def _read_files(config: Config, paths: Sequence[str], shelf: Shelf) -> sources.RawData:
    """The raw rows of these files; read one by one where the values of one key add up over files.

    What one file tells about the writing of its columns reads the others: one that leaves a doubt waits for them.
    """
    waiting = [[path] for path in paths] if sources.files_add_up(config) else [list(paths)]
    loads: dict[str, sources.RawData] = {}
    while waiting:
        doubtful: dict[str, UserError] = {}
        for group in waiting:
            try:
                loads[group[0]] = load_with_side_tables(sources.reading_only(config, group), shelf)
                config = config.with_stored_formats(loads[group[0]].formats)
            except UserError as error:
                doubtful[group[0]] = error
        if len(doubtful) == len(waiting):
            raise next(iter(doubtful.values()))
        waiting = [group for group in waiting if group[0] in doubtful]
    return sources.concat([loads[path] for path in paths if path in loads])


def _no_rows(load: Load) -> tuple[Portions, Portions, pl.DataFrame]:
    kinds = load.store.tables["panel"].schema.items()
    empty = pl.DataFrame(schema={c: k for c, k in kinds if c not in ("bucket", "y_raw", "flag")} | {"file": pl.String})
    deleted = empty.select(*KEY, "file")
    return Portions.of(empty), Portions.of(deleted), pl.DataFrame(schema=contracts.QUARANTINE_SCHEMA)


def _rename_files(rows: Portions, names: Mapping[str, str]) -> Portions:
    """The rows with `file` as the name within the landing folder; parts of a file bear the name of the whole."""
    if "file" not in rows.schema:
        return rows
    found = rows.each(lambda part: part.select(pl.col("file").unique())).whole()["file"].unique()
    files = {
        part: name for part in found for path, name in names.items() if part == path or part.startswith(f"{path}/")
    }
    return rows.each(lambda part: part.with_columns(pl.col("file").replace(files)))


def _check_rows(load: Load, loaded: sources.RawData, shelf: Shelf) -> LoadedRows:
    config = load.config
    keep = shelf.keep if len(loaded.rows) > 1 else pl.DataFrame.lazy
    alone = sources.reading_only(config, ())
    checked = contracts.check_load(loaded, alone, last_loaded=load.last, series=_series(load), keep=keep)
    rows = align_types.cast_to_stored_types(
        align_types.normalize_driver_types(checked.rows, config), load.store, config
    )
    rules = dict(checked.quarantine.group_by("rule").len().rows())
    account = dict(checked.account) | {"quarantined_by_rule": rules, "deleted": 0}
    if len(loaded.rows) == 1 and loaded.lines > MOST_IN_MEMORY:
        account["remarks"] = [*account["remarks"], *remark_facts([_read_at_once(loaded.lines)])]
    columns = [c for c in (*KEY, "file") if c in rows.schema]
    good, deleted = rows, rows.each(lambda part: part.select(columns).clear())
    if sources.DELETED in rows.schema:
        good = rows.each(lambda part: part.filter(~pl.col(sources.DELETED)).drop(sources.DELETED))
        deleted = rows.each(lambda part: part.filter(sources.DELETED).select(columns))
        n = deleted.height
        account |= {"deleted": n, "aggregated": account["aggregated"] - n}
        account["dropped"] = account["dropped"] | ({"deletion": n} if n else {})
    align_types.check_compatible(load.store, good, config)
    return LoadedRows(good, deleted, checked.quarantine, account, loaded.formats)


def _read_at_once(lines: int) -> Remark:
    message = (
        f"{lines:,} lines were read into memory at once, as this source is not read in parts: where memory is short, "
        "write it as Parquet, with the columns of further tables in it"
    )
    return Remark("files", message, "none")


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
