"""Golden predictions: forecasts of a few series that a bundle keeps, to see later that it still forecasts the same.

`golden_forecasts` returns them for Trained models at a cut; `compare_golden` takes a Bundle and the session of the data
that it was trained on, forecasts again, and returns what differs. A bundle is what a training has fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from forecasting.data.buckets import collect_each
from forecasting.data.cut import Cut
from forecasting.data.launch_curves import launch_curves_at
from forecasting.data.panel import KEY, Panel, part_of_panel
from forecasting.data.schemas import interval_columns
from forecasting.services.store import Store
from forecasting.steps.forecasting.bucket_forecasts import forecast_bucket
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.calibration import calibrate
from forecasting.steps.forecasting.ensembles import combine_medians
from forecasting.steps.forecasting.training import Trained
from forecasting.steps.session import Session

GOLDEN_SERIES = 5
"""Series whose forecasts a bundle keeps: from the least to the most that sells."""
TOLERANCE = 1e-6
"""How far a value may be off: in units of y for values below 1, as a share of larger ones. Another machine adds up in
another order; that is far below it."""
ROW = [*KEY, "model"]


def golden_forecasts(trained: Trained, quantiles: pl.DataFrame, cut: Cut, store: Store) -> pl.DataFrame:
    """[unique_id, ds, model, yhat, q50, bounds] of all models of single series, of a few of the cut's series.

    Models that reconcile need the forecasts of all series, and have no rows.
    """
    _ = cut.coming_group_data, launch_curves_at(cut)  # walks through all buckets, which the gate needs as well
    part = Cut(_sample(cut.panel, _spread_series(store)), cut.cutoff, cut.h).with_shared_frames(cut.shared_frames())
    return _forecast(trained, quantiles, part)


def compare_golden(bundle: Bundle, served: Session) -> tuple[int, pl.DataFrame]:
    """How many golden values were compared, and those that differ: [unique_id, ds, model, column, kept, now].

    `served` is the session of the data of the training with the bundle's recipe. A row that is not forecast any more
    differs: `now` is null. Raises ValueError for a bundle without golden predictions.
    """
    if bundle.golden is None:
        raise ValueError("the bundle has no golden predictions")
    sampled = _sample(served.panel, bundle.golden["unique_id"].unique().to_list())
    cut = Cut(sampled, date.fromisoformat(bundle.facts["cutoff"]), served.config.h)
    rows = _forecast(bundle.trained, bundle.quantiles, cut)
    values = [c for c in bundle.golden.columns if c not in ROW and c in rows.columns]
    kept, now = (
        frame.unpivot(values, index=ROW, variable_name="column", value_name=name)
        for name, frame in (("kept", bundle.golden), ("now", rows))
    )
    both = kept.join(now, on=[*ROW, "column"], how="left", maintain_order="left")
    off = (pl.col("now") - pl.col("kept")).abs() > TOLERANCE * pl.max_horizontal(pl.col("kept").abs(), 1.0)
    return both.height, both.filter(off | (pl.col("now").is_null() != pl.col("kept").is_null()))


def _forecast(trained: Trained, quantiles: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    """The rows with bounds of a cut whose panel has the one bucket 0."""
    rows = forecast_bucket(trained, cut, 0).with_columns(grain=pl.lit("series"))
    calibrated = calibrate(rows, quantiles, cut.config)
    combined = combine_medians(calibrated, trained.fitted_on("series"), cut.config.level)
    return combined.select(*ROW, "yhat", "q50", *interval_columns(cut.config.level)).sort(ROW)


def _spread_series(store: Store) -> list[str]:
    """Series at equal distances from the least to the most that sells."""
    volume = (pl.col("n") * pl.col("mean")).fill_null(0.0)
    ids = store.scan("series").select("unique_id", _volume=volume).sort("_volume", "unique_id").collect()["unique_id"]
    places = {round(i * (ids.len() - 1) / (GOLDEN_SERIES - 1)) for i in range(GOLDEN_SERIES)}
    return [str(ids[place]) for place in sorted(places)] if ids.len() else []


def _sample(panel: Panel, ids: Sequence[str]) -> Panel:
    mine = pl.col("unique_id").is_in(list(ids))
    return part_of_panel(panel, pl.concat(collect_each([panel.scan(b).filter(mine) for b in panel.buckets])))
