"""How rows of one period become one row: `combinations` returns a Combination per column, by the role of the column.

`explain_drivers` says in words what the drivers became.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.raw_data import TAGS

WORDS = ("sum", "mean", "highest value", "last value")


@dataclass(frozen=True)
class Combination:
    """How the values of a column are combined: in a word, and as an expression."""

    word: str
    expr: pl.Expr


def combinations(rows: pl.DataFrame, config: Config, moment: Sequence[str]) -> dict[str, Combination]:
    """How each column becomes one value per period.

    y and numbers that come with the sales are added up; a stock, texts and static columns are the last value; flags
    are up when they were up once; prices and further numbers are the mean of the rows, of coming rows as well.
    """
    roles = config.columns
    kinds = {"y": Combination("sum", pl.when(pl.col("y").count() > 0).then(pl.col("y").sum()))}
    for column in rows.columns:
        value, dtype = pl.col(column), rows.schema[column]
        if column in ("unique_id", "ds", "y", *moment):
            continue
        if column in TAGS:
            kinds[column] = Combination("", value.first())
        elif column == roles.stock or not dtype.is_numeric() or column in config.static_columns:
            kinds[column] = Combination("last value", value.drop_nulls().last())
        elif column in (roles.promo, roles.open) or dtype == pl.Int8:
            kinds[column] = Combination("highest value", value.max())
        elif column in roles.known_after and column not in (roles.price, roles.cost):
            kinds[column] = Combination("sum", pl.when(value.count() > 0).then(value.sum()))
        else:
            kinds[column] = Combination("mean", value.mean())
    return kinds


def explain_drivers(kinds: Mapping[str, Combination]) -> str:
    """What the drivers became, as the end of a sentence; empty without drivers."""
    return "".join(_parts(kinds))


def _parts(kinds: Mapping[str, Combination]) -> Iterator[str]:
    for word in WORDS:
        columns = [c for c, kind in kinds.items() if kind.word == word and c != "y"]
        if columns:
            yield f"; {', '.join(columns)}: {word}"
