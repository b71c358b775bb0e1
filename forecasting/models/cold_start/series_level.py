"""How much a new series will sell: a product of powers of what its groups sell, learned from the series that are known.

"New in store S1" and "a wine" each tell something: in multiples of what all series sell on the same days, one for each
level of groups, their logarithms are the inputs of a generalised linear model (Tweedie deviance, logarithmic link). A
known series is told by its groups without itself.

WAPE of the size of series that were hidden (each fifth told by the other four), by the narrowest group alone and so:
groceries by week .79 and .48, items by day .71 and .70, departments by day .90 and .25, promoted juice by week .96 and
.77. Boosters had .46, .69, .29 and .77 and need more series; price and age brought nothing (python -m
benchmarks.new_series tells what is left of it by period).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.data import launch_curves
from forecasting.data.cleaning import stable_y
from forecasting.data.cut import Cut
from forecasting.features import groups
from forecasting.features.groups import Level, group_label

FEW = 3
"""So many series must have been observed for a group to speak for a new one."""
FEWEST = 25
"""With fewer known series the powers are no better than the narrowest group alone."""
POWER = 1.5
"""Of the Tweedie deviance: between counting (1) and shares (2)."""
DOUBT = 3.0
"""Weight of the penalty on the squared powers, in series."""
NEARLY_NOTHING = 0.02
"""Added to what a group sells in multiples of the usual, as the logarithm knows no 0."""
OWN = ("_sold", "_due", "_n")


def known(cut: Cut) -> pl.DataFrame:
    """[unique_id, static columns ..., _sold, _due, _n] of all series that were observed of late (see
    launch_curves.ramp_periods): what they sold, what they would have sold if they were like all, and 1.
    """
    return cut.kept("known series", partial(_known, cut))


def _known(cut: Cut) -> pl.DataFrame:
    panel, config = cut.panel.whole or cut.panel, cut.config
    since = config.frequency.shift(cut.cutoff, -launch_curves.ramp_periods(config))
    days = pl.col("ds").is_between(since, cut.cutoff, closed="right")
    usual = panel.groups.filter(pl.col("group") == group_label(())).select(
        "ds", _usual=pl.col("y_sum") / pl.col("y_count")
    )
    parts = []
    for rows in map(panel.scan, panel.buckets):
        there = rows.collect_schema()
        statics = [pl.col(c).drop_nulls().last() for c in config.static_columns if c in there]
        seen = rows.filter(days).with_columns(stable_y()).filter(pl.col("y").is_not_null())
        both = seen.join(usual.lazy(), on="ds").sort("ds")
        parts.append(both.group_by("unique_id").agg(*statics, _sold=pl.col("y").sum(), _due=pl.col("_usual").sum()))
    told = pl.concat(pl.collect_all(parts)).filter(pl.col("_due") > 0).sort("unique_id")
    return told.with_columns(pl.col("_sold").clip(0), _n=pl.lit(1, pl.Int64))


def asked(around: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """The series of `days` with the columns of `around`, the known ones: what they have added to these themselves."""
    one = days.group_by("unique_id", maintain_order=True).last()
    told = one.join(around.select("unique_id", *OWN), on="unique_id", how="left", maintain_order="left")
    return told.select(pl.col(c).fill_null(0) if c in OWN else c for c in around.columns)


def by_levels(cut: Cut, around: pl.DataFrame, rows: pl.DataFrame) -> Iterator[tuple[tuple[Level, ...], pl.DataFrame]]:
    """`rows` in parts, each with the levels at which the group of its series holds enough others of `around`."""
    usable = _below_all(cut, around)
    if not usable:
        yield (), rows
        return
    tells = pl.DataFrame({f"_{i}": enough(around, rows, [level]) for i, level in enumerate(usable)})
    parts = rows.hstack(tells).partition_by(tells.columns, as_dict=True, include_key=False, maintain_order=True)
    for told, part in parts.items():
        yield tuple(level for level, tells_it in zip(usable, told, strict=True) if tells_it), part


def enough(around: pl.DataFrame, rows: pl.DataFrame, levels: Sequence[Level]) -> pl.Series:
    """Whether the group of a row holds enough others of `around` at all of the levels."""
    told = pl.repeat(True, rows.height, dtype=pl.Boolean, eager=True)
    for level in levels:
        told &= _others(around, rows, level)["_n"] >= FEW
    return told


def multiples(around: pl.DataFrame, rows: pl.DataFrame, levels: Sequence[Level]) -> pl.Series:
    """What each of `rows` (columns as in `around`, the known series) will sell in multiples of the usual, told by its
    groups of these levels; no more than any known series sells. Null where too few are known.
    """
    from sklearn.linear_model import TweedieRegressor

    told = around.filter(enough(around, around, levels))
    y = (told["_sold"] / told["_due"]).to_numpy()
    if rows.is_empty() or len(y) < FEWEST or not y.any():
        return pl.repeat(None, rows.height, dtype=pl.Float64, eager=True)
    if not levels:
        return pl.repeat(1.0, rows.height, eager=True)
    model = TweedieRegressor(power=POWER, alpha=DOUBT / len(y), link="log", solver="newton-cholesky")
    model.fit(_inputs(around, told, levels), y)
    return pl.Series(model.predict(_inputs(around, rows, levels)).clip(0.0, y.max()))


def of_groups(cut: Cut, around: pl.DataFrame) -> pl.DataFrame:
    """[group, usually]: what the known series of every group sell in multiples of the usual."""
    usually = pl.col("_sold").sum() / pl.col("_due").sum()
    every = groups.levels(cut.config, around.schema)
    told = [around.group_by(group=_label(level)).agg(usually=usually) for level in every]
    return pl.concat(told).drop_nulls("group")


def _below_all(cut: Cut, around: pl.DataFrame) -> list[Level]:
    """The levels of groups that do not hold all series."""
    return [level for level in groups.levels(cut.config, around.schema) if level]


def _inputs(around: pl.DataFrame, rows: pl.DataFrame, levels: Sequence[Level]) -> NDArray[np.float64]:
    """One column for each level: the logarithm of what the others of the group sell in multiples of the usual."""
    multiple = (pl.col("_sold") / pl.col("_due")).fill_nan(None).fill_null(1.0).clip(0.0)
    told = [_others(around, rows, level).select((multiple + NEARLY_NOTHING).log()).to_series() for level in levels]
    return np.column_stack(told)


def _others(around: pl.DataFrame, rows: pl.DataFrame, level: Level) -> pl.DataFrame:
    """[_sold, _due, _n] of the group of each row, without what the row itself has added; 0 where it has no group."""
    sums = around.group_by(group=_label(level)).agg(pl.col(c).sum().alias(f"{c}_all") for c in OWN)
    own = rows.select(*OWN, group=_label(level))
    both = own.join(sums.drop_nulls("group"), on="group", how="left", maintain_order="left")
    return both.select((pl.col(f"{c}_all") - pl.col(c)).fill_null(0).alias(c) for c in OWN)


def _label(level: Level) -> pl.Expr:
    """The name of the group of this level; null where a static value is not known."""
    told = [pl.col(c).is_not_null() for c in level]
    return pl.when(pl.all_horizontal(told)).then(group_label(level)) if told else group_label(level)
