"""The bytes of a file: `read_bytes` takes a File and returns its content, unpacked where it is compressed.

What cannot be read raises a UserError that names the file and says what to do.
"""

from __future__ import annotations

import gzip
import zlib

from forecasting.errors import UserError
from forecasting.io.storage import File

GZIP = b"\x1f\x8b"


def read_bytes(file: File) -> bytes:
    """The content of a file, decompressed if it is gzipped; raises UserError when it is damaged or cannot be read."""
    try:
        data = file.read_bytes()
        return gzip.decompress(data) if data[:2] == GZIP else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise UserError(f"{file}: is a damaged or cut off gzip file ({e}): copy it again") from None
    except OSError as e:
        raise UserError(f"{file}: cannot be read ({e.strerror or e})") from None
