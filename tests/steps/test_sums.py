"""Sums of a published vintage: which rows they stand on, and what is said where they cannot be told."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from forecasting.errors import UserError
from forecasting.models.weights import Weights
from forecasting.steps.export import export_table
from forecasting.steps.forecasting import bundles
from forecasting.steps.past_errors import past_errors
from forecasting.steps.queries import sums as module
from forecasting.steps.queries.sums import sums
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import LAST, OVER, H

KEY = ["unique_id", "ds", "cutoff"]


HOMES = pl.DataFrame(schema={"unique_id": pl.String})
"""No aggregates."""


@pytest.fixture(scope="module")
def told(ran) -> pl.DataFrame:
    return sums(open_session(ran[0].config()), (7, H))


def test_every_series_and_aggregate_has_a_row_for_each_number_of_periods(ran, told):
    assert told.columns == [
        *("unique_id", "grain", "periods", "last", "yhat", "q50", *chain.BOUNDS),
        *("cutoff", "model", "version"),
    ]
    assert dict(told.group_by("grain").len().iter_rows()) == {"series": 16, "store": 4, "total": 2}
    assert set(told.select("periods", "last").iter_rows()) == {(n, LAST + timedelta(n)) for n in (7, H)}
    champion = ran[1]["train"].facts["champion"]
    assert told.select("cutoff", "model", "version").unique().row(0) == (LAST, champion, 1)


def test_means_are_those_of_the_forecast_and_bounds_are_not(ran, told):
    rows = ran[0].table("forecasts").filter(pl.col("model") == told["model"][0], pl.col("step") <= 7)
    added = rows.group_by("unique_id", "grain").agg(pl.col("yhat", "lo-80", "hi-80").sum())
    both = told.filter(pl.col("periods") == 7).join(added, on=["unique_id", "grain"], suffix=":added")
    assert both.height == 11
    assert both["yhat"].to_list() == pytest.approx(both["yhat:added"].to_list())
    width, sum_of_widths = (both.select(pl.col(f"hi-80{s}") - pl.col(f"lo-80{s}")).to_series() for s in ("", ":added"))
    assert (width < sum_of_widths).all()
    assert both.select(pl.col("yhat").is_between("lo-95", "hi-95").all()).item()


def test_errors_are_those_that_the_bounds_rest_on(ran):
    """The champion's two newest windows that were over; a year of other rows in the table is none of them."""
    config = ran[0].config()
    session = open_session(config)
    rows = past_errors(session.store, bundles.fetch(session.registry, 1), HOMES)
    assert sorted(rows["cutoff"].unique()) == [LAST - timedelta(2 * H), OVER]
    assert rows["model"].unique().to_list() == [ran[1]["train"].facts["champion"]]
    assert set(rows["grain"]) == {"series", "store", "total"}


def test_errors_of_a_combination_are_those_of_its_weights_of_today(ran):
    """In the windows both members weighed the same; today all is said by one of them."""
    session = open_session(ran[0].config())
    store, bundle = session.store, bundles.fetch(session.registry, 1)
    today = Weights.same({"LightGBM": 1.0, "Regression": 0.0})
    fitted = bundle.trained.fitted | {"Ensemble": replace(bundle.trained.fitted["Ensemble"], weights=today)}
    served = replace(bundle, champion="Ensemble", trained=replace(bundle.trained, fitted=fitted))
    said = past_errors(store, served, HOMES).filter(grain="series").sort(KEY)
    alone = past_errors(store, replace(bundle, champion="LightGBM"), HOMES).filter(grain="series").sort(KEY)
    assert said["model"].unique().to_list() == ["Ensemble"]
    assert said["yhat"].to_list() == pytest.approx(alone["yhat"].to_list())


def test_they_are_exported_over_the_horizon_when_nothing_else_is_asked(ran, tmp_path):
    assert export_table(open_session(ran[0].config()), "sums", tmp_path / "sums.xlsx") == 11
    assert pl.read_excel(tmp_path / "sums.xlsx", sheet_name="data")["periods"].unique().to_list() == [H]
    about = dict(pl.read_excel(tmp_path / "sums.xlsx", sheet_name="about").iter_rows())
    assert about["frequency"] == "one row per sum over the first `periods` days, which ends with `last`"


@pytest.mark.parametrize(
    ("table", "over", "says"),
    [
        ("sums", (7, 15), "over 15: the forecast covers 14 periods; choose 1 to 14"),
        ("sums", (0,), "over 0: .* choose 1 to 14"),
        ("forecasts", (7,), "over: belongs to the export of sums: forecasts holds single periods"),
    ],
)
def test_a_number_that_cannot_be_summed_over_is_told(ran, tmp_path, table, over, says):
    with pytest.raises(UserError, match=says):
        export_table(open_session(ran[0].config()), table, tmp_path / "a.csv", over=over)


def test_without_a_vintage_the_way_is_told(ran):
    with pytest.raises(UserError, match="no forecast is published at 1999-01-01; the step predict has to run first"):
        sums(open_session(ran[0].config()), cutoff=LAST.replace(year=1999, month=1, day=1))
    with pytest.raises(UserError, match="no forecast is published; the step predict has to run first"):
        sums(open_session(chain.make().config()))


def test_without_a_window_the_key_is_named(ran, monkeypatch):
    monkeypatch.setattr(module, "past_errors", lambda *asked: past_errors(*asked).clear())
    with pytest.raises(
        UserError, match=r"job\.yaml.*backtest\.calibration: no backtest window of \w+ tells its errors"
    ):
        sums(open_session(ran[0].config()))


def test_a_vintage_from_before_tells_how_to_make_it_anew(ran):
    job = ran[0].copy()
    store = open_session(job.config()).store
    rows = job.table("forecasts").with_columns(scale=pl.lit(None, pl.Float64))
    store.replace("forecasts", rows, cutoff=LAST, version=1)
    # a vintage of that time names no version of the table: its rows are read as they are now
    store.replace("vintages", job.table("vintages").with_columns(forecasts_version=pl.lit(None, pl.Int64)))
    with pytest.raises(UserError, match="run the step predict once more, with force"):
        sums(open_session(job.config()))
