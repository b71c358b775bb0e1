"""Why a forecast is what it is: `explain` takes a Session and a SeriesFilter and returns an Explanation.

Its rows are published forecasts of the champion with one column per component, in units, which add up to the forecast.
They come from the decomposition of the history and the response to price and promotion: what sales have gone with. What
the model forecasts beyond is the rest, and what it answers itself to both (see levers) stands beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.columns import as_users_write
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.errors import UserError
from forecasting.models.base import Fitted
from forecasting.models.ensemble import FittedEnsemble
from forecasting.models.lightgbm import FittedLightGBM
from forecasting.models.reconcile import FittedReconcile
from forecasting.models.shares import member_shares
from forecasting.models.stats.model import FittedStats
from forecasting.planning.decomposition import EFFECTS, Pooled, decompose, read_design
from forecasting.planning.explain import ANSWERS, COMPONENTS, combine, split, tell
from forecasting.steps.explaining.levers import lever_steps, of_series
from forecasting.steps.explaining.response import with_response
from forecasting.steps.explaining.vintage import Prepared, newest_vintage, prepare
from forecasting.steps.forecasting.training import Trained
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.session import Session

EVERY = SeriesFilter()
ENOUGH = 1e-6
"""A forecast that is made again may differ from the published one by so much of its size, and no more."""


@dataclass(frozen=True)
class Explanation:
    """What is behind the forecasts of some series.

    `rows` [unique_id, ds, yhat, COMPONENTS ..., ANSWERS ..., first_price]: one row per series and period, in units of
    y; components add up to yhat. `sentence` says it of all of them together, `warnings` what does not fit.
    """

    rows: pl.DataFrame
    sentence: str
    warnings: tuple[str, ...] = ()


def explain(
    session: Session,
    series: SeriesFilter = EVERY,
    days: tuple[date, date] | None = None,
    cutoff: date | None = None,
) -> Explanation:
    """The contributions behind the champion's published forecasts of `series` on the days first..last (None: all).

    The vintage is the newest one (of `cutoff`). Raises UserError without a published forecast, without such a series,
    and for days that the forecast does not cover.
    """
    prepared = prepare(session, *newest_vintage(session, cutoff))
    cut = prepared.select(series)
    trained = prepared.bundle.trained.only(explained_model(prepared))
    parts, prices = contributions(trained, cut, prepared.pooled, prepared.bundle.levers)
    rows, warnings = _of_published(parts, prepared.published(cut), prepared)
    rows = rows.join(prices, on="unique_id", how="left", maintain_order="left")
    prepared.keep(cut)
    if days:
        rows = rows.filter(pl.col("ds").is_between(*days))
        if rows.is_empty():
            raise UserError(
                f"dates {days[0]} to {days[1]}: the forecast covers {cut.cutoff} to {cut.end}; choose days within"
            )
    return Explanation(rows, _sentence(rows), tuple(map(as_users_write, warnings)))


def contributions(
    trained: Trained, cut: Cut, pooled: Pooled, levers: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """[unique_id, ds, model, yhat, COMPONENTS ..., ANSWERS ...] of the last of the `trained` models for bucket 0 of a
    cut, and the first prices [unique_id, first_price] of its series; the models before it are those that it combines.
    `levers` is the table of the response to price and promotion.
    """
    design = read_design(cut, cut.frame(0))
    history = decompose(design, pooled).filter(pl.col("ds") > cut.cutoff)
    effects = with_response(history.select(*KEY, "level", *EFFECTS), levers, cut, design.first_price)
    leaves = of_series(trained.fitted, trained.on)
    additive = pl.col("model").is_in([name for name, fitted in leaves.items() if is_additive(fitted)])
    steps = lever_steps(leaves, cut, design.first_price).join(effects, on=KEY, how="left", maintain_order="left")
    parts = split(steps.with_columns(additive=additive))
    return _combined(trained, parts, cut), design.first_price


def is_additive(fitted: Fitted) -> bool:
    """Whether a plan adds to the forecasts of a model, and does not multiply them."""
    if isinstance(fitted, FittedStats):
        return fitted.spec.transform == "none"
    return isinstance(fitted, FittedLightGBM) and fitted.target == "change"


def explained_model(prepared: Prepared) -> str:
    """The model whose forecasts can be made of a few series: the champion, or the base model of a reconciliation."""
    champion = prepared.bundle.champion
    fitted = prepared.bundle.trained.fitted[champion]
    return fitted.base if isinstance(fitted, FittedReconcile) else champion


def _combined(trained: Trained, parts: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    """The contributions of the last of the trained models, which combines those before it."""
    step = cut.config.frequency.steps(pl.lit(cut.cutoff), pl.col("ds"))
    for name, fitted in trained.fitted.items():
        if isinstance(fitted, FittedEnsemble):
            shares = member_shares(fitted, parts.select(*KEY, "model", "yhat", step=step))
            made = combine(parts, shares, name)
            parts = pl.concat([parts, made.select(parts.columns)])
    return parts.filter(pl.col("model") == list(trained.fitted)[-1])


def _of_published(parts: pl.DataFrame, published: pl.DataFrame, prepared: Prepared) -> tuple[pl.DataFrame, list[str]]:
    """The contributions of the published forecasts, and what to say where they are made of other data today."""
    rows = published.join(parts.drop("model").rename({"yhat": "_now"}), on=KEY, maintain_order="left").sort(KEY)
    off = pl.col("yhat") - pl.sum_horizontal(COMPONENTS)
    reconciled = prepared.bundle.champion != explained_model(prepared)
    home = "reconciliation" if reconciled else "rest"
    moved = rows.filter((pl.col("yhat") - pl.col("_now")).abs() > ENOUGH * pl.max_horizontal(pl.col("yhat").abs(), 1.0))
    warnings = []
    if moved.height and not reconciled:
        units = float((moved["_now"] - moved["yhat"]).sum())
        warnings.append(
            f"{moved.height} of these forecasts would be others today ({units:+,.1f} units): data or plans have "
            "changed since they were published; the difference is in the rest."
        )
    return rows.with_columns((pl.col(home) + off).alias(home)).select(*KEY, "yhat", *COMPONENTS, *ANSWERS), warnings


def _sentence(rows: pl.DataFrame) -> str:
    """What is behind the rows, all of them together."""
    ids, days = rows["unique_id"].unique().sort(), rows["ds"]
    what = "".join(ids) if len(ids) == 1 else f"{len(ids):,} series"
    span = f"on {days.min()!s}" if days.n_unique() == 1 else f"from {days.min()!s} to {days.max()!s}"
    return tell(f"{what} {span}", float(rows["yhat"].sum()), {c: float(rows[c].sum()) for c in COMPONENTS})
