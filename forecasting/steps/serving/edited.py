"""Forecasts of an edited plan: `predict_cut` takes a Bundle and a Cut of one bucket and returns the champion's rows.

What edits do to levers (prices, promotions), the response of the bundle answers: `split_edits` finds these edits, and
`answer_levers` takes rows forecast without them and returns them with. All other edits go into the cut. Nothing is
written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TypeVar

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.data.schemas.lever_table import LEVERS
from forecasting.planning.response.answer import apply_response
from forecasting.planning.scenario import both_conditions, sql_text
from forecasting.steps.forecasting.bucket_forecasts import forecast_bucket
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.calibration import calibrate
from forecasting.steps.forecasting.ensembles import combine_medians
from forecasting.steps.forecasting.forecast import forecast
from forecasting.steps.forecasting.origin import origin_of
from forecasting.steps.forecasting.reconciliation import reconcilers
from forecasting.steps.forecasting.training import Trained
from forecasting.steps.serving.served import Served, found_once, rows_of

E = TypeVar("E", bound=Edit)


def split_edits(bundle: Bundle, edits: Iterable[E]) -> tuple[tuple[E, ...], tuple[E, ...]]:
    """The edits of levers, which the response answers, and the others, which the model does."""
    known, every = bundle.lever_columns, tuple(edits)
    return tuple(e for e in every if e.column in known), tuple(e for e in every if e.column not in known)


def levers_of(served: Served, ids: pl.Series, columns: Collection[str]) -> pl.DataFrame:
    """What the table `levers` says of these series and columns alone, which is found sooner; of all series where one of
    them is new, and responds like the others.
    """
    every, asked = every_lever(served), pl.col("column").is_in(list(columns))
    mine = rows_of(every, ids).filter(asked)
    return mine if mine["unique_id"].n_unique() == ids.len() else every.filter(asked)


def every_lever(served: Served) -> pl.DataFrame:
    """What the table `levers` says of all series, sorted by series; without rows where nothing is known."""

    def find() -> pl.DataFrame:
        table = pl.DataFrame(schema=LEVERS) if served.bundle.levers is None else served.bundle.levers
        return table.filter(pl.col("grain") == "series").sort("unique_id", "lever")

    return found_once(served, "levers", find)


def answer_levers(rows: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """The forecast rows with the response `factors` [unique_id, ds, factor, error]; rows without one stay.

    They gain difference-lo-L and difference-hi-L of the levels whose bounds they have.
    """
    levels = sorted({int(c.removeprefix("lo-")) for c in rows.columns if c.startswith("lo-")})
    return apply_response(rows, factors, levels)


def predict_cut(bundle: Bundle, cut: Cut) -> pl.DataFrame:
    """The champion's rows with bounds, one per series and period, for a cut whose panel has the one bucket 0."""
    trained = bundle.trained.only(bundle.champion)
    rows = _predict_jointly(trained, cut) if reconcilers(trained) else forecast_bucket(trained, cut, 0)
    calibrated = calibrate(rows.with_columns(grain=pl.lit("series")), bundle.quantiles, cut.config)
    combined = combine_medians(calibrated, trained.fitted_on("series"), cut.config.level)
    return combined.filter(pl.col("model") == bundle.champion)  # without the members of an ensemble


def _predict_jointly(trained: Trained, cut: Cut) -> pl.DataFrame:
    """The rows of the cut's series when all series are forecast, the others as planned: reconciliation needs them."""
    ids = cut.panel.scan(0).select("unique_id").unique().collect()
    listed = f"unique_id IN ({', '.join(map(sql_text, ids['unique_id'].sort()))})"
    edits = (replace(edit, where=both_conditions(edit.where, listed)) for edit in cut.edits)
    every = replace(cut, panel=cut.panel.part_of or cut.panel, edits=tuple(edits))
    rows = pl.concat(forecast(trained, origin_of(every)), how="diagonal")
    return rows.filter(pl.col("grain") == "series").join(ids, on="unique_id", how="semi")
