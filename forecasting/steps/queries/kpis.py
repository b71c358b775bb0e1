"""Key figures of a job: `read_kpis` takes a Session and returns Kpis; figures that do not exist yet are None.

They are accuracy, bias and coverage of the champion in its backtest, and the volume of the next horizon.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from forecasting.steps.queries.status import read_status
from forecasting.steps.rollups import read_series_rollups
from forecasting.steps.run_log import scan_scored
from forecasting.steps.session import Session


@dataclass(frozen=True)
class YearOnYear:
    """Forecast of the next h periods and sales of the same periods a year before, over the series with both.

    `matched` of `series` series have a full year-before horizon; forecast and last_year are in units of the target.
    """

    forecast: float
    last_year: float
    matched: int
    series: int

    @property
    def share(self) -> float | None:
        """Relative change; None when last year's sum is 0."""
        return self.forecast / self.last_year - 1 if self.last_year else None


@dataclass(frozen=True)
class Kpis:
    """Scores of the champion over all reported backtest windows and all series, as shares; None where not scored.

    `ladder` is the WAPE of the best naive model, `coverage` that of the interval at `level` per cent, `total` the
    forecast of the next h periods in units of the target.
    """

    model: str | None
    wape: float | None
    ladder: float | None
    bias: float | None
    coverage: float | None
    level: int
    total: float | None
    change: YearOnYear | None


def read_kpis(session: Session) -> Kpis:
    """The key figures of the newest vintage and its champion."""
    now = read_status(session)
    scores = _read_scores(session, now.champion)
    wape, skill, level = scores.get("wape"), scores.get("skill"), min(session.config.level)
    ladder = wape / (1 - skill) if wape is not None and skill is not None and skill < 1 else None
    total, change = _sum_horizon(session)
    bias, coverage = scores.get("bias"), scores.get(f"coverage-{level}")
    return Kpis(now.champion, wape, ladder, bias, coverage, level, total, change)


def _read_scores(session: Session, model: str | None) -> dict[str, float]:
    """Metric -> value of a model over all windows, segments and horizons, for the recipe of the newest vintage."""
    overall = (pl.col("segment") == "all") & (pl.col("horizon") == "all") & pl.col("cutoff").is_null()
    rows = scan_scored(session.store, "scores").filter(overall & (pl.col("model") == pl.lit(model)))
    # the table keeps scores of earlier recipes: the vintage names the one that it was made with
    newest = session.vintages.head(1)
    of_recipe = pl.col("recipe") == str(newest["recipe"].item()) if newest.height else pl.lit(value=True)
    rows = rows.filter((pl.col("grain") == "series") & of_recipe)
    return dict(rows.select("metric", "value").collect().iter_rows())


def _sum_horizon(session: Session) -> tuple[float | None, YearOnYear | None]:
    """The total forecast of the newest vintage, and its change on a year before."""
    series = read_series_rollups(session)
    if series.is_empty():
        return None, None
    matched = series.filter(pl.col("last_year").is_not_null())
    total, forecast, before = (float(c.sum()) for c in (series["yhat"], matched["yhat"], matched["last_year"]))
    return total, YearOnYear(forecast, before, matched.height, series.height) if matched.height else None
