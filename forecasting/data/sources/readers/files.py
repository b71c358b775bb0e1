"""From a path of the config to files and their bytes; everything that can be wrong with a file gets its sentence."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Literal, NoReturn

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.io import storage
from forecasting.io.storage import File

TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
PARQUET = (".parquet", ".pq")
MAGIC = {
    b"PK\x03\x04": "an Excel or zip file: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save the sheet as CSV",
    b"PAR1": "a Parquet file: give it the ending .parquet",
    b"%PDF": "a PDF: export the table as CSV",
    b"\xff\xfe": "UTF-16 text: save it as CSV UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as CSV UTF-8",
}


def place(config: Config, *options: str) -> str:
    """The configured path; raises UserError when there is none, and for options other than those that are named."""
    for option in config.source.options:
        if option not in options:
            takes = f"takes only {', '.join(options)}" if options else "takes no options"
            raise config.fault(
                f"source.options.{option}", f"is not known: the source {config.source.kind} {takes} here: take it out"
            )
    if not config.source.path:
        raise config.fault("source.path", f"is missing: the source {config.source.kind} needs a file, folder or glob")
    return config.source.path


def find(config: Config) -> list[File]:
    """The files that source.path means, in the order of their names: a file, a folder's tables, or a glob's."""
    if config.source.only:
        return [storage.file_at(f) for f in config.source.only]
    path = place(config)
    what = is_there(config)
    if what == "file":
        return [storage.file_at(path)]
    if what == "glob":
        return _without_tables(storage.glob_files(path), config)
    found = [f for f in storage.list_files(path) if f.name.lower().endswith(TEXT + PARQUET)]
    found = _without_tables(found, config)
    return found or _nothing(config, f"the folder {path} holds no {', '.join(TEXT + PARQUET)} file")


def _without_tables(found: list[File], config: Config) -> list[File]:
    """Without the files of further tables that lie beside those of the source."""
    tables = {_full(storage.file_at(table.path)) for table in config.tables.values()}
    return [f for f in found if _full(f) not in tables]


def _full(file: File) -> str:
    return str(file.resolve() if isinstance(file, Path) else file)


def is_there(config: Config) -> Literal["file", "folder", "glob"]:
    """What source.path means; raises UserError when there is nothing, before anything is read."""
    path = config.source.path or place(config)
    what = storage.path_kind(path)
    if what != "nothing":
        return what
    return "glob" if storage.glob_files(path) else _nothing(config, f"there is no file or folder {path}")


def member(config: Config, name: str) -> File | None:
    """The file `name` or `name`.gz in the folder source.path, or None; raises UserError when the folder is missing."""
    folder = place(config)
    if storage.path_kind(folder) != "folder":
        return _nothing(config, f"there is no folder {folder}")
    found = (f"{folder.rstrip('/')}/{name}{ending}" for ending in ("", ".gz"))
    return next((storage.file_at(f) for f in found if storage.path_kind(f) == "file"), None)


def needed(config: Config, name: str) -> File:
    """Like `member`, but its absence is an error."""
    found = member(config, name)
    return found or _nothing(config, f"{place(config)} holds neither {name} nor {name}.gz")


def _nothing(config: Config, message: str) -> NoReturn:
    seen = "" if storage.is_remote(config.source.path or "") else f" (seen from {Path.cwd()})"
    raise config.fault("source.path", f"{message}{seen}: mend the path, or give another with --set source.path=...")


def content(file: File) -> bytes:
    """The text of a file as UTF-8 bytes with \\n line ends, unpacked when it ends with .gz; raises UserError."""
    data = _unpacked(file).removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise UserError(f"{file}: is empty: export it again, with a header line and at least one row")
    for magic, meaning in MAGIC.items():
        if data.startswith(magic):
            raise UserError(f"{file}: is {meaning}")
    if b"\x00" in data:
        raise UserError(f"{file}: holds binary data, not text: export the table as CSV or Parquet")
    _is_utf8(file, data)
    return data.replace(b"\r", b"\n") if b"\r" in data and b"\n" not in data else data


def _unpacked(file: File) -> bytes:
    try:
        data = file.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise UserError(f"{file}: is a damaged or cut off gzip file ({e}): copy it again") from None
    except OSError as e:
        raise UserError(f"{file}: cannot be read ({e.strerror or e})") from None


def _is_utf8(file: File, data: bytes) -> None:
    if data.isascii():
        return
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise UserError(f"{file}, line {line}: is not UTF-8 text: save the file as CSV UTF-8") from None
