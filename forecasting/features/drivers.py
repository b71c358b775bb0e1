"""Features from numeric known-ahead columns: values before, now and after; price against its past; sales by promotion.

`history_columns` returns what is computed once for all rows; `features` takes a Context and a Lead (sales are read at
least so many periods back) and returns Features; the columns themselves are read on coming days, too, for their values
are known.
"""

from __future__ import annotations

import polars as pl

from forecasting.features.base import SERIES, Context, Feature, Lead, ratio, rolling_mean
from forecasting.features.sales import Y, phases, unit
from forecasting.sorted_rows import lag


def history_columns(context: Context) -> list[pl.Expr]:
    """Columns of runs of flags, the usual and the highest price, and sales with and without promotion, by day."""
    roles = context.config.columns
    columns: dict[str, pl.Expr] = {}
    for flag in _flags(context):
        columns |= _runs(context, flag)
    if context.numeric(roles.price):
        price, window = pl.col(str(roles.price)).cast(pl.Float64), context.config.frequency.level_window
        columns["_price_mean"] = rolling_mean(price, window)
        columns["_price_high"] = price.rolling_max(window, min_samples=1).over(SERIES)
    if context.numeric(roles.promo):
        on, window = pl.col(str(roles.promo)) > 0, 2 * context.config.frequency.level_window
        columns["_with_promo"] = rolling_mean(pl.when(on).then(Y), window)
        columns["_without_promo"] = rolling_mean(pl.when(~on).then(Y), window)
    return [expr.alias(name) for name, expr in columns.items()]


def _flags(context: Context) -> list[str]:
    """The columns of promotions and open days that are numbers."""
    roles = context.config.columns
    return [str(c) for c in (roles.promo, roles.open) if context.numeric(c)]


def features(context: Context, lead: Lead) -> list[Feature]:
    """Known-ahead columns on the day and around it, and past sales under the same promotion (`lead` periods back)."""
    roles = context.config.columns
    ahead = [c for c in roles.known_ahead if context.numeric(c)]
    around = [f for c in ahead for f in _around(context, c, lead)]
    width = context.config.frequency.windows[0]
    reach = {"share_before": width + 1, "share_after": 0, "share_long": 2 * width + 1}
    runs = [Feature(f"{c}_{n}", pl.col(f"_{c}_{n}"), far, needs=c) for c in _flags(context) for n, far in reach.items()]
    priced = _price(context, roles.price, lead) if context.numeric(roles.price) else []
    promoted = _promoted(context, str(roles.promo), lead) if context.numeric(roles.promo) else []
    return [*around, *runs, *priced, *promoted]


def _around(context: Context, column: str, lead: Lead) -> list[Feature]:
    """The value on the day, the day before and the day after. Where a neighbour is hidden, it is as it is now."""
    value, hidden = pl.col(column).cast(pl.Float64), context.hidden(column)
    before, after = lead.here(lag(value, 1)), lead.here(_next(value, value))
    if hidden is not None:
        before = pl.coalesce(before, value)
        soon = lead.here(lag(hidden, -1).fill_null(value=False))
        after = pl.when(soon).then(value).otherwise(after)
    return [
        Feature(column, value, 0, column, column),
        Feature(f"{column}_before", before, 1, column, column),
        Feature(f"{column}_after", after, 0, column, column),
    ]


def _next(value: pl.Expr, now: pl.Expr) -> pl.Expr:
    """The value of the next period; in the last one, whose next is unknown, the value stays as it is `now`.

    A null there would be one that no training row has had: boosters take it for a price of 0.
    """
    goes_on = pl.col(SERIES) == pl.col(SERIES).shift(-1)
    return pl.when(goes_on).then(value.shift(-1)).otherwise(now)


def _runs(context: Context, column: str) -> dict[str, pl.Expr]:
    """How much of the period before and after (a week of days, four weeks, three months) the flag was up."""
    value, width = pl.col(column).cast(pl.Float64), context.config.frequency.windows[0]
    coming = value.reverse().rolling_mean(width, min_samples=1).reverse().over(SERIES)  # of as many as there are
    return {
        f"_{column}_share_before": rolling_mean(value, width, 1),
        f"_{column}_share_after": _next(coming, value),
        f"_{column}_share_long": rolling_mean(value, 2 * width, 1),
    }


def _price(context: Context, column: str | None, lead: Lead) -> list[Feature]:
    """Price against its recent mean, its recent highest, and the period before."""
    price, window = pl.col(str(column)).cast(pl.Float64), context.config.frequency.level_window
    before = lead.here(lag(price, 1))
    before = before if context.hidden(column) is None else pl.coalesce(before, price)
    return [
        Feature("price_to_mean", ratio(price, pl.col("_price_mean")), window, column, column),
        Feature("price_to_high", ratio(price, pl.col("_price_high")), window, column, column),
        Feature("price_change", ratio(price, before), 1, column, column),
    ]


def _promoted(context: Context, column: str, lead: Lead) -> list[Feature]:
    """Sales in the same phase, and recent sales, on days with the same state of promotion as the row."""
    window, lags = 2 * context.config.frequency.level_window, phases(context, lead)
    scale, on = unit(context, lead), pl.col(column) > 0
    alike = pl.mean_horizontal(pl.when(k.lag_by(on, k.periods) == on).then(k.lag_by(Y, k.periods)) for k in lags)
    with_it, without = lead.back(pl.col("_with_promo")), lead.back(pl.col("_without_promo"))
    far = max(lags[-1].most, window + lead.most, scale.lookback)
    return [
        Feature(f"{column}_alike", scale.of(alike), far, needs=column),
        Feature(f"{column}_lately", scale.of(pl.when(on).then(with_it).otherwise(without)), far, needs=column),
        Feature(f"{column}_lift", ratio(with_it, without), far),
    ]
