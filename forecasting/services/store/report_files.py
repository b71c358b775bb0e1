"""Small files (reports) stored next to the tables, in a local folder or on s3://.

`write_report_file` takes a Store, a relative name and bytes, `read_report_file` returns the bytes. No table is touched.
"""

from __future__ import annotations

from forecasting.io import files
from forecasting.services.store.store import Store


def write_report_file(store: Store, name: str, content: bytes, /) -> None:
    """Write a file under a name such as "reports/drift-2024-02-04.html"; readers see it complete or not at all."""
    files.write(store.root, name, content)


def read_report_file(store: Store, name: str, /) -> bytes:
    """The content of such a file; raises FileNotFoundError when it was never written."""
    return files.read(store.root, name)


def list_report_files(store: Store, folder: str, /) -> list[str]:
    """The names of the files in a folder beside the tables, sorted."""
    return files.names_in(store.root, folder)


def remove_report_file(store: Store, name: str, /) -> None:
    """Remove such a file; one that is not there any more is no error."""
    files.remove_file(store.root, name)
