"""The table `levers`: `estimate_levers` takes the Config and rows of the panel, and returns a row per series and lever.

[grain, unique_id, lever, column, kind, text, estimate, std_error, lo, hi, own_estimate, own_error, timing,
timing_error, changes, periods, low, high, reach_low, reach_high, last, window, market, peers]; rows of groups (grain: a
static column, or total) follow those of series. See data/schemas for what each column holds. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from forecasting.config import Config
from forecasting.data.schemas.lever_table import LEVERS
from forecasting.planning.market import market_columns
from forecasting.planning.response.estimator.arrays import Ints, Observed
from forecasting.planning.response.estimator.calendar import Calendar
from forecasting.planning.response.estimator.estimate import Estimate, estimate
from forecasting.planning.response.facts import facts_of_lever
from forecasting.planning.response.levers import Lever, levers_of
from forecasting.planning.response.spillover import market_of_each, numbers_of, spillovers_of, with_spillovers

NORMAL_90 = 1.6448536269514722
"""Standard errors from the middle of a 90 % interval to its ends."""
MOST_GROUPS = 1000
"""A static column with more groups has no rows of its own."""
DIGITS = 6
"""Digits of effects and errors: the last bits of sums depend on the machine."""
ESTIMATED = ("estimate", "std_error", "lo", "hi", "own_estimate", "own_error", "timing", "timing_error")


def estimate_levers(config: Config, rows: pl.DataFrame, every: int = 1) -> pl.DataFrame:
    """The table of rows [unique_id, ds, y, levers, static columns] of the history, one per series and period.

    The rows are those of `every` so manyth series: without all of them there are no rows of peers. No rows where no
    lever varies, or nothing was sold.

    >>> columns = {"known_ahead": ["promo"], "promo": "promo"}
    >>> job = {"name": "shop", "source": {"path": "sales.csv"}, "freq": "1w", "h": 8, "columns": columns}
    >>> ds = pl.date_range(pl.date(2026, 1, 5), pl.date(2026, 12, 28), "1w", eager=True)
    >>> promo = pl.Series("promo", [float(week % 5 == 0) for week in range(len(ds))])
    >>> rows = pl.DataFrame({"unique_id": "A", "ds": ds, "promo": promo, "y": 100.0 * (1 + promo)})
    >>> table = estimate_levers(Config.model_validate(job), rows)
    >>> table.filter(grain="series").select("unique_id", "lever", pl.col("estimate").exp().round(1), "changes").row(0)
    ('A', 'promo', 2.0, 21)
    """
    empty = pl.DataFrame(schema=LEVERS)
    complete, observed = rows.sort("unique_id", "ds"), pl.col("y").is_not_null()
    levers = _moved(levers_of(config, complete.filter(observed)), complete.filter(observed))
    choices, market = spillovers_of(config, complete, levers), market_columns(config, complete.schema)
    choices = choices[:1] if every > 1 else choices
    levers = (*levers, *(lever for choice in choices for lever in choice))
    rows = with_spillovers(complete, levers, market).filter(observed)
    sold = rows.filter((pl.col("y") > 0).any().over("unique_id"))
    if not levers or sold.is_empty():
        return empty
    seen = Observed.of(
        sold.with_columns(pl.col("y").clip(0)), {lever.name: lever.as_seen(lever.value) for lever in levers}
    )
    codes = _codes(sold, config.static_columns)
    found = estimate(seen, codes, Calendar.of(config.frequency, len(seen.y)), numbers_of(levers, choices))
    levers = tuple(levers[k] for k in found.kept)
    facts = pl.concat([facts_of_lever(rows, lever) for lever in levers])
    facts = facts.join(market_of_each(complete, market), on="unique_id", how="left", maintain_order="left")
    series = facts.join(_effects(seen.ids, levers, found), on=["unique_id", "lever"], how="left")
    groups = _groups(sold, config.static_columns, seen.ids, levers, found)
    table = pl.concat([series, groups], how="diagonal").select(pl.col(c).cast(t) for c, t in LEVERS.items())
    return table.with_columns(pl.col(ESTIMATED).round(DIGITS))


def _moved(levers: tuple[Lever, ...], rows: pl.DataFrame) -> tuple[Lever, ...]:
    """The levers that change within a series with sales: what only differs between series tells nothing."""
    spans = {f"{i}": lever.as_seen(lever.value) for i, lever in enumerate(levers)}
    moved = (
        rows.group_by("unique_id").agg(**{n: e.max() - e.min() for n, e in spans.items()}).select(pl.col(spans).max())
    )
    return tuple(lever for i, lever in enumerate(levers) if (moved[f"{i}"][0] or 0) > 0)


def _codes(rows: pl.DataFrame, columns: tuple[str, ...]) -> Mapping[str, Ints]:
    """The groups of each series by static column, numbered from 0, null as a group."""
    static = rows.group_by("unique_id").agg(pl.col(c).last() for c in columns).sort("unique_id")
    return {c: (static[c].cast(pl.String).fill_null("").rank("dense") - 1).to_numpy().astype(np.int64) for c in columns}


def _effects(ids: pl.Series, levers: tuple[Lever, ...], found: Estimate) -> pl.DataFrame:
    """The estimates by series and lever."""
    error, timing = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2)), found.timing.pooled
    parts = []
    for k, lever in enumerate(levers):
        columns = {
            "estimate": found.effect,
            "std_error": error,
            "own_estimate": found.alone,
            "own_error": found.alone_error,
            "timing": timing.effect[found.unit],
            "timing_error": np.sqrt(np.diagonal(timing.covariance, axis1=1, axis2=2))[found.unit],
        }
        part = pl.DataFrame({"unique_id": ids, **{n: values[:, k] for n, values in columns.items()}})
        parts.append(part.with_columns(*_interval(), lever=pl.lit(lever.name)))
    return pl.concat(parts)


def _interval() -> tuple[pl.Expr, pl.Expr]:
    """lo and hi, the ends of the 90 % interval."""
    half = NORMAL_90 * pl.col("std_error")
    return (pl.col("estimate") - half).alias("lo"), (pl.col("estimate") + half).alias("hi")


def _groups(
    rows: pl.DataFrame, columns: tuple[str, ...], ids: pl.Series, levers: tuple[Lever, ...], found: Estimate
) -> pl.DataFrame:
    """The mean effects of the groups of each static column, and of all series."""
    static = rows.group_by("unique_id").agg(pl.col(c).last().cast(pl.String) for c in columns).sort("unique_id")
    parts = []
    for grain in ("total", *columns):
        names = pl.repeat("total", len(ids), eager=True) if grain == "total" else static[grain].fill_null("")
        for name in names.unique().sort() if names.n_unique() <= MOST_GROUPS else ():
            members = (names == name).to_numpy()
            share = np.bincount(found.unit[members], minlength=len(found.units.effect)) / members.sum()
            error, timing_error = (p.mean_error(found.groups, share) for p in (found.units, found.timing.pooled))
            error = np.sqrt(error**2 + np.diagonal(found.timing.doubt))
            timing = share @ found.timing.pooled.effect
            facts = {"grain": grain, "unique_id": name}
            for k, lever in enumerate(levers):
                of = {"lever": lever.name, "column": lever.column, "kind": lever.kind, "text": lever.text}
                effect = {"estimate": found.effect[members, k].mean(), "std_error": error[k]}
                of_timing = {"timing": timing[k], "timing_error": timing_error[k], "window": lever.periods or None}
                parts.append(facts | of | effect | of_timing)
    schema = {name: LEVERS[name] for name in parts[0]}
    return pl.DataFrame(parts, schema=schema).with_columns(*_interval())
