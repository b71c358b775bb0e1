"""The whole system brought up on this machine, two nights by its own clock, a worker killed; everything taken down."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.conftest import SEEN
from tests.servers import Postgres
from tests.system.course import TOMORROW, Course, Notes
from tests.system.job import CUTOFFS, OWNER
from tests.system.machine import brought_up

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, s3_server: str) -> Notes:
    """What was seen from the first process to the last; all of them have ended."""
    notes = Notes()
    with brought_up(tmp_path_factory.mktemp("machine"), postgres, s3_server) as machine:
        notes.add(f"up on PostgreSQL: Prefect at {machine.api.url}, MLflow at {machine.mlflow}; S3 at {s3_server}")
        Course(machine, notes).through()
    notes.add("everything is down")
    return notes


def test_nights_begin_by_the_clock_of_the_schedule(seen, record_property):
    record_property(SEEN, seen.lines)
    due = {run["expected_start_time"][:19] for run in seen.nights if run["auto_scheduled"]}
    assert {f"{night:%Y-%m-%dT%H:%M:%S}" for night in seen.due} <= due


def test_the_killed_run_is_started_again_and_nothing_half_done_was_served(seen):
    assert seen.served_then == CUTOFFS[0]
    assert (seen.restarted["run_count"], seen.restarted["state"]["name"]) == (2, "Completed")


@pytest.mark.parametrize("table", ["panel", "series", "groups", "forecasts", "vintages"])
def test_tables_are_those_of_undisturbed_steps(seen, table):
    mine, undisturbed = (newest(tables[table]) for tables in seen.tables)
    assert mine.height > 0
    assert_frame_equal(mine, undisturbed, check_exact=True)


def newest(rows: pl.DataFrame) -> pl.DataFrame:
    """Of the forecasts from a cutoff on those of the newest version: how many came before depends on the clock."""
    return rows.filter(pl.col("version") == pl.col("version").max().over("cutoff")) if "version" in rows else rows


def test_drift_with_damage_is_told_once(seen):
    assert [facts["cutoff"] for facts in seen.monitored] == [str(cutoff) for cutoff in CUTOFFS[1:]]
    assert "y" in seen.monitored[0]["drifted"]
    assert {"y", "price"} <= set(seen.monitored[1]["drifted"]), "two weeks of it"
    (mail,), (posted,) = seen.mail, seen.posted
    assert "Forecasts are worse than expected" in posted["subject"]
    assert mail["To"] == OWNER
    assert f"owner: {OWNER}" in posted["body"]


def test_damage_leads_to_one_training_whose_reason_is_kept(seen):
    assert seen.retraining["state"]["type"] == "COMPLETED"
    assert seen.versions.height == 2
    assert seen.status.version == 2
    assert "damage" in seen.tags["retrained_for"]


def test_who_is_nobody_gets_nothing(seen):
    assert seen.nobody[0] == 401
    assert seen.nobody[1] in (303, 307, 401), "the pages send one to the sign-in"
    assert seen.signed_in == 303
    assert seen.page.status_code == 200
    assert "_dash" in seen.page.text


def test_the_api_answers_from_the_newest_night(seen):
    assert (seen.status.through, seen.status.cutoff) == (CUTOFFS[2], CUTOFFS[2])
    rows = seen.tables[0]["forecasts"].filter(
        pl.col("unique_id") == "S1/bread",
        pl.col("cutoff") == CUTOFFS[2],
        pl.col("ds") == TOMORROW,
        pl.col("model") == seen.answer.model,
        pl.col("version") == 2,
    )
    assert seen.answer.mean == pytest.approx(rows["yhat"].item())
    assert seen.dearer.price == 2.0
