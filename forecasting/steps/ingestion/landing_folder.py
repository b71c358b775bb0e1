"""The files of a landing folder: `list_folder` returns those of the source, `changed_files` the new and corrected ones.

Both take a Load, and nothing is written. What a file is known by are columns of the table `files`: size, time, content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from forecasting.data import sources
from forecasting.errors import UserError
from forecasting.io import storage
from forecasting.io.storage import File
from forecasting.steps.ingestion.load_state import Load


def list_folder(load: Load) -> tuple[dict[str, File], dict[str, File]]:
    """The source's files of the landing folder by their names in it, and those without its columns."""
    old = set(load.store.scan("files").select("file").collect()["file"])
    try:
        found = sources.landing_files(load.config)
    except UserError:
        if not old:
            raise
        found = []  # all were read and have been cleared away
    root = f"{(load.config.source.path or '').rstrip('/')}/"
    named = {str(file).removeprefix(root): file for file in found}
    foreign = {
        name: file for name, file in named.items() if name not in old and not sources.is_source_file(load.config, file)
    }
    return {name: file for name, file in named.items() if name not in foreign}, foreign


def changed_files(load: Load, paths: Mapping[str, File], *, force: bool) -> pl.DataFrame:
    """Rows of the table `files` for new and corrected files; `same_as` names a file with the same content, if any.

    A file of the same size and time as before counts as unchanged without being read.
    """
    known = {row["file"]: row for row in load.store.scan("files").collect().iter_rows(named=True)}
    now = {name: _fingerprint(file, known.get(name)) for name, file in sorted(paths.items())}
    same = [name for name, row in known.items() if name not in now or now[name]["content"] == row["content"]]
    counted = {} if force else {known[name]["content"]: name for name in same if known[name]["same_as"] is None}
    file_log = []
    for name, row in now.items():
        first = counted.setdefault(row["content"], name)
        row |= {"file": name, "same_as": None if first == name else first}
        before = known.get(name)
        if force or before is None or any(before[c] != row[c] for c in ("content", "same_as")):
            file_log.append(row)
    return pl.DataFrame(
        file_log, schema={c: k for c, k in load.store.tables["files"].schema.items() if c in FILE_COLUMNS}
    )


FILE_COLUMNS = ("file", "size", "modified", "content", "same_as")


def _fingerprint(file: File, before: Mapping[str, Any] | None) -> dict[str, Any]:
    size, modified = storage.size_and_mtime(file)
    if before and (before["size"], before["modified"]) == (size, modified):
        return {"size": size, "modified": modified, "content": before["content"]}
    return {"size": size, "modified": modified, "content": storage.content_hash(file)}
