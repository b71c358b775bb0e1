"""What remarks on a load rest on: `count_rows` takes the rows of a portion and returns Counts, `add_up` those of all.

`load_remarks` returns the Remarks on what they tell. Counts are small, however large the load is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.data.contracts.infinite import infinite_counts, infinite_remarks
from forecasting.data.contracts.negative import negative_sales, sales_below_zero
from forecasting.data.contracts.similar_names import name_counts, similar_names
from forecasting.data.contracts.uncounted import finite_sales, lost_sales, uncounted_sales
from forecasting.data.quality.remarks import far_out_drivers, far_out_remarks
from forecasting.data.quality.static_changes import changed_statics, static_remarks
from forecasting.remarks import Remark

Frames = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Counts:
    """Counts of a portion, or of several: raw and good rows, series, the sums of |y| of raw and of good rows, the
    newest day with sales.

    `lost` are the y of bad rows, `below` the sums of sales below 0 by series. By column: how many values are infinite,
    names with their rows and sales, values of static columns that change within a series, and drivers far out.
    """

    rows: int
    good: int
    series: int
    sizes: tuple[float, float]
    newest: date | None
    lost: pl.DataFrame
    below: pl.DataFrame
    infinite: Mapping[str, int]
    names: Frames
    changes: Frames
    far_out: Frames


def count_rows(
    long: pl.DataFrame, single: pl.DataFrame, good: pl.DataFrame, bad: pl.DataFrame, config: Config
) -> Counts:
    """The counts of a portion: its raw rows, those that keep all rules, the same without infinite values, bad rows."""
    return Counts(
        rows=long.height,
        good=good.height,
        series=good["unique_id"].n_unique(),
        sizes=(float(finite_sales(long).abs().sum()), float(good["y"].abs().sum())),
        newest=cast("date | None", good.filter(pl.col("y").is_not_null())["ds"].max()),
        lost=lost_sales(long, bad),
        below=sales_below_zero(good, config),
        infinite=infinite_counts(single),
        names=name_counts(good, config),
        changes=changed_statics(good, config),
        far_out=far_out_drivers(good, config),
    )


def add_up(counts: Sequence[Counts]) -> Counts:
    """The counts of all portions."""
    infinite: Counter[str] = sum((Counter(c.infinite) for c in counts), Counter())
    return Counts(
        rows=sum(c.rows for c in counts),
        good=sum(c.good for c in counts),
        series=sum(c.series for c in counts),
        sizes=(sum(c.sizes[0] for c in counts), sum(c.sizes[1] for c in counts)),
        newest=max((c.newest for c in counts if c.newest), default=None),
        lost=pl.concat(c.lost for c in counts),
        below=pl.concat(c.below for c in counts),
        infinite=infinite,
        names=_joined([c.names for c in counts]),
        changes=_joined([c.changes for c in counts]),
        far_out=_joined([c.far_out for c in counts]),
    )


def _joined(frames: Sequence[Frames]) -> Frames:
    """The frames of all portions by column, one below the other."""
    return {column: pl.concat(part[column] for part in frames) for column in frames[0]}


def load_remarks(
    counts: Counts, bad: pl.DataFrame, repeats: pl.DataFrame, config: Config, series: pl.DataFrame | None
) -> Iterator[Remark]:
    """What a user should know about the rows of a load; `series` are those of earlier loads."""
    yield from infinite_remarks(counts.infinite)
    yield from uncounted_sales(counts.lost, bad, repeats, counts.rows, counts.sizes[0])
    yield from static_remarks(counts.changes, counts.series)
    yield from similar_names(counts.names, series)
    yield from negative_sales(counts.below, counts.good, counts.sizes[1])
    yield from far_out_remarks(counts.far_out)
