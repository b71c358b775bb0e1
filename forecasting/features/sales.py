"""Features from past sales, in units of the recent level of the series (but for `zeros` and `seen`, which are shares).

`features` takes a Context and the lead and returns Features that read sales at least `lead` periods back;
`recent_level` returns the unit itself, as a Feature.
"""

from __future__ import annotations

import polars as pl

from forecasting.features.base import NOISE, SERIES, Context, Feature, lag, rolling_mean, seasonal_lag

Y = pl.col("y")
SHORT_LAGS = 4
"""So many of the newest usable sales are features one by one."""
PHASES = 8
"""So many seasons back the same phase is looked at, where a season is shorter than a year."""


def recent_level(context: Context, lead: int) -> Feature:
    """The recent level of the series, the unit of targets and sales features, null when nothing was ever sold.

    The power mean with exponent 1/2 over a quarter of days or a year of weeks or months (the mean of the last years
    where nothing was sold since): a plain mean is moved by the latest promotion more than by what sells day after day.
    It is that of the sizes |y|, and below 0 for a series whose sum over the last years is (of returns, say): in units
    of it, such a series looks like any other.
    """
    f = context.config.frequency
    near = rolling_mean(Y.abs().sqrt(), f.unit_window, lead) ** 2
    far = rolling_mean(Y, 3 * f.year, lead)
    signed = pl.when(far < -NOISE).then(-near).otherwise(near)
    expr = pl.when(near > NOISE).then(signed).when(far.abs() > NOISE).then(far)
    return Feature("level", expr, 3 * f.year + lead)


def features(context: Context, lead: int) -> list[Feature]:
    """Lags, same-phase and rolling means, deviations, last year, rarity: from sales at least `lead` periods back."""
    unit = recent_level(context, lead)
    made = [*_lags(context, lead), *_rolling(context, lead), *_last_year(context, lead)]
    scaled = [Feature(f.name, _in_units(f, unit), max(f.lookback, unit.lookback)) for f in made]
    return [*scaled, *_rarity(context, lead)]


def _in_units(feature: Feature, unit: Feature) -> pl.Expr:
    """The feature over the unit; a deviation has no sign, whatever that of the unit."""
    scaled = feature.expr / unit.expr
    return scaled.abs() if feature.name.startswith("std_") else scaled


def _lags(context: Context, lead: int) -> list[Feature]:
    season = context.config.season
    first = seasonal_lag(lead, season)
    short = [Feature(f"lag_{i}", lag(Y, lead + i), lead + i) for i in range(SHORT_LAGS)]
    cycles = PHASES if season < context.config.frequency.year else 2
    far = [first + season * i for i in range(cycles)]
    phase = [Feature(f"season_{i}", lag(Y, k), k) for i, k in enumerate(far[:4])]
    means = [
        Feature(f"season_mean_{n}", pl.mean_horizontal(lag(Y, k) for k in far[:n]), far[n - 1])
        for n in (4, 8)
        if n <= cycles
    ]
    return [*short, *phase, *means]


def _rolling(context: Context, lead: int) -> list[Feature]:
    windows = context.config.frequency.windows
    means = [Feature(f"mean_{w}", rolling_mean(Y, w, lead), w + lead) for w in windows]
    stds = [Feature(f"std_{w}", Y.rolling_std(w, min_samples=2).shift(lead).over(SERIES), w + lead) for w in windows]
    return [*means, *stds]


def _last_year(context: Context, lead: int) -> list[Feature]:
    """The same phase a year ago, the periods around it, and the level that was the recent one a year ago (by mean)."""
    f = context.config.frequency
    width = f.windows[0]
    year = f.year * -(-(lead + width) // f.year)
    return [
        Feature("year_ago", lag(Y, year), year),
        Feature("year_ago_around", rolling_mean(Y, width, year - width // 2), year + width),
        Feature("year_ago_level", rolling_mean(Y, f.level_window, lead + f.year), lead + f.year + f.level_window),
    ]


def _rarity(context: Context, lead: int) -> list[Feature]:
    """How often nothing is sold, and how rarely anything is observed."""
    window = context.config.frequency.level_window
    zero = rolling_mean((pl.col("y") == 0).cast(pl.Float64), window, lead)
    seen = rolling_mean(Y.is_not_null().cast(pl.Float64), window, lead)
    return [Feature("zeros", zero, window + lead), Feature("seen", seen, window + lead)]
