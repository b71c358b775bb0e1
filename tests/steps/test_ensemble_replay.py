"""Past windows are forecast again by the weights of today; everything else stays as it was."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.data.cut import Cut
from forecasting.models.ensemble import FittedEnsemble
from forecasting.models.weights import Weights
from forecasting.steps.forecasting import calibration
from forecasting.steps.forecasting.ensembles import replay
from forecasting.steps.forecasting.origin import origin_of
from forecasting.steps.session import open_session
from tests import chain


class Member:
    """A model with nothing but a name."""

    def __init__(self, name: str) -> None:
        self.name = name


def combination(weights: dict[str, float], middle: dict[str, float]) -> FittedEnsemble:
    columns = {"segment": ["all"] * len(weights), "model": list(weights)}
    columns |= {"weight": list(weights.values()), "middle": list(middle.values())}
    homes = pl.DataFrame(schema={"unique_id": pl.String, "segment": pl.String})
    return FittedEnsemble("Both", tuple(Member(name) for name in weights), Weights.read(pl.DataFrame(columns), homes))


def past() -> pl.DataFrame:
    """Two windows that overlap, in which both members weighed the same, of two series and their sum; what the second
    one sold was not observed in the second window.
    """
    rows = []
    for window in (1, 2):
        forecasts = (("A", 2.0 * window, 1.0), ("B", 6.0 * window, 3.0), ("Both", 4.0 * window, 2.0))
        for name, grain in (("a", "series"), ("b", "series"), ("total", "total")):
            y = None if (name, window) == ("b", 2) else 5.0
            for model, yhat, scale in forecasts:
                rows.append((name, date(2024, 1, 3), date(2024, 1, window), model, model, grain, y, yhat, None, scale))
    columns = ["unique_id", "ds", "cutoff", "model", "source", "grain", "y", "yhat", "q50", "scale"]
    made = pl.DataFrame(rows, schema=columns, orient="row")
    return made.with_columns(pl.col("q50").cast(pl.Float64), cold_start=pl.lit(value=False), step=pl.lit(1, pl.Int32))


def homes() -> pl.DataFrame:
    return pl.DataFrame({"unique_id": ["a", "b"], "total": ["total", "total"]})


def replayed(rows: pl.DataFrame, name: str = "Both") -> pl.DataFrame:
    """The rows of a model by weights of 3 to 1 for the mean, and by A alone for the median."""
    models = {"Both": combination({"A": 0.75, "B": 0.25}, {"A": 1.0, "B": 0.0}), "A": Member("A")}
    return replay(rows.filter(model=name), rows.lazy(), models[name], homes)


def test_each_window_is_forecast_by_todays_weights():
    mine = replayed(past()).filter(unique_id="a").sort("cutoff")
    assert mine["yhat"].to_list() == pytest.approx([0.75 * 2 + 0.25 * 6, 0.75 * 4 + 0.25 * 12])
    assert mine["q50"].to_list() == pytest.approx([2.0, 4.0])
    assert mine["scale"].to_list() == pytest.approx([0.75 * 1 + 0.25 * 3] * 2)


def test_aggregates_are_the_sums_of_the_days_that_were_observed():
    mine = replayed(past()).filter(grain="total").sort("cutoff")
    assert mine["yhat"].to_list() == pytest.approx([2 * (0.75 * 2 + 0.25 * 6), 0.75 * 4 + 0.25 * 12])


def test_other_models_stay_as_they_were():
    rows = past()
    assert_frame_equal(replayed(rows, "A"), rows.filter(model="A"))
    assert replayed(rows).columns == rows.columns


def test_without_rows_of_members_nothing_changes():
    alone = past().filter(model="Both")
    assert_frame_equal(replayed(alone), alone)


def test_bounds_of_models_that_are_calibrated_together_are_those_of_each_alone(monkeypatch):
    job = chain.ran()[0]
    stored, session = job.table("backtests").lazy(), open_session(job.config())
    at = origin_of(Cut(session.panel, chain.LAST, session.config.h))
    tables = []
    for at_once in (1, 10**9):
        monkeypatch.setattr(calibration, "AT_ONCE", at_once)
        tables.append(calibration.learn_quantiles(stored, {}, at))
    assert tables[0]["model"].n_unique() > 3
    assert_frame_equal(*tables, check_exact=True)
