"""Remarks on numbers: `describe` takes columns with their formats and returns one Remark for each that had to be read
in a certain way.

A remark shows cells with the numbers that they were read as. Columns of plain numbers have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forecasting.config import Config
from forecasting.data.sources.column_formats.column import Column
from forecasting.data.sources.column_formats.faults import EXAMPLES, quoted, read_as
from forecasting.data.sources.readers.numbers import ALWAYS_NUMBERS, NumberFormat
from forecasting.remarks import Harm, Remark

COMMA = "decimal comma"
SIGNS = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes"}


@dataclass(frozen=True)
class Conclusion:
    """A column and its format; `reason` says what else than its cells decides the sign, and is empty otherwise."""

    column: Column
    format: NumberFormat
    reason: str = ""


def describe(config: Config, conclusions: Sequence[Conclusion]) -> tuple[Remark, ...]:
    """A remark for each column whose cells are not plain numbers with a decimal point; one for all with nothing but a
    decimal comma.

    Decimals that may be thousands may do harm; commas between thousands are what a file with commas between cells has.
    """
    table = config.source_key.removeprefix("tables.")
    prefix = "" if config.source_key == "source" else f"table {table}, "
    read = {found.column.name: list(_readings(found, config.source_key)) for found in conclusions}
    commas = [name for name, readings in read.items() if len(readings) == 1 and readings[0].endswith(f"({COMMA})")]
    remarks = [Remark("numbers", f"{prefix}{', '.join(commas)}: {read[commas[0]][0]}", "none")] if commas else []
    for found in conclusions:
        name = found.column.name
        if read[name] and name not in commas:
            guessed = found.reason and not found.column.evidence.doubtful_thousands(found.format.decimal)
            harm: Harm = "numbers" if guessed else "none"
            remarks.append(Remark("numbers", f"{prefix}{name}: {'; '.join(read[name])}", harm))
    return tuple(remarks)


def _readings(found: Conclusion, source: str) -> Iterator[str]:
    """What was concluded about a column of the `source`, each with a cell that shows it."""
    column, number_format = found.column, found.format
    shown: dict[str, str] = {}
    for cell, reason in _examples(column, number_format):
        shown.setdefault(cell, reason)
    for cell, reason in shown.items():
        why = f", {found.reason}" if found.reason and cell == column.evidence.doubtful_example else ""
        yield f"{quoted(cell)} is read as {read_as(cell, number_format)} ({reason}{why})"
    for text, count in column.evidence.nothing.items():
        yield f"{quoted(text)} ({count.cells:,} times) is read as no value"
    if number_format.mark and column.evidence.empty:
        yield "an empty cell is read as 0"
    if found.reason:
        yield _way_out(column, source, "." if number_format.decimal == "," else ",")


def _way_out(column: Column, source: str, other: str) -> str:
    """What to do where the other decimal sign is right."""
    cell = column.evidence.doubtful_example
    key = f"{source}.format: {{{column.name}: {EXAMPLES[other]!r}}}"
    return f"if {quoted(cell)} is {read_as(cell, NumberFormat(other))}, say so by {key}"


def _examples(column: Column, number_format: NumberFormat) -> Iterator[tuple[str, str]]:
    """Cells that are not plain numbers, and what is remarkable about them."""
    evidence, sign = column.evidence, number_format.decimal
    for thousands, count in evidence.thousands.items():
        yield count.example, f"{SIGNS[thousands]} between thousands"
    if evidence.doubtful_thousands(sign):
        yield evidence.doubtful_example, f"{SIGNS[evidence.doubtful_thousands(sign)]} between thousands"
    elif evidence.doubtful_example and not evidence.certain_example(sign):
        yield evidence.doubtful_example, COMMA if sign == "," else "decimal point"
    if sign == "," and (example := evidence.certain_example(",")):
        yield example, COMMA
    for unit, count in evidence.units.items():
        if unit:
            yield count.example, "percent" if unit == "%" else f"in {unit}"
    if evidence.signs.cells:
        yield evidence.signs.example, "below 0"
    if column.role != "number":
        for word in sorted(evidence.words - ALWAYS_NUMBERS):
            yield word, "yes" if read_as(word, number_format) == "1" else "no"
