"""Losses as Polars expressions over the columns of `backtests`: y, yhat (mean), q50 (median), lo- and hi- bounds.

Losses take other expressions or an interval level in percent, and return an expression to be evaluated on a frame.
`levels_of` takes column names and returns levels; `bound_probabilities` takes levels and returns {column: probability}.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

Y = pl.col("y")
ERROR = pl.col("yhat") - Y
ABSOLUTE_ERROR = (pl.col("q50") - Y).abs()


def ratio(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """`above / below`, null where `below` is 0 or null: an undefined score is no score.

    >>> frame = pl.DataFrame({"error": [1.0, 2.0], "sold": [4.0, 0.0]})
    >>> frame.select(ratio(pl.col("error"), pl.col("sold"))).to_series().to_list()
    [0.25, None]
    """
    return pl.when(below != 0).then(above / below)


def pinball(quantile: pl.Expr, probability: float) -> pl.Expr:
    """Pinball (quantile) loss per row, in units of y (Koenker & Bassett 1978).

    >>> frame = pl.DataFrame({"y": [10.0, 2.0], "hi-80": [8.0, 8.0]})
    >>> frame.select(pinball(pl.col("hi-80"), 0.9).round(3)).to_series().to_list()
    [1.8, 0.6]
    """
    under = Y - quantile
    return pl.max_horizontal(probability * under, (probability - 1) * under)


def interval_score(lo: pl.Expr, hi: pl.Expr, level: int) -> pl.Expr:
    """Winkler score per row, in units of y: width plus 2 / alpha for every unit outside (Gneiting & Raftery 2007).

    >>> frame = pl.DataFrame({"y": [5.0, 12.0], "lo-80": [0.0, 0.0], "hi-80": [10.0, 10.0]})
    >>> frame.select(interval_score(pl.col("lo-80"), pl.col("hi-80"), 80)).to_series().to_list()
    [10.0, 30.0]
    """
    return hi - lo + 200 / (100 - level) * ((lo - Y).clip(0) + (Y - hi).clip(0))


def coverage(level: int) -> pl.Expr:
    """Share of the rows whose y lies within the interval of `level` percent."""
    return Y.is_between(pl.col(f"lo-{level}"), pl.col(f"hi-{level}")).mean()


def interval_width(level: int) -> pl.Expr:
    """Mean width of the interval of `level` percent, in units of y."""
    return (pl.col(f"hi-{level}") - pl.col(f"lo-{level}")).mean()


def scaled_interval_score(level: int) -> pl.Expr:
    """Mean Winkler score of one series in multiples of its seasonal naive error `mase_scale`."""
    losses = interval_score(pl.col(f"lo-{level}"), pl.col(f"hi-{level}"), level)
    return ratio(losses.mean(), pl.col("mase_scale").first())


def weighted_quantile_loss(levels: Sequence[int]) -> pl.Expr:
    """Twice the mean pinball loss over the bounds divided by the mean |y|, on the rows that have all bounds."""
    losses = [pinball(pl.col(name), p) for name, p in bound_probabilities(levels).items()]
    total = pl.sum_horizontal(losses, ignore_nulls=False)
    return ratio(2 / len(losses) * total.sum(), Y.abs().filter(total.is_not_null()).sum())


def levels_of(columns: Iterable[str]) -> list[int]:
    """The interval levels in percent whose lo- and hi- columns are both there, ascending.

    >>> levels_of(["yhat", "lo-95", "hi-95", "lo-80", "hi-80", "lo-50"])
    [80, 95]
    """
    names = set(columns)
    lows = {int(c.removeprefix("lo-")) for c in names if c.startswith("lo-")}
    return sorted(level for level in lows if f"hi-{level}" in names)


def bound_probabilities(levels: Iterable[int]) -> dict[str, float]:
    """The probability of every bound of the intervals, by its column.

    >>> bound_probabilities([50])
    {'lo-50': 0.25, 'hi-50': 0.75}
    """
    sides = [(level, sign) for level in levels for sign in (-1, 1)]
    return {f"{'lo' if sign < 0 else 'hi'}-{level}": 0.5 + sign * level / 200 for level, sign in sides}
