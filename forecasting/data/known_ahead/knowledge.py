"""What is known of known-ahead columns on coming days: `observe` finds it in the newest rows, by series and step.

It takes what `coming_rows` finds in the rows of each bucket and returns a KnownAhead: which columns lack values on
coming rows, and on which of the h steps, series by series. `KnownAhead.hide` takes rows and a cutoff and returns them
without the values that would have been unknown there; `mark` only marks them. Nothing is forecast.

A backtest that sees prices as they were recorded afterwards scores forecasts that nobody can make: tonight the prices
of half of the coming weeks are not set yet. So a past cutoff hides what is unknown tonight.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import bucket_of
from forecasting.features.base import SERIES, hidden_mark

USUALLY_FILLED = 0.5
"""A column that is empty on more of the observed rows marks what is rare: where there is a row, an empty cell says that
there is nothing."""


@dataclass(frozen=True)
class KnownAhead:
    """What is known after `newest`, the last observed day, of the known-ahead columns that lack values there.

    `series` [unique_id, _pattern] holds the series that sold of late, `patterns` [_pattern, _step, column ...] one row
    for each of the h steps, with a Boolean per column that lacks values: it is hidden so many periods ahead. `counts`
    holds for every known-ahead column on how many of the coming rows of these series it is known, and how many there
    are.
    """

    newest: date
    series: pl.DataFrame
    patterns: pl.DataFrame
    counts: dict[str, tuple[int, int]]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that lack values on some of the coming rows; none where all is known."""
        return tuple(c for c in self.patterns.columns if c not in ("_pattern", "_step"))

    def columns_hidden(self, first: int, last: int) -> tuple[str, ...]:
        """The columns that lack values at one of the steps first..last."""
        part = self.patterns.filter(pl.col("_step").is_between(first, last))
        return tuple(c for c in self.columns if part[c].any())

    def mark(self, rows: pl.DataFrame, step: pl.Expr, columns: Collection[str]) -> pl.DataFrame:
        """The rows with a Boolean per column (see hidden_mark): whether it is hidden so many periods ahead.

        `step` is an Int32 by row, null where all is known. A series without a pattern of its own is given that of
        another one, drawn by its name: each pattern is as frequent as among the others.
        """
        marks = self.patterns.select("_pattern", "_step", *(pl.col(c).alias(hidden_mark(c)) for c in columns))
        placed = rows.with_columns(_step=step)
        placed = placed.join(self._patterns_of(rows), on=SERIES, how="left", maintain_order="left")
        marked = placed.join(marks, on=["_pattern", "_step"], how="left", maintain_order="left")
        known = [pl.col(hidden_mark(c)).fill_null(value=False) for c in columns]
        return marked.with_columns(known).drop("_step", "_pattern")

    def hide(self, rows: pl.DataFrame, config: Config, cutoff: date) -> pl.DataFrame:
        """The rows, those after `cutoff` without the values that would have been unknown there."""
        columns = [c for c in self.columns if c in rows.columns]
        if not columns or cutoff >= self.newest:
            return rows
        ahead = config.frequency.steps(pl.lit(cutoff), pl.col("ds"))
        marked = self.mark(rows, pl.when(ahead > 0).then(ahead), columns)
        kept = [pl.when(~pl.col(hidden_mark(c))).then(c).alias(c) for c in columns]
        return marked.with_columns(kept).drop(hidden_mark(c) for c in columns)

    def _patterns_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """[unique_id, _pattern] of the series of `rows`."""
        named = rows.select(pl.col(SERIES).unique()).join(self.series, on=SERIES, how="left")
        drawn = self.series["_pattern"].gather(bucket_of(named[SERIES], self.series.height))
        return named.with_columns(_pattern=pl.coalesce("_pattern", pl.lit(drawn)))


@dataclass(frozen=True)
class ComingRows:
    """What the rows of a bucket tell of the h periods after the newest observed day.

    `observed` counts the rows observed of late, `filled` those of them with a value by column. `missing` [unique_id,
    _planned, columns ...] holds a text per series that sold within the shortest window of features: by step 1 where
    there is no row (_planned) or no value, else 0. One that has ended is not planned for.
    """

    observed: int
    filled: dict[str, int]
    missing: pl.DataFrame


def coming_rows(scan: Callable[[int], pl.LazyFrame], newest: date, config: Config, bucket: int) -> ComingRows:
    """The ComingRows of a bucket, whose rows are read around that day."""
    frequency, rows = config.frequency, scan(bucket)
    there = rows.collect_schema()
    columns = [c for c in config.columns.known_ahead if c in there]
    span = frequency.shift(newest, -frequency.level_window), frequency.shift(newest, config.h)
    near = rows.filter(pl.col("ds").is_between(*span, closed="right")).select(SERIES, "ds", "y", *columns).collect()
    seen = near.filter(pl.col("ds") <= newest, pl.col("y").is_not_null())
    lately = seen.filter(pl.col("ds") > frequency.shift(newest, -frequency.windows[0]))
    steps = pl.DataFrame({"_step": range(1, config.h + 1)}, schema={"_step": pl.Int32})
    ahead = near.filter(pl.col("ds") > newest).with_columns(
        _step=frequency.steps(pl.lit(newest), pl.col("ds")), _planned=pl.lit(value=True)
    )
    grid = lately.select(pl.col(SERIES).unique().sort()).join(steps, how="cross")
    grid = grid.join(ahead, on=[SERIES, "_step"], how="left", maintain_order="left")
    digits = pl.col("_planned", *columns).is_null().cast(pl.Int8).cast(pl.String)
    missing = grid.group_by(SERIES, maintain_order=True).agg(digits.str.join())
    return ComingRows(seen.height, {c: seen[c].count() for c in columns}, missing)


def observe(parts: Sequence[ComingRows], newest: date, config: Config) -> KnownAhead:
    """What is known after `newest`, from the coming rows of every bucket.

    A column lacks values when it holds them on a smaller share of the coming rows than of the rows observed of late.
    """
    observed, missing = sum(part.observed for part in parts), pl.concat(part.missing for part in parts).sort(SERIES)
    columns = [c for c in missing.columns if c not in (SERIES, "_planned")]
    usual = {c: sum(part.filled[c] for part in parts) / max(observed, 1) for c in columns}
    rare = [c for c in columns if usual[c] < USUALLY_FILLED]
    hidden = missing.with_columns(pl.col("_planned").alias(c) for c in rare)
    cells = missing.height * config.h
    counts = {c: (cells - int(hidden[c].str.count_matches("1").sum()), cells) for c in columns}
    lacking = [c for c in columns if counts[c][0] < (1.0 if c in rare else usual[c]) * cells]
    return KnownAhead(newest, *_patterns(hidden.select(SERIES, *lacking), config.h), counts)


def _patterns(hidden: pl.DataFrame, h: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """[unique_id, _pattern] and [_pattern, _step, column ...]: series that lack the same values share a pattern."""
    lacking = hidden.columns[1:]
    together = pl.concat_str([pl.lit(""), *map(pl.col, lacking)], separator="/")
    named = hidden.with_columns(_pattern=(together.rank("dense") - 1).cast(pl.UInt32))
    different = named.unique("_pattern", keep="first", maintain_order=True).sort("_pattern").drop(SERIES)
    steps = pl.DataFrame({"_step": range(1, h + 1)}, schema={"_step": pl.Int32})
    flags = [pl.col(c).str.slice(pl.col("_step") - 1, 1) == "1" for c in lacking]
    return named.select(SERIES, "_pattern"), different.join(steps, how="cross").select("_pattern", "_step", *flags)
