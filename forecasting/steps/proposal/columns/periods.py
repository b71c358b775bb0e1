"""How long a period is, how far to forecast, and what a missing row means: Periods, by the rows of a table.

`periods_of_table` is for one row per series and period, `periods_of_sales` for single sales, which are added up. Both
take series, day and sales of each row, as `drivers.keyed_rows` returns them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from forecasting.config import Config
from forecasting.frequency import FREQS, likely
from forecasting.steps.proposal.columns.drivers import DAY, SERIES, Y

DENSE, LEAST = 0.5, 26
"""Single sales are added up to the shortest period of which series have a sale in so many; there must be so many."""
SPARSE = 0.75
"""Where series have rows on fewer of the days on which others have one, a missing row means that nothing was sold."""
SCATTERED = 0.5
"""Dates of months that are fewer than this share of the months that they span are probably read wrongly."""
WINDOWS = 5
"""A history should be so many horizons long, so that forecasts can be tried on it."""


@dataclass(frozen=True)
class Periods:
    """freq, h and clean.gaps, with the reason for the latter."""

    freq: str
    h: int
    gaps: Literal["zero", "missing"]
    why_gaps: str


def periods_of_table(rows: pl.DataFrame, freq: str) -> Periods:
    """The periods of a table; `freq` where it is known, else empty."""
    freq = freq or likely(rows[DAY].unique().sort())
    sold = rows.filter(pl.col(Y).is_not_null())
    present = _share_of_days(sold)
    if present < SPARSE and not (sold[Y] == 0).any():
        why = f"no row is 0, and {1 - present:.0%} of rows are missing: taken as nothing sold; missing: not known"
        return Periods(freq, _horizon(rows, freq), "zero", why)
    return Periods(freq, _horizon(rows, freq), "missing", "a period without a row is not known; zero: nothing was sold")


def refuse_scattered(rows: pl.DataFrame, freq: str, cells: pl.Series, config: Config) -> None:
    """Raise UserError where text was read as months or longer periods, most of which have no row at all: years may be
    missing, or be something else.
    """
    frequency = FREQS[freq]
    days = rows[DAY].unique().sort()
    if not frequency.months or cells.dtype != pl.String or len(days) < 2:
        return
    periods = int(pl.select(frequency.steps(pl.lit(days[0]), pl.lit(days[-1]))).item()) + 1
    if len(days) < SCATTERED * periods:
        raise config.fault(
            "source.ds_format",
            f"dates like {cells.drop_nulls()[0]!r} would be {len(days)} of the {periods} {frequency.unit}s from "
            f"{days[0]} to {days[-1]}: if that is wrong, write them with their year, such as 2024-01; if it is right, "
            "say how they are written, for example source.ds_format: '%m/%Y'",
        )


def periods_of_sales(rows: pl.DataFrame, freq: str) -> Periods:
    """The periods to which single sales are added up; `freq` where it is known, else empty."""
    freq = freq or _dense_freq(rows)
    return Periods(freq, _horizon(rows, freq), "zero", "no line: nothing was sold")


def _horizon(rows: pl.DataFrame, freq: str) -> int:
    """As many periods as have rows after the last sale, else the usual ones; fewer where the history is short."""
    sold = rows.filter(pl.col(Y).is_not_null())[DAY]
    periods = sold.dt.truncate(FREQS[freq].every).n_unique()
    coming = rows.filter(pl.col(DAY) > pl.col(DAY).filter(pl.col(Y).is_not_null()).max())[DAY].n_unique()
    usual = FREQS[freq].horizon
    wanted = coming if 1 < coming <= 2 * usual else usual
    fitting = max(1, min(wanted, periods // WINDOWS))
    season = FREQS[freq].season
    return fitting if fitting < season or fitting == wanted else fitting - fitting % season


def _share_of_days(sold: pl.DataFrame) -> float:
    """The share of days on which a series has a row, of those on which any has one between its first and last row."""
    numbered = sold.with_columns(pl.col(DAY).rank("dense").alias(DAY))
    spans = numbered.group_by(SERIES).agg(rows=pl.col(DAY).n_unique(), days=pl.col(DAY).max() - pl.col(DAY).min() + 1)
    return float(spans["rows"].sum() / max(int(spans["days"].sum()), 1))


def _dense_freq(rows: pl.DataFrame) -> str:
    """The shortest period of which series have a sale in most; a longer one only where enough of them are there."""
    chosen = next(iter(FREQS))
    for name, frequency in list(FREQS.items())[:3]:
        starts = rows.select(SERIES, pl.col(DAY).dt.truncate(frequency.every))
        periods = starts.select(frequency.steps(pl.col(DAY).min(), pl.col(DAY).max())).item() + 1
        if name != chosen and periods < LEAST:
            return chosen
        chosen = name
        if starts.n_unique() >= DENSE * starts[SERIES].n_unique() * periods:
            return chosen
    return chosen
