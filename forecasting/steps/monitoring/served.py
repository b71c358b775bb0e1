"""Forecasts that were served on request, to be scored like published ones: `served_rows` joins them to what was sold.

It takes rows of the table `predictions` and returns rows like those of `forecasts` with y, each forecast once, however
often it was asked for. Answers to changed plans are left out: what they were about has not happened.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import interval_columns
from forecasting.steps.monitoring.realised import KEY, segments
from forecasting.steps.session import Session

ROW = [*KEY, "unique_id", "ds"]


def served_rows(session: Session, since: date, sold: pl.DataFrame) -> pl.DataFrame:
    """The rows of days from `since` on of which `sold` [unique_id, ds, y] has the day, with step, block and segment."""
    config = session.config
    days = pl.col("ds").is_between(since, sold["ds"].max()), pl.col("ds") > pl.col("cutoff")
    asked = session.store.scan("predictions").filter(*days, pl.col("changes").is_null())
    numbers = ["yhat", "q50", *interval_columns(config.level)]
    # a forecast that was served before and after its vintage was published again counts as it was served last
    once = asked.group_by(ROW).agg(pl.col(numbers).sort_by("served_at", "id").last())
    rows = once.collect(engine="streaming").join(sold, on=["unique_id", "ds"])
    step = config.frequency.steps(pl.col("cutoff"), pl.col("ds"))
    known = rows.with_columns(step=step, grain=pl.lit("series")).with_columns(block=_block(config))
    return known.join(segments(session), on="unique_id", how="left").sort("cutoff", "version", "unique_id", "ds")


def roles_of_answers(session: Session, since: date) -> pl.DataFrame:
    """[cutoff, version, answered_by]: who was which, of cutoffs of which both have answered."""
    asked = session.store.scan("predictions").filter(pl.col("ds") >= since, pl.col("answered_by").is_not_null())
    roles = asked.group_by("cutoff", "version").agg(pl.col("answered_by").sort_by("served_at", "id").last())
    both = pl.col("answered_by").n_unique().over("cutoff") > 1
    return roles.filter(both).sort("cutoff", "answered_by").collect()


def _block(config: Config) -> pl.Expr:
    """The last step of the block of the horizon that a step lies in; of steps beyond the horizon its last."""
    ends = config.block_ends
    return pl.min_horizontal(pl.when(pl.col("step") <= end).then(pl.lit(end, pl.Int32)) for end in ends).fill_null(
        ends[-1]
    )
