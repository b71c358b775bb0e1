"""The bytes of a text file: `read_text_bytes` takes a file and returns it decompressed, as UTF-8 without a BOM.

Everything that can be wrong with it (empty, Excel, binary, other encoding) raises a UserError that says what to do.
"""

from __future__ import annotations

import gzip
import zlib

from forecasting.errors import UserError
from forecasting.io.storage import File

TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
PARQUET = (".parquet", ".pq")
"""Endings of file names."""
MAGIC = {
    b"PK\x03\x04": "an Excel or zip file: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save the sheet as CSV",
    b"PAR1": "a Parquet file: give it the ending .parquet",
    b"%PDF": "a PDF: export the table as CSV",
    b"\xff\xfe": "UTF-16 text: save it as CSV UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as CSV UTF-8",
}
"""First bytes of files that are no CSV -> what the file is and how to make a CSV of it."""


def read_text_bytes(file: File) -> bytes:
    """The content of a text file as UTF-8 bytes whose lines end with \\n or \\r\\n, decompressed if it is gzipped.

    Raises UserError when the file is empty, damaged, not text or not UTF-8.
    """
    data = _decompressed(file).removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise UserError(f"{file}: is empty: export it again, with a header line and at least one row")
    for magic, meaning in MAGIC.items():
        if data.startswith(magic):
            raise UserError(f"{file}: is {meaning}")
    if b"\x00" in data:
        raise UserError(f"{file}: holds binary data, not text: export the table as CSV or Parquet")
    _require_utf8(file, data)
    return data.replace(b"\r", b"\n") if b"\r" in data and b"\n" not in data else data


def _decompressed(file: File) -> bytes:
    try:
        data = file.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise UserError(f"{file}: is a damaged or cut off gzip file ({e}): copy it again") from None
    except OSError as e:
        raise UserError(f"{file}: cannot be read ({e.strerror or e})") from None


def _require_utf8(file: File, data: bytes) -> None:
    if data.isascii():
        return
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise UserError(f"{file}, line {line}: is not UTF-8 text: save the file as CSV UTF-8") from None
