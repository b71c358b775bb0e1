"""The edits of a scenario: changes of known-ahead columns on coming days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl


@dataclass(frozen=True)
class Edit:
    """One change of a scenario: `column` `op` `value` on the future days start..end where the SQL condition holds."""

    column: str
    op: Literal["=", "*=", "+=", "-="]
    value: float | str
    start: date
    end: date
    where: str | None = None

    def expr(self, kind: pl.DataType) -> pl.Expr:
        """The edited column as `kind`."""
        now = pl.col(self.column)
        changed = {
            "=": lambda: pl.lit(self.value),
            "*=": lambda: now * self.value,
            "+=": lambda: now + self.value,
            "-=": lambda: now - self.value,
        }[self.op]()
        here = pl.col("ds").is_between(self.start, self.end)
        if self.where:
            here &= pl.sql_expr(self.where)
        return pl.when(here).then(changed.cast(kind)).otherwise(now).alias(self.column)
