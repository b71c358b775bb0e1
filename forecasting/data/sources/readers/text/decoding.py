"""Bytes of a text file to UTF-8: `decode` takes a file's bytes and returns DecodedText, without BOM and binary zeros.

UTF-8, UTF-16 and Windows-1252 are recognised; another encoding has to be named. What is no text raises a UserError.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

import numpy as np

from forecasting.data.sources.readers.raw_bytes import Readable
from forecasting.errors import UserError
from forecasting.remarks import Remark

TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
"""Endings of file names."""
MAGIC = {
    b"PAR1": "a Parquet file: give it the ending .parquet",
    b"%PDF": "a PDF: export the table as CSV",
    b"\x89PNG": "a picture and holds binary data: export the table as CSV",
    b"<!DOC": "a web page: open it in a spreadsheet and save it as .xlsx or CSV",
    b"<html": "a web page: open it in a spreadsheet and save it as .xlsx or CSV",
    b"<?xml": "an XML file: open it in a spreadsheet and save it as .xlsx or CSV",
}
"""First bytes of files that hold no delimited text -> what the file is and how to make a table of it."""
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte order marks -> the encoding; those of UTF-32 begin like those of UTF-16."""
LEGACY = "cp1252"
"""What most files of Western Europe and America are that are no Unicode."""
FOREIGN_SCRIPT = re.compile(rb"[\x80-\xff]{3,}")
"""Letters beyond ASCII in a row: words in another script. In Western European words they are single."""
ZEROS = 0.01
"""The largest share of zero bytes in a text."""


@dataclass(frozen=True)
class DecodedText:
    """UTF-8 bytes whose lines end with \\n or \\r\\n, and remarks (without the name of the file) on what was done."""

    data: bytes
    remarks: tuple[Remark, ...] = ()


def decode(file: Readable, data: bytes, encoding: str | None = None) -> DecodedText:
    """The text of a file as UTF-8, by `encoding` (a name that Python knows) or by what its bytes show.

    Raises UserError when the file is empty, not text, or in an encoding that its bytes do not show.
    """
    mark = next((m for m in MARKS if data.startswith(m)), b"")
    found = encoding or MARKS.get(mark) or _utf16(data)
    data = data.removeprefix(mark)
    if found and found != "utf-8":
        data = _named(file, data, found)
    for magic, meaning in MAGIC.items():
        if data[:200].lstrip()[:5].upper().startswith(magic.upper()):
            raise UserError(f"{file}: is {meaning}")
    text = _as_utf8(file, _without_zeros(file, data))
    if not text.data.strip():
        raise UserError(f"{file}: is empty: export it again, with a header line and at least one row")
    return DecodedText(_with_newlines(text.data), text.remarks)


def _named(file: Readable, data: bytes, encoding: str) -> bytes:
    """Text in a known encoding as UTF-8; raises UserError where its bytes do not fit."""
    try:
        return data.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as e:
        raise UserError(
            f"{file}: is not {encoding} text (byte {e.start + 1:,} does not fit): name its encoding in source.encoding"
        ) from None


def _utf16(data: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of digits and separators is zero."""
    sample = np.frombuffer(data[:4096], np.uint8)
    for zeros, letters, encoding in ((1, 0, "utf-16-le"), (0, 1, "utf-16-be")):
        high, low = sample[zeros::2], sample[letters::2]
        if len(high) and (high == 0).mean() > 0.4 and (low < ord("\t")).mean() < ZEROS:
            return encoding
    return None


def _without_zeros(file: Readable, data: bytes) -> bytes:
    """Without the zero bytes that some programs pad cells and files with."""
    data = data.rstrip(b"\x00")
    if b"\x00" not in data:
        return data
    if data.count(b"\x00") > ZEROS * len(data):
        raise UserError(f"{file}: holds binary data, not text: export the table as CSV or Parquet")
    return data.replace(b"\x00", b"")


def _as_utf8(file: Readable, data: bytes) -> DecodedText:
    """The bytes as they are where they are UTF-8, else those of Windows-1252 or of a mixture, with a remark."""
    if data.isascii():
        return DecodedText(data)
    try:
        data.decode()
    except UnicodeDecodeError as e:
        return _legacy(file, data, data.count(b"\n", 0, e.start) + 1)
    return DecodedText(data)


def _legacy(file: Readable, data: bytes, line: int) -> DecodedText:
    """Text that is not all UTF-8 from `line` on; raises UserError for words in another script."""
    read = data.decode(errors="replace")
    bad = read.count("\ufffd")
    good = sum(len(run) for run in re.findall(r"[^\x00-\x7f\ufffd]+", read))
    if good > bad:
        text = data.decode(errors=_byte_by_byte.__name__)
        message = (
            f"{bad:,} characters are no UTF-8 (the first in line {line}) and are read as Windows-1252 "
            f"({_example(text, read)!r}): names with them may be split in two; save the file as CSV UTF-8"
        )
        return DecodedText(text.encode(), (Remark("files", message, "numbers"),))
    foreign = sum(map(len, FOREIGN_SCRIPT.findall(data)))
    if foreign > 0.5 * sum(map(len, re.findall(rb"[\x80-\xff]+", data))):
        raise UserError(
            f"{file}, line {line}: is neither UTF-8 nor Western European text: save the file as CSV UTF-8, or name its "
            "encoding, such as source.encoding: cp1251 (Cyrillic), cp1253 (Greek), shift_jis or gb18030"
        )
    text = data.decode(LEGACY, errors=_byte_by_byte.__name__)
    message = f"is not UTF-8 and is read as Windows-1252 (line {line}: {_example(text, read)!r}); if that is wrong, "
    return DecodedText(text.encode(), (Remark("files", f"{message}name its encoding in source.encoding", "none"),))


def _byte_by_byte(error: UnicodeError) -> tuple[str, int]:
    """For codecs: one byte that does not fit as the character of Windows-1252, or of Latin-1 where there is none."""
    assert isinstance(error, UnicodeDecodeError)
    byte = error.object[error.start : error.start + 1]
    try:
        return byte.decode(LEGACY), error.start + 1
    except UnicodeDecodeError:
        return byte.decode("latin-1"), error.start + 1


codecs.register_error(_byte_by_byte.__name__, _byte_by_byte)


def _example(text: str, read: str) -> str:
    """The word around the first character that is no UTF-8, as it is read now."""
    place = read.index("\ufffd")
    start = max(text.rfind(sign, 0, place) for sign in ' \n,;\t"|') + 1
    return re.split(r'[\s,;"|]', text[start : place + 30])[0]


def _with_newlines(data: bytes) -> bytes:
    """Lines that end with \\r alone, as on old Macs, end with \\n."""
    if b"\r" not in data:
        return data
    alone = data.count(b"\r") - data.count(b"\r\n")
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if alone > data.count(b"\n") else data
