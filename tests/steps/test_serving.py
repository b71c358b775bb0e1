"""Forecasts on request: what is kept between requests says the same as a walk over all series."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.data.cut import Cut
from forecasting.data.edits import CellEdit
from forecasting.data.panel import KEY, part_of_panel
from forecasting.planning.response.answer import apply_response, response_factors
from forecasting.steps.serving import online
from forecasting.steps.serving.edited import predict_cut
from forecasting.steps.serving.held import open_served, served_for
from forecasting.steps.serving.plans import plan_with_values
from forecasting.steps.serving.served import Served, rows_of
from forecasting.steps.session import open_session
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


def test_means_of_peers_are_the_planned_ones_where_nothing_is_edited_that_they_are_compared_by(served):
    ids = served.series["unique_id"].sort().head(1)
    cells = ids.to_frame("unique_id").with_columns(ds=pl.lit(LAST + timedelta(2)), value=pl.lit(0.0))
    found = online._peer_means(served, ids, (CellEdit.of("open", cells),))
    assert_frame_equal(found, Cut(served.job.panel, LAST, H).coming_group_data.peer_means, rel_tol=1e-12)


@pytest.mark.parametrize("column", ["price", "promo"])
def test_an_answer_is_that_of_forecasting_the_series_again_and_responding_to_the_whole_plan(served, column):
    """The short way reads published rows and edited cells alone; the long one makes the forecast of the plan again."""
    ids = served.series["unique_id"].sort().gather_every(5).head(2)
    values = ids.to_frame("unique_id").with_columns(pl.lit(LAST + timedelta(2)).alias("ds"), pl.lit(0.9).alias(column))
    panel = served.job.panel
    rows = pl.concat([panel.scan(b) for b in panel.buckets]).filter(pl.col("unique_id").is_in(ids.implode())).collect()
    edit = CellEdit.of(column, values.select(*KEY, value=column))
    cuts = [Cut(part_of_panel(panel, rows), LAST, H, edits) for edits in ((), (edit,))]
    plans = [cut.frame(0).filter(pl.col("ds") > LAST) for cut in cuts]
    levels = served.config.level
    expected = apply_response(
        predict_cut(served.bundle, cuts[0]), response_factors(*plans, served.bundle.levers), levels
    )
    (found,) = online.forecast_changed(served, ids, values)
    numbers = [
        "yhat",
        *(f"{side}-{level}" for side in ("lo", "hi", "difference-lo", "difference-hi") for level in levels),
    ]
    assert (found["difference-hi-80"] - found["difference-lo-80"]).max() > 0
    both = [frame.select(*KEY, *numbers).sort(KEY) for frame in (found, expected)]
    assert_frame_equal(*both, abs_tol=1e-9, rel_tol=1e-9)


def test_values_that_are_planned_already_give_the_published_rows_bit_for_bit(served):
    ids = served.series["unique_id"].sort().head(3)
    planned = served.plans(served.job.panel.buckets)
    values = rows_of(planned, ids).select(*KEY, *served.columns)
    assert plan_with_values(served, ids, values).changes(served.columns) == ()
    (found,) = online.forecast_changed(served, ids, values)
    published = rows_of(served.published(served.job.panel.buckets), ids)
    assert found.select(published.columns).sort(KEY).equals(published.sort(KEY))


def test_rows_of_one_series_are_those_that_a_filter_finds(served):
    for bucket in served.job.panel.buckets:
        rows = served.plans([bucket])
        for one in rows["unique_id"].unique():
            assert rows_of(rows, pl.Series("unique_id", [one])).equals(rows.filter(pl.col("unique_id") == one))
    assert rows_of(rows, pl.Series("unique_id", ["nobody"])).is_empty()


def test_what_is_served_is_kept_while_the_session_is_of_the_same_vintage(served):
    config = served.config
    again = served_for(open_session(config))
    assert again is served_for(open_session(config))
    other = served_for(open_session(config.model_copy(update={"level": (50,)})))
    assert other is not again


def test_what_is_forecast_on_request_knows_what_the_published_forecast_knew() -> None:
    """Sales that were loaded since are in neither, until they are forecast from: what differs is the edit."""
    job = chain.ran()[0].copy()
    published = open_served(job.config()).published(range(99))
    late = pl.col("ds") > LAST - timedelta(28)
    chain.sample().with_columns(y=pl.when(late).then(pl.col("y") * 3).otherwise("y")).write_parquet(
        job.folder / "sales.parquet"
    )
    job.run(["ingest"])
    served = open_served(job.config())
    assert served.session.store.load > served.vintage["data_version"]
    ids = served.series["unique_id"].sort().head(2)
    values = pl.DataFrame({"unique_id": ids, "ds": [LAST + timedelta(H)] * 2, "open": [0, 0]})
    rows = pl.concat(online.forecast_changed(served, ids, values))
    before = pl.col("ds") < LAST + timedelta(H - 1)
    both = rows.filter(before).join(published, on=["unique_id", "ds", "model"], suffix="_published")
    assert both.height == 2 * (H - 2)
    assert both["yhat"].to_list() == pytest.approx(both["yhat_published"].to_list())
    assert rows.filter(pl.col("ds") == LAST + timedelta(H))["yhat"].to_list() == [0.0, 0.0]
