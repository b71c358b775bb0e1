"""A run that is killed: nothing of it is seen, and the next one goes on at the bucket where it stopped."""

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks import kills
from forecasting.steps import predict, run_step
from forecasting.steps.export import read_table
from forecasting.steps.forecasting import bucket_worker, training
from forecasting.steps.forecasting.stored_rows import Destination
from forecasting.steps.ingestion import rebuild
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import LAST, Job

pytestmark = pytest.mark.system

MODELS = ["ladder", chain.LIGHT, {"ensemble": {"members": ["LightGBM", "SeasonalNaive"]}}]
BUCKETS = 3
WINDOWS = 3
SECOND = chain.OVER - (LAST - chain.OVER)
"""The second of three windows."""


class Killed(BaseException):
    """As with SIGKILL, no handler of errors catches it."""


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})


def loaded() -> Job:
    job = chain.make(models=MODELS, backtest={"windows": 2, "step": chain.H, "calibration": 1})
    job.run(["ingest"], store__buckets=BUCKETS)
    return job


def run(job: Job, step: str) -> None:
    run_step(step, job.config(store__buckets=BUCKETS))


def exported(job: Job, table: str) -> pl.DataFrame:
    rows = read_table(open_session(job.config()), table)
    return rows.sort([c for c in ("cutoff", "model", "grain", "unique_id", "ds", "metric") if c in rows.columns])


def killed_behind_write(patch: pytest.MonkeyPatch, stop: int) -> None:
    """The process ends when the rows of its bucket number `stop` are written, before that is noted anywhere."""
    real, written = Destination.write, []

    def write(self: Destination, *words, **keys) -> None:
        real(self, *words, **keys)
        written.append(1)
        if len(written) == stop:
            raise Killed

    patch.setattr(Destination, "write", write)


def counted(patch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each bucket is forecast, and each model fitted, from now on."""
    begun: Counter[str] = Counter()
    forecast, fit = bucket_worker.BucketWorker.__call__, training._fit

    def forecasting(self, bucket):
        begun[f"{self.destination.within['cutoff']} bucket {bucket}"] += 1
        return forecast(self, bucket)

    def fitting(model, at, *words):
        begun[f"{at.cut.cutoff} {model.name}"] += 1
        return fit(model, at, *words)

    patch.setattr(bucket_worker.BucketWorker, "__call__", forecasting)
    patch.setattr(training, "_fit", fitting)
    return begun


def test_each_step_goes_on_at_the_bucket_where_it_was_killed(monkeypatch):
    some = loaded()
    clean = some.copy()
    for step in ("backtest", "train", "predict"):
        run(clean, step)
    begun = counted(monkeypatch)
    for step, stop, table in (("backtest", BUCKETS + 1 + 2, "backtests"), ("predict", 2, "forecasts")):
        with monkeypatch.context() as patch:
            killed_behind_write(patch, stop)
            with pytest.raises(Killed):
                run(some, step)
        assert exported(some, table).is_empty()
        run(some, step)
        if step == "backtest":
            run(some, "train")
    for table in ("backtests", "scores", "forecasts"):
        told = [exported(job, table) for job in (clean, some)]
        assert_frame_equal(*told, check_exact=True)
    models = 4 + 2
    assert len(begun) == WINDOWS * (BUCKETS + models) + models + BUCKETS
    assert [unit for unit, times in begun.items() if times > 1] == [f"{SECOND} bucket 1", f"{LAST} bucket 1"]


def killed_behind_bucket(patch: pytest.MonkeyPatch, stop: int) -> list[int]:
    """The load ends when bucket number `stop` of the panel is merged, before that is noted; the buckets merged."""
    real, merged = rebuild._merge_bucket, []

    def merge(load, panel, stored):
        written = real(load, panel, stored)
        merged.append(panel["bucket"].first())
        if len(merged) == stop:
            raise Killed
        return written

    patch.setattr(rebuild, "_merge_bucket", merge)
    return merged


def test_a_rebuild_of_the_panel_goes_on_at_the_bucket_where_it_was_killed(monkeypatch):
    clean, some = loaded(), chain.make(models=MODELS)
    with monkeypatch.context() as patch:
        killed_behind_bucket(patch, 2)
        with pytest.raises(Killed):
            run(some, "ingest")
    assert some.table("panel").is_empty()
    with monkeypatch.context() as patch:
        merged = killed_behind_bucket(patch, 0)
        run(some, "ingest")
    assert merged == [1, 2]
    for table, key in (("panel", ["unique_id", "ds"]), ("series", ["unique_id"]), ("groups", ["group", "ds"])):
        told = [job.table(table).sort(key) for job in (clean, some)]
        assert_frame_equal(*told, check_exact=True)


def test_a_load_of_other_rows_takes_back_what_a_killed_one_has_left(monkeypatch):
    """Of the rows of the killed one nothing is left, whatever both have in common."""
    some = chain.make(models=MODELS)
    with monkeypatch.context() as patch:
        killed_behind_bucket(patch, 2)
        with pytest.raises(Killed):
            run(some, "ingest")
    rows = chain.sample().filter(pl.col("item") != chain.sample()["item"].first()).with_columns(pl.col("y") * 3)
    rows.write_parquet(some.folder / "sales.parquet")
    with monkeypatch.context() as patch:
        merged = killed_behind_bucket(patch, 0)
        run(some, "ingest")
    assert merged == [0, 1, 2]
    panel = some.table("panel")
    assert panel["y_raw"].sum() == pytest.approx(rows["y"].sum())
    assert panel["unique_id"].n_unique() == rows.select("store", "item").n_unique()


def test_a_vintage_that_is_forecast_again_is_published_also_when_the_first_try_was_killed(monkeypatch):
    """The second run finds all rows written, and still has to make them visible."""
    some = loaded()
    for step in ("backtest", "train", "predict"):
        run(some, step)
    before = exported(some, "forecasts")
    lately = pl.col("ds") > LAST - timedelta(30)
    rows = chain.sample().with_columns(y=pl.when(lately).then(pl.col("y") * 2).otherwise("y"))
    rows.write_parquet(some.folder / "sales.parquet")
    run(some, "ingest")
    with monkeypatch.context() as patch:
        patch.setattr(predict, "publish_vintage", _killed)
        with pytest.raises(Killed):
            run(some, "predict")
    assert_frame_equal(exported(some, "forecasts"), before, check_exact=True)
    run(some, "predict")
    after = exported(some, "forecasts")
    assert after.height == before.height
    assert after["yhat"].sum() > 1.2 * before["yhat"].sum()


def _killed(*_words, **_keys):
    raise Killed


@pytest.mark.slow
def test_a_job_that_is_killed_at_moments_drawn_by_a_seed_ends_as_an_undisturbed_one(tmp_path: Path):
    size, moments = kills.Size(2, 4, 300, 3), random.Random(1)
    undisturbed = kills.make_job(tmp_path / "undisturbed", size)
    writes = kills.run(undisturbed)
    config = kills.make_job(tmp_path / "killed", size)
    assert kills.run_killed(config, moments, writes, 4) >= 3
    kills.assert_same(undisturbed, config)
    assert kills.repeated(config).total() <= 4
