"""Workers travel by reference, write their own part, and give the same rows in another process."""

import pickle
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting import models
from forecasting.config import Config
from forecasting.data.cut import Cut, keep_frames
from forecasting.data.panel import InProcess
from forecasting.services.engine import LocalEngine
from forecasting.services.store.unfinished import Progress
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bucket_worker import BucketWorker, Shared
from forecasting.steps.forecasting.calibration import learn_quantiles
from forecasting.steps.forecasting.forecast import write_forecasts
from forecasting.steps.forecasting.origin import origin_of
from forecasting.steps.forecasting.stored_rows import Destination
from forecasting.steps.forecasting.training import NO_BACKTESTS, train_models
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import LAST, H

SMALL = 20_000
"""Bytes of what is sent to a worker, however much the panel and the models hold."""
KEY = ["unique_id", "ds", "model"]


@pytest.fixture(scope="module")
def config() -> Config:
    return chain.ran()[0].copy().config()


def worker(config: Config, folder: str, version: int) -> BucketWorker:
    """What forecasts a bucket of the chain at its last day, and writes it as another version."""
    session = open_session(config)
    bundle = bundles.fetch(session.registry, 1)
    to = Destination(session.store, "forecasts", {"cutoff": LAST, "version": version}, {"version": version})
    shared = Shared(Cut(session.panel, LAST, H), bundle.trained, bundle.quantiles, folder)
    return BucketWorker(shared, to, Progress(f"{folder}/progress"))


def stored(config: Config, version: int) -> pl.DataFrame:
    rows = open_session(config).store.scan("forecasts").filter(pl.col("version") == version, pl.col("bucket") >= 0)
    return rows.collect().sort(KEY).drop("version")


def test_a_worker_is_small_and_writes_the_same_rows_in_another_process(config):
    with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
        mine = worker(config, here, 7)(0)
        other = worker(config, there, 8)
        assert len(pickle.dumps(other)) < SMALL < other.shared.cut.frame(0).estimated_size()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            summary = pool.submit(other, 0).result()
    assert (mine.rows, mine.series, mine.days) == (summary.rows, summary.series, summary.days)
    assert_frame_equal(mine.sums, summary.sums, check_row_order=False)
    assert_frame_equal(mine.silent, summary.silent, check_row_order=False)
    assert_frame_equal(stored(config, 7), stored(config, 8))
    assert_frame_equal(stored(config, 8), stored(config, 1))


def test_a_kept_frame_is_made_once_for_all_processes_and_for_no_other_cut(config, tmp_path, monkeypatch):
    panel = open_session(config).panel
    cut, plain = keep_frames(Cut(panel, LAST, H), Progress(str(tmp_path))), Cut(panel, LAST, H)
    assert_frame_equal(cut.frame(0), plain.frame(0))
    with monkeypatch.context() as patch:
        patch.setattr(Cut, "_frame", lambda *_: pytest.fail("made again"))
        assert_frame_equal(pickle.loads(pickle.dumps(cut)).frame(0), plain.frame(0))
    earlier = LAST - timedelta(H)
    assert_frame_equal(replace(cut, cutoff=earlier).frame(0), Cut(panel, earlier, H).frame(0))
    assert [file.name for file in tmp_path.iterdir()] == ["frame-0.arrow"]


def test_a_worker_holds_nothing_of_a_bucket_that_is_done(config, tmp_path):
    """What all buckets share is kept, as is what belongs to none; memory does not grow with the buckets."""
    done = worker(config, str(tmp_path), 9)
    cut = done.shared.cut
    cut.cached("of no bucket", lambda: pl.DataFrame({"x": [1]}))
    done(0)
    assert list(cut._cache.held()) == [(None, "of no bucket")]
    assert "groups" in cut.shared_frames()


def test_two_processes_write_what_one_does(tmp_path):
    job = chain.make(models=["ladder"])
    job.run(["ingest"], store__buckets=2)
    session = open_session(job.config())
    panel = replace(session.panel, engine=InProcess())
    origin = origin_of(Cut(panel, LAST, H))
    trained = train_models(models.build(session.config), origin, NO_BACKTESTS)
    quantiles = learn_quantiles(NO_BACKTESTS, {}, origin)
    written = []
    for version, engine in ((1, InProcess()), (2, LocalEngine(2))):
        to = Destination(session.store, "forecasts", {"cutoff": LAST, "version": version}, {"version": version})
        cut = replace(origin.cut, panel=replace(panel, engine=engine))
        written.append(
            write_forecasts(trained, replace(origin, cut=cut), quantiles, to, Progress(f"{tmp_path}/{version}"))
        )
    assert replace(written[0], silent=written[1].silent) == written[1]
    assert_frame_equal(written[0].silent, written[1].silent)
    rows = session.store.scan("forecasts").collect().partition_by("version", include_key=False)
    assert [set(part["bucket"]) for part in rows] == [{-1, 0, 1}] * 2
    assert_frame_equal(rows[0].sort(KEY), rows[1].sort(KEY), rel_tol=1e-12)
    assert written[0].rows == rows[0].height
    assert written[0].series == rows[0].filter(pl.col("bucket") >= 0)["unique_id"].n_unique()


def test_rows_that_an_earlier_run_left_in_other_buckets_are_removed(config):
    session = open_session(config)
    store = session.store
    old = store.scan("forecasts").filter(pl.col("version") == 1).collect()
    old = old.with_columns(bucket=pl.lit(5, pl.Int32), version=pl.lit(9, pl.Int64))
    store.replace("forecasts", old, cutoff=LAST, version=9)
    to = Destination(store, "forecasts", {"cutoff": LAST, "version": 9}, {"version": 9})
    kept = old["model"].unique().sort().to_list()
    to.remove_others([5], kept[1:])
    left = store.scan("forecasts").filter(pl.col("version") == 9).collect()
    assert sorted(left["model"].unique()) == kept[1:]
    to.remove_others([0], kept)
    assert store.scan("forecasts").filter(pl.col("version") == 9).collect().is_empty()
