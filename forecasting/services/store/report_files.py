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
