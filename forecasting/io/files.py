"""Small files (such as reports): `write` and `read` take a root, local or s3://, a name below it, and bytes.

`read` returns the bytes. Files are replaced as a whole; folders are made as needed.
"""

from __future__ import annotations

import os
from pathlib import Path

from forecasting.io.storage import is_remote, object_store


def write(root: str, name: str, content: bytes) -> None:
    """Write `name` below `root`; a reader sees the old content or the new one, never half of it."""
    if is_remote(root):
        with object_store(root).open_output_stream(name) as stream:
            stream.write(content)
        return
    file = Path(root, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{file.name}.{os.getpid()}")
    half.write_bytes(content)
    half.replace(file)


def read(root: str, name: str) -> bytes:
    """The content of `name` below `root`; raises FileNotFoundError when it was never written."""
    if not is_remote(root):
        return Path(root, name).read_bytes()
    with object_store(root).open_input_file(name) as stream:
        return bytes(stream.read())
