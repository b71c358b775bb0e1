"""The errors of numbers that can be read in two ways: `doubt`, `contradiction` and `other_than_before`.

Each takes the config and the Column, and returns a UserError that shows cells with file and line, both
readings and the key that decides.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.column_formats.column import Column
from forecasting.data.sources.readers.numbers import NumberFormat, NumberFormatError, parse_numbers
from forecasting.errors import UserError

EXAMPLES = {".": "1,234.5", ",": "1.234,5"}
"""A number with each decimal sign."""


def doubt(config: Config, column: Column) -> UserError:
    """The error for numbers that all have three digits behind their only sign."""
    cell = column.evidence.doubtful_example
    thousands, decimals = (",", ".") if "." in cell else (".", ",")
    readings = " or ".join(read_as(cell, NumberFormat(sign)) for sign in (thousands, decimals))
    return config.fault(
        "source.format",
        f"numbers like {_located(column, cell)} in the column {column.name!r} can mean {readings}: say which by "
        f"an example, {_keys(column, EXAMPLES[thousands], EXAMPLES[decimals])}",
    )


def contradiction(config: Config, column: Column, error: NumberFormatError) -> UserError:
    """The error for cells of one column that do not go together."""
    cells = " and ".join(_located(column, cell) for cell in (error.first, error.second))
    if error.reason == "units":
        return config.fault(
            "source.format",
            f"the column {column.name!r} holds numbers in different units, {cells}: convert them to one unit in the "
            "source, or take the signs off",
        )
    return config.fault(
        "source.format",
        f"points and commas mean different things in the column {column.name!r}, {cells}: write all numbers alike, or "
        f"say by an example how most are written, {_keys(column, *EXAMPLES.values())}",
    )


def other_than_before(config: Config, column: Column, now: str) -> UserError:
    """The error for cells that contradict the format by which the column was read before; `now` is the sign or unit
    that they tell.
    """
    evidence = column.evidence
    cell = (
        evidence.certain_example(now) or evidence.doubtful_example if now in EXAMPLES else evidence.units[now].example
    )
    format_now = EXAMPLES.get(now, cell)
    return config.fault(
        "source.format",
        f"the column {column.name!r} was read as numbers like {column.before} before, and now it holds "
        f"{_located(column, cell)}, which is written like {format_now}: mend the file; if the files before were "
        f"read wrongly, give {_keys(column, format_now)} and load them again",
    )


def quoted(cell: str) -> str:
    """A cell in quotes, with its spaces as they are."""
    return f'"{cell}"' if "'" in cell else f"'{cell}'"


def read_as(cell: str, number_format: NumberFormat) -> str:
    """The number that a cell is under a format, as text."""
    value = parse_numbers(pl.Series([cell]), number_format)[0][0]
    return "nothing" if value is None else f"{value:.15g}"


def _keys(column: Column, *examples: str) -> str:
    return " or ".join(f"source.format: {{{column.name}: {example!r}}}" for example in examples)


def _located(column: Column, cell: str) -> str:
    """A cell with its file and line."""
    row = column.cells.filter(pl.col("cell") == cell).row(0, named=True)
    return f"{quoted(cell)} ({row['file']}, line {row['line']})"
