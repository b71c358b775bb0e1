"""Cutoffs of a job: that of a run (the newest observed day, or a requested one), and those of a backtest.

`resolve_cutoff` takes a Panel and perhaps a day and returns one date; `backtest_cutoffs` takes the config and the last
day of the data and returns two lists of dates: those that are reported, and older ones that only calibrate intervals;
`least_history` returns the periods of history that these need, `comparable_from` the first cutoff whose models are of
the same kind as those of a later one.
"""

from __future__ import annotations

from datetime import date
from math import ceil

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import collect_each
from forecasting.data.panel import Panel
from forecasting.errors import UserError

FEWEST = 4
"""Periods of history that every window needs."""
PART = 0.5
"""Older windows go back to this part of the history of the first reported one: with less, a model is another model."""


def least_history(h: int, reported: int) -> int:
    """Periods of history that an older window needs where the first reported one has so many.

    >>> least_history(12, 69), least_history(12, 20)
    (35, 12)
    """
    return max(FEWEST, h, ceil(PART * reported))


def comparable_from(panel: Panel, cutoff: date) -> date:
    """The first cutoff from which models are comparable with those that are fitted at `cutoff`.

    Without a season and the horizon behind it no model has seen what happens a season later. Where that has changed by
    `cutoff`, windows from before say nothing of how good its models are; where it has not, all of them count.
    """
    config, first = panel.config, panel.oldest or cutoff
    seasoned = config.frequency.shift(first, config.season + config.h - 1)
    return seasoned if seasoned <= cutoff else min(first, cutoff)


def resolve_cutoff(panel: Panel, requested: date | None) -> date:
    """The newest day with an observation in any series; of a `requested` day the newest period of the panel by then.

    Any day of a month or a week may be requested. Raises UserError when there is no such period.
    """
    newest = panel.newest if requested is None else _newest_by(panel, requested)
    if newest is not None:
        return newest
    if requested is None:
        raise UserError(
            f"{panel.config.name}: nothing was observed: every row is closed, out of stock or without a number; "
            "look at the columns that columns.open and columns.stock name"
        )
    raise UserError(
        f"nothing was observed by {requested}",
        where=panel.config.name,
        mend="load older data, or choose a later cutoff",
    )


def _newest_by(panel: Panel, day: date) -> date | None:
    """The newest period of the panel by this day, of those that are not only planned."""
    usable = (pl.col("ds") <= day) & (pl.col("flag") != "ahead")
    parts = collect_each([panel.scan(b).filter(usable).select(pl.col("ds").max()) for b in panel.buckets])
    return max((newest for part in parts if (newest := part.item()) is not None), default=None)


def backtest_cutoffs(config: Config, last: date) -> tuple[list[date], list[date]]:
    """The reported cutoffs of a backtest of data up to `last`, and the older ones that only calibrate intervals.

    The newest reported cutoff lies h periods before `last`, the others `step` periods apart before it. The intervals of
    a window are calibrated on at most `calibration` windows that had ended by its cutoff, so the oldest reported window
    needs that many before it. Both lists are in ascending order.
    """
    reported = [config.frequency.shift(last, -config.h - config.step * i) for i in range(config.backtest.windows)]
    overlap = -(-config.h // config.step) - 1
    extra = config.calibration + overlap if config.calibration else 0
    older = [config.frequency.shift(reported[-1], -config.step * (i + 1)) for i in range(extra)]
    return sorted(reported), sorted(older)
