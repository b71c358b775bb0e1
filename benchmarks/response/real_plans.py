"""Plans without promotions: `planned` takes rows of a data set and returns what a planner would have had at a cutoff.

`promotions` returns the periods on which it then was otherwise, `wape` errors on some periods; all take frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.panel import KEY

ANSWERS = ("planned", "scenario", "boosters")
"""The forecast of the plan, and with real values: that by the response, and that of boosters that see them."""
USUAL = 13
"""Periods up to the cutoff whose median price is the usual one."""
CUT = 0.95
"""A price of at most so much of the usual one is a promotion, whatever the flags say."""


def planned(rows: pl.DataFrame, config: Config, cutoff: date) -> pl.DataFrame:
    """The rows up to the cutoff, then `h` periods of every series that was sold in them, without sales: the usual price
    (see `usual_prices`), flags 0, static columns and other numbers as they last were, and nothing else.
    """
    past, coming = rows.filter(pl.col("ds") <= cutoff).sort(KEY), rows.filter(_ahead(config, cutoff))
    flags = flags_of(rows, config)
    kept = [c for c in (*config.columns.known_ahead, *config.static_columns) if c in rows.columns and c not in flags]
    ids = past.filter(pl.col("unique_id").is_in(coming["unique_id"].unique().implode()))
    last = ids.group_by("unique_id", maintain_order=True).agg(pl.col(c).drop_nulls().last() for c in kept)
    price = str(config.columns.price)
    plan = last.drop(price).join(usual_prices(past, config, cutoff), on="unique_id").rename({"usual": price})
    plan = plan.with_columns(pl.lit(0).cast(rows.schema[c]).alias(c) for c in flags)
    days = pl.Series("ds", [config.frequency.shift(cutoff, n) for n in range(1, config.h + 1)], rows.schema["ds"])
    future = plan.join(days.to_frame(), how="cross").with_columns(pl.col(price).cast(rows.schema[price]))
    return pl.concat([past, future], how="diagonal").sort(KEY)


def usual_prices(past: pl.DataFrame, config: Config, cutoff: date) -> pl.DataFrame:
    """[unique_id, usual]: the median price of the newest periods without a flag; of all of them where there is none,
    and of the whole history where these have no price.
    """
    price, newest = pl.col(str(config.columns.price)), pl.col("ds") > config.frequency.shift(cutoff, -USUAL)
    quiet = pl.all_horizontal(pl.col(c).fill_null(0) == 0 for c in flags_of(past, config))
    medians = [price.filter(newest & quiet).median(), price.filter(newest).median(), price.median()]
    return past.group_by("unique_id", maintain_order=True).agg(usual=pl.coalesce(medians)).drop_nulls()


def flags_of(rows: pl.DataFrame, config: Config) -> list[str]:
    """The column of promotions, and the other known-ahead columns of 0 and 1."""
    known = [c for c in config.columns.known_ahead if c in rows.columns and rows.schema[c].is_numeric()]
    flags = {c for c in known if set(rows[c].drop_nulls().unique()) <= {0.0, 1.0}}
    return [c for c in known if c in flags or c == config.columns.promo]


def promotions(rows: pl.DataFrame, plan: pl.DataFrame, config: Config, cutoff: date) -> pl.DataFrame:
    """[unique_id, ds] of the periods after the cutoff with sales on record that were a promotion: by the column of
    promotions, or by a price well below that of the `plan`.
    """
    price, promo = str(config.columns.price), str(config.columns.promo)
    of_plan = plan.select(*KEY, _usual=price)
    coming = rows.filter(_ahead(config, cutoff), pl.col("y").is_not_null()).join(of_plan, on=KEY)
    cut = pl.col(price) <= CUT * pl.col("_usual")
    return coming.filter((pl.col(promo) != 0).fill_null(value=False) | cut.fill_null(value=False)).select(KEY).sort(KEY)


def wape(rows: pl.DataFrame, names: Sequence[str]) -> dict[str, float]:
    """Of each forecast column the sum of absolute errors over the sum of sales, of rows [y, forecasts ...]."""
    told = rows.select((pl.col(name) - pl.col("y")).abs().sum() / pl.col("y").sum() for name in names)
    return {name: float(told[name].item()) for name in names}


def _ahead(config: Config, cutoff: date) -> pl.Expr:
    return pl.col("ds").is_between(cutoff, config.frequency.shift(cutoff, config.h), closed="right")
