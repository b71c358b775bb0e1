"""Where raw data and tables lie: in a local folder, or on s3:// behind the same few words.

Credentials come from the environment only: AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_ENDPOINT_URL, and AWS_ALLOW_HTTP=true for a plain http endpoint. So no config and no pickled object holds a secret.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from forecasting.errors import UserError

WILD = re.compile(r"[*?\[]")
NOTHING = "__HIVE_DEFAULT_PARTITION__"
"""How the name of a folder says null."""


@dataclass(frozen=True, order=True)
class Remote:
    """A file on s3://, in those words of Path that its readers use."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """What stands behind the last slash."""
        return self.url.rsplit("/", 1)[-1]

    def read_bytes(self) -> bytes:
        """The content; raises OSError."""
        with bucket(self.url.removesuffix(self.name)).open_input_file(self.name) as stream:
            return bytes(stream.read())


File = Path | Remote


def file(place: str) -> File:
    """The file at a path or s3:// address."""
    return Remote(place) if is_remote(place) else Path(place)


def is_remote(place: str) -> bool:
    """Whether the place is an address like s3://bucket/folder and no local path."""
    return "://" in place


def storage(place: str) -> dict[str, str] | None:
    """What Polars and Delta must know of an object store: the AWS_* variables; None for a local place."""
    return {k: v for k, v in os.environ.items() if k.startswith("AWS_")} if is_remote(place) else None


def bucket(root: str) -> Any:
    """The object store below an s3:// address as a pyarrow file system, by the same variables."""
    from pyarrow import fs  # type: ignore[import-untyped]

    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    options = {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme} if endpoint.netloc else {}
    store = fs.S3FileSystem(region=os.environ.get("AWS_REGION"), connect_timeout=10, **options)
    return fs.SubTreeFileSystem(root.partition("://")[2], store)


def kind(place: str) -> Literal["file", "folder", "nothing"]:
    """What there is; raises UserError when an object store does not answer."""
    if not is_remote(place):
        path = Path(place)
        return "file" if path.is_file() else "folder" if path.is_dir() else "nothing"
    from pyarrow import fs

    folder, _, name = place.rstrip("/").rpartition("/")
    root, inner = (place, "") if folder.endswith(":/") else (folder, name)
    found = _answer(place, lambda: bucket(root).get_file_info(inner).type)
    return {fs.FileType.File: "file", fs.FileType.Directory: "folder"}.get(found, "nothing")  # type: ignore[return-value]


def listing(folder: str) -> list[File]:
    """The files of a folder, and those of its subfolders that are called key=value, in the order of their names."""
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


def matching(pattern: str) -> list[File]:
    """The files that a pattern means: * and ? within a name, ** for folders of any depth; in the order of their names.

    A local or remote file whose own name holds such a sign is found by `kind`, not here.
    """
    if not is_remote(pattern):
        return sorted(p for p in map(Path, glob.glob(pattern, recursive=True)) if p.is_file())
    first = WILD.search(pattern)
    root = pattern[: first.start()].rpartition("/")[0] if first else pattern
    means = re.compile(_regex(pattern))
    return [f for f in _objects(root) if means.fullmatch(str(f))]


def _regex(pattern: str) -> str:
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", pattern)
    return "".join(signs.get(p) or (p if p.startswith("[") else re.escape(p)) for p in parts)


def _objects(root: str) -> list[File]:
    """All files at any depth below an s3:// address."""
    from pyarrow import fs

    selector = fs.FileSelector("", recursive=True, allow_not_found=True)
    found = _answer(root, lambda: bucket(root).get_file_info(selector))
    paths = sorted(i.path for i in found if i.type == fs.FileType.File)
    return [Remote(f"{root.rstrip('/')}/{path}") for path in paths]


def _answer(place: str, question: Any) -> Any:
    try:
        return question()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{place}: {silent(error)}") from None


def silent(error: Exception) -> str:
    """Why an object store gave nothing, and what to look at."""
    told = " ".join(str(error).split())[:200]
    return f"the object store does not answer ({told}): check the address and the AWS_* variables of the environment"


def partitions(place: File) -> dict[str, str | None]:
    """The columns that the folders above a file tell: store=7/ds=2024-01-01/part.parquet has store and ds."""
    parts = (unquote(part).partition("=") for part in str(place).split("/")[:-1])
    return {key: None if value == NOTHING else value for key, sign, value in parts if sign and key}


def stamp(file: File) -> tuple[int, int]:
    """Size in bytes, and when the file was last written, in nanoseconds."""
    if isinstance(file, Path):
        told = file.stat()
        return told.st_size, told.st_mtime_ns
    folder = file.url.removesuffix(file.name)
    told = _answer(file.url, lambda: bucket(folder).get_file_info(file.name))
    return int(told.size), int(told.mtime_ns or 0)


def digest(file: File) -> str:
    """A hash of the content."""
    if isinstance(file, Path):
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    return hashlib.sha256(file.read_bytes()).hexdigest()
