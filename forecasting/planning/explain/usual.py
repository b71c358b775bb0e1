"""Coming days as usual: `usual_plans` returns the edits that take away promotions, other prices and other plans.

It takes a frame of a cut and first prices and returns Resets by the names of the steps, in their order: what a forecast
is without a promotion, then at the first price, too, then with all other known-ahead columns as usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.edits import Edit
from forecasting.features.base import SERIES

Values = Mapping[str, float | str]
"""The usual value of a column by series."""
STEPS = ("without_promotion", "without_price", "without_other")


@dataclass(frozen=True)
class Reset(Edit):
    """A change of one column to the usual value of each series, where a value is known; series without one stay."""

    values: Values = field(default_factory=dict, hash=False)

    def expr(self, kind: pl.DataType) -> pl.Expr:
        """The column as `kind` with the usual values."""
        usual = pl.col(SERIES).replace_strict(dict(self.values), default=None, return_dtype=kind)
        known = self.reaches() & pl.col(self.column).is_not_null()
        return pl.when(known).then(pl.coalesce(usual, self.column)).otherwise(self.column).alias(self.column)


def usual_plans(
    frame: pl.DataFrame, prices: pl.DataFrame, config: Config, cutoff: date
) -> dict[str, tuple[Reset, ...]]:
    """Resets by step of STEPS, each with those of the steps before it; equal to the step before where nothing changes.

    `prices` [unique_id, first_price] are those of the beginning. Whether a series is open stays as it is planned.

    >>> columns = {"known_ahead": ["promo"], "promo": "promo"}
    >>> config = Config(name="a", source={}, freq="1d", h=1, columns=columns)
    >>> frame = pl.DataFrame({"unique_id": ["a", "a"], "ds": [date(2026, 1, 1), date(2026, 1, 2)], "promo": [0.0, 1.0]})
    >>> prices = pl.DataFrame({"unique_id": ["a"], "first_price": [None]})
    >>> [len(resets) for resets in usual_plans(frame, prices, config, date(2026, 1, 1)).values()]
    [1, 1, 1]
    """
    past, coming = frame.filter(pl.col("ds") <= cutoff), frame.filter(pl.col("ds") > cutoff)
    roles, values = config.columns, {step: dict[str, Values]() for step in STEPS}
    for column in (c for c in roles.known_ahead if c in frame.columns and c != roles.open):
        if column == roles.price:
            values["without_price"][column] = dict(prices.drop_nulls().iter_rows())
        elif column == roles.promo:
            values["without_promotion"][column] = _without_promotion(past, column)
        else:
            values["without_other"][column] = _usual(past, column)
    first, last = (config.frequency.shift(cutoff, n) for n in (1, config.h))
    made: dict[str, tuple[Reset, ...]] = {}
    done: tuple[Reset, ...] = ()
    for step in STEPS:
        resets = tuple(Reset(c, "=", 0.0, first, last, None, v) for c, v in values[step].items())
        done = (*done, *(r for r in resets if _changes(coming, r)))
        made[step] = done
    return made


def _changes(coming: pl.DataFrame, reset: Reset) -> bool:
    column = coming[reset.column]
    return not coming.select(reset.expr(column.dtype)).to_series().equals(column, null_equal=True)


def _without_promotion(past: pl.DataFrame, column: str) -> Values:
    """No promotion: 0 of a number, of a text the most frequent one of the series."""
    if past.schema[column].is_numeric():
        return dict.fromkeys(past[SERIES].unique(), 0.0)
    return _usual(past, column)


def _usual(past: pl.DataFrame, column: str) -> Values:
    """The median of a number, which of a flag is the more frequent state, the most frequent text."""
    value = pl.col(column).drop_nulls()
    usual = value.median() if past.schema[column].is_numeric() else value.mode().sort().first()
    found = past.group_by(SERIES).agg(usual=usual).drop_nulls()
    return dict(found.iter_rows())
