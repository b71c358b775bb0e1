"""Sales that neither the recent level, nor weekday, promotion or the day's common effect explain.

Judged on a scale u on which chance is equally wide everywhere: u(y) = 2 asinh(sqrt(f (y + 3/8))) / sqrt(f) has a
standard deviation of 1 for a negative binomial of variance m + f m^2 (Anscombe, Biometrika 35, 1948). For small y it is
the square root of counts, for large y the logarithm.
"""

from __future__ import annotations

import math

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import Outliers

SERIES, PHASE = "_series", "_phase"
"""Numbers of the series, and of the phases of the season in each: whole numbers are grouped faster than names."""
Y = pl.col("y")
U = pl.col("_u")
JUDGED = ("observed", "rounded", "below")
SPREAD = 0.01
"""The f of u: relative noise under 10 % is never called odd."""
THRESHOLDS = {"iqr": 3.0, "hampel": 5.0, "level_shift": 5.0}
"""The rules' own: quartile ranges beyond the quartiles (Tukey's far out), scaled median deviations."""
SHIFT = 3.0
"""A level has shifted when the medians before and after lie so many deviations apart."""
NORMAL_MAD, NORMAL_IQR = 1.4826, 1.349
MEMBERS = 10
"""So many series must have sold on a day to tell what the day did to all of them."""
SHARED = 0.02
"""What more than this share of the series (and 5) show on a day is an event."""
FEW, PHASES = 5, 13
CUT_PRICE = 0.9
"""A price below this share of the usual one counts as a promotion."""


