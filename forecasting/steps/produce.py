"""The one way from fitted models to forecast rows: backtests, nightly vintages and scenarios all go it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from forecasting import models
from forecasting.config import Config
from forecasting.data.aggregates import aggregate_cut
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, Panel, is_closed
from forecasting.data.schemas import AGGREGATE_BUCKET
from forecasting.evaluation import ensemble_weights, intervals
from forecasting.evaluation.metrics import naive_error_scales
from forecasting.evaluation.segments import demand_segments
from forecasting.features.groups import grain, group_label
from forecasting.models import cold_start, guards
from forecasting.models.base import Fitted, Model
from forecasting.models.ensemble import Weights
from forecasting.services import log
from forecasting.steps import reconciled

NO_PAST = pl.DataFrame(
    schema=dict.fromkeys(("unique_id", "model", "grain", "source"), pl.String)
    | dict.fromkeys(("ds", "cutoff"), pl.Date)
    | dict.fromkeys(("y", "yhat", "scale", "mase_scale", "rmsse_scale"), pl.Float64)
    | {"step": pl.Int32, "block": pl.Int32, "closed": pl.Boolean}
)
"""Backtest rows where there are none yet."""


@dataclass(frozen=True)
class Origin:
    """A cutoff as the models see it: the cut through the series and the one through their aggregates."""

    cut: Cut
    aggregated: Cut

    @property
    def config(self) -> Config:
        return self.cut.config

    def of(self, on: str) -> Cut:
        return self.aggregated if on == "aggregates" else self.cut


@dataclass(frozen=True)
class Trained:
    """Fitted models by name, what each is fitted on, and the seconds that it took."""

    fitted: dict[str, Fitted]
    on: dict[str, str]
    seconds: dict[str, float]

    def only(self, name: str) -> Trained:
        """The one model, and those whose forecasts it is made of, before it."""
        below = [self.only(member) for member in models.members(self.fitted[name])]
        kept = {n: f for part in below for n, f in part.fitted.items()} | {name: self.fitted[name]}
        return Trained(kept, {n: self.on[n] for n in kept}, {})

    def failures(self) -> list[dict[str, str]]:
        """model, unique_id and reason of every series that a fallback answers."""
        return [{"model": name} | row for name, f in self.fitted.items() for row in f.failures.iter_rows(named=True)]


def origin(cut: Cut) -> Origin:
    """The cut and its aggregates by the levels of the config."""
    return Origin(cut, aggregate_cut(cut, cut.config.levels_of_aggregation))


def train(recipe: Iterable[Model], at: Origin, past: pl.DataFrame) -> Trained:
    """Fit every model on what is known at the cutoff; `past` are backtest rows, from which weights are learned."""
    done = Trained({}, {}, {})
    for model in recipe:
        started = time.perf_counter()
        with log.step("fit", model=model.name, cutoff=str(at.cut.cutoff)):
            done.fitted[model.name] = models.fit(model, at.of(model.on), done.fitted, _find(model, past, at))
        done.on[model.name] = model.on
        done.seconds[model.name] = round(time.perf_counter() - started, 2)
    return done


def _find(model: Model, past: pl.DataFrame, at: Origin) -> models.Find:
    """How a model that stands on others finds in `past` what it needs of them."""
    if model.family == "reconcile":
        return partial(reconciled.variances, past, at)
    return partial(learned, past, at.of(model.on))


def learned(past: pl.DataFrame, cut: Cut, members: Sequence[str]) -> Weights:
    """Weights of members by segment (demand class and volume), from those rows of `past` that were over by the cut."""
    history = pl.concat([_sold(cut, bucket) for bucket in cut.panel.buckets])
    homes = demand_segments(history).select("unique_id", segment=pl.format("{}/{}", "segment", "volume"))
    over = past.filter(pl.col("ds").max().over("cutoff") <= cut.cutoff).join(homes, on="unique_id", how="semi")
    return Weights(ensemble_weights.fit_weights(over, homes, members), homes)


def _sold(cut: Cut, bucket: int) -> pl.DataFrame:
    return cut.frame(bucket).filter(pl.col("ds") <= cut.cutoff).select(*KEY, "y")


def forecasts(trained: Trained, at: Origin, truth: pl.DataFrame | None = None) -> Iterator[pl.DataFrame]:
    """Rows of the table `forecasts` without bounds, bucket by bucket, then those that reconcile all buckets, the
    aggregates last (bucket -1).

    Beside the table's columns: own bounds of models that have some, `scale` (the size of an error to expect) and
    mase_scale, rmsse_scale. With `truth` (unique_id, ds, y), y is joined and sums are over rows with an observed y.
    """
    sums, known, below = [], [], []
    for bucket in at.cut.panel.buckets:
        rows = of_bucket(trained, at.cut, bucket)
        if truth is not None:
            rows = rows.join(truth, on=KEY, how="left")
        known.append(_homes(at.cut.frame(bucket), at.config))
        sums.append(_summed(rows, known[-1]))
        below.append(reconciled.bases(trained, rows))
        yield rows.with_columns(grain=pl.lit("series"))
    own, every = _said(trained, "aggregates", at.aggregated, 0, at.aggregated.frame(0)), pl.concat(known)
    groups = every.unpivot(index="unique_id", value_name="group").drop("variable")
    for rows in reconciled.rows(trained, at, pl.concat(below, how="diagonal"), own, groups):
        sums.append(_summed(rows, every))
        yield rows.with_columns(_scale(), grain=pl.lit("series"))
    yield _aggregates(own, at, pl.concat(sums))


def of_bucket(trained: Trained, cut: Cut, bucket: int) -> pl.DataFrame:
    """What all models of single series say about a bucket, with cutoff, step, block, closed and the scales."""
    frame = cut.frame(bucket)
    return _dressed(_said(trained, "series", cut, bucket, frame), frame, cut, bucket)


def _said(trained: Trained, on: str, cut: Cut, bucket: int, frame: pl.DataFrame) -> pl.DataFrame:
    """What all models that are fitted on `on` say about a bucket and its frame, held within what its series allow."""
    said: dict[str, pl.DataFrame] = {}
    most = guards.caps(cut, frame)
    for name, fitted in trained.fitted.items():
        if trained.on[name] == on:
            said[name] = guards.capped(models.predict(fitted, cut, bucket, said), most)
    rows = [frame.with_columns(model=pl.lit(name)) for name, frame in said.items()]
    empty = {"unique_id": pl.String, "ds": pl.Date, "yhat": pl.Float64, "source": pl.String, "model": pl.String}
    return pl.concat([pl.DataFrame(schema=empty), *rows], how="diagonal")


def _dressed(said: pl.DataFrame, frame: pl.DataFrame, cut: Cut, bucket: int) -> pl.DataFrame:
    """Rows with cutoff, step, block, closed, bucket and the scales of their series."""
    config = cut.config
    measured = _measured(frame.filter(pl.col("ds") <= cut.cutoff), cut)
    closed = frame.filter(pl.col("ds") > cut.cutoff).select(*KEY, closed=is_closed(config))
    block_of = {step: next(e for e in config.block_ends if step <= e) for step in range(1, config.h + 1)}
    rows = said.join(closed, on=KEY, how="left").join(measured, on="unique_id", how="left")
    rows = rows.with_columns(cutoff=pl.lit(cut.cutoff), bucket=pl.lit(bucket, pl.Int32))
    rows = rows.with_columns(step=config.frequency.steps(pl.col("cutoff"), pl.col("ds")))
    block = pl.col("step").replace_strict(block_of, return_dtype=pl.Int32)
    return cold_start.bounded(cut, frame, rows.with_columns(_scale(), block=block))


def _measured(history: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    """Per series the scales of errors over its whole history, and what it moved in the last year."""
    config = cut.config
    since = config.frequency.shift(cut.cutoff, -config.frequency.year - config.season)
    every, near = (naive_error_scales(rows, config.season) for rows in (history, history.filter(pl.col("ds") > since)))
    return every.drop("mean").join(intervals.series_scales(every, near), on="unique_id")


def _scale() -> pl.Expr:
    """The size of an error to expect."""
    # where only like series tell, the level itself is in doubt
    return (
        pl.when(cold_start.is_like())
        .then(pl.max_horizontal("yhat", 1.0))
        .otherwise(intervals.expected_error())
        .alias("scale")
    )


def homes(at: Origin) -> pl.DataFrame:
    """unique_id, and for every grain the aggregate that the series belongs to, of all series."""
    return pl.concat([_homes(at.cut.frame(bucket), at.config) for bucket in at.cut.panel.buckets])


def _homes(frame: pl.DataFrame, config: Config) -> pl.DataFrame:
    """unique_id, and for every grain the aggregate that the series belongs to."""
    names = [group_label(level).alias(grain(level)) for level in config.levels_of_aggregation]
    return frame.group_by("unique_id").last().select("unique_id", *names)


def _summed(rows: pl.DataFrame, homes: pl.DataFrame) -> pl.DataFrame:
    """A part's share of every aggregate: sums of yhat by grain, group, ds and model, and of y where it is there."""
    values = [c for c in ("yhat", "y") if c in rows.columns]
    parts = rows.drop_nulls(values).join(homes, on="unique_id")
    added = [pl.col(values).sum()]
    made = [
        parts.group_by(pl.col(g).alias("unique_id"), "ds", "model").agg(added).with_columns(grain=pl.lit(g))
        for g in homes.columns[1:]
    ]
    return pl.concat(made)


