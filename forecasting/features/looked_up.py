"""What rows look others up in: a LookedUp holds all rows of some series, and what is known on the days that matter.

Rows of the past look up any day; those of one forecast look up a few weeks in hundreds: `days_looked_up` says which, so
that what takes all rows of a series to compute is computed there alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate

import polars as pl

from forecasting.frequency import Frequency

ROW = "_row"
"""The number of a row in the frame that it was taken from, from 0."""
Days = tuple[date, date]
"""The first and the last of a span of days."""


@dataclass(frozen=True)
class LookedUp:
    """All rows of some series, and columns that are there on some of these rows alone.

    `history` holds these columns, `at` by row of `frame` its number in `history`, null where it is not among them;
    both are empty where `frame` holds all columns.
    """

    frame: pl.DataFrame
    history: pl.DataFrame = field(default_factory=pl.DataFrame)
    at: pl.Series = field(default_factory=lambda: pl.Series("at", [], pl.UInt32))

    def values(self, value: pl.Expr, rows: pl.Expr) -> pl.Expr:
        """The value of an expression over columns of one of both frames, by number of the row in `frame`; null where
        that is null.
        """
        if set(value.meta.root_names()) & set(self.history.columns):
            return pl.lit(self.history.select(value).to_series()).gather(pl.lit(self.at).gather(rows))
        return pl.lit(self.frame.select(value).to_series()).gather(rows)

    def rows(self, wanted: pl.Expr) -> pl.DataFrame:
        """The wanted rows of the frame with their number in it as ROW, and with their columns of `history`."""
        number = self.frame.select(wanted.arg_true().cast(pl.Int64).alias(ROW))
        rows = self.frame[number[ROW]].hstack(number)
        return rows.hstack(self.history[self.at.gather(number[ROW])]) if self.history.width else rows


def place_history(frame: pl.DataFrame, spans: Sequence[Days], known: Sequence[pl.DataFrame]) -> LookedUp:
    """The LookedUp of a frame, and of what is known by row of each span of its days; a day that lies in several is
    looked up in the first.
    """
    there = [pl.col("ds").is_between(*days) for days in spans]
    begin = accumulate((rows.height for rows in known[:-1]), initial=0)
    numbers = [pl.when(on).then(on.cast(pl.UInt32).cum_sum() + (n - 1)) for on, n in zip(there, begin, strict=True)]
    at = frame.select(at=pl.coalesce(numbers).cast(pl.UInt32)).to_series()
    return LookedUp(frame, pl.concat(known, how="diagonal").rechunk(), at)


def days_looked_up(frequency: Frequency, cutoff: date, most: int) -> tuple[Days, ...]:
    """The spans of days on which the rows of the `most` periods after `cutoff` look up what is known of sales and
    drivers: from the forecast on, and around the same days of earlier years.
    """
    width = frequency.windows[0]
    years = range(-(-(most + width) // frequency.year) + 1)
    around = ((-most - k * frequency.year, most - k * frequency.year + width) for k in years)
    return tuple((frequency.shift(cutoff, first), frequency.shift(cutoff, last)) for first, last in around)


def longest_window(frequency: Frequency) -> int:
    """Periods that what is known on a day looks back, but for what is computed on all rows."""
    return max(2 * frequency.level_window, frequency.unit_window, *frequency.windows) + 1
