"""Facts of a panel up to a cutoff, from which models are chosen: `count_facts` takes a Panel and a day, returns Facts.

They are counted from rows up to that day alone, cleaned as on that day: what came later changes nothing. Shares are of
observed values, lengths in periods. Filled gaps are no observations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import polars as pl

from forecasting.data.cleaning import clean_as_of_cutoff
from forecasting.data.panel import KEY, Panel
from forecasting.features import Features
from forecasting.recipe.shape import measure_growth, measure_shape

YEARS = (2, 3, 5, 8, 12, 20)
"""Years of training rows among which a recipe chooses."""
SAMPLED = 500
"""Series of which trend, season and wandering are measured."""
RARE = 0.25
"""A series with a larger share of zeros sells now and then (1.3 periods per sale, where such demand begins)."""
PARTS = 10
"""The lengths of series are summarised by so many quantiles."""


@dataclass(frozen=True)
class Facts:
    """What is known of a panel at a cutoff.

    `freq`, `h`, `season`, `windows` and `step` are the config's (periods); `series` have an observation, `rows` are
    observed, `cells` are the rows of the panel, gaps included, `recent` the observed rows by years of YEARS. `lengths`
    are quantiles of the periods from the first observation of a series to the cutoff, the least to the most, `span` the
    periods of the panel. `gaps` is the share of these periods without an observation, `zeros` and `negatives` shares of
    observed values, `rare` of series that sell now and then, `positive` of series that are above 0 throughout. `trend`
    and `seasonality` are strengths from 0 to 1 (the median series), `wandering` is the error of the last value, as a
    forecast of the horizon, over that of the recent level, `growth` the power of the level by which changes grow.
    `features`, `known_ahead` and `texts` count columns.
    """

    freq: str
    h: int
    season: int
    windows: int
    step: int
    series: int
    rows: int
    cells: int
    recent: Mapping[int, int]
    lengths: tuple[int, ...]
    span: int
    gaps: float
    zeros: float
    negatives: float
    rare: float
    positive: float
    trend: float
    seasonality: float
    wandering: float
    growth: float | None
    features: int
    known_ahead: int
    texts: int

    def to_json(self) -> dict[str, Any]:
        """The facts as a mapping that can be written as JSON."""
        recent = {str(years): rows for years, rows in self.recent.items()}
        return asdict(self) | {"recent": recent, "lengths": list(self.lengths)}


def count_facts(panel: Panel, cutoff: date) -> Facts:
    """The facts of the panel's rows up to the cutoff; no series is needed to have any."""
    config = panel.config
    counts = pl.concat([_count_series(panel, bucket, cutoff) for bucket in panel.buckets])
    seen = counts.filter(pl.col("observed") > 0).sort("total", "unique_id")
    schema = panel.scan(panel.buckets[0]).drop("bucket", strict=False).collect_schema()
    drivers = [c for c in (*config.columns.known_ahead, *config.static_columns) if c in schema]
    sums = seen.select(pl.sum("observed", "zeros", "negatives", "length", *map(_recent, YEARS))).row(0, named=True)
    observed, sampled = max(sums["observed"], 1), _sampled_rows(panel, cutoff, seen)
    return Facts(
        freq=config.freq,
        h=config.h,
        season=config.season,
        windows=config.backtest.windows,
        step=config.step,
        series=seen.height,
        rows=sums["observed"],
        cells=int(counts.select(pl.sum("cells")).item()),
        recent={years: sums[_recent(years)] for years in YEARS},
        lengths=tuple(int(seen["length"].quantile(i / PARTS) or 0) for i in range(PARTS + 1)),
        span=int(seen.select(pl.max("length").fill_null(0)).item() or 0),
        gaps=1 - observed / max(sums["length"], 1),
        zeros=sums["zeros"] / observed,
        negatives=sums["negatives"] / observed,
        rare=_share(seen, pl.col("zeros") > RARE * pl.col("observed")),
        positive=_share(seen, pl.col("least") > 0),
        **measure_shape(sampled, config),
        growth=measure_growth(sampled, config.season),
        features=len(Features(config, dict(schema), ()).names),
        known_ahead=sum(c in schema for c in config.columns.known_ahead),
        texts=sum(schema[c] == pl.String for c in drivers),
    )


def _recent(years: float) -> str:
    """The column with the observed rows of the newest years."""
    return f"recent-{years}"


def _share(series: pl.DataFrame, which: pl.Expr) -> float:
    """The share of series of which this is true; 0 without series."""
    return float(series.select(which.mean().fill_null(0.0)).item())


def _known_rows(panel: Panel, bucket: int, cutoff: date) -> pl.DataFrame:
    """The rows of a bucket up to the cutoff, as known then."""
    rows = panel.scan(bucket).drop("bucket", strict=False).filter(pl.col("ds") <= cutoff).collect()
    return clean_as_of_cutoff(rows, panel.config)


def _count_series(panel: Panel, bucket: int, cutoff: date) -> pl.DataFrame:
    """One row per series of the bucket: numbers of rows, observations, zeros and negative values, least and total y."""
    frequency, y, seen = panel.config.frequency, pl.col("y"), pl.col("y").is_not_null()
    first = pl.col("ds").filter(seen).min()
    since = {n: frequency.shift(cutoff, -frequency.training_periods(n)) for n in YEARS}
    recent = {_recent(n): (seen & (pl.col("ds") > day)).sum().cast(pl.Int64) for n, day in since.items()}
    rows = _known_rows(panel, bucket, cutoff).group_by("unique_id", maintain_order=True)
    return rows.agg(
        cells=pl.len().cast(pl.Int64),
        observed=y.count().cast(pl.Int64),
        zeros=(y == 0).sum().cast(pl.Int64),
        negatives=(y < 0).sum().cast(pl.Int64),
        least=y.min().cast(pl.Float64),
        total=y.sum().cast(pl.Float64),
        first=first,
        length=frequency.steps(first, pl.lit(cutoff)) + 1,
        **recent,
    )


def _sampled_rows(panel: Panel, cutoff: date, series: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, y]: all rows of every so many of the `series`, which are in the order of their volume."""
    chosen = series.gather_every(-(-max(series.height, 1) // SAMPLED))["unique_id"].implode()
    parts = [_known_rows(panel, b, cutoff).filter(pl.col("unique_id").is_in(chosen)) for b in panel.buckets]
    return pl.concat([part.select(*KEY, pl.col("y").cast(pl.Float64)) for part in parts]).sort(KEY)
