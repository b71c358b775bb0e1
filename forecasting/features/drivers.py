"""Features from numeric known-ahead columns: values before, now and after; price against its past; sales by promotion.

`features` takes a Context and the lead (sales are read at least so many periods back) and returns Features; the columns
themselves are read on coming days, too, for their values are known.
"""

from __future__ import annotations

import polars as pl

from forecasting.features.base import SERIES, Context, Feature, lag, ratio, rolling_mean, seasonal_lag
from forecasting.features.sales import PHASES, Y, recent_level


def features(context: Context, lead: int) -> list[Feature]:
    """Known-ahead columns on the day and around it, and past sales under the same promotion (`lead` periods back)."""
    roles = context.config.columns
    ahead = [c for c in roles.known_ahead if context.numeric(c)]
    around = [f for c in ahead for f in _around(context, c)]
    runs = [f for c in (roles.promo, roles.open) if context.numeric(c) for f in _runs(context, str(c))]
    priced = _price(context, roles.price) if context.numeric(roles.price) else []
    promoted = _promoted(context, str(roles.promo), lead) if context.numeric(roles.promo) else []
    return [*around, *runs, *priced, *promoted]


def _around(context: Context, column: str) -> list[Feature]:
    """The value on the day, the day before and the day after. Where a neighbour is hidden, it is as it is now."""
    value, hidden = pl.col(column).cast(pl.Float64), context.hidden(column)
    before, after = lag(value, 1), _next(value, value)
    if hidden is not None:
        before = pl.coalesce(before, value)
        after = pl.when(hidden.shift(-1, fill_value=False).over(SERIES)).then(value).otherwise(after)
    return [
        Feature(column, value, 0, column, column),
        Feature(f"{column}_before", before, 1, column, column),
        Feature(f"{column}_after", after, 0, column, column),
    ]


def _next(value: pl.Expr, now: pl.Expr) -> pl.Expr:
    """The value of the next period; in the last one, whose next is unknown, the value stays as it is `now`.

    A null there would be one that no training row has had: boosters take it for a price of 0.
    """
    return value.shift(-1, fill_value=now.last()).over(SERIES)


def _runs(context: Context, column: str) -> list[Feature]:
    """How much of the period before and after (a week of days, four weeks, three months) the flag was up."""
    value, width = pl.col(column).cast(pl.Float64), context.config.frequency.windows[0]
    coming = value.reverse().rolling_mean(width, min_samples=1).reverse()  # of as many as there are
    return [
        Feature(f"{column}_share_before", rolling_mean(value, width, 1), width + 1, needs=column),
        Feature(f"{column}_share_after", _next(coming, value), needs=column),
        Feature(f"{column}_share_long", rolling_mean(value, 2 * width, 1), 2 * width + 1, needs=column),
    ]


def _price(context: Context, column: str | None) -> list[Feature]:
    """Price against its recent mean, its recent highest, and the period before."""
    price, window = pl.col(str(column)).cast(pl.Float64), context.config.frequency.level_window
    highest = price.rolling_max(window, min_samples=1).over(SERIES)
    before = lag(price, 1) if context.hidden(column) is None else pl.coalesce(lag(price, 1), price)
    return [
        Feature("price_to_mean", ratio(price, rolling_mean(price, window, 0)), window, column, column),
        Feature("price_to_high", ratio(price, highest), window, column, column),
        Feature("price_change", ratio(price, before), 1, column, column),
    ]


def _promoted(context: Context, column: str, lead: int) -> list[Feature]:
    """Sales in the same phase, and recent sales, on days with the same state of promotion as the row."""
    season, window = context.config.season, 2 * context.config.frequency.level_window
    unit, on = recent_level(context, lead), pl.col(column) > 0
    first = seasonal_lag(lead, season)
    cycles = PHASES if season < context.config.frequency.year else 2
    lags = [first + season * i for i in range(cycles)]
    alike = pl.mean_horizontal(pl.when(lag(on, k) == on).then(lag(Y, k)) for k in lags)
    with_it = rolling_mean(pl.when(on).then(Y), window, lead)
    without = rolling_mean(pl.when(~on).then(Y), window, lead)
    far = max(lags[-1], window + lead, unit.lookback)
    return [
        Feature(f"{column}_alike", alike / unit.expr, far, needs=column),
        Feature(f"{column}_lately", pl.when(on).then(with_it).otherwise(without) / unit.expr, far, needs=column),
        Feature(f"{column}_lift", ratio(with_it, without), far),
    ]
