"""Small files (such as reports): `write` and `read` take a root, local or s3://, a name below it, and bytes.

`read` returns the bytes. Files are replaced as a whole; folders are made as needed. `write_folder` and `read_folder`
keep a whole local folder as one file, `remove` takes everything below a root away, `remove_file` one file; `names_in`
lists those of a folder.
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from forecasting.io.storage import glob_files, is_remote, object_store


def write(root: str, name: str, content: bytes) -> None:
    """Write `name` below `root`; a reader sees the old content or the new one, never half of it."""
    if is_remote(root):
        with object_store(root).open_output_stream(name) as stream:
            stream.write(content)
        return
    file = Path(root, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    # of two machines that write the same file each has its own half
    half = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    half.write_bytes(content)
    half.replace(file)


def read(root: str, name: str) -> bytes:
    """The content of `name` below `root`; raises FileNotFoundError when it was never written."""
    if not is_remote(root):
        return Path(root, name).read_bytes()
    with object_store(root).open_input_file(name) as stream:
        return bytes(stream.read())


def write_folder(root: str, name: str, folder: Path) -> None:
    """Write the files of a local folder, at any depth, as the one file `name` below `root`."""
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(folder))
    write(root, name, content.getvalue())


def read_folder(root: str, name: str, into: Path) -> None:
    """Put the files that `write_folder` wrote into a local folder; raises FileNotFoundError when there are none."""
    with ZipFile(BytesIO(read(root, name))) as archive:
        archive.extractall(into)


def remove(root: str) -> None:
    """Remove all files below `root`, and a local folder itself; what is not there any more is no error."""
    if is_remote(root):
        with suppress(FileNotFoundError):  # `missing_dir_ok` does not hold for the root
            object_store(root).delete_dir_contents("", accept_root_dir=True, missing_dir_ok=True)
        return
    shutil.rmtree(root, ignore_errors=True)


def names_in(root: str, folder: str) -> list[str]:
    """The names of the files in a folder below `root`, sorted; none where there is no such folder."""
    if not is_remote(root):
        return sorted(path.name for path in Path(root, folder).glob("*") if path.is_file())
    return [file.name for file in glob_files(f"{root.rstrip('/')}/{folder}/*")]


def remove_file(root: str, name: str) -> None:
    """Remove the file `name` below `root`; one that is not there any more is no error."""
    with suppress(FileNotFoundError):
        if is_remote(root):
            object_store(root).delete_file(name)
        else:
            Path(root, name).unlink()
