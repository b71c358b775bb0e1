"""Series that a scenario lists: `list_series` plans one, `forecast_new` forecasts it like the one that it is like.

They take a Served and return a Listed, and Compared: rows as those of other series, baseline 0, with doubts and
sentences. A series is forecast as the other one would be with the same edits, times the launch curve at its age; its
bounds are at least as far apart as those of announced series. Nothing is stored, and forecasts of other series stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import polars as pl

from forecasting.columns import as_users_write
from forecasting.data.closures.ended import ENDED
from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.data.panel import KEY
from forecasting.errors import UserError
from forecasting.evaluation.intervals.labels import COLD_START
from forecasting.models.cold_start import forecasts_like
from forecasting.models.sources import LAUNCHED
from forecasting.planning.new_series import NewSeries, new_rows, own_values, read_new
from forecasting.planning.response.doubts import DOUBTS
from forecasting.planning.scenario import NEW, compare_forecasts
from forecasting.steps.forecasting.calibration import calibrate
from forecasting.steps.scenario.peers import beside
from forecasting.steps.scenario.worth import with_worth
from forecasting.steps.serving.online import forecast_edited
from forecasting.steps.serving.plans import EditedPlan, doubt_plan, planned_rows
from forecasting.steps.serving.served import Served, buckets_of, found_once, rows_of


@dataclass(frozen=True)
class Listed:
    """A new series, and its rows as planned: those of the series that it is like, on its days."""

    new: NewSeries
    planned: pl.DataFrame

    @property
    def like(self) -> pl.Series:
        """The id of the series that it is like."""
        return pl.Series("unique_id", [self.new.like])


@dataclass(frozen=True)
class Compared:
    """Rows of some series as those of a Scenario, with their doubts and sentences."""

    rows: pl.DataFrame
    doubts: pl.DataFrame
    warnings: tuple[str, ...]


def list_series(served: Served, edits: Sequence[Edit]) -> tuple[Listed, ...]:
    """The series that checked edits list; raises UserError for one that is there already, or twice, and where the one
    that it is like is not there, is new itself, or has ended.
    """
    known = set(served.series["unique_id"]) if edits else set()
    found = [read_new(edit, known) for edit in edits]
    names = [new.unique_id for new in found]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"new series {name}: it is listed twice")
    return tuple(_listed(served, new) for new in found)


def _listed(served: Served, new: NewSeries) -> Listed:
    like = pl.Series("unique_id", [new.like])
    published = _published(served, like)
    if published.is_empty() or (published["source"] == ENDED).all():
        raise UserError(f"new series {new.unique_id}: {new.like} is not forecast, as it has ended; name another one")
    if published["cold_start"].fill_null(value=False).any():
        raise UserError(
            f"new series {new.unique_id}: {new.like} is new itself; name one that has been sold for a while"
        )
    config = served.job.config
    statics = [c for c in config.static_columns if c in served.job.panel.schema]
    series = served.session.store.scan("series").select("unique_id", *statics).collect()
    return Listed(new, new_rows(new, planned_rows(served, like), own_values(new, series, config)))


def _published(served: Served, like: pl.Series) -> pl.DataFrame:
    return rows_of(served.published(buckets_of(served, like)), like)


def forecast_new(served: Served, listed: Listed, every: EditedPlan, edits: Sequence[Edit]) -> Compared:
    """The rows of a new series, which has its rows in the plan of `every` series."""
    new, plan = listed.new, _as_like(served, listed, every)
    plan, warnings = doubt_plan(served, plan, edits)
    as_like = _forecast(served, listed, plan, beside(served, listed.like, every))
    published = _published(served, listed.like).select("ds", planned="yhat")
    both = as_like.select("ds", "yhat", like="unique_id").join(published, on="ds")
    days = listed.planned.join(both, on="ds", how="left", maintain_order="left")
    made = _with_bounds(served, forecasts_like(_cut(served), days), as_like)
    rests = pl.DataFrame([(new.like, NEW, f"rests on {new.like}", None)], DOUBTS, orient="row")
    plan = replace(plan, doubts=pl.concat([rests, plan.doubts]))
    both = compare_forecasts(made.with_columns(yhat=0.0), made).with_columns(unique_id=pl.lit(new.like))
    name = pl.lit(new.unique_id).alias("unique_id")
    rows = with_worth(served, plan, both).with_columns(name, changed=pl.lit(value=True))
    return Compared(
        rows, plan.doubts.with_columns(name), (*map(as_users_write, _tell(served, listed, made)), *warnings)
    )


def _as_like(served: Served, listed: Listed, every: EditedPlan) -> EditedPlan:
    """The plan of the series that it is like, with what is edited of the new one."""
    planned = planned_rows(served, listed.like)
    edited = every.edited.filter(unique_id=listed.new.unique_id)
    columns = [c for c in edited.columns if c not in ("unique_id", *served.job.config.static_columns)]
    return EditedPlan(planned, planned.update(edited.select(columns), on="ds", how="left"))


def _forecast(served: Served, listed: Listed, plan: EditedPlan, market: EditedPlan) -> pl.DataFrame:
    """The forecast rows of the series that it is like with this plan, beside the plans of its market."""
    ends = ((plan.planned, market.planned), (plan.edited, market.edited))
    both = EditedPlan(*(pl.concat(rows).sort(KEY) for rows in ends))
    ids = both.planned["unique_id"].unique().sort()
    return pl.concat(list(forecast_edited(served, ids, both)), how="diagonal").filter(unique_id=listed.new.like)


def _cut(served: Served) -> Cut:
    """The cut of all series, with what it has found out about launches and the errors of new series."""
    job = served.job
    return found_once(served, "cut of new series", lambda: Cut(job.panel, served.cutoff, job.config.h, cache_bytes=0))


def _with_bounds(served: Served, rows: pl.DataFrame, as_like: pl.DataFrame) -> pl.DataFrame:
    """The rows with bounds where none could be measured, and wider where the response to an edit is uncertain, too."""
    yhat, unknown = pl.col("yhat"), dict.fromkeys(("step", "mase_scale", "rmsse_scale"), pl.lit(None, pl.Float64))
    served_by = {"model": pl.lit(served.bundle.champion), "grain": pl.lit("series"), "block": pl.lit(1, pl.Int32)}
    size = {"scale": pl.max_horizontal(yhat.abs(), 1.0), "yhat_min": pl.when(yhat >= 0).then(0.0), "closed": yhat == 0}
    given = rows.with_columns(**served_by, **unknown, **size)
    made = calibrate(given, served.bundle.quantiles, served.job.config)
    error = as_like.select("ds", _error="response_error") if "response_error" in as_like.columns else None
    if error is not None:
        made = made.join(error, on="ds", maintain_order="left").with_columns(_widened(made.columns)).drop("_error")
    return made.with_columns(pl.col("^(lo|hi)-.*$").name.prefix("difference-"))


def _widened(columns: Sequence[str]) -> list[pl.Expr]:
    """The bounds, as far from the forecast as they and the response together are uncertain."""
    found, yhat = [], pl.col("yhat")
    for name in (c for c in columns if c.startswith(("lo-", "hi-"))):
        sign = -1 if name.startswith("lo-") else 1
        own = yhat * ((sign * NormalDist().inv_cdf(0.5 + int(name[3:]) / 200) * pl.col("_error")).exp() - 1)
        away, outside = pl.col(name) - yhat, (pl.col(name) - yhat) * sign > 0
        wide = yhat + sign * (away**2 + own**2).sqrt()
        widened = pl.when(outside & (pl.col("_error") > 0)).then(wide).otherwise(name)
        found.append(pl.when(pl.col(name) >= 0).then(widened.clip(0)).otherwise(widened).alias(name))
    return found


def _tell(served: Served, listed: Listed, rows: pl.DataFrame) -> list[str]:
    """What the forecast of a new series rests on, what its groups alone would have given, and what is not known."""
    name, like = listed.new.unique_id, listed.new.like
    start = "from its first day on, as too few launches are known to learn how series start"
    if rows["source"].str.ends_with(LAUNCHED).any():
        start = f"on the launch curve of its group ({100 * rows['factor'][0]:.0f} % of it on the first day)"
    bounds = "its interval is that of an error as large as the forecast, as few series are known"
    if (rows["interval"] == COLD_START).all():
        bounds = "its interval, of series that were forecast as though they were new, holds also where they differ"
    texts = [f"{name} is new: it has the plan and the forecast of {like}, {start}; {bounds}."]
    if rows.height and not rows["suggested"].null_count():
        published = _published(served, listed.like)
        planned = rows.select("ds", "factor").join(published, on="ds").select(pl.col("yhat") * pl.col("factor")).sum()
        texts.append(
            f"its groups alone suggest {rows['suggested'].sum():,.1f} units for {name} on these days "
            f"({rows['group'][0]}), and {like} as planned {planned.item():,.1f}."
        )
    return [*texts, f"what {name} takes from the sales of other series is not known: their forecasts stay."]
