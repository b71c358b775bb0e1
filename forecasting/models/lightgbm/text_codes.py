"""Numbers for the values of text columns: `category_codes` takes a Cut and returns them, one mapping per column.

A column with few values is a category: LightGBM sorts its codes in every node. Splits on thousands of codes cost much
and find chance, so that the values of a larger column are put in one order, by what sold under them up to the cutoff,
and the code is an ordinary number: the place in this order. `is_category` says which of both a mapping is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import polars as pl

from forecasting.data.cut import Cut
from forecasting.features.base import SERIES

MOST_CATEGORIES = 64
"""A text column with more values is an order, no category."""
FEWEST = 20
"""Observed rows that a value of an order needs; rarer ones are taken together, as are those that were never seen."""
PRIOR = 20.0
"""A value is worth as much as if so many rows more had sold under it what sold on the whole."""
TINY = 1e-300
DIGITS = 6
"""Values whose sales agree in so many digits are equally good, in whatever order they were added up."""
Codes = dict[str, dict[str, int]]
"""Text column -> value -> its number."""


def is_category(codes: Mapping[str, int]) -> bool:
    """Whether the numbers of these values are names, not places in an order."""
    return len(codes) <= MOST_CATEGORIES and min(codes.values(), default=0) == 0


def category_codes(cut: Cut) -> Codes:
    """A number for every value of the text columns; nulls, unseen values and the rare ones of an order get none."""
    columns = [*cut.config.columns.known_ahead, *cut.config.static_columns]
    texts = [c for c in columns if cut.panel.schema.get(c) == pl.String]
    if not texts:
        return {}
    values = pl.concat(rows.select(pl.col(texts).unique().implode()).collect() for rows in _histories(cut))
    found = {c: values[c].explode().unique().drop_nulls().sort().to_list() for c in texts}
    orders = _ordered_values(cut, [c for c, vs in found.items() if len(vs) > MOST_CATEGORIES])
    categories = {c: {v: i for i, v in enumerate(vs)} for c, vs in found.items() if 1 < len(vs) <= MOST_CATEGORIES}
    return {c: (orders | categories)[c] for c in texts if c in orders or c in categories}


def _histories(cut: Cut) -> Iterator[pl.LazyFrame]:
    """The rows up to the cutoff bucket by bucket, each to be collected alone: together they are the whole panel."""
    return (cut.panel.scan(bucket).filter(pl.col("ds") <= cut.cutoff) for bucket in cut.panel.buckets)


def _ordered_values(cut: Cut, columns: Iterable[str]) -> Codes:
    """The places, from 1, of the values of these columns that have enough rows; columns without two such are left out.

    Static ones are in the order of the mean size of their series, others in that of sales as a multiple of the mean
    size of the series, which is what a value does to any of them.
    """
    made: Codes = {}
    sums = {column: _sums_by_value(cut, column) for column in columns}
    for column, part in sums.items():
        usual = float(part["sold"].sum()) / max(float(part["due"].sum()), TINY)
        worth = (pl.col("sold") + PRIOR * usual * pl.col("due") / pl.col("n")) / (
            pl.col("due") * (1 + PRIOR / pl.col("n"))
        )
        ordered = part.filter(pl.col("n") >= FEWEST).with_columns(worth=worth.round_sig_figs(DIGITS))
        places = ordered.sort("worth", column)[column].to_list()
        if len(places) > 1:
            made[column] = {value: place for place, value in enumerate(places, 1)}
    return made


def _sums_by_value(cut: Cut, column: str) -> pl.DataFrame:
    """[column, sold, due, n]: of every value what sold in how many observed rows, and what the series usually sell."""
    is_static, size = column in cut.config.static_columns, pl.col("y").abs().mean().over(SERIES)
    sold, due = (size, pl.lit(1.0)) if is_static else (pl.col("y"), size)
    parts = []
    for rows in _histories(cut):
        seen = rows.filter(pl.col("y").is_not_null(), pl.col(column).is_not_null()).with_columns(sold=sold, due=due)
        parts.append(seen.group_by(column).agg(pl.col("sold", "due").sum(), n=pl.len()).collect())
    return pl.concat(parts).group_by(column).agg(pl.col("sold", "due").sum(), pl.col("n").sum())
