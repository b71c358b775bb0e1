"""Past forecasts against what was sold: `score_past` scores each vintage by segment and lag, `past_rows` returns rows.

A vintage is a forecast of one cutoff and version: published, made by a challenger, or served on request. Scores are
rows of the table `realised`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import polars as pl

from forecasting.evaluation.damage import tracking_signals
from forecasting.evaluation.metrics import reported_metrics, score, scored_rows
from forecasting.evaluation.scores import block_labels
from forecasting.steps.session import Session

KEY = ["cutoff", "version", "model"]
EVERYTHING = "all"
PARTS = ("segment", "horizon")


def past_rows(session: Session, vintages: pl.DataFrame, forecasts: pl.LazyFrame, sold: pl.DataFrame) -> pl.DataFrame:
    """The rows of the vintages' champion models of which `sold` [unique_id, ds, y] has the day, with their segment.

    `forecasts` are rows of `forecasts`. The segment is the demand class of the series, null where it has none.
    """
    if vintages.is_empty() or sold.is_empty():
        return session.store.tables["forecasts"].empty().with_columns(y=pl.lit(None, pl.Float64), segment=pl.lit(""))
    days = pl.col("ds").is_between(sold["ds"].min(), sold["ds"].max())
    of_series = forecasts.filter(pl.col("grain") == "series", days)
    of_series = of_series.filter(pl.col("cutoff").is_in(vintages["cutoff"].unique().to_list()))
    champions = vintages.select("cutoff", "version", model="champion")
    rows = of_series.collect().join(champions, on=KEY, how="semi").join(sold, on=["unique_id", "ds"])
    return rows.join(segments(session), on="unique_id", how="left").sort("cutoff", "version", "unique_id", "ds")


def segments(session: Session) -> pl.DataFrame:
    """[unique_id, segment]: the demand class of each series."""
    return session.store.scan("series").select("unique_id", segment="demand_class").collect()


def score_past(session: Session, rows: pl.DataFrame, origin: str) -> pl.DataFrame:
    """Rows of the table `realised` for these past rows: every metric by vintage, segment and block of the horizon."""
    if rows.is_empty():
        return session.store.tables["realised"].empty()
    scaled = rows.join(block_labels(rows), on=["grain", "block"], how="left").with_columns(
        # no MASE and RMSSE: their error scales are those of each vintage's cutoff, and need a pass over the history
        pl.lit(None, pl.Float64).alias(scale)
        for scale in ("mase_scale", "rmsse_scale")
    )
    cells = [_score_cell(scaled, parts) for parts in product((True, False), repeat=len(PARTS))]
    known = pl.concat(cells).filter(pl.col("value").is_finite(), ~pl.col("metric").str.ends_with("_excluded"))
    through = scaled.group_by(KEY).agg(through=pl.col("ds").max())
    scores = known.join(through, on=KEY).with_columns(origin=pl.lit(origin))
    return scores.select(session.store.tables["realised"].schema.names())


def _score_cell(rows: pl.DataFrame, kept: Sequence[bool]) -> pl.DataFrame:
    """Scores with the parts that are kept as they are, and all values together of the others."""
    names = [name for name, keep in zip(PARTS, kept, strict=True) if keep]
    together = [pl.lit(EVERYTHING).alias(name) for name in PARTS if name not in names]
    by, kept_rows = [*KEY, *names], scored_rows(rows.drop_nulls(names))
    signals = tracking_signals(kept_rows, by).unpivot(index=by, variable_name="metric", value_name="value")
    scored = pl.concat([score(kept_rows, by), signals.drop_nulls("value")]).with_columns(together)
    return scored.select(*KEY, *PARTS, "metric", "value")


def overall(scores: pl.DataFrame, origin: str) -> list[dict[str, Any]]:
    """One row of scores per vintage of an origin, over all segments and lags: [cutoff, version, model, n, ...]."""
    whole = scores.filter(pl.col("origin") == origin, *(pl.col(part) == EVERYTHING for part in PARTS))
    if whole.is_empty():
        return []
    wide = whole.sort("cutoff", "version").pivot("metric", index=KEY, values="value")
    metrics = [c for c in ("n", *reported_metrics(wide.columns)) if c in wide.columns]
    return wide.select(pl.col("cutoff").cast(pl.String), "version", "model", *metrics).to_dicts()
