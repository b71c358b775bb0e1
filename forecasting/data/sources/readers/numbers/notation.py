"""How the numbers of a column are written: NumberFormat, and its text, an example such as 1.234,5 or 1,234.5 $.

`format_like` makes a NumberFormat of such an example.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from forecasting.data.sources.readers.numbers.anatomy import COMMA, POINT, WHOLE, dissect
from forecasting.data.sources.readers.numbers.words import YES


@dataclass(frozen=True)
class NumberFormat:
    """The decimal sign of a column, `.` or `,`, the sign between thousands if any, and the unit, a currency or `%`.

    The other sign, spaces and apostrophes are allowed between thousands whatever `thousands` says; without a unit every
    currency is. `mark` is the word for 1 of a column whose empty cells mean 0.
    """

    decimal: str = ""
    thousands: str = ""
    unit: str = ""
    mark: str = ""
    flags: bool = False

    def __str__(self) -> str:
        """An example of the format, from which `format_like` makes it again."""
        if self.mark:
            return self.mark
        fraction = f"{self.decimal}5" if self.decimal else ""
        return f"1{self.thousands}234{fraction} {self.unit}".strip()

    @property
    def tells(self) -> bool:
        """Whether anything is known beyond digits."""
        return bool(self.decimal or self.thousands or self.unit or self.mark)


PLAIN = NumberFormat(".")
"""1234.5"""


def format_like(example: str) -> NumberFormat:
    """The format of an example such as 1.234,5; raises ValueError when it is no number, or does not tell the signs."""
    if example.strip().lower() in YES:
        return NumberFormat(mark=example.strip(), flags=True)
    parts = dissect(pl.Series([example])).row(0, named=True)
    if parts["kind"] not in SIGNS:
        raise ValueError(f"{example!r} does not tell what the signs mean: write 1,234.5 or 1.234,5 as the file does")
    return NumberFormat(SIGNS[parts["kind"]], parts["thousands"], parts["unit"])


SIGNS = {POINT: ".", COMMA: ",", WHOLE: ""}
"""The decimal sign that a cell of this kind tells."""
