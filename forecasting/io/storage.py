"""Local and s3:// files behind one set of functions: find, list, read, hash.

`list_files` and `glob_files` take a path or address as text and return Files (Path or Remote); `content_hash`,
`size_and_mtime` and `partition_values` take a File; `object_store` returns a pyarrow file system. No config and no
pickled object holds a secret: credentials come from the environment (AWS_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL, and AWS_ALLOW_HTTP=true for a plain http endpoint).
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from forecasting.errors import UserError

T = TypeVar("T")

WILDCARD = re.compile(r"[*?\[]")
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""The value in a partition folder's name that stands for null."""


@dataclass(frozen=True, order=True)
class Remote:
    """A file on s3:// with the few attributes of Path that readers use."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """The part after the last slash."""
        return self.url.rsplit("/", 1)[-1]

    def read_bytes(self) -> bytes:
        """The content; raises OSError."""
        with object_store(self.url.removesuffix(self.name)).open_input_file(self.name) as stream:
            return bytes(stream.read())


File = Path | Remote


def file_at(place: str) -> File:
    """The file at a path or s3:// address."""
    return Remote(place) if is_remote(place) else Path(place)


def is_remote(place: str) -> bool:
    """Whether the place is an address such as s3://bucket/folder rather than a local path."""
    return "://" in place


def storage_options(place: str) -> dict[str, str] | None:
    """The AWS_* variables, as Polars and Delta take them, for an s3:// address; None for a local place."""
    return {k: v for k, v in os.environ.items() if k.startswith("AWS_")} if is_remote(place) else None


def object_store(root: str) -> Any:
    """The object store below an s3:// address as a pyarrow file system, configured by the AWS_* variables."""
    from pyarrow import fs  # type: ignore[import-untyped]

    return fs.SubTreeFileSystem(root.partition("://")[2], _connection(**(storage_options(root) or {})))


@lru_cache(maxsize=4)
def _connection(**variables: str) -> Any:
    """The object store that AWS_* variables name; one for all files, as to make one takes longer than most requests."""
    from pyarrow import fs

    endpoint = urlsplit(variables.get("AWS_ENDPOINT_URL", ""))
    options = {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme} if endpoint.netloc else {}
    return fs.S3FileSystem(region=variables.get("AWS_REGION"), connect_timeout=10, **options)


def path_kind(place: str) -> Literal["file", "folder", "nothing"]:
    """What lies at the place; raises UserError when an object store does not respond."""
    if not is_remote(place):
        path = Path(place)
        return "file" if path.is_file() else "folder" if path.is_dir() else "nothing"
    from pyarrow import fs

    folder, _, name = place.rstrip("/").rpartition("/")
    root, inner = (place, "") if folder.endswith(":/") else (folder, name)
    found = _with_clear_errors(place, lambda: object_store(root).get_file_info(inner).type)
    return {fs.FileType.File: "file", fs.FileType.Directory: "folder"}.get(found, "nothing")  # type: ignore[return-value]


def list_files(folder: str) -> list[File]:
    """The files of a folder and of its partition folders (named key=value), in the order of their names."""
    if is_remote(folder):
        inner = ((f, str(f)[len(folder.rstrip("/")) + 1 :]) for f in _objects(folder))
        return [f for f, path in inner if all("=" in part for part in path.split("/")[:-1])]
    return sorted(_below(Path(folder)))


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_file():
            yield path
        elif "=" in path.name and path.is_dir():
            yield from _below(path)


def glob_files(pattern: str) -> list[File]:
    """The files that match a pattern (* and ? within a name, ** for folders of any depth), in the order of their names.

    A file whose name itself contains such a sign is found by `path_kind`, not here.
    """
    if not is_remote(pattern):
        return sorted(p for p in map(Path, glob.glob(pattern, recursive=True)) if p.is_file())
    first = WILDCARD.search(pattern)
    root = pattern[: first.start()].rpartition("/")[0] if first else pattern
    expression = re.compile(_regex(pattern))
    return [f for f in _objects(root) if expression.fullmatch(str(f))]


def _regex(pattern: str) -> str:
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", pattern)
    return "".join(signs.get(p) or (p if p.startswith("[") else re.escape(p)) for p in parts)


def _objects(root: str) -> list[File]:
    """All files at any depth below an s3:// address."""
    from pyarrow import fs

    selector = fs.FileSelector("", recursive=True, allow_not_found=True)
    found = _with_clear_errors(root, lambda: object_store(root).get_file_info(selector))
    paths = sorted(i.path for i in found if i.type == fs.FileType.File)
    return [Remote(f"{root.rstrip('/')}/{path}") for path in paths]


def _with_clear_errors(place: str, request: Callable[[], T]) -> T:
    """The result of a request to an object store; raises UserError when the store fails, FileNotFoundError as it is."""
    try:
        return request()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{place}: {unreachable_message(error)}") from None


def unreachable_message(error: Exception) -> str:
    """Why an object store gave nothing, and what to check."""
    reason = " ".join(str(error).split())[:200]
    return f"the object store does not respond ({reason}): check the address and the AWS_* variables of the environment"


def partition_values(place: File) -> dict[str, str | None]:
    """The columns in the folder names above a file: store=7/ds=2024-01-01/part.parquet has store and ds."""
    parts = (unquote(part).partition("=") for part in str(place).split("/")[:-1])
    return {key: None if value == NULL_PARTITION else value for key, sign, value in parts if sign and key}


def size_and_mtime(file: File) -> tuple[int, int]:
    """Size in bytes, and the time of the last write in nanoseconds since 1970."""
    if isinstance(file, Path):
        stat = file.stat()
        return stat.st_size, stat.st_mtime_ns
    folder = file.url.removesuffix(file.name)
    info = _with_clear_errors(file.url, lambda: object_store(folder).get_file_info(file.name))
    return int(info.size), int(info.mtime_ns or 0)


def content_hash(file: File) -> str:
    """The SHA-256 of the content, in hexadecimal."""
    if isinstance(file, Path):
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    return hashlib.sha256(file.read_bytes()).hexdigest()
