"""Held-out changes of price: `held_out_changes` takes rows of the panel, `hold` the table `levers` of the time before.

A change is a period whose price differs from the one before, of the same series; what sales did is held against what
effects foretell.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from benchmarks.response.real_plans import flags_of
from forecasting.config import Config
from forecasting.data.panel import KEY
from forecasting.planning.response.answer import response_factors

MOVED, STILL = 0.05, 0.01
"""A price that differs by more than the first share is changed, one by at most the second is as before."""
KINDS = {"price alone": False, "price and promotion": True, "all": None}
"""Whether the promotion changes with the price (None: either)."""
ESTIMATES = ("none", "one", "own", "pooled")
"""No effect, the mean effect of all series, what units told before pooling, and what is used."""


def held_out_changes(rows: pl.DataFrame, config: Config, after: date) -> pl.DataFrame:
    """[unique_id, ds, market, price, promotion, their values before (_before), ratio, moved, promoted] of all periods
    later than `after` that follow on one with sales, of rows [unique_id, ds, y, price, promotion, known-ahead columns].

    `ratio` is the log of sales over those before, less the median of the series whose price and flags stayed as they
    were from the one period to the other (without any: 0). `moved` tells whether the price changed, `promoted`
    whether the promotion did.
    """
    price, promo = str(config.columns.price), str(config.columns.promo)
    of = [price, *flags_of(rows, config)]
    sold = rows.filter(pl.col("y") > 0, pl.col(price) > 0).sort(KEY)
    before = [pl.col(c).shift().over("unique_id").alias(f"{c}_before") for c in ("ds", "y", *of)]
    pairs = sold.with_columns(before).filter(pl.col("ds") > after)
    pairs = pairs.filter(pl.col("ds_before").dt.offset_by(config.frequency.every) == pl.col("ds"))
    move = (pl.col(price) / pl.col(f"{price}_before")).log()
    others = [pl.col(c).eq_missing(pl.col(f"{c}_before")) for c in of[1:]]
    told = pairs.with_columns(
        ratio=(pl.col("y") / pl.col("y_before")).log(),
        moved=move.abs() > MOVED,
        promoted=pl.col(promo).ne_missing(pl.col(f"{promo}_before")),
        _still=pl.all_horizontal(move.abs() <= STILL, *others),
    )
    usual = pl.col("ratio").filter("_still").median().over("ds").fill_null(0.0)
    columns = (*KEY, price, promo, f"{price}_before", f"{promo}_before", "ratio", "moved", "promoted")
    return told.with_columns(ratio=pl.col("ratio") - usual).select(columns)


def hold(changes: pl.DataFrame, table: pl.DataFrame, config: Config) -> pl.DataFrame:
    """`changes` with the log that each of ESTIMATES foretells, by the product's own way from a plan to its factor."""
    columns = [str(config.columns.price), str(config.columns.promo)]
    before = changes.select(*KEY, **{c: f"{c}_before" for c in columns})
    now = changes.select(*KEY, *columns)
    mean = table.filter(grain="total").select("lever", _mean="estimate")
    series = table.filter(grain="series").join(mean, on="lever", how="left")
    tables = {"one": "_mean", "own": "own_estimate", "pooled": "estimate"}
    held = changes.with_columns(none=pl.lit(0.0))
    for name, column in tables.items():
        factors = response_factors(before, now, series.with_columns(estimate=column))
        logs = factors.select(*KEY, pl.col("factor").log().alias(name))
        held = held.join(logs, on=KEY, how="left", maintain_order="left")
    return held


def errors(held: pl.DataFrame, ids: Sequence[str] | pl.Series) -> pl.DataFrame:
    """[kind, changes, series, ESTIMATES ..., better, slope] of changed prices of the series `ids`, a row per kind.

    Of each estimate the mean absolute error of the log ratio over the changes; `better` is the share of the series of
    which the pooled estimate has a smaller mean error than the own one, `slope` that of what sales did on what the
    pooled one foretold: above 1 where they did more.
    """
    off = {name: (pl.col("ratio") - pl.col(name)).abs() for name in ESTIMATES}
    moved = held.filter("moved", pl.col("unique_id").is_in(list(ids))).with_columns(**off, _foretold="pooled")
    parts = []
    for kind, promoted in KINDS.items():
        of = moved if promoted is None else moved.filter(pl.col("promoted") == promoted)
        series = of.group_by("unique_id").agg(pl.col(ESTIMATES).mean())
        better = series.select((pl.col("pooled") < pl.col("own")).mean()).item()
        counts = {"kind": pl.lit(kind), "changes": pl.len(), "series": pl.lit(series.height)}
        told = {name: pl.col(name).mean() for name in ESTIMATES} | {"better": pl.lit(better, pl.Float64)}
        slope = pl.cov("ratio", "_foretold") / pl.col("_foretold").var()
        parts.append(of.select(**counts, **told, slope=slope))
    return pl.concat(parts, how="vertical_relaxed")
