"""How the numbers of a column are written: NumberFormat, and its text, an example such as 1.234,5 or 1,234.5 $.

`format_like` makes a NumberFormat of such an example.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from forecasting.data.sources.readers.numbers.anatomy import COMMA, POINT, dissect
from forecasting.data.sources.readers.numbers.words import YES


@dataclass(frozen=True)
class NumberFormat:
    """The decimal sign of a column, `.` or `,`, the sign between thousands if any, and the unit, a currency or `%`.

    The other sign, spaces and apostrophes are allowed between thousands whatever `thousands` says; without a unit every
    currency is. `mark` is the word for 1 of a column whose empty cells mean 0.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    mark: str = ""
    flags: bool = False

    def __str__(self) -> str:
        """An example of the format, from which `format_like` makes it again."""
        if self.mark:
            return self.mark
        return f"1{self.thousands}234{self.decimal}5{' ' * bool(self.unit)}{self.unit}"


PLAIN = NumberFormat()
"""1234.5"""


def format_like(example: str) -> NumberFormat:
    """The format of an example such as 1.234,5; raises ValueError when it is no number, or does not tell the signs."""
    if example.strip().lower() in YES:
        return NumberFormat(mark=example.strip(), flags=True)
    parts = dissect(pl.Series([example])).row(0, named=True)
    if parts["kind"] not in (POINT, COMMA):
        raise ValueError(f"{example!r} does not tell what the signs mean: write 1,234.5 or 1.234,5 as the file does")
    decimal = "." if parts["kind"] == POINT else ","
    return NumberFormat(decimal, parts["thousands"], parts["unit"])
