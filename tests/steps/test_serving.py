"""Forecasts on request: what is kept between requests says the same as a walk over all series."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.data.cut import Cut
from forecasting.data.edits import CellEdit
from forecasting.steps.serving import online
from forecasting.steps.serving.held import open_served
from forecasting.steps.serving.served import Served
from tests import chain
from tests.chain import LAST, H


@pytest.fixture(scope="module")
def served() -> Served:
    return open_served(chain.ran()[0].copy().config())


def plan(served: Served, price: float) -> pl.DataFrame:
    """Another price of two series on a coming day."""
    ids = served.series["unique_id"].sort().gather_every(5).head(2)
    return ids.to_frame().with_columns(ds=pl.lit(LAST + timedelta(2)), price=pl.lit(price))


def test_what_peers_have_in_common_with_a_plan_is_what_a_walk_over_all_series_finds(served):
    values = plan(served, 9.75)
    edit = CellEdit.of("price", values.select("unique_id", "ds", value="price"))
    walked, planned = (Cut(served.job.panel, LAST, H, e).coming_group_data.peer_means for e in ((edit,), ()))
    found = online._peer_means(served, values["unique_id"], (edit,))
    assert_frame_equal(found, walked, rel_tol=1e-12)
    assert not found.equals(planned)


def test_a_second_request_is_answered_as_the_first_and_reads_nothing_of_other_series(served, monkeypatch):
    values = plan(served, 9.75)
    (first,) = online.forecast_changed(served, values["unique_id"], values)
    monkeypatch.setattr(type(served.job.panel.scan), "__call__", lambda *_: pytest.fail("the panel was read again"))
    (second,) = online.forecast_changed(served, values["unique_id"], values)
    assert_frame_equal(first, second)
    (other,) = online.forecast_changed(served, values["unique_id"], plan(served, 1.25))
    assert (
        other.filter(ds=LAST + timedelta(2))["yhat"].to_list() != first.filter(ds=LAST + timedelta(2))["yhat"].to_list()
    )
