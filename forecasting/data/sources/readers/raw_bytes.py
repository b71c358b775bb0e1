"""The bytes of a file: `read_bytes` takes a Readable and returns its content, unpacked where it is compressed.

A Readable is a file, or a Part: a file inside an archive or a sheet of a workbook. What cannot be read raises a
UserError that names it and says what to do.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from forecasting.errors import UserError
from forecasting.io.storage import File

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
"""First bytes of compressed files, and of archives, which workbooks are, too."""


@dataclass(frozen=True)
class Part:
    """A file inside an archive, or a sheet of a workbook, under the name that it has there."""

    container: File | Part
    inner: str

    def __str__(self) -> str:
        return f"{self.container}/{self.inner}"

    @property
    def name(self) -> str:
        """The name without folders."""
        return self.inner.rsplit("/", 1)[-1]

    def read_bytes(self) -> bytes:
        """The content of a file in an archive; raises UserError when it cannot be unpacked."""
        return unpacked(self, read_bytes(self.container))


Readable = File | Part


def read_bytes(file: Readable) -> bytes:
    """The content of a file, decompressed if it is gzipped; raises UserError when it is damaged or cannot be read."""
    try:
        data = file.read_bytes()
        return gzip.decompress(data) if data[:2] == GZIP else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise UserError(f"{file}: is a damaged or cut off gzip file ({e}): copy it again") from None
    except OSError as e:
        raise UserError(f"{file}: cannot be read ({e.strerror or e})") from None


def members(file: Readable, content: bytes) -> list[str]:
    """The names of the files in a zip archive, sorted, without what a Mac adds; raises UserError when it is damaged."""
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except zipfile.BadZipFile as e:
        raise UserError(f"{file}: is a damaged or cut off zip file ({e}): copy it again") from None
    return sorted(n for n in names if not n.endswith("/") and not re.search(r"(^|/)(__MACOSX/|\.|~\$)", n))


def unpacked(part: Part, content: bytes) -> bytes:
    """The content of a file in the content of its archive; raises UserError when it is damaged or locked."""
    try:
        data = zipfile.ZipFile(io.BytesIO(content)).read(part.inner)
        return gzip.decompress(data) if data[:2] == GZIP else data
    except (zipfile.BadZipFile, zlib.error, EOFError) as e:
        raise UserError(f"{part}: is damaged or cut off ({e}): copy the archive again") from None
    except (RuntimeError, NotImplementedError) as e:
        raise UserError(f"{part}: cannot be unpacked ({e}): unpack the archive by hand") from None
