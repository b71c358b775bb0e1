"""The rows of a decomposition as arrays: `read_design` takes a frame of a cut and returns a Design.

A row has a phase of the short season, a place in the year, a place among the days around a holiday, whether an
unusual closing follows, the logarithm of its price over that of the beginning, and its promotion. Rows
without an observed value and closed ones are not fitted, but described like all others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, is_shut
from forecasting.features import calendar
from forecasting.features.base import SERIES, Context
from forecasting.planning.decomposition.holidays import holiday_places

YEARS = 2.0
"""Years of the newest history that are decomposed: a level and a straight trend mean little over more."""
SPREAD = 14.0
"""Days over which sales of neighbouring places in the year are averaged (standard deviation)."""
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Design:
    """Arrays over the rows of `keys` [unique_id, ds], which are sorted by both.

    `series` is the number of a row's series among `ids`, `y` its sales (NaN where it is not fitted), `years` the time
    since the first fitted row of its series, `recent` whether it is of the newest months of the history. `places` are
    the numbers of a row's place by factor (season, year, holiday, feast, opening). `price` is the logarithm of the
    price over the first one and `promo` the promotion, 0 where unknown. `first_price` [unique_id, first_price] are
    those of the beginning, null without one; `groups` holds by grouping the label of each series, `spread` is
    SPREAD in places.
    """

    keys: pl.DataFrame
    ids: list[str]
    series: Ints
    y: Floats
    years: Floats
    recent: Bools
    places: dict[str, Ints]
    price: Floats
    promo: Floats
    first_price: pl.DataFrame
    groups: dict[str, list[str]]
    spread: float

    @property
    def fitted(self) -> Bools:
        """The rows that are fitted."""
        return np.asarray(np.isfinite(self.y))


def read_design(cut: Cut, frame: pl.DataFrame) -> Design:
    """The design of the rows of `frame`, a frame of the cut: those of its newest YEARS and its future rows."""
    config, f = cut.config, cut.config.frequency
    since = f.shift(cut.cutoff, -f.training_periods(YEARS))
    rows = calendar.add_calendar_columns(frame.filter(pl.col("ds") > since).sort(KEY), config, cut.h)
    rows = rows.with_columns(
        _fitted=pl.col("y").is_not_null() & ~is_shut(config) & (pl.col("ds") <= cut.cutoff),
        _step=f.steps(pl.lit(cut.cutoff), pl.col("ds")),
    )
    first_price, price = _prices(rows, config)
    first = pl.when("_fitted").then("_step").min().over(SERIES)
    made = rows.select(
        series=(pl.col(SERIES) != pl.col(SERIES).shift(1)).fill_null(value=False).cum_sum().cast(pl.Int64),
        y=pl.when("_fitted").then(pl.col("y").cast(pl.Float64)).fill_null(float("nan")),
        years=((pl.col("_step") - first) / f.year).fill_null(0.0).clip(0),
        recent=pl.col("_step").is_between(1 - f.level_window, 0),
        promo=_promotion(rows, config),
    )
    places = {**_seasons(rows, config), **holiday_places(rows, config), "opening": _closes_next(rows, config)}
    ids = rows[SERIES].unique(maintain_order=True).to_list()
    arrays = {name: made[name].to_numpy() for name in ("series", "y", "years", "recent")}
    return Design(
        rows.select(KEY), ids, **arrays, places={n: s.cast(pl.Int64).to_numpy() for n, s in places.items()},
        price=price.to_numpy(), promo=made["promo"].to_numpy(), first_price=first_price, groups=_groups(rows, config),
        spread=SPREAD / f.days,
    )  # fmt: skip


def first_prices(rows: pl.DataFrame, column: str, periods: int) -> pl.DataFrame:
    """[unique_id, first_price]: the price that each series was charged most often in its first so many periods; of
    several, the one nearest the median. Rows are sorted by series and day.

    >>> rows = pl.DataFrame({"unique_id": ["a"] * 6, "price": [2.0, 3.0, 3.0, 9.0, 9.0, 9.0]})
    >>> first_prices(rows, "price", 4).row(0)
    ('a', 3.0)
    """
    priced = rows.filter(pl.col(column) > 0).select(SERIES, price=pl.col(column).cast(pl.Float64))
    priced = priced.group_by(SERIES, maintain_order=True).head(periods)
    counts = priced.group_by(SERIES, "price").agg(n=pl.len())
    counts = counts.join(priced.group_by(SERIES).agg(middle=pl.col("price").median()), on=SERIES)
    away = (pl.col("price") - pl.col("middle")).abs()
    ranked = counts.sort(SERIES, "n", away, "price", descending=[False, True, False, False])
    return ranked.group_by(SERIES, maintain_order=True).agg(first_price=pl.col("price").first())


def _prices(rows: pl.DataFrame, config: Config) -> tuple[pl.DataFrame, pl.Series]:
    """The first prices, and by row the logarithm of the price over the first one, 0 where one of them is unknown."""
    ids, column = rows.select(pl.col(SERIES).unique(maintain_order=True)), config.columns.price
    if Context(config, dict(rows.schema)).numeric(column) is None:
        none = ids.with_columns(first_price=pl.lit(None, pl.Float64))
        return none, pl.zeros(rows.height, pl.Float64, eager=True)
    periods = config.frequency.windows[1]
    first = ids.join(first_prices(rows, str(column), periods), on=SERIES, how="left", maintain_order="left")
    both = rows.select(SERIES, pl.col(str(column)).cast(pl.Float64).alias("price"))
    both = both.join(first, on=SERIES, how="left", maintain_order="left")
    known = (pl.col("price") > 0) & (pl.col("first_price") > 0)
    ratio = pl.when(known).then(pl.col("price") / pl.col("first_price"))
    return first, both.select(ratio.log().fill_null(0.0).alias("price")).to_series()


def _promotion(rows: pl.DataFrame, config: Config) -> pl.Expr:
    """The promotion: its number, or of a text whether it is another than the usual one; 0 where unknown."""
    column = config.columns.promo
    if column is None or column not in rows.columns:
        return pl.lit(0.0).repeat_by(1).explode() if rows.is_empty() else pl.repeat(0.0, pl.len())
    if rows.schema[column].is_numeric():
        return pl.col(column).cast(pl.Float64).fill_null(0.0).fill_nan(0.0)
    usual = pl.col(column).fill_null("").mode().sort().first()
    return (pl.col(column).fill_null("") != usual).cast(pl.Float64)


def _seasons(rows: pl.DataFrame, config: Config) -> dict[str, pl.Series]:
    """The phase of a season that is shorter than a year, and the place in the year: a day, a week, a month, ..."""
    f, season = config.frequency, config.season
    short = (pl.col("_step") % season + season) % season if 1 < season < f.year else pl.lit(0)
    ordinal = pl.col("ds").dt.ordinal_day() - 1
    place = pl.lit(0) if f.year == 1 else (pl.col("ds").dt.month() - 1) // f.months if f.months else ordinal // f.days
    made = rows.select(_n=pl.len(), season=short, year=place)
    return {"season": made["season"], "year": made["year"]}


def _closes_next(rows: pl.DataFrame, config: Config) -> pl.Series:
    """Whether the series is closed in the next period although it is mostly open in that phase of the season: what goes
    with a regular closing is part of the season.
    """
    column = Context(config, dict(rows.schema)).numeric(config.columns.open)
    if column is None:
        return pl.zeros(rows.height, pl.Int64, eager=True)
    is_open, phase = pl.col(column) > 0, pl.col("_step") % config.season
    known = rows.select(SERIES, open=is_open, mostly=is_open.mean().over(SERIES, phase) > 1 / 2)
    closes = (~pl.col("open") & pl.col("mostly")).shift(-1).over(SERIES)
    return known.select(closes.fill_null(value=False).alias("opening")).to_series()


def _groups(rows: pl.DataFrame, config: Config) -> dict[str, list[str]]:
    """By static column of texts the value of each series, in their order; no column that tells every series apart."""
    texts = [c for c in config.static_columns if rows.schema.get(c) == pl.String]
    last = rows.group_by(SERIES, maintain_order=True).agg(pl.col(texts).last().fill_null(""))
    return {c: last[c].to_list() for c in texts if 1 < last[c].n_unique() < last.height}
