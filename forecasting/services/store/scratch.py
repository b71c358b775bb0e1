"""Scratch folders: what the processes of one step leave for each other until it ends; nobody else reads it.

`scratch_folder` takes a root that all of them see, local or s3:// (None: a temporary folder of this machine), yields a
folder of its own below it and removes that at the end. `write_frame` and `scan_frame` keep frames there; `keeping`
sets down what the memory of one process need not hold.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path

import polars as pl

from forecasting.io import files
from forecasting.io.storage import storage_options


@contextmanager
def scratch_folder(root: str | None) -> Iterator[str]:
    """A folder, as a local path or an s3:// address, that is gone after the block."""
    if root is None:
        with tempfile.TemporaryDirectory() as folder:
            yield folder
        return
    mine = f"{root}/{uuid.uuid4().hex}"
    try:
        yield mine
    finally:
        files.remove(mine)


@contextmanager
def keeping(folder: str | None) -> Iterator[Callable[[pl.DataFrame], pl.LazyFrame]]:
    """A function that sets a frame down in a local folder and returns it as a lazy one, until the block ends.

    The folder (None: a temporary one) is emptied first: a killed process may have left frames there.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary, keeping(temporary) as into_temporary:
            yield into_temporary
        return
    files.remove(folder)
    Path(folder).mkdir(parents=True)
    numbers = count()

    def keep(frame: pl.DataFrame) -> pl.LazyFrame:
        file = f"{folder}/{next(numbers)}.parquet"
        frame.write_parquet(file, compression="lz4", statistics=False)
        return pl.scan_parquet(file)

    try:
        yield keep
    finally:
        files.remove(folder)


def write_frame(folder: str, name: str, frame: pl.DataFrame) -> None:
    """Leave a frame in the folder under a name."""
    content = BytesIO()
    frame.write_parquet(content)
    files.write(folder, f"{name}.parquet", content.getvalue())


def scan_frame(folder: str, name: str) -> pl.LazyFrame:
    """The frame that was left under the name, read when it is collected."""
    return pl.scan_parquet(f"{folder}/{name}.parquet", storage_options=storage_options(folder))
