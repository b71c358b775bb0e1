"""From source.path to files, local or on s3://: `find_files` takes a config and returns its files; none is opened.

source.path is one file, a folder or a glob. `required_file` and `optional_file` return a file by name in that folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NoReturn

from forecasting.config import Config
from forecasting.data.sources.readers.parquet import PARQUET
from forecasting.data.sources.readers.raw_bytes import Readable
from forecasting.data.sources.readers.text.decoding import TEXT
from forecasting.data.sources.readers.workbook import WORKBOOKS
from forecasting.io import storage
from forecasting.io.storage import File

TABLES = (*TEXT, *PARQUET, *WORKBOOKS, ".zip")
"""Endings of the files that are read from a folder."""


def configured_path(config: Config, *options: str) -> str:
    """source.path; raises UserError when it is missing, and for source.options other than the named ones."""
    for option in config.source.options:
        if option not in options:
            takes = f"takes only {', '.join(options)}" if options else "takes no options"
            raise config.fault(
                f"source.options.{option}", f"is not known: the source {config.source.kind} {takes} here: take it out"
            )
    if not config.source.path:
        raise config.fault("source.path", f"is missing: the source {config.source.kind} needs a file, folder or glob")
    return config.source.path


def find_files(config: Config) -> list[File]:
    """The files of source.path, sorted by name: one file, the tables of a folder, or the matches of a glob.

    Raises UserError when there are none.
    """
    if config.source.only:
        return [storage.file_at(f) for f in config.source.only]
    path = configured_path(config)
    kind = path_kind(config)
    if kind == "file":
        return [storage.file_at(path)]
    if kind == "glob":
        return _without_side_tables(storage.glob_files(path), config)
    found = [f for f in storage.list_files(path) if is_table_file(f)]
    found = _without_side_tables(found, config)
    return found or _not_found(config, f"the folder {path} holds no {', '.join(TABLES)} file")


def is_table_file(file: Readable) -> bool:
    """Whether the name is that of a table; those of hidden and lock files are not."""
    return file.name.lower().endswith(TABLES) and not file.name.startswith((".", "~$"))


def _without_side_tables(files: list[File], config: Config) -> list[File]:
    """Without the files of side tables that are in the same folder."""
    side_tables = {_full_path(storage.file_at(table.path)) for table in config.tables.values()}
    return [f for f in files if _full_path(f) not in side_tables]


def _full_path(file: File) -> str:
    return str(file.resolve() if isinstance(file, Path) else file)


def path_kind(config: Config) -> Literal["file", "folder", "glob"]:
    """Whether source.path is a file, a folder or a glob; raises UserError when nothing is there. No file is opened."""
    path = config.source.path or configured_path(config)
    kind = storage.path_kind(path)
    if kind != "nothing":
        return kind
    return "glob" if storage.glob_files(path) else _not_found(config, f"there is no file or folder {path}")


def optional_file(config: Config, name: str) -> File | None:
    """The file `name` or `name`.gz in the folder source.path, or None; raises UserError when the folder is missing."""
    folder = configured_path(config)
    if storage.path_kind(folder) != "folder":
        return _not_found(config, f"there is no folder {folder}")
    candidates = (f"{folder.rstrip('/')}/{name}{ending}" for ending in ("", ".gz"))
    return next((storage.file_at(f) for f in candidates if storage.path_kind(f) == "file"), None)


def required_file(config: Config, name: str) -> File:
    """The file `name` or `name`.gz in the folder source.path; raises UserError when there is neither."""
    found = optional_file(config, name)
    return found or _not_found(config, f"{configured_path(config)} holds neither {name} nor {name}.gz")


def _not_found(config: Config, message: str) -> NoReturn:
    seen = "" if storage.is_remote(config.source.path or "") else f" (seen from {Path.cwd()})"
    raise config.fault("source.path", f"{message}{seen}: mend the path, or override source.path for this run")
