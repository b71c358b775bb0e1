"""Outliers: sales that neither the recent level, nor weekday, promotion or the day's common effect explain.

`treat_outliers` takes rows of the panel and returns them with y and flag of outliers set as clean.outliers says. They
are judged on a scale u on which noise has the same width everywhere (see scale).
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.config.sections import Outliers
from forecasting.data.cleaning.far_out import treat_far_out
from forecasting.data.cleaning.scale import from_scale, to_scale

SERIES, PHASE = "_series", "_phase"
"""Numbers of the series, and of the phases of the season in each: integers are grouped faster than names."""
Y = pl.col("y")
U = pl.col("_u")
JUDGED = ("observed", "rounded", "below")
THRESHOLDS = {"iqr": 3.0, "hampel": 5.0, "level_shift": 5.0}
"""Default thresholds: quartile ranges beyond the quartiles (Tukey's "far out"), scaled median deviations."""
SHIFT = 3.0
"""A level has shifted when the medians before and after lie this many deviations apart."""
NORMAL_MAD, NORMAL_IQR = 1.4826, 1.349
MIN_SERIES = 10
"""This many series must have sold on a day to estimate its common effect."""
SHARED = 0.02
"""What more than this share of the series (and at least 5) show on a day is an event."""
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
    if rule.rule == "far_out":
        return treat_far_out(rows, rule.treatment)
    judged = _add_expected(rows, config)
    low, high = _outlier_bounds(rule, config)
    judged = judged.with_columns(_low=low, _high=high)
    judged = judged.with_columns(_odd=(~U.is_between("_low", "_high")).fill_null(value=False))
    judged = judged.with_columns(_odd=pl.col("_odd") & ~_recurs_yearly(config))
    judged = judged.with_columns(_odd=pl.col("_odd") & ~_is_shared())
    shift: pl.Expr = pl.lit(value=False)
    if rule.rule == "level_shift":
        judged = judged.with_columns(_deseasonalized=U - pl.col("_expected") + pl.col("_level"))
        judged = judged.with_columns(_odd=pl.col("_odd") & ~_is_lasting(config), _shift=_is_level_shift(config))
        shift = pl.col("_shift")
    return _apply_action(judged, rule, shift).select(rows.columns)


def _apply_action(judged: pl.DataFrame, rule: Outliers, shift: pl.Expr) -> pl.DataFrame:
    """Sets y and flag of outliers and of the first days of a shifted level."""
    odd = pl.col("_odd")
    bound = from_scale(pl.when(U.gt(pl.col("_high"))).then("_high").otherwise("_low"))
    replacement = {"keep": Y, "cap": bound, "drop": pl.lit(None, pl.Float64)}[rule.treatment]
    flag = pl.when(odd).then(pl.lit("outlier")).when(shift).then(pl.lit("level_shift")).otherwise("flag")
    return judged.with_columns(y=pl.when(odd).then(replacement).otherwise(Y), flag=flag)


def _add_expected(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Adds _u, _expected, and _scale (at least 1): how far from the expected the sales of a series usually lie."""
    f, window = config.frequency, _window(config)
    judged = (Y > 0) & pl.col("flag").is_in(JUDGED)
    rows = rows.with_columns(pl.col("unique_id").rle_id().alias(SERIES), _u=pl.when(judged).then(to_scale(Y)))
    phase = pl.col(SERIES) * f.season + pl.int_range(pl.len()).over(SERIES) % f.season
    rows = rows.with_columns(phase.alias(PHASE), _promoted=_is_promoted(rows, config))
    rows = rows.with_columns(_promo=_promo_effect())
    level = _centred_median(U - pl.col("_promo"), window, FEW).over(SERIES)
    rows = rows.with_columns(_level=pl.coalesce(level, (U - pl.col("_promo")).median().over(SERIES)))
    season = _centred_median(U - pl.col("_promo") - pl.col("_level"), PHASES, FEW).over(PHASE)
    rows = rows.with_columns(_expected=pl.col("_level") + pl.col("_promo") + season.fill_null(0.0))
    rows = rows.with_columns(_expected=pl.col("_expected") + _common_day_effect())
    deviation = (U - pl.col("_expected")).abs()
    usual, promoted = deviation.median().over(SERIES), deviation.median().over(SERIES, "_promoted")
    scale = NORMAL_MAD * pl.max_horizontal(usual, pl.when("_promoted").then(promoted))
    return rows.with_columns(_scale=pl.max_horizontal(scale, 1.0))


def _window(config: Config) -> int:
    """Periods over which the level is taken; odd, so that it has a middle."""
    window = config.clean.outliers.window or config.frequency.windows[1]
    return window // 2 * 2 + 1


def _centred_median(value: pl.Expr, window: int, least: int) -> pl.Expr:
    return value.rolling_median(window, min_samples=least, center=True)


def _is_promoted(rows: pl.DataFrame, config: Config) -> pl.Expr:
    """Whether it is a day of a promotion or of a cut price: such days are compared with each other."""
    promo, price = config.columns.promo, config.columns.price
    promoted: pl.Expr = pl.lit(value=False)
    if promo in rows.columns:
        promoted = promoted | (pl.col(str(promo)) > 0)
    if price in rows.columns:
        usual = pl.col(str(price)).rolling_median(config.frequency.level_window, min_samples=1).over(SERIES)
        promoted = promoted | (pl.col(str(price)) < CUT_PRICE * usual)
    return promoted.fill_null(value=False)


def _promo_effect() -> pl.Expr:
    """What a promotion adds to u, estimated per series where it had enough of them, else over all; 0 on other days."""
    on, off = U.filter("_promoted"), U.filter(~pl.col("_promoted"))
    effect = (on.median() - off.median()).over(SERIES)
    often = (on.count() >= FEW).over(SERIES) & (off.count() >= FEW).over(SERIES)
    effect = pl.when(often).then(effect)
    return pl.when("_promoted").then(pl.coalesce(effect, effect.median(), 0.0)).otherwise(0.0)


def _common_day_effect() -> pl.Expr:
    """The common effect of a day: the median residual of the series that sell more than a few units."""
    residual = pl.when(pl.col("_level") > to_scale(pl.lit(3.0))).then(U - pl.col("_expected"))
    return (
        pl.when(residual.count().over("ds") >= MIN_SERIES)
        .then(residual.median().over("ds"))
        .otherwise(0.0)
        .fill_null(0.0)
    )


def _is_shared() -> pl.Expr:
    """Whether many series deviate to the same side on the day: an event (a regional feast, a storm), not errors."""
    side = (U - pl.col("_expected")).sign()
    many = pl.col("_odd").sum().over("ds", side)
    return (many >= FEW) & (many >= SHARED * U.count().over("ds"))


def _outlier_bounds(rule: Outliers, config: Config) -> tuple[pl.Expr, pl.Expr]:
    """The bounds beyond which u is an outlier."""
    threshold = rule.threshold or THRESHOLDS[rule.rule]
    expected, scale = pl.col("_expected"), pl.col("_scale")
    if rule.rule != "iqr":
        return expected - threshold * scale, expected + threshold * scale
    residual = (U - expected) / scale
    lower, upper = (residual.quantile(q).over(SERIES) for q in (0.25, 0.75))
    range_ = pl.max_horizontal(upper - lower, NORMAL_IQR)
    return expected + scale * (lower - threshold * range_), expected + scale * (upper + threshold * range_)


def _recurs_yearly(config: Config) -> pl.Expr:
    """Whether the sales deviated likewise at the same time of another year."""
    f = config.frequency
    residual, window = U - pl.col("_expected"), (f.windows[0] - 1) // 2 * 2 + 1
    half = 0.5 * residual
    up = residual.rolling_max(window, min_samples=1, center=True)
    down = residual.rolling_min(window, min_samples=1, center=True)
    years = (f.year, -f.year)
    more = [(up.shift(k).over(SERIES) >= half) & (half > 0) for k in years]
    less = [(down.shift(k).over(SERIES) <= half) & (half < 0) for k in years]
    return pl.any_horizontal(*more, *less).fill_null(value=False)


def _is_lasting(config: Config) -> pl.Expr:
    """Whether the days that end or begin here deviate to the same side: then it is a level and no outlier."""
    days = config.frequency.windows[0]
    median = pl.col("_deseasonalized").rolling_median(days, min_samples=days // 2 + 1)
    direction = (U - pl.col("_expected")).sign() / pl.col("_scale")
    levels = (median.over(SERIES), median.shift(1 - days).over(SERIES))
    return pl.any_horizontal(((one - pl.col("_level")) * direction >= SHIFT).fill_null(value=False) for one in levels)


def _is_level_shift(config: Config) -> pl.Expr:
    """Whether a new level begins on the day; it is found once the level has lasted for a window of days."""
    window = _window(config)
    level = pl.col("_deseasonalized").rolling_median(window, min_samples=config.frequency.windows[0]).over(SERIES)
    step = (level.shift(1 - window) - level.shift(1)).over(SERIES).abs() / pl.col("_scale")
    step = pl.when(U.is_not_null()).then(step)
    highest = step.rolling_max(2 * window + 1, min_samples=1, center=True).over(SERIES)
    before = step.rolling_max(window, min_samples=1).shift(1).over(SERIES).fill_null(0.0)
    return ((step >= SHIFT) & (step == highest) & (step > before)).fill_null(value=False)
