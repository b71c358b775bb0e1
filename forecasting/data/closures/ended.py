"""Series that have ended: no row has come for far longer than ever before, while others go on.

`ended_series` takes the history of series as known on a cutoff and returns [unique_id] of those that have ended,
`have_ended` the same from facts on their rows; `silent_series` returns both kinds of silence in a frame of a cut;
`newest_rows` counts all series by the day of their newest row, by which an end differs from data that are late.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from math import log

import polars as pl

from forecasting.config import Config
from forecasting.frequency import Frequency
from forecasting.sorted_rows import sort_rows

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
    """[unique_id]: the series of `history` (rows of the panel up to `cutoff`) that have ended.

    `newest` gives [ds, n], see `newest_rows`; it is called only where a series has been silent for long.
    """
    last = pl.col("ds").filter(CAME).max().over("unique_id")
    silent = history.filter(config.frequency.steps(last, pl.lit(cutoff)) >= _least(config))
    return have_ended(silence_facts(silent, config.frequency), newest, config, cutoff)


def silence_facts(rows: pl.DataFrame, frequency: Frequency) -> pl.DataFrame:
    """[unique_id, first_row, last_row, rows, longest_gap]: of each series that has any, the first and the last day with
    a row that came, their number, and the most periods from one to the next.
    """
    came = sort_rows(rows.filter(CAME).select("unique_id", "ds"), ("unique_id", "ds"))
    before, same = pl.col("ds").shift(1), pl.col("unique_id") == pl.col("unique_id").shift(1)
    gaps = came.with_columns(_gap=pl.when(same).then(frequency.steps(before, pl.col("ds"))))
    return gaps.group_by("unique_id").agg(
        first_row=pl.col("ds").min(),
        last_row=pl.col("ds").max(),
        rows=pl.len().cast(pl.Int64),
        longest_gap=pl.col("_gap").max().fill_null(1).cast(pl.Int64),
    )


def have_ended(facts: pl.DataFrame, newest: Callable[[], pl.DataFrame], config: Config, cutoff: date) -> pl.DataFrame:
    """[unique_id]: the series that have ended, from `silence_facts` of their rows up to `cutoff`.

    By clean.ended: auto as the constants here say, a number as soon as no row came for so many periods. With auto a
    series has not ended that fell silent together with most others: then data are late.
    """
    rule, f = config.clean.ended, config.frequency
    silence = f.steps(pl.col("last_row"), pl.lit(cutoff))
    silent = facts.with_columns(_silence=silence).filter(pl.col("_silence") >= _least(config), pl.lit(rule != "never"))
    if silent.is_empty() or isinstance(rule, int):
        return silent.select("unique_id")
    rate = (pl.col("rows") + 1) / (f.steps(pl.col("first_row"), pl.col("last_row")) + 3)
    improbable = pl.col("_silence") * (-rate).log1p() <= log(IMPROBABLE)
    found = silent.filter(improbable, pl.col("_silence") >= LONGER * pl.col("longest_gap"))
    late = _stopped_with_most_others(found["last_row"], newest(), f) if found.height else found["last_row"]
    return found.filter(~pl.col("last_row").is_in(late.implode())).select("unique_id")


def _least(config: Config) -> int:
    """The shortest silence, in periods, after which a series can have ended."""
    return config.clean.ended if isinstance(config.clean.ended, int) else _shortest_silence(config.frequency)


def silent_series(frame: pl.DataFrame, cutoff: date, config: Config) -> pl.DataFrame:
    """[unique_id, last, mean, ended]: the series of a cut's frame that have been silent for a quarter: those that have
    ended, and others that are forecast on open days. `last` is their newest day with a row, `mean` what they sold per
    period in the quarter up to it, in units of y.
    """
    rows, f = frame.lazy().select("unique_id", "ds", "y", "y_raw", "flag"), config.frequency
    newest = rows.filter(CAME, pl.col("ds") <= cutoff).group_by("unique_id").agg(last=pl.col("ds").max())
    silent = newest.filter(f.steps(pl.col("last"), pl.lit(cutoff)) >= _shortest_silence(f)).collect()
    mine = rows.filter(pl.col("unique_id").is_in(silent["unique_id"].implode())).collect()  # few rows, most often
    ended, opened = (pl.col("flag") == ENDED).fill_null(value=False).all(), pl.col("flag").is_null().any()
    future = mine.filter(pl.col("ds") > cutoff).group_by("unique_id").agg(ended=ended, _open=opened)
    known = silent.join(future.filter(pl.col("ended") | pl.col("_open")), on="unique_id")
    until = f.steps(pl.col("ds"), pl.col("last"))
    quarter = mine.join(known, on="unique_id").filter(until.is_between(0, _shortest_silence(f) - 1))
    means = quarter.group_by("unique_id").agg(pl.col("last", "ended").first(), mean=pl.col("y").mean().fill_null(0.0))
    return means.select("unique_id", "last", "mean", "ended")


def _shortest_silence(frequency: Frequency) -> int:
    """Periods of a quarter, and at least two."""
    return max(2, round(SHORTEST_DAYS / frequency.days))


def newest_rows(rows: pl.LazyFrame) -> pl.LazyFrame:
    """[ds, n]: how many of these series have their newest row on that day."""
    return count_by_day(rows.filter(CAME).group_by("unique_id").agg(pl.col("ds").max()))


def count_by_day(series: pl.LazyFrame) -> pl.LazyFrame:
    """[ds, n] of one day per series [ds]: how many have it."""
    return series.group_by("ds").agg(n=pl.len())


def _stopped_with_most_others(last: pl.Series, newest: pl.DataFrame, frequency: Frequency) -> pl.Series:
    """Those of these days around which (a week of days, a month of weeks) more than half of all series stop."""
    after = frequency.steps(pl.col("last"), pl.col("ds"))
    pairs = last.unique().to_frame("last").join(newest, how="cross").with_columns(_after=after)
    alive, soon = pl.col("_after") > -frequency.windows[0], pl.col("_after") < frequency.windows[0]
    n = pl.col("n").cast(pl.Int64)
    counts = pairs.filter(alive).group_by("last").agg(stopped=n.filter(soon).sum(), alive=n.sum())
    return counts.filter(2 * pl.col("stopped") > pl.col("alive"))["last"]
