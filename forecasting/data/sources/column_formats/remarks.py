"""Remarks on numbers: `describe` takes columns with their formats and returns one Remark for each that had to be read
in a certain way.

A remark shows cells with the numbers that they were read as. Columns of plain numbers have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forecasting.config import Config
from forecasting.data.sources.column_formats.column import Column
from forecasting.data.sources.column_formats.faults import read_as
from forecasting.data.sources.readers.numbers import ALWAYS_NUMBERS, NumberFormat
from forecasting.remarks import Remark

SIGNS = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes"}


def describe(config: Config, columns: Sequence[tuple[Column, NumberFormat]]) -> tuple[Remark, ...]:
    """A remark for each column whose cells are not plain numbers with a decimal point."""
    table = config.source_key.removeprefix("tables.")
    prefix = "" if config.source_key == "source" else f"table {table}, "
    found = [(column.name, "; ".join(_readings(column, number_format))) for column, number_format in columns]
    return tuple(Remark("numbers", f"{prefix}{name}: {text}", "none") for name, text in found if text)


def _readings(column: Column, number_format: NumberFormat) -> Iterator[str]:
    """What was concluded about a column, each with a cell that shows it."""
    shown: dict[str, str] = {}
    for cell, reason in _examples(column, number_format):
        shown.setdefault(cell, reason)
    for cell, reason in shown.items():
        yield f"{cell!r} is read as {read_as(cell, number_format)} ({reason})"
    evidence = column.evidence
    for text, count in evidence.nothing.items():
        yield f"{text!r} ({count.cells:,} times) is read as no value"
    if number_format.mark and column.evidence.empty:
        yield "an empty cell is read as 0"


def _examples(column: Column, number_format: NumberFormat) -> Iterator[tuple[str, str]]:
    """Cells that are not plain numbers, and what is remarkable about them."""
    evidence, sign = column.evidence, number_format.decimal
    for thousands, count in evidence.thousands.items():
        yield count.example, f"{SIGNS[thousands]} between thousands"
    if evidence.doubtful_thousands(sign):
        yield evidence.doubtful_example, f"{SIGNS[evidence.doubtful_thousands(sign)]} between thousands"
    elif evidence.doubtful_example:
        yield evidence.doubtful_example, "decimal comma" if sign == "," else "decimal point"
    if sign == "," and (example := evidence.example_of_sign(",")):
        yield example, "decimal comma"
    for unit, count in evidence.units.items():
        if unit:
            yield count.example, "percent" if unit == "%" else f"in {unit}"
    if evidence.signs.cells:
        yield evidence.signs.example, "below 0"
    if column.role != "number":
        for word in sorted(evidence.words - ALWAYS_NUMBERS):
            yield word, "yes" if read_as(word, number_format) == "1" else "no"
