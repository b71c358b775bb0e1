"""Estimates against the truth: `judge` takes Chains and returns a row per group of chains, lever and number of changes.

`common` says how well one effect for all series is known over chains, `spillovers` how often dips and losses are found,
and how large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import NormalDist

import polars as pl

from benchmarks.response.chains import Chain
from forecasting.planning.response.levers import AFTER, PEERS
from forecasting.planning.response.table import estimate_levers

CHANGES = {"none": (0, 0), "1 to 4": (1, 4), "5 and more": (5, 10**9)}
"""Numbers of changes that are told apart."""
WIDTH = 2 * NormalDist().inv_cdf(0.95)
"""Standard errors from one end of a 90 % interval to the other."""


def judge(name: str, chains: Iterable[Chain]) -> pl.DataFrame:
    """[name, lever, seen, series, error, slope, covered, width, constant, wrong] of some chains together.

    `error` is the median error as a share of the truth (of a truth of 0, as it is), `slope` that of estimates on truths
    (null where they are alike), `covered` the share of 90 % intervals that hold the truth, `width` their median and
    `constant` that of one effect for all series, `wrong` how many have a wrong sign beyond their interval.
    """
    parts = []
    for number, chain in enumerate(chains):
        table = estimate_levers(chain.config, chain.rows).filter(pl.col("kind").is_in(["price", "flag"]))
        truth = chain.truth.unpivot(index="unique_id", variable_name="lever", value_name="truth")
        series = table.filter(grain="series").join(truth, on=["unique_id", "lever"])
        spread = pl.col("estimate").var() + (pl.col("std_error") ** 2).mean()
        parts.append(series.with_columns(_constant=WIDTH * spread.sqrt().over("lever"), _chain=pl.lit(number)))
    every = pl.concat(parts)
    return pl.concat(
        _row(name, lever, seen, every.filter(pl.col("changes").is_between(*ends), lever=lever))
        for lever in ("price", "promo")
        for seen, ends in CHANGES.items()
    )


def _row(name: str, lever: str, seen: str, of: pl.DataFrame) -> pl.DataFrame:
    estimate, truth = pl.col("estimate"), pl.col("truth")
    off = (estimate - truth).abs() / pl.when(truth == 0).then(1.0).otherwise(truth.abs())
    beyond = (pl.col("lo") > 0) | (pl.col("hi") < 0)
    told = {
        "series": pl.len(),
        "error": off.median(),
        "slope": pl.when(truth.std() > 0.02).then(pl.cov(estimate, truth) / truth.var()),
        "covered": ((pl.col("lo") <= truth) & (truth <= pl.col("hi"))).mean(),
        "width": (pl.col("hi") - pl.col("lo")).median(),
        "constant": pl.col("_constant").median(),
        "wrong": (beyond & (truth != 0) & (estimate.sign() != truth.sign())).sum(),
    }
    names = (pl.lit(text).alias(column) for column, text in {"name": name, "lever": lever, "seen": seen}.items())
    return of.select(*names, **{column: e.cast(pl.Float64) for column, e in told.items()})


def common(elasticity: float, draw: Callable[[int], Chain], seeds: Iterable[int]) -> pl.DataFrame:
    """[elasticity, chains, mean, error, spread, covered, series, width] of chains with one elasticity for all: the mean
    estimate of the effect on the whole, its mean standard error, and its standard deviation between chains; the share
    of chains whose 90 % interval of it holds the truth, and the mean share of series; and these intervals' mean width.
    """
    tables = [estimate_levers(chain.config, chain.rows).filter(lever="price") for chain in map(draw, seeds)]
    total, series = (pl.concat(tables).filter(grain=grain) for grain in ("total", "series"))
    held = ((pl.col("lo") <= elasticity) & (elasticity <= pl.col("hi"))).mean()
    of_series = series.select(series=held, width=(pl.col("hi") - pl.col("lo")).mean())
    told = {"mean": pl.col("estimate").mean(), "error": pl.col("std_error").mean(), "spread": pl.col("estimate").std()}
    names = {"elasticity": pl.lit(elasticity), "chains": pl.lit(len(tables))}
    return pl.concat([total.select(**names, **told, covered=held), of_series], how="horizontal")


def spillovers(draw: Callable[[int], Chain], seeds: Iterable[int]) -> pl.DataFrame:
    """[kind, chains, found, mean, error, spread]: in how many chains an effect was found, its mean estimate there, mean
    standard error, and the standard deviation between them.
    """
    tables = [estimate_levers(chain.config, chain.rows).filter(grain="total") for chain in map(draw, seeds)]
    every = pl.concat(tables)
    parts, estimate = [], pl.col("estimate")
    for kind in (AFTER, PEERS):
        told = {"mean": estimate.mean(), "error": pl.col("std_error").mean(), "spread": estimate.std()}
        counts = {"kind": pl.lit(kind), "chains": pl.lit(len(tables)), "found": pl.len().cast(pl.Int64)}
        parts.append(every.filter(kind=kind).select(**counts, **told))
    return pl.concat(parts)
