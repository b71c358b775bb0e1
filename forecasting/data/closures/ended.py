"""Series that have ended: no row has come for far longer than ever before, while others go on.

`ended_series` takes the history of series as known on a cutoff and returns [unique_id, last] of those that have ended;
`newest_rows` counts all series by the day of their newest row, which tells an end from data that are late.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from math import log

import polars as pl

from forecasting.config import Config
from forecasting.frequency import Frequency

SHORTEST_DAYS = 91
"""No series has ended before it was silent for a quarter, nor before two periods,"""
LONGER = 2
"""nor before its silence is twice as long as any before,"""
IMPROBABLE = 1e-6
"""nor where so long a silence is as probable as this, rows coming at the rate at which they came."""
ENDED = "ended"
"""The flag of future rows of a series that has ended."""
CAME = pl.col("y_raw").is_not_null()


def ended_series(
    history: pl.DataFrame, newest: Callable[[], pl.DataFrame], config: Config, cutoff: date
) -> pl.DataFrame:
    """[unique_id, last]: the series of `history` (rows of the panel up to `cutoff`) that have ended, and their last
    day with a row.

    By clean.ended: auto as the constants here say, a number as soon as no row came for so many periods. With auto a
    series has not ended that fell silent together with most others (`newest` gives [ds, n], see `newest_rows`): then
    data are late.
    """
    rule, f = config.clean.ended, config.frequency
    least = rule if isinstance(rule, int) else shortest_silence(f)
    came = history.filter(CAME)
    silence = f.steps(pl.col("last"), pl.lit(cutoff))
    silent = came.group_by("unique_id").agg(last=pl.col("ds").max(), first=pl.col("ds").min(), n=pl.len())
    silent = silent.with_columns(silence=silence).filter(pl.col("silence") >= least)
    if silent.is_empty() or isinstance(rule, int):
        return silent.select("unique_id", "last")
    gap = f.steps(pl.col("ds").shift(1).over("unique_id"), pl.col("ds"))
    mine = came.join(silent, on="unique_id", how="semi")
    longest = mine.sort("unique_id", "ds").with_columns(gap=gap).group_by("unique_id").agg(pl.col("gap").max())
    rate = (pl.col("n") + 1) / (f.steps(pl.col("first"), pl.col("last")) + 3)
    improbable = pl.col("silence") * (-rate).log1p() <= log(IMPROBABLE)
    longer = pl.col("silence") >= LONGER * pl.col("gap").fill_null(1)
    found = silent.join(longest, on="unique_id").filter(improbable, longer)
    late = _stopped_with_most_others(found["last"], newest(), f) if found.height else found["last"]
    return found.filter(~pl.col("last").is_in(late.implode())).select("unique_id", "last")


def old_levels(frame: pl.DataFrame, cutoff: date, config: Config) -> pl.DataFrame:
    """[unique_id, last, mean]: the series of a cut's frame that have ended, their last day with a row, and what they
    sold per period in the quarter up to it, in units of y.
    """
    ended = frame.filter(pl.col("ds") > cutoff, pl.col("flag") == ENDED)["unique_id"].unique()
    if ended.is_empty():
        return pl.DataFrame(schema={"unique_id": pl.String, "last": pl.Date, "mean": pl.Float64})
    mine = frame.filter(pl.col("ds") <= cutoff, pl.col("unique_id").is_in(ended.implode()))
    last = pl.col("ds").filter(CAME).max().over("unique_id").alias("last")
    until = config.frequency.steps(pl.col("ds"), pl.col("last"))
    quarter = mine.with_columns(last).filter(until.is_between(0, shortest_silence(config.frequency) - 1))
    return quarter.group_by("unique_id").agg(pl.col("last").first(), mean=pl.col("y").mean().fill_null(0.0))


def shortest_silence(frequency: Frequency) -> int:
    """Periods of a quarter, and at least two."""
    return max(2, round(SHORTEST_DAYS / frequency.days))


def newest_rows(rows: pl.LazyFrame) -> pl.LazyFrame:
    """[ds, n]: how many of these series have their newest row on that day."""
    last = rows.filter(CAME).group_by("unique_id").agg(pl.col("ds").max())
    return last.group_by("ds").agg(n=pl.len())


def _stopped_with_most_others(last: pl.Series, newest: pl.DataFrame, frequency: Frequency) -> pl.Series:
    """Those of these days around which (a week of days, a month of weeks) more than half of all series stop."""
    after = frequency.steps(pl.col("last"), pl.col("ds"))
    pairs = last.unique().to_frame("last").join(newest, how="cross").with_columns(_after=after)
    alive, soon = pl.col("_after") > -frequency.windows[0], pl.col("_after") < frequency.windows[0]
    n = pl.col("n").cast(pl.Int64)
    counts = pairs.filter(alive).group_by("last").agg(stopped=n.filter(soon).sum(), alive=n.sum())
    return counts.filter(2 * pl.col("stopped") > pl.col("alive"))["last"]
