"""Feature (name, Polars expression, lookback), Context (config and panel schema), Lead, and functions that build them.

`lag`, `rolling_mean` and `ratio` take and return expressions for a frame sorted by unique_id and ds; they evaluate
nothing. What past sales say is computed once for all rows, as known on their own day (columns of
`Features.prepare`); a Lead says how many periods back a row looks it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from forecasting.config import Config
from forecasting.features.looked_up import ROW, LookedUp

SERIES = "unique_id"
NOISE = 1e-9
"""A rolling mean of zeros behind other numbers can be 1e-17 instead of 0; no mean of sales or prices is so small."""


LEAD = "_lead"
"""The column of Lead.by_row."""


@dataclass(frozen=True)
class Lead:
    """How many periods lie between a row and the newest sale that it may use: `periods` by row, `most` at most.

    Where few rows of a large frame are wanted, expressions are evaluated on these rows alone, which bear their place in
    the frame as ROW; `looked_up` is what they look others up in.
    """

    most: int
    periods: pl.Expr
    looked_up: LookedUp | None = None

    @staticmethod
    def of(periods: int) -> Lead:
        """The same lead for all rows."""
        return Lead(periods, pl.lit(periods, pl.Int32))

    @staticmethod
    def by_row(most: int, looked_up: LookedUp | None = None) -> Lead:
        """The lead of each row is in the column LEAD, `most` at most; `looked_up`: see Lead."""
        return Lead(most, pl.col(LEAD), looked_up)

    def back(self, value: pl.Expr, more: int = 0) -> pl.Expr:
        """The value that was known when the forecast of the row was made, or so many periods before."""
        return self.lag_by(value, self.periods + more if more else self.periods)

    def lag_by(self, value: pl.Expr, periods: pl.Expr) -> pl.Expr:
        """The value `periods` ago in the same series, by row; null where `periods` is null or before the first row."""
        row = pl.int_range(pl.len()) if self.looked_up is None else pl.col(ROW)
        then = pl.when(periods <= pl.col(PLACE)).then(row - periods)
        return value.gather(then) if self.looked_up is None else self.looked_up.values(value, then)

    def here(self, value: pl.Expr) -> pl.Expr:
        """The value of the row, of an expression that reads other rows than these."""
        return value if self.looked_up is None else self.looked_up.values(value, pl.col(ROW))

    def multiple_of(self, periods: int, beyond: int = 0) -> Lead:
        """The smallest multiple of `periods` that is at least this lead and so many periods beyond."""
        by_row = (self.periods + (beyond + periods - 1)) // periods * periods
        return replace(self, most=-(-(self.most + beyond) // periods) * periods, periods=by_row)


@dataclass(frozen=True)
class Feature:
    """One column of a model's input.

    `expr` is evaluated on a frame of `Features.prepare`, sorted by unique_id and ds and complete on the calendar; for a
    row it reads sales at least its lead back and nothing more than `lookback` periods back. `rises_with` names a
    column in which the feature never falls: when its values on a run of days are raised by one factor, the feature
    rises there or stays.
    """

    name: str
    expr: pl.Expr
    lookback: int = 0
    rises_with: str | None = None
    needs: str | None = None


@dataclass(frozen=True)
class Unit:
    """The scale on which models see the sales of a row: from `zero` (None: 0), in units of `size`, both in units of y.

    `lookback` is in periods.
    """

    size: pl.Expr
    lookback: int
    zero: pl.Expr | None = None

    def of(self, value: pl.Expr) -> pl.Expr:
        """Sales on this scale."""
        return (value if self.zero is None else value - self.zero) / self.size


def hidden_mark(column: str) -> str:
    """The name of the Boolean column that says on which rows the value of a known-ahead column is hidden.

    A frame bears it where that value is not known on all coming rows: they are hidden there, and on as many rows of the
    past, so that models learn to forecast without.
    """
    return f"{column} is hidden"


@dataclass(frozen=True)
class Context:
    """What features are built for: the config and the `schema` of the panel (name: type), marks of hidden_mark
    included. `target` is what models learn: sales in units of the recent `level`, or their `change` from the last
    value.
    """

    config: Config
    schema: Mapping[str, pl.DataType]
    target: str = "level"

    def numeric(self, column: str | None) -> str | None:
        """The column if it exists and is numeric, else None."""
        return column if column and column in self.schema and self.schema[column].is_numeric() else None

    def hidden(self, column: str | None) -> pl.Expr | None:
        """Whether the value of a known-ahead column is hidden, by row; None where it never is."""
        mark = hidden_mark(column) if column else ""
        return pl.col(mark) if mark in self.schema else None


PLACE = "_place"
"""A column of `Features.prepare`: the number of a row in its series, from 0."""


def rolling_mean(value: pl.Expr, window: int, lag: int = 0) -> pl.Expr:
    """Mean of the observed values in the `window` periods that end `lag` periods ago."""
    return value.rolling_mean(window, min_samples=1).shift(lag).over(SERIES)


def ratio(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """`above / below`, null where `below` is not above 0."""
    return pl.when(below > NOISE).then(above / below)
