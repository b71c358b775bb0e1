"""Which rows a load reads: all of the source, or those of the files of a landing folder that no load has read yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import contracts, sources
from forecasting.data.panel import KEY
from forecasting.data.side_tables import load_with_side_tables
from forecasting.errors import UserError
from forecasting.io import storage
from forecasting.io.storage import File
from forecasting.steps.ingestion import align_types
from forecasting.steps.ingestion.load_state import Load
from forecasting.steps.session import check_freq, read_meta


@dataclass(frozen=True)
class Rows:
    """What a load has read: good rows that fit to the stored ones, the keys of deleted rows, bad rows, the files
    (empty unless the source reads new files only) and what became of every line.

    `seen` are rows for the table `files`.
    """

    good: pl.DataFrame
    gone: pl.DataFrame
    quarantine: pl.DataFrame
    told: Mapping[str, Any]
    files: Sequence[str] = ()
    seen: pl.DataFrame | None = None


def nothing() -> dict[str, Any]:
    """The account of a load that reads no line."""
    none: dict[str, Any] = dict.fromkeys(("lines", "aggregated", "quarantined", "duplicates", "deleted"), 0)
    return none | {"dropped": {}, "quarantined_by_rule": {}}


def read(load: Load, *, force: bool) -> Rows:
    """The rows of this load, checked; raises UserError when it breaks its limits."""
    config = load.config
    check_freq(config, load.store, read_meta(load.store))
    if config.source.reads == "everything":
        return _checked(load, load_with_side_tables(config))
    paths, side = _folder(load)
    seen = looked_at(load, paths, force=force)
    told = {"files_again": seen.filter(pl.col("same_as").is_not_null())["file"].to_list(), "files_beside": side}
    new = seen.filter(pl.col("same_as").is_null())["file"].to_list()
    if not new:
        return Rows(*_no_rows(load), nothing() | told | {"files_read": []}, (), seen)
    names = {str(paths[name]): name for name in new}
    rows = _checked(load, _loaded(config, list(names)))
    good, gone = (_named(frame, names) for frame in (rows.good, rows.gone))
    told = dict(rows.told) | told | {"files_read": new}
    return replace(rows, good=good, gone=gone, told=told, files=new, seen=seen)


def settled(rows: Rows) -> Rows:
    """Of several files that tell of one key the last one by name counts, as if they had been loaded one by one."""
    if "file" not in rows.good.columns:
        return rows
    both = pl.concat([rows.good.with_columns(_gone=False), rows.gone.with_columns(_gone=True)], how="diagonal")
    last = both.sort("file").unique(KEY, keep="last", maintain_order=True)
    lost = both.filter(~pl.col("_gone")).height - last.filter(~pl.col("_gone")).height
    told = dict(rows.told)
    if lost:
        told |= {"aggregated": told["aggregated"] - lost, "dropped": told["dropped"] | {"told_again_later": lost}}
    good = last.filter(~pl.col("_gone")).select(c for c in rows.good.columns if c != "file")
    return replace(rows, good=good, gone=last.filter("_gone").select(KEY), told=told)


def _loaded(config: Config, paths: Sequence[str]) -> sources.RawData:
    """The rows of these files; one by one where they add up."""
    groups = [[path] for path in paths] if sources.files_add_up(config) else [paths]
    return sources.concat([load_with_side_tables(sources.reading_only(config, group)) for group in groups])


def _no_rows(load: Load) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    kinds = load.store.tables["panel"].schema.items()
    empty = pl.DataFrame(schema={c: k for c, k in kinds if c not in ("bucket", "y_raw", "flag")} | {"file": pl.String})
    return empty, empty.select(*KEY, "file"), pl.DataFrame(schema=contracts.QUARANTINE_SCHEMA)


def _named(frame: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """Files by their names in the folder."""
    return frame.with_columns(pl.col("file").replace(names))


def _checked(load: Load, loaded: sources.RawData) -> Rows:
    config = load.config
    checked = contracts.check_load(loaded, sources.reading_only(config, ()), last_loaded=load.last)
    good = align_types.as_before(align_types.typed(checked.good, config), load.store, config)
    rules = dict(checked.quarantine.group_by("rule").len().rows())
    told = dict(checked.account) | {"quarantined_by_rule": rules, "deleted": 0}
    gone = good.select(c for c in (*KEY, "file") if c in good.columns).clear()
    if sources.DELETED in good.columns:
        gone = good.filter(sources.DELETED).select(gone.columns)
        good = good.filter(~pl.col(sources.DELETED)).drop(sources.DELETED)
        told |= {"deleted": gone.height, "aggregated": told["aggregated"] - gone.height}
        told |= {"dropped": told["dropped"] | {"deletion": gone.height} if gone.height else told["dropped"]}
    align_types.is_of_one_kind(load.store, good, config)
    return Rows(good, gone, checked.quarantine, told)


def remember(load: Load, rows: Rows) -> None:
    """Write down which files were read, or seen to be the same as others."""
    if rows.seen is not None and rows.seen.height:
        stamps = {
            "load": pl.lit(load.number, pl.Int64),
            "loaded_at": pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC")),
        }
        load.store.merge("files", rows.seen.with_columns(**stamps))


def _folder(load: Load) -> tuple[dict[str, File], list[str]]:
    """The files of the landing folder by their names in it, and the names of others that are no files of the source."""
    old = set(load.store.scan("files").select("file").collect()["file"])
    try:
        found = sources.landing_files(load.config)
    except UserError:
        if not old:
            raise
        found = []  # all were read and have been cleared away
    root = f"{(load.config.source.path or '').rstrip('/')}/"
    named = {str(file).removeprefix(root): file for file in found}
    side = [name for name, file in named.items() if name not in old and not sources.is_source_file(load.config, file)]
    return {name: file for name, file in named.items() if name not in side}, side


def looked_at(load: Load, paths: Mapping[str, File], *, force: bool) -> pl.DataFrame:
    """Rows of the table `files` for what is new or corrected, and (same_as) for contents that are counted already.

    A file of the same size and time as before is taken for the same without reading it.
    """
    known = {row["file"]: row for row in load.store.scan("files").collect().iter_rows(named=True)}
    now = {name: _stamped(file, known.get(name)) for name, file in sorted(paths.items())}
    same = [name for name, row in known.items() if name not in now or now[name]["content"] == row["content"]]
    counted = {} if force else {known[name]["content"]: name for name in same if known[name]["same_as"] is None}
    seen = []
    for name, row in now.items():
        first = counted.setdefault(row["content"], name)
        row |= {"file": name, "same_as": None if first == name else first}
        before = known.get(name)
        if force or before is None or any(before[c] != row[c] for c in ("content", "same_as")):
            seen.append(row)
    return pl.DataFrame(seen, schema={c: k for c, k in load.store.tables["files"].schema.items() if c in COLUMNS})


COLUMNS = ("file", "size", "modified", "content", "same_as")


def _stamped(file: File, before: Mapping[str, Any] | None) -> dict[str, Any]:
    size, modified = storage.size_and_mtime(file)
    if before and (before["size"], before["modified"]) == (size, modified):
        return {"size": size, "modified": modified, "content": before["content"]}
    return {"size": size, "modified": modified, "content": storage.content_hash(file)}
