"""What each input of the trees adds to forecasts: `explain_inputs` takes a Session and a SeriesFilter, returns rows.

They are the exact contributions of the boosters behind the champion's published forecasts, in units. Nothing is stored.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from forecasting.columns import user_name
from forecasting.data.panel import KEY
from forecasting.errors import UserError
from forecasting.features.descriptions import describe_feature
from forecasting.models.lightgbm import FittedLightGBM
from forecasting.models.lightgbm.contributions import AVERAGE, tree_contributions
from forecasting.steps.explaining.explain import EVERY, explained_model
from forecasting.steps.explaining.vintage import newest_vintage, prepare
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.session import Session


def explain_inputs(
    session: Session,
    series: SeriesFilter = EVERY,
    days: tuple[date, date] | None = None,
    cutoff: date | None = None,
) -> pl.DataFrame:
    """[unique_id, ds, model, input, units, what]: for each LightGBM behind the champion's forecasts of `series`, its
    inputs by size; the units of a row and model add up to what that model forecasts before bounds and caps.

    Raises UserError without a published forecast, without such a series, and where no trees are behind the champion.
    """
    prepared = prepare(session, *newest_vintage(session, cutoff))
    trained = prepared.bundle.trained.only(explained_model(prepared))
    trees = {name: fitted for name, fitted in trained.fitted.items() if isinstance(fitted, FittedLightGBM)}
    if not trees:
        raise UserError(
            f"{prepared.bundle.champion} has no trees whose inputs could be explained", where=session.config.name
        )
    cut = prepared.select(series)
    parts = [tree_contributions(fitted, cut, 0).with_columns(model=pl.lit(name)) for name, fitted in trees.items()]
    prepared.keep(cut)
    rows = pl.concat(parts).filter(pl.col("ds").is_between(*days)) if days else pl.concat(parts)
    names = rows["input"].unique().sort().to_list()
    texts = {n: describe_feature(n, prepared.config) for n in names} | {
        AVERAGE: "the average row at this level of sales"
    }
    text = pl.col("input").replace_strict(texts, return_dtype=pl.String)
    shown = pl.col("input").replace_strict({n: user_name(n) for n in names}, return_dtype=pl.String)
    made = rows.select(*KEY, "model", shown.alias("input"), "units", text.alias("what"))
    return made.sort(*KEY, "model", pl.col("units").abs(), "input", descending=[False, False, False, True, False])
