"""Shape of series: `measure_shape` takes rows [unique_id, ds, y] and returns strength of trend and season, wandering;
`measure_growth` returns how changes grow with the level.

Each series is taken apart into a moving average over a season, the mean of each phase, and the rest; strengths are
those of Wang, Smith & Hyndman (2006): the share of the variance that goes with the part.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config

SERIES = "unique_id"
SHORTEST, FEWEST = 2, 8
"""A series of fewer seasons tells no season, and one of fewer observations no shape."""
FEWEST_LEVELS = 4
"""With fewer levels of a series it is not estimated how its changes grow with them."""
Y, TREND, PHASE = pl.col("y"), pl.col("_trend"), pl.col("_seasonal")


def measure_growth(rows: pl.DataFrame, season: int) -> float | None:
    """The power of the level by which the change from one period to the next grows, over all series: 0 where it is the
    same at each level, 1 where it is in proportion; None where no level above 0 is known to move.

    Levels are means of seasons, counted back from the newest row.
    """
    length = max(season, 8)
    back = (pl.int_range(pl.len(), 0, -1) - 1).over(SERIES)
    parts = rows.with_columns(_part=back // length).group_by(SERIES, "_part", maintain_order=True)
    means = parts.agg(n=Y.count(), level=Y.mean(), change=Y.diff().abs().mean())
    known = means.filter(pl.col("n") * 2 > length, pl.col("level") > 0, pl.col("change") > 0)
    logs = known.select(SERIES, pl.col("level", "change").log()).filter(pl.len().over(SERIES) >= FEWEST_LEVELS)
    slopes = logs.group_by(SERIES, maintain_order=True).agg(both=pl.cov("level", "change"), level=pl.col("level").var())
    both, level = slopes.select(pl.sum("both", "level")).row(0)
    return round(float(both / level), 6) if level else None


def measure_shape(rows: pl.DataFrame, config: Config) -> dict[str, float]:
    """`trend` and `seasonality` (0 to 1) and `wandering` (see Facts), the medians of the series.

    `rows` are complete on the calendar and sorted. 0, 0 and 1 where no series is long enough.
    """
    parts = _decompose(rows, config.season)
    level = (Y - PHASE).rolling_mean(config.frequency.unit_window, min_samples=1).over(SERIES)
    coming = (Y - PHASE).shift(-config.h).over(SERIES)
    errors = parts.with_columns(_last=(coming - (Y - PHASE)).abs(), _level=(coming - level).abs())
    rest = Y - TREND - PHASE
    # the means of the phases take as many degrees of freedom as there are
    spare = pl.len() / (pl.len().cast(pl.Int64) - config.season).clip(1)
    by_series = errors.group_by(SERIES).agg(
        trend=_strength(rest, Y - PHASE),
        seasonality=(1 - spare * rest.var() / (Y - TREND).var()).clip(0, 1),
        wandering=pl.col("_last").mean() / pl.col("_level").mean(),
    )
    found = by_series.select(pl.col("trend", "seasonality", "wandering").fill_nan(None).median()).row(0, named=True)
    usual = {"trend": 0.0, "seasonality": 0.0, "wandering": 1.0}
    return {name: usual[name] if value is None else round(float(value), 6) for name, value in found.items()}


def _strength(rest: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return (1 - rest.var() / whole.var()).clip(0, 1)


def _decompose(rows: pl.DataFrame, season: int) -> pl.DataFrame:
    """The rows of series of FEWEST observations with `_trend` and `_seasonal`, in units of y; 0 without a season."""
    observed = Y.count().over(SERIES)
    width = max(season + 1 - season % 2, 5)
    smooth = Y.rolling_mean(width, min_samples=width // 2, center=True).over(SERIES)
    place = (pl.int_range(pl.len()).over(SERIES) % season).alias("_phase")
    parts = rows.filter(observed >= FEWEST).with_columns(smooth.alias("_trend"), place)
    if season == 1:
        return parts.with_columns(_seasonal=pl.lit(0.0))
    seasonal = pl.when(observed >= SHORTEST * season).then((Y - TREND).mean().over(SERIES, "_phase")).otherwise(0.0)
    return parts.with_columns(_seasonal=seasonal)
