"""Small files beside the tables (reports, say), in a local folder or on s3:// by the same calls."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def write(root: str, name: str, content: bytes) -> None:
    """Write `name` below `root`; a reader sees the old content or the new one, never half of it."""
    if "://" in root:
        with _bucket(root).open_output_stream(name) as stream:
            stream.write(content)
        return
    file = Path(root, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{file.name}.{os.getpid()}")
    half.write_bytes(content)
    half.replace(file)


def read(root: str, name: str) -> bytes:
    """The content of `name` below `root`; raises FileNotFoundError when it was never written."""
    if "://" not in root:
        return Path(root, name).read_bytes()
    with _bucket(root).open_input_file(name) as stream:
        return bytes(stream.read())


def _bucket(root: str) -> Any:
    """The object store, by the same AWS_* variables of the environment that the tables go by."""
    from pyarrow import fs  # type: ignore[import-untyped]

    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    place = {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme} if endpoint.netloc else {}
    url = urlsplit(root)
    store = fs.S3FileSystem(region=os.environ.get("AWS_REGION"), **place)
    return fs.SubTreeFileSystem(f"{url.netloc}{url.path}", store)
