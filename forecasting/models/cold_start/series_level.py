"""The level of a new series as a multiple of the mean series, predicted from its groups' levels.

`observed_series` takes a Cut and returns [unique_id, static columns ..., _sold, _due, _n] of series with recent sales;
`predict_multiples` takes these rows, new series with the same columns and the levels of groups, and returns one number
per new series, null where too few are known. `group_multiples` returns the same of groups.

The level is a product of powers of the groups' levels: "new in store S1" and "a wine" each carry information. As
multiples of what the mean series sells on the same days, one per level of groups, their logarithms are the inputs of a
generalised linear model (Tweedie deviance, logarithmic link). For a series with observations the group's multiple is
taken without its own sales.

WAPE of the level of series that were hidden (each fifth predicted from the other four), by the narrowest group alone
and by this model: groceries by week .79 and .48, items by day .71 and .70, departments by day .90 and .25, promoted
juice by week .96 and .77. Boosters had .46, .69, .29 and .77 and need more series; price and age brought nothing
(python -m benchmarks.new_series measures the remaining error by period).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.data import launch_curves
from forecasting.data.buckets import collect_each
from forecasting.data.cleaning import stable_y
from forecasting.data.cut import Cut
from forecasting.features import groups
from forecasting.features.groups import Level, group_label

MIN_PEERS = 3
"""So many series of a group must have been observed before it is used for a new one."""
MIN_SERIES = 25
"""With fewer observed series the model is no better than the narrowest group alone."""
POWER = 1.5
"""Of the Tweedie deviance: between counting (1) and shares (2)."""
PENALTY = 3.0
"""Weight of the penalty on the squared powers, in series."""
OFFSET = 0.02
"""Added to the multiple of a group before taking its logarithm, which is not defined at 0."""
SUMS = ("_sold", "_due", "_n")
"""What each series adds to the sums of its groups, see `observed_series`."""


def observed_series(cut: Cut) -> pl.DataFrame:
    """[unique_id, static columns ..., _sold, _due, _n]: one row per series with recent observations.

    Recent are the last launch_curves.ramp_periods. In units of y: `_sold` is what it sold, `_due` what the mean series
    sold on the same days; `_n` is 1.
    """
    return cut.shared("observed series", partial(_observed_series, cut))


def _observed_series(cut: Cut) -> pl.DataFrame:
    panel, config = cut.panel.part_of or cut.panel, cut.config
    since = config.frequency.shift(cut.cutoff, -launch_curves.ramp_periods(config))
    days = pl.col("ds").is_between(since, cut.cutoff, closed="right")
    total = cut.groups.filter(pl.col("group") == group_label(()))
    mean = total.select("ds", _mean=pl.col("y_sum") / pl.col("y_count"))
    parts = []
    for rows in map(panel.scan, panel.buckets):
        schema = rows.collect_schema()
        statics = [pl.col(c).drop_nulls().last() for c in config.static_columns if c in schema]
        seen = rows.filter(days).with_columns(stable_y()).filter(pl.col("y").is_not_null())
        both = seen.join(mean.lazy(), on="ds").sort("ds")
        parts.append(both.group_by("unique_id").agg(*statics, _sold=pl.col("y").sum(), _due=pl.col("_mean").sum()))
    series = pl.concat(collect_each(parts)).filter(pl.col("_due") > 0).sort("unique_id")
    return series.with_columns(pl.col("_sold").clip(0), _n=pl.lit(1, pl.Int64))


def target_series(observed: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """One row per series of `days`, with the columns of `observed`: SUMS are what it has added to the groups itself."""
    last = days.group_by("unique_id", maintain_order=True).last()
    rows = last.join(observed.select("unique_id", *SUMS), on="unique_id", how="left", maintain_order="left")
    return rows.select(pl.col(c).fill_null(0) if c in SUMS else c for c in observed.columns)


def split_by_levels(
    cut: Cut, observed: pl.DataFrame, rows: pl.DataFrame
) -> Iterator[tuple[tuple[Level, ...], pl.DataFrame]]:
    """`rows` in parts, each with the levels at which the groups of its series hold enough others of `observed`."""
    levels = _levels_below_total(cut, observed)
    if not levels:
        yield (), rows
        return
    usable = pl.DataFrame({f"_{i}": has_enough_peers(observed, rows, [level]) for i, level in enumerate(levels)})
    parts = rows.hstack(usable).partition_by(usable.columns, as_dict=True, include_key=False, maintain_order=True)
    for flags, part in parts.items():
        yield tuple(level for level, is_usable in zip(levels, flags, strict=True) if is_usable), part


def has_enough_peers(observed: pl.DataFrame, rows: pl.DataFrame, levels: Sequence[Level]) -> pl.Series:
    """Whether the group of each row holds at least MIN_PEERS others of `observed` at all of the levels."""
    enough = pl.repeat(True, rows.height, dtype=pl.Boolean, eager=True)
    for level in levels:
        enough &= _group_sums_without_row(observed, rows, level)["_n"] >= MIN_PEERS
    return enough


def predict_multiples(observed: pl.DataFrame, rows: pl.DataFrame, levels: Sequence[Level]) -> pl.Series:
    """The level of each of `rows` (columns as in `observed`) as a multiple of the mean series, >= 0.

    Predicted from its groups of these levels, and no higher than that of any observed series; 1 without levels. Null
    where fewer than MIN_SERIES series can be learned from, or none of them sold anything.
    """
    from sklearn.linear_model import TweedieRegressor

    training = observed.filter(has_enough_peers(observed, observed, levels))
    y = (training["_sold"] / training["_due"]).to_numpy()
    if rows.is_empty() or len(y) < MIN_SERIES or not y.any():
        return pl.repeat(None, rows.height, dtype=pl.Float64, eager=True)
    if not levels:
        return pl.repeat(1.0, rows.height, eager=True)
    model = TweedieRegressor(power=POWER, alpha=PENALTY / len(y), link="log", solver="newton-cholesky")
    model.fit(_inputs(observed, training, levels), y)
    return pl.Series(model.predict(_inputs(observed, rows, levels)).clip(0.0, y.max()))


def group_multiples(cut: Cut, observed: pl.DataFrame) -> pl.DataFrame:
    """[group, group_multiple]: one row per group, its sales as a multiple of the mean series."""
    multiple = pl.col("_sold").sum() / pl.col("_due").sum()
    levels = groups.levels(cut.config, observed.schema)
    parts = [observed.group_by(group=_label(level)).agg(group_multiple=multiple) for level in levels]
    return pl.concat(parts).drop_nulls("group")


def _levels_below_total(cut: Cut, observed: pl.DataFrame) -> list[Level]:
    """The levels but that of all series together."""
    return [level for level in groups.levels(cut.config, observed.schema) if level]


def _inputs(observed: pl.DataFrame, rows: pl.DataFrame, levels: Sequence[Level]) -> NDArray[np.float64]:
    """Shape (rows, levels): logarithms of the multiple at which the others of the row's group sell."""
    multiple = (pl.col("_sold") / pl.col("_due")).fill_nan(None).fill_null(1.0).clip(0.0)
    sums = [_group_sums_without_row(observed, rows, level) for level in levels]
    return np.column_stack([part.select((multiple + OFFSET).log()).to_series() for part in sums])


def _group_sums_without_row(observed: pl.DataFrame, rows: pl.DataFrame, level: Level) -> pl.DataFrame:
    """[_sold, _due, _n] of the group of each row, less what the row itself has added; 0 where it has no group."""
    sums = observed.group_by(group=_label(level)).agg(pl.col(c).sum().alias(f"{c}_all") for c in SUMS)
    added = rows.select(*SUMS, group=_label(level))
    both = added.join(sums.drop_nulls("group"), on="group", how="left", maintain_order="left")
    return both.select((pl.col(f"{c}_all") - pl.col(c)).fill_null(0).alias(c) for c in SUMS)


def _label(level: Level) -> pl.Expr:
    """The name of the group of this level; null where one of its static values is missing."""
    present = [pl.col(c).is_not_null() for c in level]
    return pl.when(pl.all_horizontal(present)).then(group_label(level)) if present else group_label(level)
