"""Features from past sales on the scale that models learn (but for `zeros` and `seen`, which are shares).

`history_columns` returns what past sales say as known on each day; `features` takes a Context and a Lead and returns
Features that look these up, and sales themselves, at the lead of each row; `unit` returns the scale: sales over the
recent level of the series, or, for series that wander, their change from the last value.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from forecasting.features.base import NOISE, SERIES, Context, Feature, Lead, Unit, rolling_mean
from forecasting.frequency import Frequency
from forecasting.sorted_rows import lag

Y = pl.col("y")
SHORT_LAGS = 4
"""So many of the newest usable sales are features one by one."""
PHASES = 8
"""So many seasons back the same phase is looked at, where a season is shorter than a year."""
FAR = "_mean_years"
"""The column of long_column: the mean of the last years."""
LEVEL, LAST, STEP = "_level", "_last", "_step"
"""Columns of history_columns: the recent level, and for the target CHANGE the last value, and its usual change from
period to period."""
CHANGE = "change"
"""The target of models that learn changes from the last value; see `unit`."""


def long_column(context: Context) -> pl.Expr:
    """FAR, which looks back further than other columns of what sales say, and which `history_columns` read."""
    return rolling_mean(Y, 3 * context.config.frequency.year).alias(FAR)


def yearly_columns(context: Context) -> list[pl.Expr]:
    """Those of history_columns that are looked up around the same days of earlier years, too (see _last_year)."""
    names = ("_mean_level", f"_mean_{context.config.frequency.windows[0]}")
    return [column for column in history_columns(context) if column.meta.output_name() in names]


def history_columns(context: Context) -> list[pl.Expr]:
    """Columns of what the sales up to and with each day say: LEVEL, means, deviations, and shares of zeros and gaps."""
    f = context.config.frequency
    columns = {LEVEL: _level_today(f), "_mean_level": rolling_mean(Y, f.level_window)}
    if context.target == CHANGE:
        columns |= {LAST: Y.forward_fill().over(SERIES), STEP: _usual_step(f)}
    columns |= {f"_mean_{w}": rolling_mean(Y, w) for w in f.windows}
    columns |= {f"_std_{w}": Y.rolling_std(w, min_samples=2).over(SERIES) for w in f.windows}
    columns["_zeros"] = rolling_mean((pl.col("y") == 0).cast(pl.Float64), f.level_window)
    columns["_seen"] = rolling_mean(Y.is_not_null().cast(pl.Float64), f.level_window)
    return [expr.alias(name) for name, expr in columns.items()]


def _level_today(f: Frequency) -> pl.Expr:
    """The power mean with exponent 1/2 over a quarter of days or a year of weeks or months (the mean of the last years
    where nothing was sold since): a plain mean is moved by the latest promotion more than by what sells day after day.
    It is that of the sizes |y|, and below 0 for a series whose sum over the last years is (of returns, say): in units
    of it, such a series looks like any other.
    """
    near = rolling_mean(Y.abs().sqrt(), f.unit_window) ** 2
    far = pl.col(FAR)
    signed = pl.when(far < -NOISE).then(-near).otherwise(near)
    return pl.when(near > NOISE).then(signed).when(far.abs() > NOISE).then(far)


def _usual_step(f: Frequency) -> pl.Expr:
    """The mean absolute change between values that follow each other, over the window of the level."""
    step = (Y - lag(Y, 1)).abs()
    near, far = rolling_mean(step, f.unit_window), rolling_mean(step, 3 * f.year)
    return pl.when(near > NOISE).then(near).when(far > NOISE).then(far)


def recent_level(context: Context, lead: Lead) -> Feature:
    """The recent level of the series, null when nothing was ever sold."""
    return Feature("level", lead.back(pl.col(LEVEL)), 3 * context.config.frequency.year + lead.most)


def unit(context: Context, lead: Lead) -> Unit:
    """The scale of targets and sales features, null where the series has none.

    Sales over the recent level, or for the target CHANGE sales less the last value, over the usual change from period
    to period: trees repeat what they have seen, so the level of a series that trends or wanders must not be among it.
    """
    far = 3 * context.config.frequency.year + lead.most
    if context.target == CHANGE:
        return Unit(lead.back(pl.col(STEP)), far + 1, lead.back(pl.col(LAST)))
    return Unit(recent_level(context, lead).expr, far)


def features(context: Context, lead: Lead) -> list[Feature]:
    """Lags, same-phase and rolling means, deviations, last year, rarity: from sales at least the lead of a row back."""
    scale = unit(context, lead)
    made = [*_lags(context, lead), *_rolling(context, lead), *_last_year(context, lead)]
    scaled = [Feature(f.name, scale.of(f.expr), max(f.lookback, scale.lookback)) for f in made]
    moved = _changes(context, lead) if context.target == CHANGE else []
    for f in (*_deviations(context, lead), *moved):  # differences have no zero
        scaled.append(Feature(f.name, f.expr / scale.size, max(f.lookback, scale.lookback)))
    return [*scaled, *_rarity(context, lead)]


def _changes(context: Context, lead: Lead) -> list[Feature]:
    """What the steps ahead brought a year and two years ago, and how means have moved."""
    f = context.config.frequency
    year = lead.multiple_of(f.year)
    made = []
    for i in (0, 1):
        back = year.periods + i * f.year
        brought = lead.lag_by(Y, back) - lead.lag_by(pl.col(LAST), back + lead.periods)
        made.append(Feature(f"steps_year_ago_{i + 1}", brought, year.most + i * f.year + lead.most))
    for w in f.windows:
        mean = pl.col(f"_mean_{w}")
        made.append(Feature(f"moved_{w}", lead.back(mean) - lead.back(mean, w), 2 * w + lead.most))
        made.append(Feature(f"moved_in_a_year_{w}", lead.back(mean) - lead.back(mean, f.year), w + f.year + lead.most))
    return made


def phases(context: Context, lead: Lead) -> list[Lead]:
    """The periods back to the same phase of the season: as many as are looked at, the newest first."""
    season = context.config.season
    first = lead.multiple_of(season)
    cycles = PHASES if season < context.config.frequency.year else 2
    return [replace(first, most=first.most + season * i, periods=first.periods + season * i) for i in range(cycles)]


def _lags(context: Context, lead: Lead) -> list[Feature]:
    short = [Feature(f"lag_{i}", lead.back(Y, i), lead.most + i) for i in range(SHORT_LAGS)]
    far = phases(context, lead)
    sold = [lead.lag_by(Y, phase.periods) for phase in far]
    phase = [Feature(f"season_{i}", sold[i], far[i].most) for i in range(min(4, len(far)))]
    counts = (n for n in (4, 8) if n <= len(far))
    means = [Feature(f"season_mean_{n}", pl.mean_horizontal(sold[:n]), far[n - 1].most) for n in counts]
    return [*short, *phase, *means]


def _rolling(context: Context, lead: Lead) -> list[Feature]:
    windows = context.config.frequency.windows
    return [Feature(f"mean_{w}", lead.back(pl.col(f"_mean_{w}")), w + lead.most) for w in windows]


def _deviations(context: Context, lead: Lead) -> list[Feature]:
    """Standard deviations, which have no sign, whatever that of the unit."""
    windows = context.config.frequency.windows
    sign = unit(context, lead).size.sign()
    return [Feature(f"std_{w}", lead.back(pl.col(f"_std_{w}")) * sign, w + lead.most) for w in windows]


def _last_year(context: Context, lead: Lead) -> list[Feature]:
    """The same phase a year ago, the periods around it, and the level that was the recent one a year ago (by mean)."""
    f = context.config.frequency
    width = f.windows[0]
    year = lead.multiple_of(f.year, width)
    around = lead.lag_by(pl.col(f"_mean_{width}"), year.periods - width // 2)
    level = lead.back(pl.col("_mean_level"), f.year)
    return [
        Feature("year_ago", lead.lag_by(Y, year.periods), year.most),
        Feature("year_ago_around", around, year.most + width),
        Feature("year_ago_level", level, lead.most + f.year + f.level_window),
    ]


def _rarity(context: Context, lead: Lead) -> list[Feature]:
    """How often nothing is sold, and how rarely anything is observed."""
    far = context.config.frequency.level_window + lead.most
    return [Feature(name, lead.back(pl.col(f"_{name}")), far) for name in ("zeros", "seen")]
