"""Same-day values of peer series: a price, a discount or a promotion against the mean of the series' groups.

`mean_by_group` returns [group, ds, means] from the sums of all buckets of series; `compare_with_peers` takes rows with
`value_columns` and these means and returns the rows with a difference or ratio each. The group's mean itself is no
feature: it is the same for all series of a day, and boosters would learn such days by heart.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from forecasting.features.base import Context, Feature, ratio, rolling_mean
from forecasting.features.group_sums import Total, sum_groups
from forecasting.features.groups import Level, grain, group_label

VALUES = ("price", "discount", "promo")
"""What is compared: the price, the price over its recent mean, the mark of a promotion."""


def peer_levels(context: Context) -> tuple[Level, ...]:
    """The groupings to compare with: the aggregation levels (but the total), and all their columns combined."""
    levels = context.config.levels_of_aggregation
    named = [level for level in levels if level and all(c in context.schema for c in level)]
    combined = tuple(dict.fromkeys(c for level in named for c in level))
    return tuple(dict.fromkeys([*named, combined])) if named else ()


def compared_values(context: Context) -> list[str]:
    """Those of VALUES for which the panel has a numeric column."""
    roles = context.config.columns
    priced = ["price", "discount"] if context.numeric(roles.price) else []
    return [*priced, *(["promo"] if context.numeric(roles.promo) else [])]


def has_peers(context: Context) -> bool:
    """Whether there are both a value to compare and a grouping to compare it with."""
    return bool(compared_values(context) and peer_levels(context))


def value_columns(context: Context) -> list[pl.Expr]:
    """The compared values as columns _price (on the shelf), _discount (price over its recent mean) and _promo."""
    roles, window = context.config.columns, context.config.frequency.level_window
    price = pl.col(str(roles.price)).cast(pl.Float64)
    values = {"price": price, "discount": ratio(price, rolling_mean(price, window, 0))}
    values |= {"promo": pl.col(str(roles.promo)).cast(pl.Float64)}
    return [values[name].alias(f"_{name}") for name in compared_values(context)]


def sum_by_group(frame: pl.DataFrame, context: Context, after: date = date.min) -> pl.DataFrame:
    """[group, ds, _<value>, _<value>_n ...]: sum and count of each compared value per group and day `after` that one,
    in one bucket.

    Sums and counts of several buckets add up; see `mean_by_group`.
    """
    names = [f"_{name}" for name in compared_values(context)]
    columns = dict.fromkeys(c for level in peer_levels(context) for c in level)
    valued = _since(frame, context, after).select("ds", *columns, *value_columns(context))
    rows = valued.filter(pl.col("ds") > after)
    sums = {n: pl.col(n) for n in names} | {f"{n}_n": pl.col(n).is_not_null() for n in names}
    return pl.concat([sum_groups(rows, level, sums) for level in peer_levels(context)])


def _since(frame: pl.DataFrame, context: Context, after: date) -> pl.DataFrame:
    """The rows that the compared values of the days `after` this one are made of."""
    frequency = context.config.frequency
    if after == date.min:
        return frame
    return frame.filter(pl.col("ds") > frequency.shift(after, -frequency.level_window))


def mean_by_group(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """[group, ds, _<value> ...]: means per group and day from the sums of all buckets, sorted by group and ds; a frame
    without columns where the sums have none.
    """
    added = Total(("group", "ds"))
    for part in parts:
        added.add(part)
    total = added.sums()
    if not total.width:
        return total
    names = [c for c in total.columns if f"{c}_n" in total.columns]
    means = total.select("group", "ds", *(ratio(pl.col(n), pl.col(f"{n}_n")).alias(n) for n in names))
    return means.sort("group", "ds")


def feature_names(level: Level, context: Context) -> list[str]:
    """Names of the features of one grouping, one per compared value."""
    return [f"{grain(level)}_peers_{name}" for name in compared_values(context)]


def compare_with_peers(rows: pl.DataFrame, means: pl.DataFrame | None, context: Context) -> pl.DataFrame:
    """The rows, with the columns of `value_columns`, with one column per grouping and compared value instead, an
    underscore before the name of its feature.

    `means` are the rows of `mean_by_group`; without them the rows come back unchanged.
    """
    if means is None:
        return rows
    for level in peer_levels(context):
        labels = rows.select(group=group_label(level), ds=pl.col("ds"))
        peers = labels.join(means, on=["group", "ds"], how="left", maintain_order="left")
        names = zip(compared_values(context), feature_names(level, context), strict=True)
        rows = rows.with_columns(rows.select(_difference(value, peers).alias(f"_{name}") for value, name in names))
    return rows.drop(f"_{name}" for name in compared_values(context))


def _difference(name: str, peers: pl.DataFrame) -> pl.Expr:
    """The value against the mean of its peers: promotions as a difference, prices and discounts as a ratio."""
    value, mean = pl.col(f"_{name}"), pl.lit(peers[f"_{name}"])
    return value - mean if name == "promo" else ratio(value, mean)


def features(context: Context) -> list[Feature]:
    """The columns of `compare_with_peers`; they look back as far as the recent mean of a price."""
    lookback, roles = context.config.frequency.level_window, context.config.columns
    drivers = [roles.promo if name == "promo" else roles.price for name in compared_values(context)]
    named = [
        pair for level in peer_levels(context) for pair in zip(feature_names(level, context), drivers, strict=True)
    ]
    return [Feature(name, pl.col(f"_{name}"), lookback, driver, driver) for name, driver in named]
