"""The step maintain: versions beyond the retention go, what readers see stays, online feature rows are refreshed."""

import json
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.errors import UserError
from forecasting.services.store.vintages import publish_vintage, scan_published
from forecasting.steps.feature_store import online
from forecasting.steps.feature_store.versions import read_versions
from forecasting.steps.maintain import maintain, summarize
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import Job

DAY_MS = 86_400_000
FIRST = date(2024, 1, 1)
SETTINGS = {
    "source": {"kind": "table", "path": "", "columns": {"unique_id": ["item"], "ds": "day", "y": "units"}},
    "columns": {}, "future": {}, "h": 2, "levels_of_aggregation": [[]], "models": ["ladder"],
    "limits": {"volume": None},
}  # fmt: skip
DERIVED = ("panel", "series", "groups")


def loaded(loads: int) -> Job:
    """A job after so many loads, each of which corrects all rows of the one before."""
    job = chain.make(chain.sample().head(0), **SETTINGS)
    for k in range(loads):
        load(job, k)
    return job


def load(job: Job, k: int) -> None:
    rows = [(item, FIRST + timedelta(day), float(k + day)) for item in "ab" for day in range(20)]
    path = job.folder / f"{k}.parquet"
    pl.DataFrame(rows, schema={"item": pl.String, "day": pl.Date, "units": pl.Float64}, orient="row").write_parquet(
        path
    )
    job.run(["ingest"], **{"source.path": str(path)})


def age(job: Job, days: int) -> None:
    """Make all that the job has removed so far so many days older, as if nothing had happened since."""
    for log in (job.folder / "lake" / "chain").rglob("_delta_log/*.json"):
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        for action in actions:
            if "remove" in action:
                action["remove"]["deletionTimestamp"] -= days * DAY_MS
        log.write_text("\n".join(map(json.dumps, actions)))
    for file in (job.folder / "lake").rglob("*.parquet"):
        os.utime(file, (file.stat().st_mtime - days * 86_400,) * 2)


def run(job: Job, **overrides: Any) -> dict[str, Any]:
    return maintain(open_session(job.config(**overrides))).facts


def test_loads_stay_readable_for_the_retention_and_the_newest_for_ever():
    job = loaded(2)
    age(job, 20)
    load(job, 2)
    age(job, 20)  # load 1 was replaced 40 days ago, load 2 20 days ago
    before = {name: job.table(name) for name in DERIVED}
    assert run(job, store__retention=60)["removed"] == {}
    removed = run(job, store__retention=30)["removed"]
    assert set(DERIVED) <= set(removed)
    with pytest.raises(UserError, match="the files of load 1 are not kept any more"):
        open_session(job.config(data_version=1))
    second = open_session(job.config(data_version=2)).store.scan("panel").collect()
    assert second.filter(pl.col("ds") == FIRST)["y"].to_list() == [1.0, 1.0]
    run(job, store__retention=0)
    with pytest.raises(UserError, match="the files of load 2 are not kept any more"):
        open_session(job.config(data_version=2))
    for name in DERIVED:
        assert_frame_equal(job.table(name), before[name], check_row_order=False)


def test_a_load_that_was_killed_does_not_cost_the_published_one_its_files(monkeypatch):
    """What it has written is the newest version, and what it replaced lies beyond the retention."""
    from forecasting.steps.ingestion import load_state

    job = loaded(1)
    before = job.table("panel")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(load_state, "publish_load", die)
        with pytest.raises(KeyboardInterrupt):
            load(job, 1)
    age(job, 90)
    run(job)
    assert_frame_equal(job.table("panel"), before)
    load(job, 2)  # takes back what the killed one has left
    assert job.table("panel").filter(pl.col("ds") == FIRST)["y"].to_list() == [2.0, 2.0]


def test_the_published_forecasts_stay_while_others_are_half_written():
    job = loaded(1)
    store = open_session(job.config()).store
    cutoff = FIRST + timedelta(19)
    key = {"unique_id": ["a"], "ds": [cutoff + timedelta(1)], "cutoff": [cutoff], "model": ["m"], "version": [1]}
    rows = pl.concat([store.tables["forecasts"].empty(), pl.DataFrame(key)], how="diagonal_relaxed")
    rows = rows.with_columns(bucket=pl.lit(0, pl.Int32), grain=pl.lit("series"))
    store.append("forecasts", rows.with_columns(yhat=1.0))
    row = {"cutoff": cutoff, "version": 1, "forecasts_version": store.version("forecasts")}
    publish_vintage(store, {name: None for name in store.tables["vintages"].schema if name != "published_at"} | row)
    store.replace("forecasts", rows.with_columns(yhat=2.0))  # its vintage is not published
    age(job, 90)
    run(job)
    assert scan_published(open_session(job.config()).store).collect()["yhat"].to_list() == [1.0]


def test_small_files_of_many_loads_are_merged_and_every_load_is_still_read(monkeypatch):
    monkeypatch.setattr("forecasting.steps.maintain.MANY_FILES", 6)
    job = chain.make(chain.sample().head(0), **SETTINGS)
    for k in range(8):
        path = job.folder / f"{k}.parquet"
        pl.DataFrame({"item": ["a"], "day": [FIRST + timedelta(k)], "units": [float(k)]}).write_parquet(path)
        job.run(["ingest"], **{"source.path": str(path)})
    before = {name: job.table(name) for name in DERIVED}
    facts = run(job)
    assert facts["merged"]["panel"] == 8
    for name in DERIVED:
        assert_frame_equal(job.table(name), before[name], check_row_order=False)
    assert open_session(job.config(data_version=5)).store.scan("panel").collect().height == 5
    assert maintain(open_session(job.config())).reused


def test_online_rows_are_refreshed_where_a_job_has_them():
    job = loaded(1)
    assert run(job)["online"] is None
    online.publish_online_table(open_session(job.config()))
    load(job, 1)
    facts = run(job)
    assert facts["online"] == {"version": 2, "cutoff": str(FIRST + timedelta(19))}
    versions = read_versions(open_session(job.config()).store, "features", "chain-online")
    assert versions["version"].to_list() == [2, 1]
    assert summarize(facts)[0].lines[2] == "online feature rows: version 2, for the days after 2024-01-20"


def test_before_the_first_load_there_is_nothing_to_maintain(tmp_path: Path):
    job = chain.make(chain.sample().head(0), **SETTINGS)
    with pytest.raises(UserError, match="no data are loaded yet"):
        run(job)
    assert not (job.folder / "lake").exists()