def treat_outliers(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows (complete on the calendar, sorted) with outliers flagged and kept, capped or dropped by the config.

    Zeros are never outliers: closings and stock-outs are judged by other rules. With the rule level_shift a change
    that lasts is flagged on its first day, and neither it nor the history before it is an outlier.
    """
    rule = config.clean.outliers
    if rule.rule == "none":
        return rows
    judged = _explained(rows, config)
    low, high = _bounds(rule, config)
    judged = judged.with_columns(_low=low, _high=high)
    judged = judged.with_columns(_odd=(~U.is_between("_low", "_high")).fill_null(value=False))
    judged = judged.with_columns(_odd=pl.col("_odd") & ~_recurs(config))
    judged = judged.with_columns(_odd=pl.col("_odd") & ~_shared())
    shift: pl.Expr = pl.lit(value=False)
    if rule.rule == "level_shift":
        judged = judged.with_columns(_bare=U - pl.col("_expected") + pl.col("_level"))
        judged = judged.with_columns(_odd=pl.col("_odd") & ~_lasting(config), _shift=_shifts(config))
        shift = pl.col("_shift")
    return _marked(judged, rule, shift).select(rows.columns)


def _marked(judged: pl.DataFrame, rule: Outliers, shift: pl.Expr) -> pl.DataFrame:
    odd = pl.col("_odd")
    bound = _back(pl.when(U.gt(pl.col("_high"))).then("_high").otherwise("_low"))
    instead = {"keep": Y, "cap": bound, "drop": pl.lit(None, pl.Float64)}[rule.action]
    flag = pl.when(odd).then(pl.lit("outlier")).when(shift).then(pl.lit("level_shift")).otherwise("flag")
    return judged.with_columns(y=pl.when(odd).then(instead).otherwise(Y), flag=flag)


def _scaled(y: pl.Expr) -> pl.Expr:
    return (SPREAD * (y + 0.375)).sqrt().arcsinh() * (2 / math.sqrt(SPREAD))


def _back(u: pl.Expr) -> pl.Expr:
    return ((u * (math.sqrt(SPREAD) / 2)).sinh() ** 2 / SPREAD - 0.375).clip(0)


def _explained(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Adds _u, _expected, and _scale (1 or more: how far from the expected the series' sales usually lie)."""
    f, window = config.frequency, _window(config)
    judged = (Y > 0) & pl.col("flag").is_in(JUDGED)
    rows = rows.with_columns(pl.col("unique_id").rle_id().alias(SERIES), _u=pl.when(judged).then(_scaled(Y)))
    phase = pl.col(SERIES) * f.season + pl.int_range(pl.len()).over(SERIES) % f.season
    rows = rows.with_columns(phase.alias(PHASE), _push=_pushed(rows, config))
    rows = rows.with_columns(_promo=_promo_effect())
    level = _middle(U - pl.col("_promo"), window, FEW).over(SERIES)
    rows = rows.with_columns(_level=pl.coalesce(level, (U - pl.col("_promo")).median().over(SERIES)))
    season = _middle(U - pl.col("_promo") - pl.col("_level"), PHASES, FEW).over(PHASE)
    rows = rows.with_columns(_expected=pl.col("_level") + pl.col("_promo") + season.fill_null(0.0))
    rows = rows.with_columns(_expected=pl.col("_expected") + _of_the_day())
    far = (U - pl.col("_expected")).abs()
    usual, pushed = far.median().over(SERIES), far.median().over(SERIES, "_push")
    scale = NORMAL_MAD * pl.max_horizontal(usual, pl.when("_push").then(pushed))
    return rows.with_columns(_scale=pl.max_horizontal(scale, 1.0))


def _window(config: Config) -> int:
    """Periods over which the level is taken; odd, so that it has a middle."""
    asked = config.clean.outliers.window or config.frequency.windows[1]
    return asked // 2 * 2 + 1


def _middle(value: pl.Expr, window: int, least: int) -> pl.Expr:
    return value.rolling_median(window, min_samples=least, center=True)


def _pushed(rows: pl.DataFrame, config: Config) -> pl.Expr:
    """Days of a promotion or of a cut price: they are compared with each other."""
    promo, price = config.columns.promo, config.columns.price
    pushed: pl.Expr = pl.lit(value=False)
    if promo in rows.columns:
        pushed = pushed | (pl.col(str(promo)) > 0)
    if price in rows.columns:
        usual = pl.col(str(price)).rolling_median(config.frequency.level_window, min_samples=1).over(SERIES)
        pushed = pushed | (pl.col(str(price)) < CUT_PRICE * usual)
    return pushed.fill_null(value=False)


def _promo_effect() -> pl.Expr:
    """What a promotion adds to u: of the series where it had enough of them, else of all; 0 on other days."""
    on, off = U.filter("_push"), U.filter(~pl.col("_push"))
    own = (on.median() - off.median()).over(SERIES)
    often = (on.count() >= FEW).over(SERIES) & (off.count() >= FEW).over(SERIES)
    own = pl.when(often).then(own)
    return pl.when("_push").then(pl.coalesce(own, own.median(), 0.0)).otherwise(0.0)


def _of_the_day() -> pl.Expr:
    """What the day did to all series alike: the median of what is left, of series that sell more than a few units."""
    left = pl.when(pl.col("_level") > _scaled(pl.lit(3.0))).then(U - pl.col("_expected"))
    return pl.when(left.count().over("ds") >= MEMBERS).then(left.median().over("ds")).otherwise(0.0).fill_null(0.0)


def _shared() -> pl.Expr:
    """A day that was odd for many on one side was an event (a regional feast, a storm) and not an error in each."""
    side = (U - pl.col("_expected")).sign()
    many = pl.col("_odd").sum().over("ds", side)
    return (many >= FEW) & (many >= SHARED * U.count().over("ds"))


def _bounds(rule: Outliers, config: Config) -> tuple[pl.Expr, pl.Expr]:
    """What u must lie between."""
    wide = rule.threshold or THRESHOLDS[rule.rule]
    expected, scale = pl.col("_expected"), pl.col("_scale")
    if rule.rule != "iqr":
        return expected - wide * scale, expected + wide * scale
    left = (U - expected) / scale
    lower, upper = (left.quantile(q).over(SERIES) for q in (0.25, 0.75))
    range_ = pl.max_horizontal(upper - lower, NORMAL_IQR)
    return expected + scale * (lower - wide * range_), expected + scale * (upper + wide * range_)


def _recurs(config: Config) -> pl.Expr:
    """At this time of the year it was like that in another year, too."""
    f = config.frequency
    left, around = U - pl.col("_expected"), (f.windows[0] - 1) // 2 * 2 + 1
    half = 0.5 * left
    up = left.rolling_max(around, min_samples=1, center=True)
    down = left.rolling_min(around, min_samples=1, center=True)
    years = (f.year, -f.year)
    more = [(up.shift(k).over(SERIES) >= half) & (half > 0) for k in years]
    less = [(down.shift(k).over(SERIES) <= half) & (half < 0) for k in years]
    return pl.any_horizontal(*more, *less).fill_null(value=False)


def _lasting(config: Config) -> pl.Expr:
    """The days that end here, or begin, lie on the same side: a level, and no outlier."""
    days = config.frequency.windows[0]
    median = pl.col("_bare").rolling_median(days, min_samples=days // 2 + 1)
    off = (U - pl.col("_expected")).sign() / pl.col("_scale")
    near = (median.over(SERIES), median.shift(1 - days).over(SERIES))
    return pl.any_horizontal(((level - pl.col("_level")) * off >= SHIFT).fill_null(value=False) for level in near)


def _shifts(config: Config) -> pl.Expr:
    """The first day of a level that differs from the one before it; told when it has lasted for a window of days."""
    window = _window(config)
    level = pl.col("_bare").rolling_median(window, min_samples=config.frequency.windows[0]).over(SERIES)
    step = (level.shift(1 - window) - level.shift(1)).over(SERIES).abs() / pl.col("_scale")
    step = pl.when(U.is_not_null()).then(step)
    highest = step.rolling_max(2 * window + 1, min_samples=1, center=True).over(SERIES)
    before = step.rolling_max(window, min_samples=1).shift(1).over(SERIES).fill_null(0.0)
    return ((step >= SHIFT) & (step == highest) & (step > before)).fill_null(value=False)