def _aggregates(own: pl.DataFrame, at: Origin, sums: pl.DataFrame) -> pl.DataFrame:
    """Forecasts of the aggregates: the sums of their series, and what models fitted on aggregates say, `own`."""
    columns = [c for c in ("yhat", "y") if c in sums.columns]
    below = sums.group_by("grain", "unique_id", "ds", "model").agg(pl.col(columns).sum())
    rows = pl.concat(
        [below.drop("grain", "y", strict=False).with_columns(source=pl.lit("sum of series")), own], how="diagonal"
    )
    rows = rows.join(below.select("unique_id", "grain").unique(), on="unique_id")
    if "y" in columns:
        rows = rows.join(below.select(*KEY, "y").unique(KEY), on=KEY, how="left")
    rows = _dressed(rows, at.aggregated.frame(0), at.aggregated, AGGREGATE_BUCKET)
    return rows.sort("grain", "model", *KEY)


def actuals(panel: Panel, first: date, last: date) -> pl.DataFrame:
    """unique_id, ds, y of the days in between that were observed (closed days are not: nothing could be sold).

    What was capped or dropped as an outlier was sold nevertheless: forecasts are judged on it.
    """
    days = pl.col("ds").is_between(first, last)
    sold = pl.when(pl.col("flag") == "outlier").then("y_raw").otherwise("y").alias("y")
    parts = pl.collect_all([panel.scan(b).filter(days).select(*KEY, sold) for b in panel.buckets])
    return pl.concat(parts).drop_nulls("y")
