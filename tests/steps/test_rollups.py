"""Rollups of a vintage against figures computed from its rows, and pages that no longer read these."""

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.features.group_sums import AT_ONCE, Total
from forecasting.services.store import Store
from forecasting.steps import queries
from forecasting.steps.rollups import read_series_rollups, scan_totals, write_rollups
from forecasting.steps.session import Session, open_session
from tests.dashboard import fake_store as fake

LAST, H = fake.LAST, fake.H
MINE = (pl.col("version") == 2) & (pl.col("cutoff") == LAST) & (pl.col("grain") == "series")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, dict[str, pl.DataFrame]]:
    """A job whose newest vintage has rollups, and the frames of its tables."""
    config = fake.config_in(tmp_path_factory.mktemp("job"))
    frames = fake.fill(config)
    session = open_session(config)
    before = read_series_rollups(session)
    write_rollups(session.panel, session.store, session.vintages.row(0, named=True))
    return open_session(config), frames | {"computed": before}


def test_a_series_has_its_forecast_last_year_price_and_errors(job):
    session, frames = job
    rows = read_series_rollups(session).sort("unique_id")
    ahead = frames["forecasts"].filter(MINE, pl.col("model") == "LightGBM")
    total = ahead.group_by("unique_id").agg(pl.col("yhat").sum()).sort("unique_id")
    assert rows["yhat"].to_list() == pytest.approx(total["yhat"].to_list())
    tea = rows.filter(unique_id="S4/tea").row(0, named=True)
    panel = frames["panel"].filter(unique_id="S4/tea")
    ago = panel.filter(pl.col("ds").is_between(LAST - timedelta(363), LAST - timedelta(364 - H)))
    assert tea["last_year"] == ago["y"].sum()
    assert tea["price"] == panel.filter(ds=LAST)["price"].item()
    past = frames["backtests"].filter(
        pl.col("grain") == "series", pl.col("unique_id") == "S4/tea", pl.col("model") == "LightGBM"
    )
    off = past.select(pl.col("yhat") - pl.col("y")).to_series()
    assert tea["wape"] == pytest.approx(off.abs().sum() / past["y"].sum())
    assert tea["bias"] == pytest.approx(off.sum() / past["y"].sum())


def test_a_vintage_without_rollups_gives_the_same_rows(job):
    session, frames = job
    assert_frame_equal(read_series_rollups(session), frames["computed"], check_row_order=False)


def test_totals_are_the_sums_of_the_members_of_each_group(job):
    session, frames = job
    ahead = frames["forecasts"].filter(MINE).with_columns(store=pl.col("unique_id").str.split("/").list.first())
    totals = scan_totals(session, LAST, 2).collect()
    whole = ahead.group_by("ds", "model").agg(pl.col("yhat").sum())
    stores = ahead.group_by(pl.format("store={}", "store").alias("group"), "ds", "model").agg(pl.col("yhat").sum())
    expected = pl.concat([whole.select(pl.lit("total").alias("group"), "ds", "model", "yhat"), stores])
    shown = totals.filter(pl.col("group").is_in(expected["group"].unique().implode()))
    assert_frame_equal(shown, expected, check_row_order=False)


def test_the_overview_reads_no_rows_of_forecasts_and_panel(job, monkeypatch):
    session, _ = job
    seen, scan = [], Store.scan
    monkeypatch.setattr(Store, "scan", lambda self, name, /, **k: seen.append(name) or scan(self, name, **k))
    assert queries.read_kpis(session).total == pytest.approx(read_series_rollups(session)["yhat"].sum())
    assert queries.read_largest_series(session, 3)["wape"].count() == 3
    assert not {"panel", "forecasts", "backtests"} & set(seen)


def test_rollups_are_seen_once_their_vintage_is_published(job):
    session, _ = job
    for name in ("rollups", "totals"):
        rows = session.store.scan(name).filter(version=2).with_columns(version=pl.lit(9, pl.Int64)).collect()
        session.store.replace(name, rows, version=9)
    assert rows.height
    assert scan_totals(session, LAST, 9).collect().is_empty()
    assert scan_totals(session, LAST, 2).collect().height == rows.height


def test_an_aggregate_that_was_not_forecast_is_read_from_the_totals(job):
    session, frames = job
    older, version = frames["vintages"].filter(version=1).select("cutoff", "version").row(0)
    before = queries.read_forecast(session, queries.TOTAL, older, version, "LightGBM")
    write_rollups(session.panel, session.store, session.vintages.row(1, named=True))
    after = queries.read_forecast(session, queries.TOTAL, older, version, "LightGBM")
    assert_frame_equal(after, before)
    assert after.height == H


def test_sums_of_more_buckets_than_are_added_up_at_once():
    part = pl.DataFrame({"group": ["total"], "ds": [LAST], "yhat": [2.0], "model": ["Naive"]})
    total = Total(("group", "ds", "model"))
    for _ in range(3 * AT_ONCE + 1):
        total.add(part)
    assert_frame_equal(total.sums(), part.with_columns(yhat=pl.lit(2.0 * (3 * AT_ONCE + 1))))
