"""What the series beside it do on the same day: a price, a discount, a promotion against those of its groups.

Only differences to the group are features, never the group's own figures: those are the same for all series of a day,
and boosters learn such days by heart.
"""

from __future__ import annotations

import polars as pl

from forecasting.features.base import Context, Feature, ratio, rolling_mean
from forecasting.features.groups import Level, grain, group_label

VALUES = ("price", "discount", "promo")


def levels(context: Context) -> tuple[Level, ...]:
    """The groups that are looked at: those of the aggregation levels, and the one that all of them make together."""
    asked = context.config.levels_of_aggregation
    named = [level for level in asked if level and all(c in context.kinds for c in level)]
    both = tuple(dict.fromkeys(c for level in named for c in level))
    return tuple(dict.fromkeys([*named, both])) if named else ()


def told(context: Context) -> list[str]:
    """Which of VALUES the columns of the panel tell."""
    roles = context.config.columns
    priced = ["price", "discount"] if context.numeric(roles.price) else []
    return [*priced, *(["promo"] if context.numeric(roles.promo) else [])]


def asked(context: Context) -> bool:
    """Whether there is anything to hold against a group."""
    return bool(told(context) and levels(context))


def values(context: Context) -> list[pl.Expr]:
    """Those values as columns _price (of the shelf), _discount (price to its own recent mean) and _promo."""
    roles, window = context.config.columns, context.config.frequency.level_window
    price = pl.col(str(roles.price)).cast(pl.Float64)
    made = {"price": price, "discount": ratio(price, rolling_mean(price, window, 0))}
    made |= {"promo": pl.col(str(roles.promo)).cast(pl.Float64)}
    return [made[name].alias(f"_{name}") for name in told(context)]


def sums(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    """[group, ds, and of each value its sum and, as <value>_n, its count]: one bucket's share, to be added up."""
    names = [f"_{name}" for name in told(context)]
    rows = frame.with_columns(values(context))
    each = [e for n in names for e in (pl.col(n).sum(), pl.col(n).count().cast(pl.Float64).alias(f"{n}_n"))]
    return pl.concat([rows.group_by(group_label(level).alias("group"), "ds").agg(each) for level in levels(context)])


def means(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """[group, ds and the mean of each value] from the sums of all buckets."""
    whole = pl.concat(parts).group_by("group", "ds").sum()
    names = [c for c in whole.columns if f"{c}_n" in whole.columns]
    return whole.select("group", "ds", *(ratio(pl.col(n), pl.col(f"{n}_n")).alias(n) for n in names)).sort(
        "group", "ds"
    )


def columns(level: Level, context: Context) -> list[str]:
    """Names of the features of one grouping."""
    return [f"{grain(level)}_peers_{name}" for name in told(context)]


def joined(frame: pl.DataFrame, crowd: pl.DataFrame | None, context: Context) -> pl.DataFrame:
    """The frame (sorted by unique_id and ds) with the features of every grouping; `crowd` as from `means`."""
    if crowd is None:
        return frame
    frame = frame.with_columns(values(context))
    for level in levels(context):
        near = frame.select(group=group_label(level), ds=pl.col("ds"))
        near = near.join(crowd, on=["group", "ds"], how="left", maintain_order="left")
        against = [
            _against(name, near).alias(c) for name, c in zip(told(context), columns(level, context), strict=True)
        ]
        frame = frame.with_columns(frame.select(against))
    return frame.drop(f"_{name}" for name in told(context))


def _against(name: str, near: pl.DataFrame) -> pl.Expr:
    """Promotions as a difference, prices and discounts as a ratio."""
    own, mean = pl.col(f"_{name}"), pl.lit(near[f"_{name}"])
    return own - mean if name == "promo" else ratio(own, mean)


def features(context: Context) -> list[Feature]:
    """The columns that `Features.prepare` has joined; prices look back as far as their own recent mean."""
    back, roles = context.config.frequency.level_window, context.config.columns
    told_by = [roles.promo if name == "promo" else roles.price for name in told(context)]
    named = [pair for level in levels(context) for pair in zip(columns(level, context), told_by, strict=True)]
    return [Feature(c, pl.col(c), back, column) for c, column in named]
